# SPDX-License-Identifier: Apache-2.0
#
# A small Docker API client over a unix socket that shows what libraries hide: when the head comes,
# what is glued to it, half-closed connections, hijacks by 101 and by 200, multiplexed frames.
# The scenarios beside this file are written with it. Every wait has a deadline.
import json
import os
import socket
import struct
import time
import urllib.parse

TIMEOUT_S = float(os.environ.get("RAW_TIMEOUT_S", "90"))
STREAMS = {0: "stdin", 1: "stdout", 2: "stderr"}


class Failure(Exception):
    """An expectation that did not hold."""


def check(condition, message):
    if not condition:
        raise Failure(message)


def equal(got, want, what):
    check(got == want, f"{what}: got {got!r:.400}, want {want!r:.400}")


def until(probe, what, timeout=TIMEOUT_S):
    """Polls until probe() is true; bounded."""
    deadline = time.monotonic() + timeout
    while not (value := probe()):
        check(time.monotonic() < deadline, f"not within {timeout} s: {what}")
        time.sleep(0.02)
    return value


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def message(self):
        """Docker's error text; fails when the body is not Docker's error object."""
        value = self.json()
        check(isinstance(value, dict) and isinstance(value.get("message"), str),
              f"not an error object: {self.body!r:.200}")
        return value["message"]


class Connection:
    """One connection; buffered reading of heads, bodies and frames."""

    def __init__(self, path, timeout=TIMEOUT_S):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(timeout)
        self.sock.connect(path)
        self.buffer = b""
        self.ended = False

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def fill(self):
        """Reads some more; False at the end."""
        if not self.ended:
            data = self.sock.recv(65536)
            self.buffer += data
            self.ended = not data
        return not self.ended

    def take(self, size):
        while len(self.buffer) < size and self.fill():
            pass
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def take_line(self):
        while b"\r\n" not in self.buffer:
            check(self.fill(), f"connection ended inside a line: {self.buffer!r:.200}")
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def rest(self):
        while self.fill():
            pass
        data, self.buffer = self.buffer, b""
        return data

    def idle(self, seconds):
        """True when nothing arrives for so long and the connection stays open."""
        if self.buffer or self.ended:
            return False
        self.sock.settimeout(seconds)
        try:
            self.fill()
            return False
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(TIMEOUT_S)

    # ---- requests
    def request(self, method, target, body=None, headers=None, glued=b""):
        """Sends a request; `glued` goes in the same write."""
        head = {"Host": "docker"}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            head["Content-Type"] = "application/json"
        if body is not None or method == "POST":
            head["Content-Length"] = str(len(body or b""))
        head.update(headers or {})
        lines = [f"{method} {target} HTTP/1.1"]
        lines += [f"{k}: {v}" for k, v in head.items() if v is not None]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"") + glued)

    def head(self):
        """Status and headers (names in lower case) of the next answer."""
        status_line = self.take_line().decode()
        headers = {}
        while line := self.take_line().decode():
            name, value = line.split(":", 1)
            headers[name.strip().lower()] = value.strip()
        return int(status_line.split()[1]), headers

    def body(self, status, headers, method="GET"):
        if method == "HEAD" or status in (204, 304) or status < 200:
            return b""
        if headers.get("transfer-encoding") == "chunked":
            return b"".join(self.chunks())
        if "content-length" in headers:
            return self.take(int(headers["content-length"]))
        return self.rest()

    def chunks(self):
        while size := int(self.take_line().split(b";")[0], 16):
            yield self.take(size)
            self.take(2)
        self.take_line()

    # ---- hijacked streams
    def frame(self):
        """(stream name, payload) or None at the end."""
        header = self.take(8)
        if not header:
            return None
        check(len(header) == 8, f"cut frame header {header!r}")
        kind, size = struct.unpack(">BxxxI", header)
        check(kind in STREAMS and header[1:4] == b"\0\0\0", f"not a frame header: {header!r}")
        payload = self.take(size)
        check(len(payload) == size, f"cut frame: {len(payload)} of {size} bytes")
        return STREAMS[kind], payload

    def frames(self):
        """All output until the end: {"stdout": …, "stderr": …}."""
        out = {"stdout": [], "stderr": []}
        while one := self.frame():
            out[one[0]].append(one[1])
        return {k: b"".join(v) for k, v in out.items()}

    def expect(self, text, stream="stdout"):
        """Reads frames until `text` was seen on the stream; gives what was read of it."""
        got = b""
        while text not in got:
            one = self.frame()
            check(one is not None, f"ended before {text!r}; got {got!r:.300}")
            if one[0] == stream:
                got += one[1]
        return got


class Docker:
    def __init__(self, path=None):
        self.path = path or os.environ["DOCKER_HOST"].removeprefix("unix://")

    def connect(self):
        return Connection(self.path)

    def call(self, method, target, body=None, headers=None):
        connection = self.connect()
        try:
            connection.request(method, target, body, headers)
            status, fields = connection.head()
            return Reply(status, fields, connection.body(status, fields, method))
        finally:
            connection.close()

    def ok(self, method, target, body=None, want=(200, 201, 204)):
        reply = self.call(method, target, body)
        check(reply.status in want, f"{method} {target}: {reply.status} {reply.body!r:.300}")
        return reply

    # ---- containers
    def create(self, cmd, name=None, **config):
        host = {"AutoRemove": config.pop("AutoRemove", False)}
        body = {"Image": config.pop("Image", "busybox"), "Cmd": cmd, "HostConfig": host, **config}
        query = "?name=" + urllib.parse.quote(name) if name else ""
        return self.ok("POST", "/containers/create" + query, body, (201,)).json()["Id"]

    def start(self, cid):
        self.ok("POST", f"/containers/{cid}/start", want=(204,))

    def inspect(self, cid):
        return self.ok("GET", f"/containers/{cid}/json").json()

    def remove(self, cid):
        self.ok("DELETE", f"/containers/{cid}?force=1&v=1")

    def wait(self, cid, condition="not-running"):
        return self.ok("POST", f"/containers/{cid}/wait?condition={condition}").json()

    def hijack(self, target, body=None, upgrade=True, glued=b""):
        """Opens a stream and returns its connection after the head; `.reply` has the head."""
        connection = self.connect()
        headers = {"Connection": "Upgrade", "Upgrade": "tcp"} if upgrade else None
        connection.request("POST", target, body, headers, glued)
        status, fields = connection.head()
        if status not in (101, 200):
            text = connection.body(status, fields)
            raise Failure(f"{target}: {status} {text!r:.300}")
        equal(status, 101 if upgrade else 200, "status of the hijack")
        check("content-length" not in fields and "transfer-encoding" not in fields,
              f"a hijacked answer has no length: {fields}")
        connection.reply = Reply(status, fields, b"")
        return connection

    def attach(self, cid, upgrade=True, glued=b"", version="", **which):
        which = which or {"stream": 1, "stdin": 1, "stdout": 1, "stderr": 1}
        query = urllib.parse.urlencode(which)
        return self.hijack(f"{version}/containers/{cid}/attach?{query}", None, upgrade, glued)

    def wait_open(self, cid, condition):
        """A wait whose head has come: the waiter is registered."""
        connection = self.connect()
        connection.request("POST", f"/containers/{cid}/wait?condition={condition}")
        connection.status, connection.fields = connection.head()
        equal(connection.status, 200, "status of wait")
        return connection

    def wait_result(self, connection):
        value = json.loads(connection.body(connection.status, connection.fields))
        connection.close()
        return value["StatusCode"]


INTERACTIVE = {"OpenStdin": True, "StdinOnce": True, "AttachStdin": True,
               "AttachStdout": True, "AttachStderr": True}


def run_scenario(table):
    """main() of a scenario file: runs the functions named on the command line."""
    import sys
    names = sys.argv[1:] or list(table)
    for name in names:
        docker, made = Docker(), []
        create = docker.create

        def tracked(*args, **kwargs):
            made.append(create(*args, **kwargs))
            return made[-1]

        docker.create = tracked
        try:
            table[name](docker)
        except (Failure, OSError) as failure:
            print(f"{name}: {type(failure).__name__}: {failure}")
            sys.exit(1)
        finally:
            for cid in made:
                docker.call("DELETE", f"/containers/{cid}?force=1&v=1")
