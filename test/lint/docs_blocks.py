#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The commands in the pages: every block of shell is run by a test, or says why it cannot be.

Usage: docs_blocks.py [ROOT]    checks all pages; prints what is wrong and fails
       docs_blocks.py PAGE      prints the page's blocks as one script, for test/e2e/lib/docs.bash

A block is run as it is written unless the line before its fence is <!-- not run: REASON -->. The pages that the
scenarios run are those that RUNNER names as `page FILE`.
"""
import glob
import json
import os
import re
import subprocess
import sys

RUNNER = "test/e2e/sockerless_ecs_docs.bats"
SHELL = ("sh", "bash", "console")
OTHER = ("json", "text", "c", "make", "yaml", "hcl")
REASON_MIN = 12
COMMAND = re.compile(r"^(\$ )?(sudo |export )?(docker|make|terraform|curl|sockerless-[a-z-]+|aws|gcloud|git) [a-z./-]")
# What begins a path of this repository, in `code`; FOLDER, X, NAME stand for something else.
FOLDERS = "test|deploy|common|frontend|agent|docs|proto|backend-[a-z]+|\\.ci"


def pages():
    listed = subprocess.run(["git", "ls-files", "*.md"], capture_output=True, text=True, check=False).stdout.split()
    return sorted(listed or glob.glob("**/*.md", recursive=True))


class Block:
    """line: of the fence; reason: why it is not run, or None."""

    def __init__(self, page, line, language, reason):
        self.page, self.line, self.language, self.reason = page, line, language, reason
        self.lines = []

    def where(self):
        return f"{self.page}:{self.line}"

    def text(self):
        return "".join(line + "\n" for line in self.lines)


def blocks_of(page):
    """The blocks of a page, and its lines outside of them with their numbers."""
    blocks, prose, open_block, before = [], [], None, ""
    with open(page, encoding="utf-8") as file:
        for number, line in enumerate(file.read().split("\n"), 1):
            fence = re.match(r"^ *```+\s*(\w*)", line)
            if fence and open_block:
                blocks.append(open_block)
                open_block = None
            elif fence:
                marked = re.match(r"^ *<!-- not run:\s*(.*?)\s*-->\s*$", before)
                open_block = Block(page, number, fence[1], marked[1] if marked else None)
            elif open_block:
                open_block.lines.append(line)
            else:
                prose.append((number, line))
            before = line if line.strip() else before
    if open_block:
        sys.exit(f"{open_block.where()}: the block has no end")
    return blocks, prose


def make_targets():
    with open("Makefile", encoding="utf-8") as file:
        text = file.read()
    names = " ".join(re.findall(r"^\.PHONY:(.*)$", text, re.M)) + " compile_commands.json"
    return set(names.split())


def make_faults(text, targets):
    """Targets that `make …` commands in the text name and the Makefile has not."""
    for words in re.findall(r"(?:^|[`(;&|]|\s)make((?: +[^`\s;&|)#]+)*)", text, re.M):
        for word in words.split():
            if re.fullmatch(r"[a-z][a-z_-]*", word) and word not in targets:
                yield f"the Makefile has no target {word}"
                break
            if not word.startswith("-") and "=" not in word and not re.fullmatch(r"[a-z][a-z_-]*", word):
                break


def check_faults(text):
    """`make check T=NAME`: there is such a test."""
    for name in re.findall(r"\bmake check[^\n`]*\bT=([a-z_0-9]+)", text):
        if not glob.glob(f"test/unit/*/{name}.c") and not os.path.exists(f"test/e2e/{name}.bats"):
            yield f"there is no test {name}"


def json_faults(text):
    try:
        json.loads(text)
    except ValueError as why:
        yield f"this is not JSON: {why}"


def block_faults(block, run_pages, targets):
    if block.language not in SHELL + OTHER + ("",):
        yield f"the language {block.language} is not one of {', '.join(SHELL + OTHER)}"
    if block.language not in SHELL:
        if block.language == "json":
            yield from json_faults(block.text())
        if any(COMMAND.match(line) for line in block.lines):
            yield "the block has commands: write ```sh"
        return
    if block.reason is None and block.page not in run_pages:
        yield f"no test runs this block: {RUNNER} has no `page {block.page}`, and there is no <!-- not run: REASON -->"
    if block.reason is not None and len(block.reason) < REASON_MIN:
        yield "<!-- not run: REASON --> has no reason"
    syntax = subprocess.run(["bash", "-n"], input=block.text(), capture_output=True, text=True, check=False)
    if syntax.returncode:
        yield f"bash does not take it: {syntax.stderr.strip()}"
    yield from make_faults(block.text(), targets)
    yield from check_faults(block.text())


def prose_faults(page, prose, targets):
    for number, line in prose:
        if re.match(r"^ {4,}", line) and COMMAND.match(line.strip()):
            yield number, "a command outside of a ```sh block"
        for code in re.findall(r"`([^`]+)`", line):
            if code.startswith("make "):
                yield from ((number, fault) for fault in make_faults(code, targets))
                yield from ((number, fault) for fault in check_faults(code))
            path = re.fullmatch(rf"((?:{FOLDERS})/[a-z0-9_./-]+?)/?", code)
            if path and not glob.glob(path[1]) and not path[1].startswith(("test/unit/", "agent/")):
                yield number, f"there is no {path[1]}"


def run_pages():
    try:
        with open(RUNNER, encoding="utf-8") as file:
            return set(re.findall(r"^\s+page (\S+)", file.read(), re.M))
    except FileNotFoundError:
        return set()


def check():
    targets, run, faults, seen = make_targets(), run_pages(), [], 0
    for page in pages():
        blocks, prose = blocks_of(page)
        for block in blocks:
            seen += block.language in SHELL
            faults += [f"{block.where()}: {fault}" for fault in block_faults(block, run, targets)]
        faults += [f"{page}:{number}: {fault}" for number, fault in prose_faults(page, prose, targets)]
    faults += [f"{RUNNER}: there is no {page}" for page in sorted(run) if not os.path.exists(page)]
    print("\n".join(faults), file=sys.stderr, end="\n" if faults else "")
    if not seen:
        sys.exit("docs_blocks.py: no block of shell in any page")
    return 1 if faults else 0


def script(page):
    """Each block in between docs_block and docs_block_over, which the runner defines."""
    for block in blocks_of(page)[0]:
        if block.language not in SHELL or block.reason is not None:
            continue
        names = " ".join(re.findall(r"^export (\w+)=", block.text(), re.M))
        print(f"docs_block {block.where()}\n{block.text()}docs_block_over {names}")


if __name__ == "__main__":
    given = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
    if os.path.isdir(given):
        os.chdir(given)
        sys.exit(check())
    script(given)
