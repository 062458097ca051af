#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every program that the scripts and tests of deploy/, test/ and .ci/ start is in a package that
deploy/local/deps.sh installs for them, and in test/runner/programs if a check needs it.

Shell is parsed by shfmt; from Python and C come the first words of the lists that programs are
started with. Programs of packages that every Debian has (Essential, or of priority required) are left out."""
import json
import os
import re
import shutil
import subprocess
import sys

DEPS = "deploy/local/deps.sh"
TABLE = "test/runner/programs"
PATH = os.environ["PATH"] + ":/usr/local/sbin:/usr/sbin:/sbin"
# Commands that start the command in their arguments.
PREFIXES = {"env", "exec", "run", "timeout", "xargs", "setsid", "nohup", "command", "component_spawn", "stage",
            "seconds", "until_true", "wait_until", "wait_ready", "daemon_start_at", "in_registries", "programs_copy"}
# Which groups of deps.sh are installed where a folder's scripts run; the longest match counts.
GROUPS = {"deploy/": ["build", "run"], "test/": ["build", "test"], "test/lint/": ["build", "test", "lint"],
          "test/conformance/": ["build", "run", "models"],
          "test/sdks/": ["build", "run", "sdks"], ".ci/": ["build", "test", "lint", "models"]}
# The first words of Python's and C's lists; what the shell of a C string calls.
LISTS = {".py": r"(?:subprocess\.\w+|Popen)\(\[\s*\"([\w.+-]+)\"",
         ".c": r"(?:execl?p?\(|\(char \*\[\]\)\{)\"([\w.+-]+)\"", ".h": r"(?:execlp?\(|\(char \*\[\]\)\{)\"([\w.+-]+)\""}


def output(argv, text=None):
    return subprocess.run(argv, input=text, capture_output=True, text=True, check=False).stdout


def deps_of(groups):
    """The packages of deps.sh's groups; it installs docker.io for `run` where there is no client."""
    with open(DEPS, encoding="utf-8") as file:
        found = dict(re.findall(r"^ *\[(\w+)\]=\"([^\"]*)\"", file.read(), re.M))
    return {package for group in groups for package in found[group].split()} | {"docker.io"}


def literal(word):
    """The text of a word without expansions, else None."""
    parts = word.get("Parts", [])
    if len(parts) != 1:
        return None
    if parts[0]["Type"] in ("Lit", "SglQuoted"):
        return parts[0].get("Value", "")
    inner = parts[0].get("Parts", []) if parts[0]["Type"] == "DblQuoted" else []
    return inner[0].get("Value", "") if len(inner) == 1 and inner[0]["Type"] == "Lit" else None


def walk(node):
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


class Shell:
    """One file's commands and the names of its functions."""

    def __init__(self, text, dialect):
        self.commands, self.functions = set(), set()
        parsed = subprocess.run(["shfmt", "-ln", dialect, "--to-json"], input=text, capture_output=True,
                                text=True, check=False)
        if parsed.returncode:
            raise SystemExit(f"packages: {parsed.stderr.strip()}")
        for node in walk(json.loads(parsed.stdout)):
            if node.get("Type") == "FuncDecl":
                self.functions.add(node["Name"]["Value"])
            elif node.get("Type") == "CallExpr" and node.get("Args"):
                self.call([literal(word) for word in node["Args"]])

    def call(self, words):
        first, rest = words[0], [word for word in words[1:] if word]
        if first and re.fullmatch(r"[\w.+-]+", first):
            self.commands.add(first)
        if first == "bash" and "-c" in rest[:1] and len(rest) > 1:
            inner = Shell(rest[1], "bash")
            self.commands |= inner.commands
            self.functions |= inner.functions
        if first in PREFIXES:
            # Of the words any may be the command: those that are programs here.
            self.commands |= {word for word in rest if re.fullmatch(r"[\w+.-]+", word) and is_program(word)}


def is_program(word):
    return shutil.which(word, path=PATH) is not None


def package_of(program):
    """(package, whether every Debian has it); None when the program is not there or of no package."""
    for folder in PATH.split(":"):
        path = os.path.join(folder, program)
        if not os.access(path, os.X_OK):
            continue
        resolved = os.path.realpath(path)
        for candidate in (path, path.removeprefix("/usr"), resolved, resolved.removeprefix("/usr")):
            line = "".join(row for row in output(["dpkg", "-S", candidate]).splitlines(True)
                           if not row.startswith("diversion"))
            if line:
                package = line.split(":")[0].split(",")[0]
                fields = output(["dpkg-query", "-W", "-f", "${Essential} ${Priority}", package])
                return package, "yes" in fields or "required" in fields
    return None


def sources():
    """{path: commands}, and the names of all functions."""
    found, functions = {}, set()
    for path in output(["git", "ls-files", "-co", "--exclude-standard", "deploy", "test", ".ci"]).splitlines():
        if not os.path.isfile(path):
            continue
        extension = os.path.splitext(path)[1]
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        if extension in (".sh", ".bash", ".bats") or re.match(r"#!.*\bbash", text):
            shell = Shell(text, "bats" if extension == ".bats" else "bash")
            found[path] = shell.commands
            functions |= shell.functions
        elif extension in LISTS or re.match(r"#!.*python", text):
            found[path] = set(re.findall(LISTS.get(extension, LISTS[".py"]), text))
    return found, functions


def table_read():
    with open(TABLE, encoding="utf-8") as file:
        lines = [line.split() for line in file if line.strip() and not line.startswith("#")]
    return {program: package for package, *programs in lines for program in programs}


def check(found, functions):
    """What is wrong, a line each."""
    builtin = set(output(["bash", "-c", "compgen -bk"]).split())
    bats = {"load", "run", "skip", "bats_require_minimum_version"}
    table, wrong, known = table_read(), [], {}
    for path, commands in sorted(found.items()):
        folder = max((prefix for prefix in GROUPS if path.startswith(prefix)), key=len)
        allowed = deps_of(GROUPS[folder])
        for program in sorted(commands - functions - builtin - bats):
            if program not in known:
                known[program] = package_of(program)
                if not known[program] and program in table:
                    known[program] = table[program], False
            if not known[program]:
                wrong.append(f"{path}: {program}: no such program here, or of no package")
                continue
            package, everywhere = known[program]
            if everywhere:
                continue
            if package not in allowed:
                wrong.append(f"{path}: {program}: its package {package} is not in {DEPS} ({', '.join(GROUPS[folder])})")
            if folder == "test/" and table.get(program) != package:
                wrong.append(f"{path}: {program} of {package} is not in {TABLE}")
    packages = deps_of(["test"])
    wrong += [f"{TABLE}: {package} is not in {DEPS}" for package in sorted(set(table.values()) - packages - {"gcc"})]
    return wrong


def main():
    found, functions = sources()
    if not any(found.values()):
        sys.exit("packages: found no command at all")
    wrong = check(found, functions)
    print("\n".join(wrong), end="\n" if wrong else "")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
