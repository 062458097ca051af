#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What must not be got wrong by the runner: nothing that failed, was skipped or never ran counts as
passed, and no scenario file that has changed counts as passed by dockerd."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "test"))
from runner import jobs, oracle, plan  # noqa: E402


def scenarios(status, text):
    job = jobs.Scenarios("release", "sockerless", "ecs", "forward", ["run"], [])
    job.count(status, text)
    return job.passed, job.failed, len(job.failures)


def units(status, text):
    job = jobs.Units("release", ["build/release/test/unit/x"])
    job.count("x", status, text, 1)
    return job.passed, job.failed, len(job.failures)


class Names(unittest.TestCase):
    def test_what_is_left_out(self):
        core = plan.scenario_files("sockerless", "gcf", "reverse", ["@core"])
        smoke = plan.scenario_files("sockerless", "gcf", "reverse", ["@smoke"])
        self.assertEqual(plan.scenario_files("sockerless", "gcf", "reverse", ["-@smoke", "@core"]),
                         [name for name in core if name not in smoke])
        self.assertTrue(set(core) & set(smoke))
        with self.assertRaises(plan.Refused):
            plan.scenario_files("sockerless", "gcf", "reverse", ["run", "-run"])


class Counts(unittest.TestCase):
    def test_scenarios(self):
        head = "1..2\nok 1 a in 5ms\n"
        self.assertEqual(scenarios(0, head + "ok 2 b in 5ms\ne2e x: 2 passed, 0 failed\n"), (2, 0, 0))
        self.assertEqual(scenarios(1, head + "not ok 2 b in 5ms\n# why\ne2e x: 1 passed, 1 failed\n"), (1, 1, 1))
        self.assertEqual(scenarios(1, head + "ok 2 b in 5ms # skip no\ne2e x: 1 passed, 1 failed\n"), (1, 1, 1))
        self.assertEqual(scenarios(1, head + "e2e x: 1 passed, 1 failed\n"), (1, 1, 1))  # one never ran
        self.assertEqual(scenarios(1, head + "ok 2 b in 5ms\ne2e x: 2 passed, 0 failed\n"), (2, 1, 1))
        self.assertEqual(scenarios(124, head), (0, 1, 1))  # run.sh did not come to its last line

    def test_units(self):
        self.assertEqual(units(0, "[       OK ] a\n"), (1, 0, 0))
        self.assertEqual(units(1, "[       OK ] a\n[  FAILED  ] b\n[  FAILED  ] tests: 1 test(s), listed below:\n"
                               "[  FAILED  ] b\n")[1:], (1, 1))
        self.assertEqual(units(0, "[       OK ] a\n[  SKIPPED ] b\n[  SKIPPED ] b\n"), (1, 1, 1))
        self.assertEqual(units(-11, "[       OK ] a\n"), (1, 1, 1))
        self.assertEqual(units(0, ""), (0, 1, 1))


class Oracle(unittest.TestCase):
    FILES = ["exec", "load", "logs"]

    def setUp(self):
        self.top = tempfile.mkdtemp()
        for folder in ("test/e2e", "deploy/local"):
            shutil.copytree(os.path.join(TOP, folder), os.path.join(self.top, folder))
        os.chdir(self.top)
        self.addCleanup(shutil.rmtree, self.top)
        self.addCleanup(os.chdir, TOP)
        self.versions, oracle.versions = oracle.versions, lambda: ["dockerd 1"]
        self.addCleanup(setattr, oracle, "versions", self.versions)
        oracle.sums_write([self.ran(name) for name in self.FILES])

    def ran(self, name, failed=0):
        job = plan.oracle_jobs([name])[0]
        job.passed, job.failed = 1, failed
        return job

    def changed_with(self, path):
        with open(path, "a", encoding="utf-8") as file:
            file.write("# changed\n")
        return oracle.files_changed(self.FILES)

    def test_nothing_changed(self):
        self.assertEqual(oracle.files_changed(self.FILES), [])

    def test_a_file(self):
        self.assertEqual(self.changed_with("test/e2e/load.bats"), ["load"])

    def test_a_library(self):
        self.assertEqual(self.changed_with("test/e2e/lib/crowd.bash"), ["load"])

    def test_a_library_of_a_library(self):
        self.assertIn("exec", self.changed_with("test/e2e/lib/raw.py"))  # exec.py imports it

    def test_what_all_use(self):
        self.assertEqual(self.changed_with("test/e2e/lib/common.bash"), self.FILES)
        oracle.versions = lambda: ["dockerd 2"]
        self.assertEqual(oracle.files_changed(self.FILES), self.FILES)

    def test_a_failure_is_forgotten(self):
        oracle.sums_write([self.ran("logs", failed=1)])
        self.assertEqual(oracle.files_changed(self.FILES), ["logs"])

    def test_changed_while_it_ran(self):
        job = self.ran("load")
        self.changed_with("test/e2e/load.bats")
        oracle.sums_write([job])
        self.assertEqual(oracle.files_changed(self.FILES), ["load"])

    def test_a_new_file(self):
        shutil.copy("test/e2e/load.bats", "test/e2e/more.bats")
        self.assertEqual(oracle.files_changed(self.FILES + ["more"]), ["more"])


class Stacks(unittest.TestCase):
    SCRIPT = """. deploy/local/lib.sh; STACK_LOCKS=$1/locks
        one() { STACK_DIR=$1/$2; mkdir "$STACK_DIR"; port_choose a; echo; port_choose b; echo; stack_network; }
        for i in {1..20}; do one "$1" "$i" >"$1/out.$i" & done; wait; cat "$1"/out.*; wc -l <"$1/locks/reserved"
        rm -r "$1"/[1-9]*; one "$1" again >/dev/null; wc -l <"$1/locks/reserved" """

    def test_no_two_stacks_share_a_port_or_a_network(self):
        with tempfile.TemporaryDirectory() as top:
            lines = subprocess.run(["bash", "-c", self.SCRIPT, "reserve", top], cwd=TOP, capture_output=True,
                                   text=True, check=True).stdout.split("\n")[:-1]
        taken = lines[:-2]
        self.assertEqual((len(taken), len(set(taken))), (80, 80))
        self.assertEqual(lines[-2:], ["60", "3"])  # what is gone is forgotten


if __name__ == "__main__":
    os.environ.pop("E2E_FILTER", None)
    unittest.main()
