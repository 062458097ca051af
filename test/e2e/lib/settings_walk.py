#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Walks a program's table of settings (its --settings) and gives each one values that are wrong.

Usage: settings_walk.py DIRECTORY PID|PROGRAM [FLAG…]

PID is of a running program whose command line and environment are known to be right: what is said
there counts, except for its places (addresses, directories), which get new ones in DIRECTORY, and
for FLAG…, in which {} stands for a number from 0 to 255. Every wrong value must end the program within 5 s with exit code 1 or 2 and one line of
error that names the flag, the variable and what to do. Prints what did not, and fails then.
"""
import concurrent.futures
import contextlib
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

REMEDY = re.compile(r"\b(give|choose|make|set|unset|stop|expected|one of|must|leave|listen on|"
                    r"like|longer than|has)\b")
INSTRUMENTED = re.compile(r"==\d+==WARNING: ASan doesn't fully support")
# On an idle machine; others share a busy one.
LIMIT_S = 5 * max(1, os.getloadavg()[0] / os.cpu_count())
numbers = itertools.count()


def claim():
    """(socket, number from 0 to 255): nothing else in this network namespace has the number until the
    socket is closed."""
    for number in range(256):
        holder = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(OSError):
            holder.bind(f"\0sockerless-settings-{number}")
            return holder, number
        holder.close()
    raise RuntimeError("256 programs run at once")


class Program:
    def __init__(self, directory, what, flags):
        self.directory = directory
        if what.isdigit():
            with open(f"/proc/{what}/cmdline", "rb") as file:
                self.command = [os.fsdecode(word) for word in file.read().split(b"\0")[:-1]]
            with open(f"/proc/{what}/environ", "rb") as file:
                pairs = [os.fsdecode(pair) for pair in file.read().split(b"\0") if b"=" in pair]
            self.environment = dict(pair.split("=", 1) for pair in pairs)
            self.command[0] = os.readlink(f"/proc/{what}/exe")
        else:
            self.command, self.environment = [what], dict(os.environ)
        self.name = os.path.basename(self.command[0])
        self.table = [json.loads(line) for line in self.answer("--settings").splitlines()]
        self.behind = [] if "agent" not in self.name else ["--", "true"]
        self.flags = flags

    def answer(self, flag):
        """What the program prints when it is asked for that, on stdout alone."""
        done = subprocess.run([self.command[0], flag], capture_output=True, text=True,
                              timeout=LIMIT_S, env={}, check=False)
        assert done.returncode == 0 and not done.stderr, f"{flag}: {done}"
        return done.stdout

    def place(self):
        """A path that nobody else uses."""
        return os.path.join(self.directory, str(next(numbers)))

    def address(self, setting):
        scheme = re.match(r"(\w+://)?", setting.get("default", "")).group()
        if scheme in ("unix://", "ipc://"):
            return f"{scheme}{self.place()}"
        return f"{scheme}127.0.0.1:{free_port()}" + ("/" if scheme else "")

    def places(self):
        """Flags for addresses and directories of its own."""
        for setting in self.table:
            if setting["type"] == "listen":
                address = self.address(setting)
                yield f"--{setting['flag']}={address}"
                if setting["flag"] == "callback-listen" and \
                        self.environment.get("SOCKERLESS_CALLBACK_URL"):
                    yield f"--callback-url={address}"
            elif setting["type"] == "directory" and "default" in setting:
                yield f"--{setting['flag']}={self.place()}"

    def start(self, flags, closed=False, variables=None):
        holder, number = claim()
        own = [flag.replace("{}", str(number)) for flag in self.flags]
        command = [*self.command, *self.places(), *own, *flags, *self.behind]
        if closed:
            command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command]
        process = subprocess.Popen(command, env={**self.environment, **(variables or {})}, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, cwd=self.directory)
        process.holder = holder  # until finish()
        return process


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def finish(process):
    """(exit code or None if it had to be killed, stderr)"""
    try:
        _, errors = process.communicate(timeout=LIMIT_S)
        return process.returncode, errors
    except subprocess.TimeoutExpired:
        process.kill()
        return None, process.communicate()[1]
    finally:
        process.holder.close()


def fault_of(setting, code, errors):
    """What is wrong about the end; None: nothing."""
    if code not in (1, 2):
        return f"exit code {code}"
    lines = [line for line in errors.splitlines() if not INSTRUMENTED.match(line)]
    try:
        messages = [entry["message"] for entry in map(json.loads, lines)
                    if entry["level"] == "error"]
    except ValueError:
        return "not a line of the log"
    if len(messages) != 1:
        return f"{len(messages)} lines of error"
    if f"--{setting['flag']}" not in messages[0] or setting.get("variable", "") not in messages[0]:
        return "flag and variable are not both named"
    return None if REMEDY.search(messages[0]) else "it does not say what to do"


# ---- wrong values -------------------------------------------------------------------------------

def wrong_text(_, __):
    yield "two\nlines"
    yield "x" * 16385


def wrong_int(_, setting):
    yield from ("many", "1x", "0x10", "1.5", "9" * 20)
    if "min" in setting:
        yield from (str(setting["min"] - 1), str(setting["max"] + 1))


def wrong_bool(_, __):
    yield from ("maybe", "2")


def dead_link(program):
    path = program.place()
    os.symlink("/nonexistent/target", path)
    return path


def regular_file(program):
    path = program.place()
    with open(path, "w", encoding="utf-8") as file:
        file.write("keep me")
    return path


def wrong_file(program, _):
    yield from ("/nonexistent/file", program.directory, dead_link(program),
                regular_file(program) + "/below")


def wrong_output(program, _):
    yield from ("/nonexistent/file", program.directory, dead_link(program), "/proc/new")


def wrong_directory(program, _):
    yield from (regular_file(program), regular_file(program) + "/below", dead_link(program),
                "/proc/new")


def wrong_unix_address(program, scheme):
    for place in ("/nonexistent/socket", program.directory, regular_file(program),
                  dead_link(program), f"{regular_file(program)}/below", "/proc/new",
                  f"{program.directory}/{'x' * 108}", "relative", ""):
        yield scheme + place
    yield from ("tcp://127.0.0.1", "tcp://127.0.0.1:many", "tcp://127.0.0.1:65536",
                "tcp://0.0.0.0:0", "tcp://nohost.invalid:1")


def wrong_address(program, setting):
    yield from ("nonsense", "bogus://x", "://")
    scheme = re.match(r"(\w+://)?", setting.get("default", "")).group()
    if scheme in ("unix://", "ipc://"):
        yield from wrong_unix_address(program, scheme)
        if "backend" not in program.name:
            yield f"tcp://127.0.0.1:{program.port_in_use}"
    elif not scheme:
        yield from ("127.0.0.1", "127.0.0.1:many", "127.0.0.1:65536", "192.0.2.1:1",
                    f"127.0.0.1:{program.port_in_use}")


WRONG = {"int": [wrong_int], "bool": [wrong_bool], "string": [wrong_text], "guard": [wrong_text],
         "secret": [wrong_text], "file": [wrong_text, wrong_file],
         "output": [wrong_text, wrong_output], "directory": [wrong_text, wrong_directory],
         "listen": [wrong_text, wrong_address]}


# Text that no type describes.
WRONG_TEXT = {
    "agent.sha256": ["abc", "G" * 64],
    "backend": ["bogus://x", "ipc://relative", "tcp://host", "unix:///x", "ipc:///" + "x" * 107],
    "bridge-name": ["x" * 16],
    "callback-url": ["http://host/", "nonsense"],
    "ecs-agent-injection": ["bogus"],
    "ecs-execution-role-arn": ["bogus"],
    "ecs-subnets": [","],
    "ecs-task-role-arn": ["bogus"],
    "agent.injection_method": ["bogus"],
    "endpoint-url": ["ftp://host", "host:1", "http://a b"],
    "gcr-project": ["a b", "a/b"],
    "gcr-region": ["a b", "a/b"],
    "gcr-service-account": ["a b"],
    "insecure-registries": ["http://host", "a b", "host/path"],
    "instance": ["a b", "a/b", "x" * 129],
    "log-level": ["loud", "INFO"],
    "platform": ["linux/amd64/v2/x", "a b", "plan9/s390"],
    "region": ["a b", "a/b"],
    "registry-endpoints": ["docker.io", "docker.io=ftp://host", "=http://host"],
    "registry-mirrors": ["docker.io", "docker.io=ftp://host", "=http://host"],
    "socket-group": ["no such group"],
    "staging-registry": ["UPPER/Case", "host/name:tag", "http://host/name", "a b"],
    "subnet": ["198.18.0.0", "198.18.0.0/33", "nonsense"],
}


def cases(program):
    """(setting, flags, variables)…"""
    for setting in program.table:
        flag = f"--{setting['flag']}"
        yield setting, [flag + "="], {}
        texts = WRONG_TEXT.get(setting["flag"], [])
        if "sim" in program.name and setting["flag"] == "region":
            texts = []  # it is what it is called
        for value in itertools.chain(texts,
                                     *(make(program, setting) for make in WRONG[setting["type"]])):
            yield setting, [f"{flag}={value}"], {}
        if setting["flag"] == "callback-listen":
            taken = f"ws://127.0.0.1:{program.port_in_use}/"
            yield setting, [f"{flag}={taken}", f"--callback-url={taken}"], {}
        if setting["type"] in ("file", "guard", "secret") and "variable" in setting:
            yield setting, [], {setting["variable"]: ""}
        if setting["type"] == "int" and "variable" in setting:
            yield setting, [], {setting["variable"]: "many"}


def walk(program):
    def check(case):
        setting, flags, variables = case
        code, errors = finish(program.start(flags, variables=variables))
        fault = fault_of(setting, code, errors)
        return fault and f"{program.name} {flags or variables!r:.200}: {fault}\n{errors:.2000}"

    with socket.socket() as taken, concurrent.futures.ThreadPoolExecutor(4) as pool:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        program.port_in_use = taken.getsockname()[1]
        results = list(pool.map(check, cases(program)))
    print(f"{program.name}: {len(results)} wrong values")
    return [fault for fault in results if fault]


# ---- a daemon that runs -------------------------------------------------------------------------

def answers(address):
    kind = socket.AF_UNIX if "/" in address else socket.AF_INET
    host, _, port = address.rpartition(":")
    with socket.socket(kind) as probe, contextlib.suppress(OSError):
        probe.connect(address if kind == socket.AF_UNIX else (host, int(port)))
        return True
    return False


def run_daemon(program, closed):
    """Starts it as it is right; SIGHUP and SIGUSR1 do nothing, a second one is refused, SIGTERM
    ends it with 0."""
    listen = next(s for s in program.table if s["flag"] == "listen")
    address, directory = program.address(listen), program.place()
    flags = [f"--listen={address}"]
    kept = [s for s in program.table if s["flag"] == "state-dir"]
    flags += [f"--state-dir={directory}" for _ in kept]
    process = program.start(flags, closed)
    deadline = time.monotonic() + LIMIT_S
    while not answers(address.split("://")[-1]):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            return [f"{program.name} {flags} does not come up:\n{process.communicate()[1]}"]
        time.sleep(0.01)
    faults = []
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        process.send_signal(number)
    for again, setting in [(flags[-1:], (kept or [listen])[0]), (flags[:1], listen)]:
        code, errors = finish(program.start(again))
        if fault := fault_of(setting, code, errors):
            faults.append(f"{program.name}, another with {again}: {fault}\n{errors}")
    if not answers(address.split("://")[-1]):
        faults.append(f"{program.name} ended by itself, or its socket is gone")
    process.terminate()
    code, errors = finish(process)
    if code != 0:
        faults.append(f"{program.name} at SIGTERM, {closed=}: exit code {code}\n{errors}")
    return faults


def check_requests(program):
    usage = program.answer("--help")
    faults = [] if program.answer("-h") == usage else ["-h is not --help"]
    faults += [f"--help does not list --{setting['flag']}" for setting in program.table
               if f"--{setting['flag']}" not in usage]
    if not re.fullmatch(re.escape(program.name) + r" \d+\.\d+\.\d+\n", program.answer("--version")):
        faults.append("--version is not name and version")
    for words in (["--no-such-flag"], ["word"], ["-x"], ["--" + program.table[0]["flag"]]):
        done = subprocess.run([program.command[0], *words], capture_output=True, text=True,
                              timeout=LIMIT_S, env={}, check=False)
        if done.returncode != 2 or done.stdout or len(done.stderr.splitlines()) != 1:
            faults.append(f"{program.name} {words}: {done}")
    return faults


def main():
    program = Program(*sys.argv[1:3], sys.argv[3:])
    faults = check_requests(program) + walk(program)
    if any(setting["flag"] == "listen" for setting in program.table):
        faults += run_daemon(program, closed=False) + run_daemon(program, closed=True)
    print("\n".join(faults))
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
