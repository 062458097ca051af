# SPDX-License-Identifier: Apache-2.0
#
# What the clients of chaos.py share: the containers, the faults of the simulated cloud, the deaths
# of our daemons, and what an answer may look like.
import json
import os
import random
import subprocess
import threading
import time
import urllib.request
from contextlib import contextmanager

from raw import Connection, check, equal, until

BOUND_S = 120.0  # of any one operation
# An error must be one of these: what we send is well-formed, so never 400.
ERRORS = {403, 404, 409, 500, 503, 504}
OPERATIONS = {
    "ecs": ["RegisterTaskDefinition", "DeregisterTaskDefinition", "DeleteTaskDefinitions", "RunTask",
            "DescribeTasks", "ListTasks", "StopTask", "GetLogEvents", "FilterLogEvents",
            "CreateLogGroup", "TagResource"],
    "cloudrun": ["run.jobs.create", "run.jobs.run", "run.jobs.get", "run.jobs.delete",
                 "run.jobs.list", "run.executions.get", "run.executions.cancel",
                 "run.executions.list", "run.operations.get", "run.tasks.list",
                 "logging.entries.list"],
    "aca": ["arm.jobs.put", "arm.jobs.start", "arm.jobs.get", "arm.jobs.delete", "arm.jobs.list",
            "arm.executions.get", "arm.executions.list", "arm.executions.stop",
            "arm.operations.status", "arm.operations.result", "arm.environments.get", "aad.token",
            "logs.query"],
    "gcf": ["cloudfunctions.functions.generateUploadUrl", "storage.objects.insert",
            "cloudfunctions.functions.create", "cloudfunctions.functions.get",
            "cloudfunctions.functions.list", "cloudfunctions.functions.delete",
            "cloudfunctions.operations.get", "run.services.get", "run.services.patch",
            "run.operations.get", "run.invoke", "logging.entries.list"],
}
KINDS = [
    {"kind": "throttle"},
    {"kind": "error", "status": 503, "code": "UNAVAILABLE", "message": "chaos"},
    {"kind": "error", "status": 500, "code": "INTERNAL", "message": "chaos"},
    {"kind": "error", "status": 429, "code": "RESOURCE_EXHAUSTED", "message": "chaos"},
    {"kind": "timeout", "latency_ms": 2000},
    {"kind": "lost_answer"},
    {"kind": "drop_connection"},
    {"kind": "access_denied"},
    {"kind": "capacity"},
    {"kind": "latency", "latency_ms": 700},
]
RESTART = """. "$E2E_DIR/lib/common.bash"; . "$E2E_DIR/lib/cloud.bash"
component_kill "$1"; component_start "$1" && frontend_wait && backend_wait"""


class Line(Connection):
    """A connection that tells an early end from a wrong answer."""

    def take_line(self):
        while b"\r\n" not in self.buffer:
            if not self.fill():
                raise EOFError(f"ended inside a line: {self.buffer!r:.200}")
        return super().take_line()

    def take(self, size):
        data = super().take(size)
        if len(data) < size:
            raise EOFError(f"{len(data)} of {size} bytes")
        return data


class World:
    def __init__(self, kill_every):
        self.seed = int(os.environ.get("CHAOS_SEED", "1"))
        self.limit = int(os.environ.get("CHAOS_OPERATIONS", "120"))
        seconds = float(os.environ.get("CHAOS_SECONDS", "0"))
        self.until = time.monotonic() + seconds if seconds else None
        self.path = os.environ["DOCKER_HOST"].removeprefix("unix://")
        self.sim_url = os.environ["SIM_URL"]
        self.cloud = OPERATIONS[os.environ["BACKEND"]]
        self.kill_every = kill_every
        self.random = random.Random(f"{self.seed}-world")
        self.lock = threading.Condition()
        self.boxes, self.outages = [], []  # outages: [begin, end or None]
        self.done = self.faults = self.killed_at = 0
        self.abandoned = False
        # What was done and answered, for whoever looks for the cause.
        self.trace_file = open(os.environ.get("CHAOS_TRACE", os.devnull), "w", encoding="utf-8")

    def trace(self, text):
        print(f"{time.time():.3f} {text}", file=self.trace_file, flush=True)

    # ---- how long it goes on
    def over(self):
        if self.abandoned:
            return True
        return time.monotonic() > self.until if self.until else self.done >= self.limit

    def next_operation(self):
        with self.lock:
            if self.over():
                self.lock.notify_all()
                return False
            self.done += 1
            self.lock.notify_all()
            return True

    def abandon(self):
        with self.lock:
            self.abandoned = True
            self.lock.notify_all()

    # ---- daemons
    def kill_until_done(self):
        while True:
            with self.lock:
                self.lock.wait_for(lambda: self.over() or
                                   self.done - self.killed_at >= self.kill_every, 1)
                if self.over():
                    return
                if self.done - self.killed_at < self.kill_every:
                    continue
                self.killed_at = self.done
            self.kill(self.random.choice(["backend", "backend", "frontend"]))

    def kill(self, name):
        outage = [time.monotonic(), None]
        self.outages.append(outage)
        self.trace(f"kill {name}")
        done = subprocess.run(["bash", "-c", RESTART, "restart", name], capture_output=True,
                              timeout=BOUND_S, check=False,
                              env={**os.environ, "BATS_TEST_DIRNAME": os.environ["E2E_DIR"]})
        with self.lock:
            outage[1] = time.monotonic()
            self.lock.notify_all()
        check(done.returncode == 0, f"{name} did not come back: {done.stdout + done.stderr!r}")

    def wait_outage(self):
        with self.lock:
            self.lock.wait_for(lambda: all(end for _, end in self.outages), BOUND_S)

    def outage_since(self, begin):
        return any(end is None or end >= begin for _, end in self.outages)

    # ---- the cloud
    def sim(self, method, path, value=None):
        request = urllib.request.Request(f"{self.sim_url}/_sim/{path}", method=method,
                                         data=json.dumps(value).encode() if value else None,
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def fault(self, rng):
        if rng.random() < 0.1:
            self.sim("POST", "config", {"provision_ms": rng.choice([0, 50, 300, 1500])})
            return
        fault = {"operation": rng.choice(self.cloud), "count": rng.randrange(1, 4),
                 **rng.choice(KINDS)}
        if fault["kind"] == "capacity":  # only said of what is to run
            fault["operation"] = next(o for o in self.cloud if o in ("RunTask", "run.jobs.run", "arm.jobs.start"))
        # A task whose answers were all lost, and whose last repetition is refused, is found only by
        # the backend's next start: not asked for here.
        if fault["operation"] == "RunTask" and fault["kind"] == "lost_answer":
            fault["operation"] = "StopTask"
        self.trace(f"fault {fault}")
        self.faults += 1
        self.sim("POST", "faults", fault)

    # ---- answers
    @contextmanager
    def connect(self, timeout):
        connection = Line(self.path, timeout)
        try:
            yield connection
        finally:
            connection.close()

    def call(self, method, target, want, body=None, may_be_gone=lambda: False):
        with self.connect(BOUND_S) as connection:
            connection.request(method, target, body)
            status, fields = connection.head()
            answer = connection.body(status, fields, method)
        self.judge(f"{method} {target}", status, answer, want, may_be_gone)
        return status, answer

    def judge(self, what, status, answer, want, may_be_gone):
        self.trace(f"{what}: {status} {answer[:300] if status >= 400 else b''!r}")
        if status in want:
            return
        check(status in ERRORS, f"{what}: {status} {answer!r:.300}")
        if what == "attach":
            return  # Docker hijacks first: plain text
        message = json.loads(answer)
        check(isinstance(message, dict) and isinstance(message.get("message"), str)
              and message["message"], f"{what}: {status} without a message: {answer!r:.300}")
        if message["message"].startswith("No such container"):
            check(may_be_gone(), f"{what}: {answer!r:.300}")

    def forget(self, box):
        if box in self.boxes:
            self.boxes.remove(box)

    def echoed(self, box, typed, out):
        """`out` is all of what was typed, when the container says that it ended by itself."""
        status, answer = self.call("GET", f"/containers/{box.cid}/json", (200,), None, lambda: True)
        if status == 200 and json.loads(answer)["State"]["ExitCode"] == box.code:
            equal(len(out), len(typed), "bytes that came back from an attached cat")

    # ---- the end
    def calm(self):
        self.sim("DELETE", "faults")
        self.sim("POST", "config", {"provision_ms": 50})

    def remove_all(self):
        _, answer = self.call("GET", "/containers/json?all=1", (200,))
        for one in json.loads(answer):
            self.call("DELETE", f"/containers/{one['Id']}?force=1&v=1", (204, 404, 409))

        def listed():
            return json.loads(self.call("GET", "/containers/json?all=1", (200,))[1])

        until(lambda: not listed(), "no container is listed", 60)
