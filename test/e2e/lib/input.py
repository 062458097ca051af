# SPDX-License-Identifier: Apache-2.0
#
# What clients may send that is unusual and right: the daemon takes it as Go's libraries and moby's
# rules do. What is wrong is in badinput.py.
import json
import urllib.parse

from raw import check, equal, run_scenario

MERGE = "test/merge"  # its image sets FROM_IMAGE and BOTH, and a user


def environment_of(docker, cid, cmd=None, **options):
    """{name: value} of the main process, or of an exec of `cmd`."""
    eid = docker.ok("POST", f"/containers/{cid}/exec",
                    {"Cmd": cmd or ["cat", "/proc/self/environ"], "AttachStdout": True, **options},
                    (201,)).json()["Id"]
    stream = docker.hijack(f"/exec/{eid}/start", {"Detach": False})
    text = stream.frames()["stdout"].decode()
    stream.close()
    return dict(entry.split("=", 1) for entry in text.split("\0") if entry)


def unset_variables(docker):
    """A name without a value: neither the image's value nor Docker's default, in exec as well."""
    cid = docker.create(["sh", "-c", "tr '\\0' '\\n' </proc/$$/environ >/seen; exec tail -f /dev/null"],
                        Image=MERGE, User="0", Env=["BOTH", "HOSTNAME", "MINE=1", "HOME", "NEVER"], Entrypoint=[""])
    docker.start(cid)
    seen = environment_of(docker, cid, ["sh", "-c", "while ! [ -s /seen ]; do :; done; tr '\\n' '\\0' </seen"])
    inside = environment_of(docker, cid)
    for names in (seen, inside):
        check("FROM_IMAGE" in names and "MINE" in names, f"what is set: {names}")
        for name in ("BOTH", "HOSTNAME", "NEVER"):
            check(name not in names, f"{name} is set: {names}")
        equal(names["HOME"], "/root", "HOME, which the runtime sets")
    over = environment_of(docker, cid, Env=["FROM_IMAGE", "MINE", "BOTH=back"])
    equal((over.get("FROM_IMAGE"), over.get("MINE"), over.get("BOTH")), (None, None, "back"), "exec's own")
    equal(docker.inspect(cid)["Config"]["Env"][:5], ["BOTH", "HOSTNAME", "MINE=1", "HOME", "NEVER"],
          "inspect")


def groups(docker):
    """The primary group is one of the supplementary ones."""
    cid = docker.create(["sh", "-c", "grep ^Groups /proc/self/status; exec sleep 60"], User="4242:4343")
    docker.start(cid)
    for user, want in ((None, "4343"), ("4242:77", "77"), ("0", "0")):
        eid = docker.ok("POST", f"/containers/{cid}/exec",
                        {"Cmd": ["grep", "^Groups", "/proc/self/status"], "AttachStdout": True,
                         **({"User": user} if user else {})}, (201,)).json()["Id"]
        stream = docker.hijack(f"/exec/{eid}/start", {"Detach": False})
        equal(stream.frames()["stdout"].split()[1:], [want.encode()], f"groups of exec -u {user}")
        stream.close()


def odd_text(docker):
    """Bytes that are not UTF-8, lone surrogates and NUL: as Go reads them, and shown so."""
    body = (b'{"Image":"busybox","Cmd":["true"],"Env":["A=\xff"],"Labels":{"bytes":"a\xff\xfeb",'
            b'"surrogates":"x\\ud800y\\ud83d\\ude00","nul\\u0000key":"a\\u0000b"},'
            b'"HostConfig":{"Sysctls":{"a\\u0000":"\\u0000"},"Binds":["/a\xff:/b"]}}')
    cid = docker.ok("POST", "/containers/create", body, (201,)).json()["Id"]
    try:
        shown = docker.inspect(cid)
        equal(shown["Config"]["Labels"], {"bytes": "a\ufffd\ufffdb", "surrogates": "x\ufffdy\U0001f600",
                                          "nul\0key": "a\0b"}, "labels")
        equal(shown["Config"]["Env"][0], "A=\ufffd", "Env")
        equal((shown["HostConfig"]["Sysctls"], shown["HostConfig"]["Binds"]), ({"a\0": "\0"}, ["/a\ufffd:/b"]),
              "HostConfig")
    finally:
        docker.remove(cid)
    for config in ({"Env": ["A=x\0y"]}, {"User": "a\0b"}, {"Hostname": "a\0b"}):
        cid = docker.create(["true"], **config)
        reply = docker.call("POST", f"/containers/{cid}/start")
        check(reply.status in (400, 500) and reply.message(), f"start with {config}: {reply.status}")


def listed(docker, filters, names, target="/containers/json?all=1&"):
    """The names that a list with these filters has, of those given."""
    text = filters if isinstance(filters, str) else json.dumps(filters)
    reply = docker.ok("GET", f"{target}filters={urllib.parse.quote(text)}").json()
    return sorted(names[c["Id"]] for c in reply if c["Id"] in names)


def filters(docker):
    """Prefixes of ids, Go's regular expressions, and the forms that the parameter may have."""
    names = {docker.create(["true"], "e2e-filter-" + name): name for name in ("web", "web-1", "foo", "a.b", "axb")}
    ids = {name: cid for cid, name in names.items()}
    web, every = ids["web"], sorted(ids)
    for given, want in (
            ({"id": [""]}, []), ({"id": [web]}, ["web"]), ({"id": [web[:12]]}, ["web"]),
            ({"id": {web[:12]: False}}, ["web"]), ({"id": [web[3:15]]}, []), ({"id": ["^" + web[:12]]}, []),
            ({"id": ["", web[:12]]}, ["web"]), ({"id": [web[:12]], "name": ["foo"]}, []), ({"id": []}, every),
            ({"name": ["*foo*"]}, []), ({"name": ["(foo"]}, []), ({"name": ["foo", "*bad"]}, ["foo"]),
            ({"name": ["^/e2e-filter-web$"]}, ["web"]), ({"name": ["e2e-filter-web$"]}, ["web"]),
            ({"name": ["\\Qa.b\\E"]}, ["a.b"]), ({"name": ["(?i)FILTER-FOO"]}, ["foo"]),
            ({"name": ["r-\\pL{3}\\z"]}, ["axb", "foo", "web"]), ({"name": ["web-\\d"]}, ["web-1"]),
            ({"name": ["filter-(?P<x>f)oo"]}, ["foo"]), ({"name": ["filter-(?=f)"]}, []),
            ({"name": ["(f)\\1"]}, []), ({"name": ["e2e**"]}, []), ({"name": ["filter-f{,2}"]}, []),
            ({"name": ["filter-[a-c-e]"]}, ["a.b", "axb"]), ({"name": ["r-[[:alpha:]][.x]b"]}, ["a.b", "axb"]),
            ({"name": {"filter-foo": False}}, ["foo"]), ({"name": {"filter-foo": None}}, ["foo"]),
            ({"name": None}, every), ({"name": {}}, every), ({"name": [None]}, every),
            ({"health": {"none": False}}, []), ("null", every), (" {} ", every)):
        equal(listed(docker, given, names), sorted(want), f"{given}")
    for given, words in (("[]", "json: cannot unmarshal array into Go value of type map[string]map[string]bool"),
                         ('{"name":"f1"}', "json: cannot unmarshal string into Go value of type map[string]bool"),
                         ('{"name":["a"],"label":{"x":true}}',
                          "json: cannot unmarshal array into Go value of type map[string]bool"),
                         ("{} x", "invalid character 'x' after top-level value"),
                         ("{", "unexpected end of JSON input"),
                         ('{"bogus":null}', "Invalid filter 'bogus'"),
                         ('{"exited":["x"]}', 'strconv.Atoi: parsing "x": invalid syntax'),
                         ('{"health":["x"]}', "Unrecognised filter value for health: x"),
                         ('{"is-task":["x"]}', "Invalid filter 'is-task=[x]'")):
        reply = docker.call("GET", f"/containers/json?filters={urllib.parse.quote(given)}")
        check(reply.status in (400, 500) and words in reply.message(), f"{given}: {reply.status} {reply.body!r}")
    for target, given, words in (("/images/json", '{"reference":["["]}', "syntax error in pattern"),
                                 ("/images/json", '{"dangling":{"true":false}}', "Invalid filter 'dangling=[true]'"),
                                 ("/images/json", "[]", "json: cannot unmarshal array into Go value")):
        reply = docker.call("GET", f"{target}?filters={urllib.parse.quote(given)}")
        check(reply.status in (400, 500) and words in reply.message(), f"{given}: {reply.status} {reply.body!r}")
    reply = docker.call("POST", "/images/prune?filters=" + urllib.parse.quote('{"dangling":["x"]}'))
    equal((reply.status, reply.message()), (400, "Invalid filter 'dangling=[x]'"), "prune")


def large_labels(docker):
    """A label of 1 MB and 1,500 labels: the start does not fail, and inspect shows all of them."""
    labels = {"huge": "x" * 1000000, **{f"label-{n}": f"value {n}" for n in range(1500)}}
    cid = docker.create(["sh", "-c", "exit 7"], Labels=labels)
    docker.start(cid)
    equal(docker.wait(cid)["StatusCode"], 7, "exit code")
    equal(docker.inspect(cid)["Config"]["Labels"], labels, "labels")


SCENARIOS = (large_labels, filters, odd_text, unset_variables, groups)

if __name__ == "__main__":
    run_scenario({scenario.__name__: scenario for scenario in SCENARIOS})
