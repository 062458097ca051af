# SPDX-License-Identifier: Apache-2.0
#
# Exec by raw HTTP: what is true at which moment.
from raw import check, equal, run_scenario, until

CONTAINER = "e2e-exec"
OUTPUTS = {"AttachStdout": True, "AttachStderr": True}
START = {"Detach": False, "Tty": False}


def exec_create(docker, cmd, **options):
    body = {"Cmd": cmd, **OUTPUTS, **options}
    return docker.ok("POST", f"/containers/{CONTAINER}/exec", body, (201,)).json()["Id"]


def exec_inspect(docker, eid):
    return docker.ok("GET", f"/exec/{eid}/json").json()


def exit_code_final(docker):
    """Clients inspect at once after the stream's end, for 30 execs in a row."""
    for code in range(30):
        eid = exec_create(docker, ["sh", "-c", f"echo {code}; exit {code}"])
        before = exec_inspect(docker, eid)
        equal((before["Running"], before["ExitCode"]), (False, None), "before the start")
        stream = docker.hijack(f"/exec/{eid}/start", START)
        equal(stream.frames()["stdout"], b"%d\n" % code, "output")
        after = exec_inspect(docker, eid)
        equal((after["Running"], after["ExitCode"]), (False, code), "at the stream's end")


def refusals(docker):
    """Wrong orders and missing things."""
    eid = exec_create(docker, ["sh", "-c", "read x"], AttachStdin=True)
    stream = docker.hijack(f"/exec/{eid}/start", START)
    until(lambda: exec_inspect(docker, eid)["Running"], "exec runs")
    # Attached, dockerd hijacks first and tells its refusal in the stream.
    again = docker.call("POST", f"/exec/{eid}/start", {"Detach": True})
    equal(again.status, 409, "start of a running exec")
    stream.send(b"\n")
    stream.rest()
    equal(docker.call("POST", f"/exec/{eid}/start", {"Detach": True}).status, 409,
          "start of an ended exec")
    equal(docker.call("GET", "/exec/nope/json").status, 404, "inspect of nothing")
    equal(docker.call("POST", "/exec/nope/start", START).status, 404, "start of nothing")
    reply = docker.call("POST", f"/containers/{CONTAINER}/exec", {"AttachStdout": True})
    equal((reply.status, reply.message()), (400, "No exec command specified"), "no command")
    listed = docker.inspect(CONTAINER)["ExecIDs"] or []
    check(eid not in listed, "an ended exec is still listed")


def plain_hijack(docker):
    """Without Upgrade: 200, raw, the client may write and half-close."""
    eid = exec_create(docker, ["sh", "-c", "cat; echo err >&2; exit 2"], AttachStdin=True)
    stream = docker.hijack(f"/exec/{eid}/start", START, upgrade=False)
    stream.send(b"hello\n")
    stream.expect(b"hello\n")
    stream.half_close()
    equal(stream.frames(), {"stdout": b"", "stderr": b"err\n"}, "rest")
    equal(exec_inspect(docker, eid)["ExitCode"], 2, "exit code")


def many_at_once(docker):
    """20 interleaved sessions; bytes never cross."""
    streams = []
    for number in range(20):
        eid = exec_create(docker, ["cat"], AttachStdin=True)
        streams.append((number, docker.hijack(f"/exec/{eid}/start", START)))
    for turn in range(5):
        for number, stream in streams:
            line = f"session {number} turn {turn}\n".encode()
            stream.send(line)
            equal(stream.expect(line), line, "echo")
    for _, stream in streams:
        stream.half_close()
        equal(stream.frames(), {"stdout": b"", "stderr": b""}, "rest")


def client_leaves(docker):
    """The process outlives its client."""
    eid = exec_create(docker, ["sh", "-c", "echo up; sleep 0.3; touch /tmp/outlived; exit 5"])
    stream = docker.hijack(f"/exec/{eid}/start", START)
    stream.expect(b"up\n")
    stream.close()
    until(lambda: not exec_inspect(docker, eid)["Running"], "end of the process")
    equal(exec_inspect(docker, eid)["ExitCode"], 5, "exit code")


def tty_of_start(docker):
    """The stream is framed as start's Tty says, whatever TTY the process has."""
    outputs = (  # create's Tty, start's, what is read
        (False, False, b"\1\0\0\0\0\0\0\5out\n\n\2\0\0\0\0\0\0\4err\n"),
        (False, True, b"out\n\n"),  # no place for stderr
        (True, False, b"\1\0\0\0\0\0\0\x0cout\r\n\r\nerr\r\n"),
        (True, True, b"out\r\n\r\nerr\r\n"),
    )
    command = ["sh", "-c", "printf 'out\\n\\n'; sleep 0.2; echo err >&2"]
    for created, started, want in outputs:
        for upgrade in (True, False):
            eid = exec_create(docker, command, Tty=created)
            start = {"Tty": True} if started else {}
            stream = docker.hijack(f"/v1.41/exec/{eid}/start", start, upgrade)
            equal(stream.reply.headers["content-type"], "application/vnd.docker.raw-stream", "type")
            got = stream.rest()
            if created and not started:  # in how many frames depends on the reads
                got = b"\1\0\0\0\0\0\0\x0c" + b"".join(payloads(got))
            equal(got, want, f"create {created}, start {started}")
    eid = exec_create(docker, ["nosuchcommand"], Tty=True)
    name, text = docker.hijack(f"/exec/{eid}/start", {}).frame()
    check(name == "stdout" and text.endswith(b"\r\n"), "why it could not be started")


def payloads(framed):
    while framed:
        size = int.from_bytes(framed[4:8], "big")
        equal(framed[:4], b"\1\0\0\0", "a frame of stdout")
        yield framed[8:8 + size]
        framed = framed[8 + size:]


def listed_ids(docker):
    return docker.inspect(CONTAINER)["ExecIDs"] or []


def ids_of_container(docker):
    """ExecIDs are those that were created and have not ended."""
    eid = exec_create(docker, ["sh", "-c", "read x"], AttachStdin=True)
    check(eid in listed_ids(docker), "a created exec is not listed")
    stream = docker.hijack(f"/exec/{eid}/start", START)
    until(lambda: exec_inspect(docker, eid)["Running"], "exec runs")
    check(eid in listed_ids(docker), "a running exec is not listed")
    stream.half_close()
    stream.rest()
    until(lambda: eid not in listed_ids(docker), "an ended exec is not listed")
    failed = exec_create(docker, ["nosuchcommand"])
    docker.call("POST", f"/exec/{failed}/start", {"Detach": True})
    check(failed not in listed_ids(docker), "an exec that could not be started is listed")


def never_started(docker):
    """An exec that was not started goes with the run for which it was created."""
    cid = docker.create(["sleep", "60"])
    docker.start(cid)
    body = {"Cmd": ["true"], **OUTPUTS}
    eid = docker.ok("POST", f"/containers/{cid}/exec", body, (201,)).json()["Id"]
    equal(docker.inspect(cid)["ExecIDs"], [eid], "listed")
    docker.call("POST", f"/containers/{cid}/kill")
    docker.wait(cid)
    until(lambda: docker.call("GET", f"/exec/{eid}/json").status == 404, "forgotten")
    equal(docker.inspect(cid)["ExecIDs"], None, "listed after the end")
    docker.start(cid)
    equal(docker.call("POST", f"/exec/{eid}/start", {"Detach": True}).status, 404, "in the next run")


def detach_keys(docker):
    """Shown as bytes in base64, refused at create when malformed."""
    for keys, shown in (("", ""), ("ctrl-a,x", "AXg="), ("DEL", "fw=="), ("a,b", "YWI=")):
        eid = exec_create(docker, ["cat"], AttachStdin=True, Tty=True, DetachKeys=keys)
        equal(exec_inspect(docker, eid)["DetachKeys"], shown, f"keys {keys}")
    for keys in ("bogus-x", "ctrl-A", "a,", ","):
        reply = docker.call("POST", f"/containers/{CONTAINER}/exec",
                            {"Cmd": ["cat"], **OUTPUTS, "DetachKeys": keys})
        equal((reply.status, reply.message()), (500, f"Invalid escape keys ({keys}) provided"), keys)


def console_size(docker):
    """A terminal is as large as create says, or else start, from the first moment. (dockerd since 23.0.)"""
    cid = docker.create(["sh", "-c", "stty size; sleep 60"], Tty=True, HostConfig={"ConsoleSize": [41, 101]})
    stream = docker.attach(cid, stream=1, stdout=1)
    docker.start(cid)
    equal(stream.take(8), b"41 101\r\n", "of the container")
    for start, want in (({}, b"42 102\r\n"), ({"ConsoleSize": [43, 103]}, b"43 103\r\n"),
                        ({"ConsoleSize": [0, 0]}, b"42 102\r\n")):
        eid = docker.ok(
            "POST", f"/containers/{cid}/exec", {"Cmd": ["stty", "size"], "AttachStdout": True, "Tty": True,
                                                "ConsoleSize": [42, 102]}).json()["Id"]
        equal(docker.hijack(f"/exec/{eid}/start", {"Tty": True, **start}).rest(), want, f"of an exec, {start}")


SCENARIOS = (tty_of_start, console_size, ids_of_container, never_started, detach_keys, exit_code_final, refusals, plain_hijack, many_at_once, client_leaves)

if __name__ == "__main__":
    run_scenario({scenario.__name__: scenario for scenario in SCENARIOS})
