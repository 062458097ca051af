# SPDX-License-Identifier: Apache-2.0
#
# Faults in any order: several clients do random operations by the HTTP API while the simulated cloud
# fails at random and our daemons are killed and started again. All that is random comes from one
# seed (CHAOS_SEED); the number of operations is CHAOS_OPERATIONS, or as many as go into
# CHAOS_SECONDS. What a client may be told at all is checked at every answer; what must be true in
# the end is checked when the faults are over. The cloud's own list is left to the caller.
import json
import os
import random
import sys
import threading
import time
import urllib.parse

from chaos_world import BOUND_S, World
from raw import INTERACTIVE, Failure, check, equal

LABEL = "e2e-chaos"
CLIENTS = 4
CONTAINERS_MAX = 10  # alive at a time
FAULT_SHARE = 0.35  # of the operations
KILL_EVERY = 35  # operations
SIGNALS = {"KILL": 9, "TERM": 15, "USR1": 10}
WATCH_S = 2.0  # how long a client follows before it leaves

# Numbers its lines behind a word of this run only, so that runs of one container can be told apart.
COUNTER = ('read r </proc/sys/kernel/random/uuid; i=0; while test $i -lt {lines}; do i=$((i+1));'
           ' echo $r $i; {pause} done; exit {code}')
LINES = {"quick": 30, "slow": 40}
PROGRAMS = {
    "quick": lambda code: COUNTER.format(lines=LINES["quick"], pause="", code=code),
    "slow": lambda code: COUNTER.format(lines=LINES["slow"], pause="sleep 0.1;", code=code),
    "long": lambda code: "trap 'exit %d' TERM; " % code + COUNTER.format(
        lines=100000, pause="sleep 0.2;", code=code),
    "echo": lambda code: f"cat; exit {code}",
}


class Box:
    """A container, and what was told about it."""

    def __init__(self, cid, kind, code):
        self.cid, self.kind, self.code = cid, kind, code
        self.removal = False  # somebody asked for it: it may be gone
        self.disturbed = False  # somebody asked to stop or kill it: its code may be another
        self.starts = 0
        self.told = {}  # StartedAt: exit code
        self.lock = threading.Lock()

    def tell(self, state):
        """What inspect says of a run that ended must not change any more."""
        if state["Status"] != "exited" or state["Error"]:
            return  # an error may be another start's, which failed
        with self.lock:
            code = self.told.setdefault(state["StartedAt"], state["ExitCode"])
        equal(state["ExitCode"], code, f"{self.cid[:12]}: exit code, told before")
        signalled = {128 + signal for signal in SIGNALS.values()}
        if self.starts == 1 and not self.removal:
            check(code == self.code or self.disturbed and code in signalled,
                  f"{self.cid[:12]}: ended with {code}, not {self.code}: {state}")


def check_lines(text, what):
    """Each run's lines count from one; no run comes back after another one has begun."""
    seen, last, number = set(), None, 0
    for line in text.decode().splitlines():
        word, _, count = line.partition(" ")
        check(count.isdigit(), f"{what}: a torn line {line!r:.100}")
        if word != last:
            check(word not in seen, f"{what}: run {word} again, at {count}")
            seen.add(word)
            last, number = word, 0
        equal(int(count), number + 1, f"{what}: number of the next line of {word}")
        number += 1


class Client:
    def __init__(self, world, number):
        self.name = f"client {number}"
        self.world, self.number, self.made = world, number, 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.random = random.Random(f"{world.seed}-{number}")
        self.failure = None

    def run(self):
        """Until there is no next operation, or something is wrong."""
        table = [(getattr(self, name), weight) for name, weight in OPERATIONS.items()]
        functions, weights = zip(*table)
        try:
            while self.world.next_operation():
                if self.random.random() < 0.9:  # else into the middle of it
                    self.world.wait_outage()
                if self.random.random() < FAULT_SHARE:
                    self.world.fault(self.random)
                operation = self.random.choices(functions, weights)[0]
                self.world.trace(f"{self.name}: {operation.__name__}")
                self.once(operation)
        except Exception as failure:
            self.failure = f"{self.name}: {type(failure).__name__}: {failure}"
            self.world.abandon()

    def once(self, operation):
        begin = time.monotonic()
        try:
            operation()
        except (OSError, EOFError) as failure:
            check(self.world.outage_since(begin),
                  f"{operation.__name__}: {type(failure).__name__}: {failure}")
        took = time.monotonic() - begin
        check(took < BOUND_S, f"{operation.__name__} took {took:.0f} s")

    # ---- requests
    def call(self, method, target, want, body=None, box=None):
        """Status and body; checks that the status is one of `want` or a fitting error."""
        return self.world.call(method, target, want, body, lambda: box and box.removal)

    def pick(self, *kinds):
        boxes = [b for b in list(self.world.boxes) if not kinds or b.kind in kinds]
        return self.random.choice(boxes) if boxes else None

    # ---- operations
    def create_box(self, kind, **config):
        if len(self.world.boxes) >= CONTAINERS_MAX:
            return None
        code = self.random.randrange(2, 100)
        self.made += 1
        body = {"Image": "busybox", "Cmd": ["sh", "-c", PROGRAMS[kind](code)],
                "Labels": {LABEL: kind}, **config}
        name = f"{LABEL}-{self.number}-{self.made}"
        status, answer = self.call("POST", f"/containers/create?name={name}", (201,), body)
        if status != 201:
            return None
        box = Box(json.loads(answer)["Id"], kind, code)
        self.world.boxes.append(box)
        return box

    def create(self):
        kind = self.random.choice(["quick", "slow", "long"])
        box = self.create_box(kind)
        if box and self.random.random() < 0.8:
            self.start(box)

    def start(self, box=None):
        box = box or self.pick("quick", "slow", "long")
        if box:
            box.starts += 1
            self.call("POST", f"/containers/{box.cid}/start", (204, 304), box=box)

    def command(self, verb, want):
        box = self.pick()
        if box:
            box.disturbed = True
            self.call("POST", f"/containers/{box.cid}/{verb}", want, box=box)

    def stop(self):
        self.command("stop?t=1", (204, 304))

    def kill(self):
        signal = self.random.choice(list(SIGNALS))
        self.command(f"kill?signal={signal}", (204,))

    def restart(self):
        """Stop and start: of what does not wait for input."""
        box = self.pick("quick", "slow", "long")
        if box:
            box.disturbed = True
            self.call("POST", f"/containers/{box.cid}/stop?t=1", (204, 304), box=box)
            self.start(box)

    def remove(self):
        box = self.pick()
        if box:
            box.removal = True
            status, _ = self.call("DELETE", f"/containers/{box.cid}?force=1&v=1", (204,), box=box)
            if status in (204, 404):
                self.world.forget(box)

    def remove_unforced(self):
        box = self.pick()
        if box:
            box.removal = True
            status, _ = self.call("DELETE", f"/containers/{box.cid}", (204,), box=box)
            if status in (204, 404):
                self.world.forget(box)

    def inspect(self):
        box = self.pick()
        if box:
            status, answer = self.call("GET", f"/containers/{box.cid}/json", (200,), box=box)
            if status == 200:
                box.tell(json.loads(answer)["State"])

    def list(self):
        status, answer = self.call("GET", "/containers/json?all=1", (200,))
        if status == 200:
            ids = [c["Id"] for c in json.loads(answer)]
            equal(len(ids), len(set(ids)), "containers listed")

    def wait(self):
        box = self.pick()
        if not box:
            return
        condition = self.random.choice(["not-running", "next-exit", "removed"])
        with self.world.connect(WATCH_S) as c:
            c.request("POST", f"/containers/{box.cid}/wait?condition={condition}")
            try:
                status, fields = c.head()
                body = c.body(status, fields)
            except TimeoutError:
                return  # left
            self.world.judge("wait", status, body, (200,), lambda: box.removal)

    def logs(self, follow=0):
        box = self.pick("quick", "slow", "long")
        if box:
            self.read_logs(box, follow)

    def follow(self):
        self.logs(1)

    def read_logs(self, box, follow):
        """The lines so far, or until one has followed enough; cut where somebody was killed."""
        begin, data, cut = time.monotonic(), b"", True
        with self.world.connect(WATCH_S if follow else BOUND_S) as c:
            c.request("GET", f"/containers/{box.cid}/logs?stdout=1&stderr=1&follow={follow}")
            try:
                status, fields = c.head()
                if status != 200:
                    answer = c.body(status, fields)
                    self.world.judge(f"logs /containers/{box.cid}", status, answer, (),
                                     lambda: box.removal)
                    return b""
                for chunk in c.chunks():
                    data += chunk
                    if follow and time.monotonic() - begin > WATCH_S:
                        break
                else:
                    cut = False
            except EOFError:
                pass  # a log that the cloud refuses ends early
            except TimeoutError:
                check(follow, "logs: nothing comes")
        text = self.payload(data)
        if cut:
            text = text[:text.rfind(b"\n") + 1]
        check_lines(text, f"{box.cid[:12]}: {'follow' if follow else 'logs'}")
        return text

    def look_back(self, box):
        """In the end: who ran once and undisturbed has all of its lines."""
        if box.kind not in LINES:
            return
        status, answer = self.call("GET", f"/containers/{box.cid}/json", (200,), box=box)
        text = self.read_logs(box, 0)
        state = json.loads(answer)["State"] if status == 200 else {"Status": "gone"}
        if state["Status"] == "exited" and box.starts == 1 and not (box.disturbed or state["Error"]):
            box.tell(state)
            equal(len(text.splitlines()), LINES[box.kind], f"{box.cid[:12]}: lines in the end")

    @staticmethod
    def payload(data):
        """What multiplexed frames carry; a cut last one is left out."""
        text = b""
        while len(data) >= 8:
            size = int.from_bytes(data[4:8], "big")
            text, data = text + data[8:8 + size], data[8 + size:]
        return text

    def attach_run(self):
        """docker run -i: what was typed comes back, all of it, if it ended by itself."""
        rm = self.random.random() < 0.5
        box = self.create_box("echo", HostConfig={"AutoRemove": rm}, **INTERACTIVE)
        if not box:
            return
        box.removal, begin = rm, time.monotonic()
        typed = b"".join(b"%d\n" % i for i in range(self.random.randrange(1, 3000)))
        with self.world.connect(BOUND_S) as c:
            c.request("POST", f"/containers/{box.cid}/attach?stream=1&stdin=1&stdout=1&stderr=1",
                      None, {"Connection": "Upgrade", "Upgrade": "tcp"})
            status, fields = c.head()
            if status != 101:
                self.world.judge("attach", status, c.body(status, fields), (), lambda: box.removal)
                return
            box.starts += 1
            status, _ = self.call("POST", f"/containers/{box.cid}/start", (204,), box=box)
            if status != 204:
                return
            c.send(typed[:len(typed) // 2])
            if self.random.random() < 0.2:
                return  # leaves in the middle
            c.send(typed[len(typed) // 2:])
            c.half_close()
            out = self.payload(c.rest())
        if not (box.disturbed or self.world.outage_since(begin) or rm != box.removal):
            self.world.echoed(box, typed, out)

    def exec(self):
        box = self.pick("long", "slow")
        if not box:
            return
        begin = time.monotonic()
        body = {"Cmd": ["sh", "-c", "cat; exit 5"], "AttachStdin": True, "AttachStdout": True}
        status, answer = self.call("POST", f"/containers/{box.cid}/exec", (201,), body, box)
        if status != 201:
            return
        eid = json.loads(answer)["Id"]
        typed = b"x" * self.random.randrange(1, 100000)
        with self.world.connect(BOUND_S) as c:
            c.request("POST", f"/exec/{eid}/start", {"Detach": False, "Tty": False},
                      {"Connection": "Upgrade", "Upgrade": "tcp"})
            status, fields = c.head()
            if status != 101:
                self.world.judge("exec", status, c.body(status, fields), (), lambda: True)
                return
            c.send(typed)
            if self.random.random() < 0.2:
                return
            c.half_close()
            out = self.payload(c.rest())
        status, answer = self.world.call("GET", f"/exec/{eid}/json", (200,), None, lambda: True)
        if status == 200 and not self.world.outage_since(begin):
            code = json.loads(answer)["ExitCode"]
            check(code != 5 or out == typed, f"exec: {len(out)} of {len(typed)} bytes came back")

    def image_pull(self):
        name = self.random.choice(["busybox", "test/merge", "test/none"])
        query = urllib.parse.urlencode({"fromImage": name, "tag": "latest"})
        status, answer = self.call("POST", f"/images/create?{query}", (200,))
        for line in answer.splitlines() if status == 200 else []:
            check(isinstance(json.loads(line), dict), f"pull: {line!r:.200}")

    def image_tag(self):
        self.call("POST", f"/images/busybox/tag?repo={LABEL}-{self.number}&tag=x", (201,))

    def image_remove(self):
        self.call("DELETE", f"/images/{LABEL}-{self.number}:x", (200,))


OPERATIONS = {"create": 10, "start": 6, "stop": 4, "kill": 4, "restart": 2, "remove": 5,
              "remove_unforced": 3, "inspect": 8, "list": 2, "wait": 4, "logs": 6, "follow": 4,
              "attach_run": 5, "exec": 6, "image_pull": 1, "image_tag": 1, "image_remove": 1}


def main():
    world = World(KILL_EVERY)
    print(f"CHAOS_SEED={world.seed}", flush=True)
    clients = [Client(world, number) for number in range(CLIENTS)]
    for client in clients:
        client.thread.start()
    world.kill_until_done()
    for client in clients:
        client.thread.join(2 * BOUND_S)
        check(not client.thread.is_alive(), f"{client.name} hangs")
    failures = [client.failure for client in clients if client.failure]
    if not failures:
        try:
            world.calm()
            for box in world.boxes:
                clients[0].look_back(box)
            world.remove_all()
        except (Failure, OSError) as failure:
            failures = [f"in the end: {type(failure).__name__}: {failure}"]
    print(f"{world.done} operations, {world.faults} faults, {len(world.outages)} deaths")
    for failure in failures:
        print(failure)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    main()
