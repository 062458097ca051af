# SPDX-License-Identifier: Apache-2.0
#
# Attach, wait and start by raw HTTP: the orders and half-closes that runners and libraries use.
import hashlib

from raw import INTERACTIVE, check, equal, run_scenario, until

ECHO = ["sh", "-c", "cat; echo done >&2; exit 3"]


def before_start(docker, upgrade):
    """Attach, start, stream stdin piece by piece, half-close, read to the end."""
    cid = docker.create(ECHO, **INTERACTIVE)
    stream = docker.attach(cid, upgrade, version="/v1.41")
    # Newer versions tell multiplexed from raw here.
    equal(stream.reply.headers["content-type"], "application/vnd.docker.raw-stream", "type")
    docker.start(cid)
    for number in range(20):
        line = f"piece {number}\n".encode()
        stream.send(line)
        equal(stream.expect(line), line, "echo")
    stream.half_close()
    out = stream.frames()
    equal(out, {"stdout": b"", "stderr": b"done\n"}, "what follows the half-close")
    equal(docker.wait(cid)["StatusCode"], 3, "exit code")


def before_start_101(docker):
    before_start(docker, True)


def before_start_200(docker):
    before_start(docker, False)


def typed_early(docker, glued=b""):
    """Stdin sent before start is not lost."""
    cid = docker.create(ECHO, **INTERACTIVE)
    stream = docker.attach(cid, glued=glued)
    stream.send(b"early\n")
    docker.start(cid)
    stream.expect(glued + b"early\n")
    stream.half_close()
    stream.frames()
    equal(docker.wait(cid)["StatusCode"], 3, "exit code")


def glued(docker):
    """Stdin in the same write as the head belongs to the process. (dockerd loses it.)"""
    typed_early(docker, b"glued ")


def half_close_early(docker):
    """All of stdin, end included, may come before start."""
    cid = docker.create(["sha256sum"], **INTERACTIVE)
    stream = docker.attach(cid)
    stream.send(b"x" * 30000)
    stream.half_close()
    docker.start(cid)
    want = hashlib.sha256(b"x" * 30000).hexdigest().encode()
    equal(stream.frames()["stdout"].split()[0], want, "digest")
    equal(docker.wait(cid)["StatusCode"], 0, "exit code")


def two_attachers(docker):
    """Both see everything; either may type."""
    cid = docker.create(["sh", "-c", "echo hello; read a; echo $a; read b; echo $b >&2; exit 4"],
                        **INTERACTIVE)
    one, two = docker.attach(cid), docker.attach(cid)
    docker.start(cid)
    one.expect(b"hello\n")
    two.expect(b"hello\n")
    one.send(b"from one\n")
    one.expect(b"from one\n")
    two.expect(b"from one\n")
    two.send(b"from two\n")
    for stream in (one, two):
        equal(stream.frames(), {"stdout": b"", "stderr": b"from two\n"}, "last words")
    equal(docker.wait(cid)["StatusCode"], 4, "exit code")


def one_attacher_leaves(docker):
    """An attacher that goes away takes nothing from the other."""
    cid = docker.create(["sh", "-c", "echo hello; read a; echo $a"], **INTERACTIVE)
    one = docker.attach(cid)
    two = docker.attach(cid, stream=1, stdout=1, stderr=1)
    docker.start(cid)
    two.expect(b"hello\n")
    two.close()
    one.send(b"still here\n")
    one.expect(b"still here\n")
    equal(one.frames(), {"stdout": b"", "stderr": b""}, "rest")


def attached_when_answered(docker):
    """What another connection causes once an attach is answered is seen by it."""
    cid = docker.create(["sh", "-c", "while read x; do echo $x; done"], OpenStdin=True)
    docker.start(cid)
    typist = docker.attach(cid, stream=1, stdin=1)
    for turn in range(15):
        watch = docker.attach(cid, stream=1, stdout=1)
        typist.send(b"%d\n" % turn)
        watch.expect(b"%d\n" % turn)
        watch.close()


def after_exit(docker):
    """Attach to an exited container stays open and serves the next run."""
    cid = docker.create(["sh", "-c", "echo run"])
    docker.start(cid)
    docker.wait(cid)
    stream = docker.attach(cid, stream=1, stdout=1, stderr=1)
    check(stream.idle(0.3), "attach after exit ended or talked")
    docker.start(cid)
    equal(stream.frames()["stdout"], b"run\n", "output of the next run")


def logs_replay(docker):
    """logs=1 without stream replays and closes, also after the exit."""
    cid = docker.create(["sh", "-c", "echo out; echo err >&2"])
    docker.start(cid)
    docker.wait(cid)

    def replayed():
        out = docker.attach(cid, logs=1, stdout=1, stderr=1).frames()
        return out == {"stdout": b"out\n", "stderr": b"err\n"}

    # The log service takes its time to show what was written last.
    until(replayed, "replay of both streams")


def history_of_ended(docker):
    """logs=1 with stream=1: what all runs have printed, then open for the next run."""
    cid = docker.create(["sh", "-c", "echo out; sleep 0.1; echo err >&2; sleep 0.1; printf end"])
    for _ in range(2):
        docker.start(cid)
        docker.wait(cid)
    stream = docker.attach(cid, logs=1, stream=1, stdout=1, stderr=1)
    for _ in range(2):
        equal(stream.frame(), ("stdout", b"out\n"), "first line of a run")
        equal(stream.frame(), ("stderr", b"err\n"), "second line")
        equal(stream.frame(), ("stdout", b"end"), "rest")
    check(stream.idle(0.3), "attach after exit ended or talked")
    docker.start(cid)
    equal(stream.frames(), {"stdout": b"out\nend", "stderr": b"err\n"}, "output of the next run")


LINES = 2000
TAIL = " of very many " + "x" * 600  # together more than the 1 MiB that an agent keeps


def printing(first, last):
    return f"seq {first} {last} | sed 's/.*/line &{TAIL}/'"


def numbered(docker, then):
    """A container that has printed many lines, more than an agent keeps, and waits for stdin."""
    cid = docker.create(["sh", "-c", f"{printing(1, LINES)}; read x; {then}"], OpenStdin=True)
    docker.start(cid)
    last = docker.attach(cid, stream=1, stdin=1)

    def printed():
        reply = docker.call("GET", f"/containers/{cid}/logs?stdout=1&tail=1")
        return f"line {LINES} of".encode() in reply.body

    until(printed, "the last line")
    return cid, last


def read_up_to(stream, text):
    """All of stdout until a frame ends with the text."""
    got = []
    while not got or not got[-1].endswith(text):
        one = stream.frame()
        check(one is not None, f"ended before {text!r}")
        got.append(one[1])
    return b"".join(got)


def lines(first, last):
    return "".join(f"line {n}{TAIL}\n" for n in range(first, last + 1)).encode()


def history_of_running(docker):
    """logs=1 with stream=1: all that was printed so far, then what follows, each line once."""
    cid, other = numbered(docker, "echo the end")
    stream = docker.attach(cid, logs=1, stream=1, stdout=1, stderr=1)
    got = read_up_to(stream, f"line {LINES}{TAIL}\n".encode())
    check(got == lines(1, LINES), "what was printed before")
    other.send(b"\n")
    equal(stream.frames()["stdout"], b"the end\n", "what follows")
    got = docker.attach(cid, logs=1, stdout=1).frames()["stdout"]
    check(got == lines(1, LINES) + b"the end\n", "all of it, after the end")


def history_while_printing(docker):
    """The join neither loses nor repeats a line while the container prints without a pause.
    (dockerd's does.)"""
    # It reads once more, because an attach to what has ended would wait for the next run.
    cid, other = numbered(docker, printing(LINES + 1, 2 * LINES) + "; read x; echo the end")
    other.send(b"\n")
    stream = docker.attach(cid, logs=1, stream=1, stdout=1, stderr=1)
    got, want = read_up_to(stream, f"line {2 * LINES}{TAIL}\n".encode()), lines(1, 2 * LINES)
    check(got == want, f"{len(got)} of {len(want)} bytes")
    other.send(b"\n")
    equal(stream.frames()["stdout"], b"the end\n", "what follows")


def history_unfinished_line(docker):
    """A line that is unfinished at the join is whole. (dockerd loses its beginning.)"""
    then = """while read x && [ "$x" != go ]; do echo tick; done; printf half; read x; echo ' and half'"""
    cid, other = numbered(docker, then)
    watch = docker.attach(cid, stream=1, stdout=1)
    while watch.idle(0.05):  # until it is among the receivers
        other.send(b"tick\n")
    other.send(b"go\n")
    watch.expect(b"half")
    stream = docker.attach(cid, logs=1, stream=1, stdout=1)
    got, printed = read_up_to(stream, b"half"), lines(1, LINES)
    check(got.startswith(printed), "what was printed before")
    equal(got[len(printed):].replace(b"tick\n", b""), b"half", "what follows it")
    other.send(b"\n")
    equal(stream.frames()["stdout"], b" and half\n", "the rest")


def nothing_to_carry(docker):
    """Without stdin, stdout and stderr there is no log and no stream, and the answer ends."""
    cid = docker.create(["sh", "-c", "echo out; sleep 60"])
    once = docker.create(["sh", "-c", "echo out; read x; exit 4"], **INTERACTIVE)
    for state in ("created", "running", "ended"):
        for which in ({"logs": 1}, {"stream": 1}, {"logs": 1, "stream": 1}, {"logs": 0}):
            for upgrade in (True, False):
                equal(docker.attach(cid, upgrade, **which).rest(), b"", f"{state}, {which}")
        if state == "created":
            docker.start(cid)
        else:
            docker.call("POST", f"/containers/{cid}/kill")
    docker.start(once)
    stream = docker.attach(once, stream=1)
    check(stream.idle(0.3), "with StdinOnce the answer lasts as long as the run")
    docker.attach(once, stream=1, stdin=1).send(b"\n")
    equal(stream.rest(), b"", "at the end of the run")


def plain_type(docker):
    """Without Upgrade the type is the raw stream's in every version, whatever follows."""
    cid = docker.create(["echo", "out"])
    docker.start(cid)
    docker.wait(cid)
    for version in ("", "/v1.41"):
        stream = docker.attach(cid, False, version=version, logs=1, stdout=1)
        equal(stream.reply.headers["content-type"], "application/vnd.docker.raw-stream", "type")
        equal(stream.frames()["stdout"], b"out\n", "frames")


def stdin_stays_open(docker):
    """OpenStdin without StdinOnce: a client that leaves does not end the container's stdin."""
    cid = docker.create(["sh", "-c", "while read a; do echo got $a; done"], OpenStdin=True)
    docker.start(cid)
    for turn in ("first", "second"):
        stream = docker.attach(cid)
        stream.send(turn.encode() + b"\n")
        stream.expect(f"got {turn}\n".encode())
        stream.half_close()
        stream.rest()
    check(docker.inspect(cid)["State"]["Running"], "the container ended with its attacher")


def typed_and_gone(docker):
    """A client that types and leaves at once, while output comes for it, is heard to the end.
    (dockerd loses some.)"""
    rounds = 40
    script = f"n=0; while [ $n -lt {rounds} ] && read l; do n=$((n+1)); echo got $l; done; exit 9"
    for tty in (False, True):
        cid = docker.create(["sh", "-c", script], OpenStdin=True, Tty=tty)
        docker.start(cid)
        for turn in range(rounds):
            stream = docker.attach(cid)
            stream.send(b"line %d\n" % turn)
            stream.close()
        equal(docker.wait(cid)["StatusCode"], 9, "exit code once all lines have come")


def errors(docker):
    """Refusals come before the hijack, with their status."""
    for target, status in (("/containers/nope/attach?stream=1&stdout=1", 404),
                           ("/containers/nope/wait", 404),
                           ("/exec/nope/start", 404)):
        body = {"Detach": False, "Tty": False} if "exec" in target else None
        reply = docker.call("POST", target, body, {"Connection": "Upgrade", "Upgrade": "tcp"})
        equal(reply.status, status, target)
        check(b"nope" in reply.body, f"{target}: {reply.body!r}")


def output_only_half_close(docker):
    """The CLI half-closes right after 101 when it does not send stdin: output goes on."""
    cid = docker.create(["sh", "-c", "sleep 0.2; echo late; echo later >&2"])
    stream = docker.attach(cid, stream=1, stdout=1, stderr=1)
    stream.half_close()
    docker.start(cid)
    equal(stream.frames(), {"stdout": b"late\n", "stderr": b"later\n"}, "output")


def numbered_lines(count):
    """(a shell command, what it prints): lines of 100 bytes, each another."""
    return (f"awk 'BEGIN {{ for (i = 1; i <= {count}; i++) printf \"%099d\\n\", i }}'",
            b"".join(b"%099d\n" % n for n in range(1, count + 1)))


def big_output(docker):
    """7 MB through one attach, every byte, in order."""
    command, want = numbered_lines(70000)
    cid = docker.create(["sh", "-c", command])
    stream = docker.attach(cid, stream=1, stdout=1, stderr=1)
    docker.start(cid)
    out = stream.frames()["stdout"]
    check(out == want, f"{len(out)} of {len(want)} bytes")


def slow_reader(docker):
    """A reader that pauses gets everything all the same; nobody buffers without end."""
    command, want = numbered_lines(60000)
    cid = docker.create(["sh", "-c", command])
    stream = docker.attach(cid, stream=1, stdout=1, stderr=1)
    docker.start(cid)
    stream.expect(want[:200])
    check(docker.call("GET", "/_ping").status == 200, "the daemon waits for a slow reader")
    rest = stream.frames()["stdout"]
    check(2 * len(rest) > len(want) and want.endswith(rest), f"lost: {len(rest)} bytes, end {rest[-40:]!r}")


def one_attacher_does_not_read(docker):
    """It holds back the process, and so all others, until it leaves: nobody buffers without end. The
    kernel's TCP buffers alone may hold 36 MB (tcp_rmem, tcp_wmem)."""
    size = 64 << 20
    cid = docker.create(["sh", "-c", "dd if=/dev/zero bs=1M count=64 2>/dev/null | tr '\\0' a; exit 7"])
    mute = docker.attach(cid, stream=1, stdout=1)
    other = docker.attach(cid, stream=1, stdout=1)
    docker.start(cid)
    got = 0
    while other.buffer or not other.idle(0.5):
        got += len(other.frame()[1])
    check(0 < got < size, f"{got} bytes passed a client that does not read")
    equal(docker.inspect(cid)["State"]["Status"], "running", "status")
    mute.close()
    equal(got + len(other.frames()["stdout"]), size, "output")
    equal(docker.wait(cid)["StatusCode"], 7, "exit code")


def wait_conditions(docker):
    cid = docker.create(["sh", "-c", "exit 6"])
    equal(docker.wait(cid)["StatusCode"], 0, "not-running on a created container")
    waiter = docker.wait_open(cid, "next-exit")
    check(waiter.idle(0.2), "next-exit answered before the start")
    docker.start(cid)
    equal(docker.wait_result(waiter), 6, "next-exit")
    equal(docker.wait(cid)["StatusCode"], 6, "not-running after the exit")
    removed = docker.wait_open(cid, "removed")
    check(removed.idle(0.2), "removed answered before the removal")
    docker.remove(cid)
    equal(docker.wait_result(removed), 6, "removed")


def wait_auto_remove(docker):
    """`removed` of an --rm container gives the process's code."""
    for code in (0, 9):
        cid = docker.create(["sh", "-c", f"exit {code}"], AutoRemove=True)
        waiter = docker.wait_open(cid, "removed")
        docker.start(cid)
        equal(docker.wait_result(waiter), code, "exit code")
        equal(docker.call("GET", f"/containers/{cid}/json").status, 404, "inspect afterwards")


def wait_many(docker):
    """Several waiters, all told; one that went away hurts nobody."""
    cid = docker.create(["sh", "-c", "read x; exit 11"], **INTERACTIVE)
    stream = docker.attach(cid)
    docker.start(cid)
    waiters = [docker.wait_open(cid, c) for c in ("not-running", "next-exit", "not-running")]
    docker.wait_open(cid, "next-exit").close()
    stream.send(b"\n")
    equal([docker.wait_result(w) for w in waiters], [11, 11, 11], "codes")


def gitlab_loop(docker):
    """One container id, 20 times: attach, start, script through stdin, end of output, stop, wait."""
    cid = docker.create(["sh"], **INTERACTIVE)
    for turn in range(20):
        stream = docker.attach(cid)
        docker.start(cid)
        waiter = docker.wait_open(cid, "not-running")
        stream.send(f"echo script {turn}\necho warn {turn} >&2\nexit {turn}\n".encode())
        stream.half_close()
        out = stream.frames()
        equal(out, {"stdout": f"script {turn}\n".encode(), "stderr": f"warn {turn}\n".encode()},
              f"output of turn {turn}")
        stop = docker.call("POST", f"/containers/{cid}/stop?t=10")
        check(stop.status in (204, 304), f"stop: {stop.status} {stop.body!r}")
        equal(docker.wait_result(waiter), turn, f"exit code of turn {turn}")
        state = docker.inspect(cid)["State"]
        equal((state["Running"], state["ExitCode"]), (False, turn), "state")
        equal(docker.call("POST", f"/containers/{cid}/stop").status, 304, "stop when stopped")


def start_twice(docker):
    cid = docker.create(["sleep", "60"])
    docker.start(cid)
    equal(docker.call("POST", f"/containers/{cid}/start").status, 304, "start when running")


SCENARIOS = (before_start_101, before_start_200, typed_early, glued, half_close_early, two_attachers,
             one_attacher_leaves, attached_when_answered, after_exit, logs_replay, history_of_ended, history_of_running,
             history_while_printing, history_unfinished_line, nothing_to_carry, plain_type,
             stdin_stays_open, typed_and_gone, errors,
             output_only_half_close, big_output, slow_reader, one_attacher_does_not_read, wait_conditions, wait_auto_remove,
             wait_many, gitlab_loop, start_twice)

if __name__ == "__main__":
    run_scenario({scenario.__name__: scenario for scenario in SCENARIOS})
