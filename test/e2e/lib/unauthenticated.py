# SPDX-License-Identifier: Apache-2.0
#
# Many unauthenticated connections to the listener for agents: unauthenticated.py HOST PORT COUNT
# SECONDS. A third sends nothing, a third sends a request byte by byte, a third makes a handshake
# without a token. Prints "connected" when all are, and ends well when the listener has closed all of
# them in SECONDS.
import resource
import socket
import sys
import time

HANDSHAKE = (b"GET / HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")


def connect(host, port, number):
    """One connection."""
    connection = socket.create_connection((host, port), 20)
    try:
        if number % 3 == 1:
            connection.sendall(b"GET / HT")
        elif number % 3 == 2:
            connection.sendall(HANDSHAKE % host.encode())
    except OSError:
        pass  # closed already
    connection.setblocking(False)
    return connection


def is_closed(connection, number):
    """Looks whether the listener has closed it; a slow one sends another byte."""
    try:
        if number % 3 == 1:
            connection.send(b"x")
        while data := connection.recv(4096):
            if not data.startswith(b"HTTP/1.1 4"):
                return False
        return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def main():
    """True when all are closed in time."""
    host, port, count, seconds = sys.argv[1], *map(int, sys.argv[2:])
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100,) * 2)
    left = {number: connect(host, port, number) for number in range(count)}
    print("connected", flush=True)
    end = time.monotonic() + seconds
    while left and time.monotonic() < end:
        left = {n: connection for n, connection in left.items() if not is_closed(connection, n)}
        time.sleep(0.1)
    print(len(left), "left")
    return not left


sys.exit(not main())
