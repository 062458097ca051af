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


SCENARIOS = (exit_code_final, refusals, plain_hijack, many_at_once, client_leaves)

if __name__ == "__main__":
    run_scenario({scenario.__name__: scenario for scenario in SCENARIOS})
