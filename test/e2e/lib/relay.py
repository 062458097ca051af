# SPDX-License-Identifier: Apache-2.0
"""A relay of TCP connections: relay.py ADDRESS PORT TO-PORT, both at that address. Its end breaks them all."""
import socket
import sys
import threading


def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def main():
    address, port, to_port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with socket.create_server((address, port)) as server:
        while True:
            client, _ = server.accept()
            try:
                backend = socket.create_connection((address, to_port))
            except OSError:
                client.close()
                continue
            for ends in ((client, backend), (backend, client)):
                threading.Thread(target=pump, args=ends, daemon=True).start()


if __name__ == "__main__":
    main()
