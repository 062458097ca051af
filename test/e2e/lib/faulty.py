#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A registry that misbehaves: forwards to a good one, but for what the file of faults says.

  faulty.py PORT UPSTREAM-URL FAULTS-FILE

FAULTS-FILE, read at every request, has lines "METHOD PATH-PART ACTION [TIMES]" (METHOD * is any):
  stall    half of the body, then nothing        reset    half of the body, then RST
  long     a Content-Length 100 too large        short    a Content-Length 10 too small
  corrupt  one byte is another                   404, 429, 500, 503 …  that status
  hang     no answer at all                      cut      connection closed before the answer
TIMES are counted here, by line. Every request is noted in FAULTS-FILE.seen.
"""
import http.client
import http.server
import socket
import struct
import sys
import threading
import urllib.parse

PORT, UPSTREAM, FAULTS = int(sys.argv[1]), urllib.parse.urlsplit(sys.argv[2]), sys.argv[3]
HANG_S = 120
DROPPED = {"transfer-encoding", "connection", "content-length"}
used, lock = {}, threading.Lock()


def fault_for(method, path):
    try:
        lines = open(FAULTS, encoding="ascii").read().splitlines()
    except FileNotFoundError:
        return None
    for line in lines:
        verb, part, action, *times = line.split()
        with lock:
            if verb in ("*", method) and part in path and used.get(line, 0) < int(times[0] if times else 1 << 30):
                used[line] = used.get(line, 0) + 1
                return action
    return None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def hang(self):
        """Until the client has had enough."""
        self.connection.settimeout(HANG_S)
        try:
            while self.connection.recv(65536):
                pass
        except OSError:
            pass
        self.close_connection = True

    def reset(self):
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def forwarded(self, body):
        there = http.client.HTTPConnection(UPSTREAM.hostname, UPSTREAM.port, timeout=60)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in DROPPED}
        if body is not None:
            headers["Content-Length"] = str(len(body))
        there.request(self.command, self.path, body, headers)
        answer = there.getresponse()
        data = answer.read()
        there.close()
        return answer.status, answer.getheaders(), data

    def request_body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            data = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        length = self.headers.get("Content-Length")
        return self.rfile.read(int(length)) if length is not None else None

    def head(self, status, headers, length):
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in DROPPED | {"date", "server"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def any_method(self):
        action = fault_for(self.command, self.path)
        with lock, open(FAULTS + ".seen", "a", encoding="ascii") as f:
            f.write(f"{self.command} {self.path} {action or '-'}\n")
        if action == "hang":
            return self.hang()
        if action == "cut":
            return self.reset()
        body = self.request_body()
        if action and action.isdigit():
            self.head(int(action), [("Retry-After", "0")], 0)
            return None
        status, headers, data = self.forwarded(body)
        shown = len(data)
        if self.command == "HEAD":
            shown = next((int(v) for k, v in headers if k.lower() == "content-length"), 0)
        if action == "corrupt" and data:
            data = data[:-1] + bytes([data[-1] ^ 1])
        shown += {"long": 100, "short": -min(10, shown)}.get(action, 0)
        self.head(status, headers, shown)
        if action in ("stall", "reset"):
            self.wfile.write(data[: len(data) // 2])
            return self.hang() if action == "stall" else self.reset()
        self.wfile.write(data)
        self.close_connection = action in ("long", "short")
        return None

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = any_method


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # clients that give up are what this is for


Server(("127.0.0.1", PORT), Handler).serve_forever()
