# SPDX-License-Identifier: Apache-2.0
"""What a real dockerd has passed: test/e2e/oracle.sums holds, for every scenario file, a sum of that
file, of the library files it names (and those they name), of the local stack's scripts and of dockerd's
version. A file whose sum is there as it is now need not be run against dockerd again."""
import glob
import hashlib
import os
import re
import subprocess

from . import jobs as kinds

E2E = "test/e2e"
SUMS = f"{E2E}/oracle.sums"
# What every file uses without naming it.
ALWAYS = [f"{E2E}/run.sh", f"{E2E}/setup_suite.bash", f"{E2E}/lib/dockerd.sh", f"{E2E}/lib/images.sh",
          f"{E2E}/lib/common.bash", "deploy/local/lib.sh", "deploy/local/push-image.sh"]
VERSIONS = [["dockerd", "--version"], ["docker", "--version"], ["busybox"]]


def libraries():
    """{the word by which it is named: path}"""
    return {os.path.splitext(os.path.basename(path))[0]: path
            for path in glob.glob(f"{E2E}/lib/*") if os.path.isfile(path)}


def used_by(path):
    """Every library file whose name is a word of the text, or of a text so found: more than are
    used, never fewer."""
    known, found, texts = libraries(), set(ALWAYS), [path]
    while texts:
        with open(texts.pop(), encoding="utf-8") as file:
            words = set(re.findall(r"\w+", file.read()))
        for word in words & known.keys():
            if known[word] not in found:
                found.add(known[word])
                texts.append(known[word])
    return sorted(found)


def versions():
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    return [subprocess.run(argv, capture_output=True, text=True, check=False,
                           env=dict(os.environ, PATH=path)).stdout.partition("\n")[0] for argv in VERSIONS]


def sum_of(name, of_programs):
    """Of NAME.bats."""
    path = f"{E2E}/{name}.bats"
    digest = hashlib.sha256("\n".join(of_programs).encode())
    for part in [path] + used_by(path):
        with open(part, "rb") as file:
            digest.update(b"%s %s\n" % (part.encode(), hashlib.sha256(file.read()).hexdigest().encode()))
    return digest.hexdigest()


def sums_read():
    if not os.path.exists(SUMS):
        return {}
    with open(SUMS, encoding="utf-8") as file:
        pairs = [line.split() for line in file if not line.startswith("#")]
    return {name: value for value, name in pairs}


def files_changed(names):
    """Those of names that dockerd has not passed as they are."""
    known, of_programs = sums_read(), versions()
    return [name for name in names if known.get(name) != sum_of(name, of_programs)]


def sums_write(finished):
    """Notes what has passed whole, forgets what has failed and what is gone."""
    ran = [job for job in finished if isinstance(job, kinds.Scenarios) and job.target == "dockerd"]
    if not ran or os.environ.get("E2E_FILTER"):
        return
    before = sums_read()
    now = {name: value for name, value in before.items() if os.path.exists(f"{E2E}/{name}.bats")}
    for job in ran:
        now.pop(job.files[0], None)
        if job.failed == 0:
            now[job.files[0]] = job.sum  # as it was when it began
    if now != before:
        with open(SUMS, "w", encoding="utf-8") as file:
            file.write("# What a real dockerd has passed: see test/runner/oracle.py, which writes this file.\n")
            for name, value in sorted(now.items()):
                file.write(f"{value} {name}\n")
        print(f"{SUMS} has changed; commit it with what changed it")
