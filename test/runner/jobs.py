# SPDX-License-Identifier: Apache-2.0
"""The two kinds of jobs: the pool of unit programs, and a scenario file on a stack of its own.

A job is run by one thread of the scheduler: run() fills passed, failed, failures (what failed, for the
summary), slowest [(seconds, what)] and text (shown when anything failed)."""
import concurrent.futures
import os
import re
import resource
import signal
import subprocess
import tempfile
import time

UNIT_TIMEOUT_S = 300
UNITS_AT_ONCE = 6
FILE_TIMEOUT_S = 1800
GRACE_S = 20
SKIPPED = "skipped, which counts as failed"


class Stopped(Exception):
    """The whole run was interrupted."""


class Job:
    """What all have; `running` holds the processes of the moment, to be ended when the run is."""

    def __init__(self, name):
        self.name, self.expected_s, self.took_s = name, 0, 0
        self.passed, self.failed, self.failures, self.slowest = 0, 0, [], []
        self.text, self.note = "", ""
        self.stop = False
        self.running = set()

    def perform(self, workdir):
        began = time.monotonic()
        try:
            self.run(workdir)
        except Stopped:
            self.failures.append(f"{self.name}: interrupted")
            self.failed += 1
        except Exception as error:  # a fault of the runner must not end the other jobs
            self.failures.append(f"{self.name}: {type(error).__name__}: {error}")
            self.failed += 1
        self.took_s = time.monotonic() - began

    def command(self, argv, env, timeout_s):
        """(exit status, output, seconds); the command and what it started are ended after timeout_s."""
        began = time.monotonic()
        with tempfile.TemporaryFile() as out:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                       env=env, start_new_session=True)
            self.running.add(process)
            try:
                status = self.wait(process, began + timeout_s)
            finally:
                self.running.discard(process)
            out.seek(0)
            text = out.read().decode(errors="replace")
        if self.stop:
            raise Stopped
        took_s = time.monotonic() - began
        if status is None:
            status, text = 124, text + f"\nended after {timeout_s} s\n"
        return status, text, took_s

    def wait(self, process, deadline):
        while True:
            try:
                return process.wait(0.5)
            except subprocess.TimeoutExpired:
                if self.stop or time.monotonic() > deadline:
                    end_group(process)
                    return None


def end_group(process):
    """TERM, then KILL, to the session that the process leads."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(GRACE_S)
            return
        except ProcessLookupError:
            process.wait()
            return
        except subprocess.TimeoutExpired:
            pass


class Units(Job):
    """cmocka programs, UNITS_AT_ONCE at a time: they mostly wait."""

    def __init__(self, san, programs):
        super().__init__(prefix(san) + "units")
        self.san, self.programs = san, programs
        self.needs = ["docker-registry"]
        if len(programs) == 1:
            self.name = prefix(san) + "unit " + os.path.basename(programs[0])

    def run(self, workdir):
        with concurrent.futures.ThreadPoolExecutor(UNITS_AT_ONCE) as pool:
            futures = [pool.submit(self.command, [path], dict(os.environ, TMPDIR=workdir), UNIT_TIMEOUT_S)
                       for path in self.programs]
            for path, future in zip(self.programs, futures):
                self.count(os.path.relpath(path, f"build/{self.san}/test/unit"), *future.result())

    def count(self, name, status, text, took_s):
        """cmocka names a failed or skipped test once where it happens and once in its summary."""
        ok = len(re.findall(r"^\[ *OK *\]", text, re.M))
        bad = set(re.findall(r"^\[ *FAILED *\] (?!.*test\(s\))(.*)$", text, re.M))
        skipped = set(re.findall(r"^\[ *SKIPPED *\] (?!.*test\(s\))(.*)$", text, re.M))
        if not bad and not skipped and (status != 0 or ok == 0):
            bad = {f"exit status {status} after {ok} tests"}
        self.passed += ok
        self.failed += len(bad) + len(skipped)
        self.slowest.append((took_s, prefix(self.san) + name, "unit"))
        self.failures += [f"{prefix(self.san)}{name}: {what}" for what in sorted(bad)]
        self.failures += [f"{prefix(self.san)}{name}: {what}: {SKIPPED}" for what in sorted(skipped)]
        if bad or skipped:
            self.text += f"{name}: exit status {status}\n{text}\n"


class Scenarios(Job):
    """test/e2e/run.sh for one file (and what is to be looked at after it) on a new stack."""

    def __init__(self, san, target, cloud, agent, files, left_out):
        where = "dockerd" if target == "dockerd" else cloud + ("-reverse" if agent == "reverse" else "")
        super().__init__(f"{prefix(san)}{where} {files[0]}")
        self.san, self.target, self.cloud, self.agent = san, target, cloud, agent
        self.files, self.left_out = files, left_out
        self.where = prefix(san) + where
        # A real dockerd's own races are not ours: what it can pass is what counts.
        self.tries = 2 if target == "dockerd" else 1

    def run(self, workdir):
        env = dict(os.environ, TARGET=self.target, BACKEND=self.cloud, AGENT=self.agent,
                   BIN_DIR=os.path.abspath(f"build/{self.san}/bin"), E2E_TMP=workdir, TMPDIR=workdir,
                   E2E_LEAVE_OUT=" ".join(self.left_out), DOCKERD_STORAGE="overlay2")
        argv = ["test/e2e/run.sh", self.target] + [f"test/e2e/{name}.bats" for name in self.files]
        for tries_left in range(self.tries - 1, -1, -1):
            try:
                status, text, _ = self.command(argv, env, FILE_TIMEOUT_S)
            finally:
                # A run that was ended leaves its daemons.
                subprocess.run(["test/e2e/clean.sh", workdir], env=env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
            if status == 0 or tries_left == 0:
                self.count(status, text)
                return
            self.note = ", at the second try"

    def count(self, status, text):
        """The count is that of run.sh's last line; the titles come from its TAP."""
        last = re.search(r"^e2e .*: (\d+) passed, (\d+) failed$", text, re.M)
        self.passed, self.failed = (int(last[1]), int(last[2])) if last else (0, 1)
        if status != 0 and self.failed == 0:
            self.failed = 1
        for ok, title, ms in re.findall(r"^(ok|not ok) \d+ (.*?) in (\d+)ms", text, re.M):
            self.slowest.append((int(ms) / 1000, f"{self.where} {self.files[0]}: {title}", "scenario"))
        titles = re.findall(r"^not ok \d+ (.*?)(?: in \d+ms)?$", text, re.M)
        titles += [f"{title}: {SKIPPED}" for title in re.findall(r"^ok \d+ (.*?)(?: in \d+ms)? # skip", text, re.M)]
        self.failures += [f"{self.name}: {title}" for title in titles]
        unnamed = self.failed - len(titles)
        if unnamed > 0:
            self.failures.append(f"{self.name}: {unnamed} not run, or the daemons' logs are not clean")
        if self.failed:
            self.text = "".join(line + "\n" for line in text.splitlines()
                                if not re.match(r"ok \d+ (?!.*# skip)|\d+\.\.\d+$|e2e ", line))


def prefix(san):
    return "" if san == "release" else san + " "


def cpu_seconds():
    """Of all that has ended and been waited for; daemons of their own sessions are not among them."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
