# SPDX-License-Identifier: Apache-2.0
"""What a person reads: what will run, a line a job, what failed, what was slow."""
import os
import time

from . import jobs as kinds

SLOWEST = 10
# Seconds; what takes longer is tagged slow and belongs to `make check-all`.
BUDGETS = {"scenario": 10, "file": 40, "unit": 20}
began = time.monotonic()


def announce(jobs, slots):
    total = sum(job.expected_s for job in jobs)
    about = max(total / slots, jobs[0].expected_s)
    where = {}
    for job in jobs:
        if isinstance(job, kinds.Scenarios):
            where[job.where] = where.get(job.where, 0) + 1
    units = sum(len(job.programs) for job in jobs if isinstance(job, kinds.Units))
    parts = [f"{units} unit program{'s' * (units > 1)}"] * bool(units)
    parts += [f"{count} scenario file{'s' * (count > 1)} on {name}" for name, count in where.items()]
    print(f"Running {', '.join(parts)}; {min(slots, len(jobs))} at once, about {minutes(about)}; as root "
          "(containers, network namespaces, daemons).")


def minutes(seconds):
    return f"{round(seconds)} s" if seconds < 90 else f"{seconds / 60:.0f} minutes"


def job_line(job, number, count):
    verdict = "ok" if job.failed == 0 else "not ok"
    counts = f"{job.passed} passed" + (f", {job.failed} failed" if job.failed else "")
    print(f"[{number}/{count}] {verdict} {job.name}: {counts}{job.note} ({job.took_s:.0f} s)")
    for line in job.text.splitlines():
        print(f"    {line}")


def over_budget(finished):
    """[(seconds, budget, what)]: by each program's, scenario's and file's own time."""
    found = []
    for job in finished:
        found += [(took, BUDGETS[kind], what) for took, what, kind in job.slowest if took > BUDGETS[kind]]
        if isinstance(job, kinds.Scenarios) and job.took_s > BUDGETS["file"]:
            found.append((job.took_s, BUDGETS["file"], job.name))
    return sorted(found, reverse=True)


def summary(jobs, finished, budgets_matter):
    slowest = sorted((entry for job in finished for entry in job.slowest), reverse=True)[:SLOWEST]
    if len(jobs) > 1:
        print("slowest:")
        for took, what, _ in slowest:
            print(f"  {took:6.1f} s  {what}")
    passed = sum(job.passed for job in finished)
    failed = sum(job.failed for job in finished)
    if budgets_matter:
        for took, budget, what in over_budget(finished):
            print(f"over its budget of {budget} s: {what} ({took:.1f} s)")
            failed += 1
    for job in finished:
        for failure in job.failures:
            print(f"failed: {failure}")
    for job in jobs:
        if job not in finished:
            print(f"failed: {job.name}: never ran")
            failed += 1
    if passed + failed == 0:
        failed = 1
    print(f"took {time.monotonic() - began:.0f} s, {kinds.cpu_seconds():.0f} CPU seconds without daemons, "
          f"load {os.getloadavg()[0]:.1f}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0
