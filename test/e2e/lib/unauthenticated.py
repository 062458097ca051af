# SPDX-License-Identifier: Apache-2.0
#
# A crowd before the listener for agents: strangers.py HOST PORT COUNT SECONDS. A third says nothing,
# a third says it slowly, a third shakes hands without a token. Says "there" when all have come, and
# ends well when all have been shown out in SECONDS.
import resource
import socket
import sys
import time

HAND = (b"GET / HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")


def come(host, port, number):
    """One stranger."""
    one = socket.create_connection((host, port), 20)
    try:
        if number % 3 == 1:
            one.sendall(b"GET / HT")
        elif number % 3 == 2:
            one.sendall(HAND % host.encode())
    except OSError:
        pass  # shown out already
    one.setblocking(False)
    return one


def is_out(one, number):
    """Looks whether it has been shown out; who is slow says another byte."""
    try:
        if number % 3 == 1:
            one.send(b"x")
        return one.recv(4096) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def main():
    """True when all are out in time."""
    host, port, count, seconds = sys.argv[1], *map(int, sys.argv[2:])
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100,) * 2)
    crowd = {number: come(host, port, number) for number in range(count)}
    print("there", flush=True)
    end = time.monotonic() + seconds
    while crowd and time.monotonic() < end:
        crowd = {n: one for n, one in crowd.items() if not is_out(one, n)}
        time.sleep(0.1)
    print(len(crowd), "left")
    return not crowd


sys.exit(not main())
