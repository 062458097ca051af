# SPDX-License-Identifier: Apache-2.0
#
# Drives the docker CLI on a pseudo terminal, as a person at a keyboard would.
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

from raw import TIMEOUT_S, Failure, check, equal


class Terminal:
    """A command on a new terminal of the given size."""

    opened = []

    def __init__(self, argv, rows=24, columns=80):
        self.master, slave = pty.openpty()
        self.resize(rows, columns, None)
        self.process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.seen = b""
        Terminal.opened.append(self)

    def resize(self, rows, columns, process=True):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if process:
            os.kill(self.process.pid, signal.SIGWINCH)

    def type(self, text):
        os.write(self.master, text)

    def read(self, seconds):
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: the other side is closed
            data = b""
        self.seen += data
        return bool(data)

    def expect(self, text):
        """Waits for text; forgets the screen up to its end."""
        deadline = time.monotonic() + TIMEOUT_S
        while text not in self.seen:
            left = deadline - time.monotonic()
            check(left > 0 and (self.read(left) or text in self.seen),
                  f"no {text!r} on the screen: {self.seen[-400:]!r}")
        self.seen = self.seen.split(text, 1)[1]

    def finish(self):
        """Exit code once the command ended by itself."""
        while self.read(TIMEOUT_S):
            pass
        return self.process.wait(TIMEOUT_S)


def docker(*argv, **size):
    return Terminal(["docker", *argv], **size)


def shell(terminal):
    """Waits for a shell that answers; its prompt and echo are the terminal's own."""
    terminal.type(b"echo re''ady\n")
    terminal.expect(b"ready\r\n")


def prompted(terminal):
    """Presses Return until a prompt answers: before the client is attached keys get lost."""
    deadline = time.monotonic() + TIMEOUT_S
    while b"# " not in terminal.seen:
        check(time.monotonic() < deadline and terminal.process.poll() is None,
              f"no prompt: {terminal.seen[-400:]!r}")
        terminal.type(b"\n")
        terminal.read(0.2)


def interactive():
    """Echo, Ctrl-C to the process in the foreground, size at start and after a change, exit code."""
    terminal = docker("run", "-it", "--rm", "busybox", "sh", rows=33, columns=101)
    shell(terminal)
    terminal.type(b"stty size\n")
    terminal.expect(b"33 101")
    terminal.type(b"echo ru''ns; cat\n")
    terminal.expect(b"runs\r\n")
    terminal.type(b"to cat\n")
    terminal.expect(b"to cat\r\nto cat\r\n")
    terminal.type(b"\x03")
    terminal.expect(b"^C")
    terminal.expect(b"# ")  # a signal discards what was typed ahead
    terminal.type(b"echo in''terrupted $?\n")
    terminal.expect(b"interrupted 130")
    terminal.resize(44, 111)
    resized(terminal, b"44 111")
    terminal.type(b"exit 5\n")
    equal(terminal.finish(), 5, "exit code")


def resized(terminal, want):
    """The new size arrives soon, not at once: ask until it is there."""
    deadline = time.monotonic() + TIMEOUT_S
    number = 0
    while True:
        check(time.monotonic() < deadline, f"size never became {want!r}")
        number += 1
        mark = b"asked %d" % number
        terminal.type(b"stty size; echo as''ked %d\n" % number)
        while mark not in terminal.seen:
            check(terminal.read(TIMEOUT_S), "terminal ended")
        answer, terminal.seen = terminal.seen.split(mark, 1)
        if want in answer:
            return
        time.sleep(0.05)


def ctrl_c():
    """Ctrl-C is a signal to the program on the terminal, not to the client."""
    terminal = docker("run", "-it", "--rm", "busybox", "sh", "-c",
                      "trap 'echo got it; exit 3' INT; echo ready; while :; do sleep 0.1; done")
    terminal.expect(b"ready\r\n")
    terminal.type(b"\x03")
    terminal.expect(b"got it\r\n")
    equal(terminal.finish(), 3, "exit code")


def ctrl_d():
    """Ctrl-D is end of input; a tty makes CR LF."""
    terminal = docker("run", "-it", "--rm", "busybox", "cat")
    terminal.type(b"line\n")
    terminal.expect(b"line\r\nline\r\n")
    terminal.type(b"\x04")
    equal(terminal.finish(), 0, "exit code")


def execute():
    """exec -it: size, exit code."""
    name = f"tty-exec-{os.getpid()}"
    subprocess.run(["docker", "run", "-d", "--name", name, "busybox", "sleep", "1000"], check=True,
                   stdout=subprocess.DEVNULL)
    try:
        terminal = docker("exec", "-it", name, "sh", rows=35, columns=99)
        shell(terminal)
        resized(terminal, b"35 99")
        terminal.resize(22, 66)
        resized(terminal, b"22 66")
        terminal.type(b"exit 12\n")
        equal(terminal.finish(), 12, "exit code")
    finally:
        subprocess.run(["docker", "rm", "-f", name], check=True, stdout=subprocess.DEVNULL)


def detach():
    """Ctrl-P Ctrl-Q leaves the container running; attach comes back."""
    name = f"tty-detach-{os.getpid()}"
    try:
        terminal = docker("run", "-it", "--name", name, "busybox", "sh")
        shell(terminal)
        terminal.type(b"X=kept\n")
        terminal.type(b"\x10\x11")
        terminal.finish()
        again = docker("attach", name)
        prompted(again)
        again.type(b"echo $X''!\n")
        again.expect(b"kept!\r\n")
        again.type(b"exit 3\n")
        equal(again.finish(), 3, "exit code")
    finally:
        subprocess.run(["docker", "rm", "-f", name], check=True, stdout=subprocess.DEVNULL)


SCENARIOS = (interactive, ctrl_c, ctrl_d, execute, detach)

if __name__ == "__main__":
    table = {scenario.__name__: scenario for scenario in SCENARIOS}
    for wanted in sys.argv[1:] or table:
        try:
            table[wanted]()
        except (Failure, OSError, subprocess.SubprocessError) as failure:
            sys.exit(f"{wanted}: {type(failure).__name__}: {failure}")
        finally:
            for terminal in Terminal.opened:
                terminal.process.poll() is None and terminal.process.kill()
