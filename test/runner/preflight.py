# SPDX-License-Identifier: Apache-2.0
"""What is missing is said in one line before anything starts."""
import os
import shutil
import sys

from . import jobs as kinds
from .plan import Refused

PROGRAMS = "test/runner/programs"
SBIN = ":/usr/local/sbin:/usr/sbin:/sbin"


def programs():
    """{program: package}, from the table."""
    table = {}
    with open(PROGRAMS, encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                package, *names = line.split()
                table.update({name: package for name in names})
    return table


def check(jobs):
    path = os.environ["PATH"] + SBIN
    missing = {name: package for name, package in programs().items() if not shutil.which(name, path=path)}
    if missing and any(isinstance(job, kinds.Scenarios) for job in jobs):
        raise Refused(f"missing: {' '.join(sorted(missing))}; as root: "
                      f"apt-get install --no-install-recommends {' '.join(sorted(set(missing.values())))}")
    for san in {job.san for job in jobs if isinstance(job, kinds.Scenarios)}:
        for name in ("sockerless-frontend", "sockerless-agent"):
            if not os.access(f"build/{san}/bin/{name}", os.X_OK):
                raise Refused(f"build/{san}/bin/{name} is missing: run make SAN={san} binaries")


def become_root():
    """The same command by sudo, unless we are."""
    if os.geteuid() == 0:
        return
    if not shutil.which("sudo"):
        raise SystemExit("test/run: needs root, and there is no sudo here: run it as root")
    print("test/run: needs root; going on with sudo")
    keep = "CI,E2E_FILTER,CHAOS_SEED,CHAOS_SECONDS,CHAOS_OPERATIONS,INJECTION"
    os.execvp("sudo", ["sudo", f"--preserve-env={keep}"] + [os.path.abspath(sys.argv[0])] + sys.argv[1:])
