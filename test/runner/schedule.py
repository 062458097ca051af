# SPDX-License-Identifier: Apache-2.0
"""One queue, longest first, `slots` jobs at once, each with a folder of its own for all it makes."""
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading

from . import jobs as kinds


def run(jobs, slots, on_end):
    """The jobs that ended, in that order. on_end(job, number, count) is called for each, one at a time."""
    top = tempfile.mkdtemp(prefix="sk-", dir="/tmp")  # short: paths of sockets go in here
    os.chmod(top, 0o711)  # some scenarios act as another user
    waiting, finished, lock = queue.SimpleQueue(), [], threading.Lock()
    for number, job in enumerate(jobs):
        waiting.put((number, job))

    def worker():
        while True:
            try:
                number, job = waiting.get_nowait()
            except queue.Empty:
                return
            if job.stop:
                return
            workdir = os.path.join(top, str(number))
            os.mkdir(workdir)
            job.perform(workdir)
            shutil.rmtree(workdir, ignore_errors=True)
            with lock:
                finished.append(job)
                on_end(job, len(finished), len(jobs))

    def interrupted(*_):
        for job in jobs:
            job.stop = True

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    try:
        if any(isinstance(job, kinds.Scenarios) for job in jobs):
            seed_make(top)
        threads = [threading.Thread(target=worker) for _ in range(min(slots, len(jobs)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        shutil.rmtree(top, ignore_errors=True)
    return finished


def seed_make(top):
    """The images and certificates that every stack begins with are made once: that is two thirds of
    what starting a stack costs."""
    seed = os.path.join(top, "seed")
    done = subprocess.run(["test/e2e/seed.sh", seed], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env=dict(os.environ, BIN_DIR=os.path.abspath("build/release/bin")), check=False)
    if done.returncode == 0:
        os.environ["STACK_SEED"] = seed
    else:
        print(f"test/run: every stack makes its own images: {done.stderr.strip()}")
