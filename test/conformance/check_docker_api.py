#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Drives every endpoint that exists so far through its successes and refusals, and checks status and
# JSON of each answer against Docker's own API description.
# Usage: check_docker_api.py SOCKET SPEC.json [API-VERSION]      (needs python3-jsonschema)
#
# The description marks few members as nullable although real daemons send null for many: null is
# taken for any member. Members that it does not know are told, not failed.
import json
import os
import re
import sys

import jsonschema

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e", "lib"))
from raw import Docker, Failure, check, until  # noqa: E402

JSON_TYPE = {"Content-Type": "application/json"}


def tolerant(schema, top=True):
    """Swagger 2.0 to JSON schema; null allowed for every member."""
    if isinstance(schema, list):
        return [tolerant(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {}
    for key, value in schema.items():
        if key in ("example", "description", "format", "title", "default", "discriminator"):
            continue
        if key == "properties":
            out[key] = {name: {"anyOf": [{"type": "null"}, tolerant(one)]}
                        for name, one in value.items()}
        elif key in ("definitions",):
            out[key] = {name: tolerant(one) for name, one in value.items()}
        elif key in ("enum", "required"):
            out[key] = value
        else:
            out[key] = tolerant(value)
    if top and schema.get("x-nullable") and "$ref" not in out:
        return {"anyOf": [{"type": "null"}, out]}
    return out


class Spec:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.data = json.load(file)
        self.definitions = {k: tolerant(v) for k, v in self.data["definitions"].items()}
        self.paths = [(re.compile(re.sub(r"\{\w+\}", r"[^/]+(?:/[^/]+)*?", p) + "$"), p, methods)
                      for p, methods in self.data["paths"].items()]
        # Literal paths before those with parameters: /containers/json is no /containers/{id}.
        self.paths.sort(key=lambda entry: entry[1].count("{"))

    def operation(self, method, target):
        path = target.split("?")[0]
        for pattern, name, methods in self.paths:
            if pattern.match(path) and method.lower() in methods:
                return name, methods[method.lower()]
        raise Failure(f"{method} {path} is not in the description")

    def validator(self, schema):
        return jsonschema.Draft4Validator({**tolerant(schema), "definitions": self.definitions})

    def resolve(self, schema):
        while "$ref" in schema:
            schema = self.data["definitions"][schema["$ref"].rsplit("/", 1)[1]]
        return schema

    def members(self, schema):
        """Names a structure knows, allOf flattened; None when it is open."""
        schema = self.resolve(schema)
        if "additionalProperties" in schema or schema.get("type") == "string":
            return None
        known = dict(schema.get("properties", {}))
        for part in schema.get("allOf", []):
            known.update(self.members(part) or {})
        return known or None

    def unknown(self, schema, value, path=""):
        """Members of a value that the description does not have."""
        if isinstance(value, list):
            items = self.resolve(schema).get("items")
            for one in value[:1] if items else []:
                yield from self.unknown(items, one, path + "[]")
        elif isinstance(value, dict) and (known := self.members(schema)):
            for key, item in value.items():
                if key not in known:
                    yield f"{path}.{key}"
                else:
                    yield from self.unknown(known[key], item, f"{path}.{key}")


class Conformance:
    def __init__(self, socket, spec, version):
        self.docker, self.spec, self.prefix = Docker(socket), spec, "/v" + version
        self.passed = self.failed = 0
        self.seen = set()

    def call(self, want, method, target, body=None, headers=None):
        """One exchange: the status wanted, declared, and a body as described. Gives its JSON."""
        reply = self.docker.call(method, self.prefix + target, body, headers)
        problems = list(self.judge(want, method, target, reply))
        self.passed += not problems
        self.failed += bool(problems)
        for problem in problems:
            print(f"not ok: {method} {target}: {problem}")
        # A progress stream is many objects; nobody here wants them.
        single = reply.body.count(b"\n") <= 1 and reply.body and self.is_json(reply)
        return reply.json() if single else None

    @staticmethod
    def is_json(reply):
        return reply.headers.get("content-type", "").startswith("application/json")

    def judge(self, want, method, target, reply):
        name, operation = self.spec.operation(method, target)
        self.seen.add(f"{method} {name}")
        if reply.status != want:
            yield f"status {reply.status}, want {want}: {reply.body[:200]!r}"
            return
        declared = operation["responses"].get(str(want))
        if declared is None and want != 400:
            yield f"status {want} is not described"
            return
        for header in ("api-version", "ostype", "server", "docker-experimental"):
            if header not in reply.headers:
                yield f"no {header} header"
        schema = (declared or {"schema": {"$ref": "#/definitions/ErrorResponse"}}).get("schema")
        if schema and schema.get("type") != "string" and method != "HEAD":
            yield from self.judge_body(schema, reply, f"{method} {name}")

    def judge_body(self, schema, reply, where):
        if not self.is_json(reply):
            yield f"content type {reply.headers.get('content-type')!r}"
            return
        value = reply.json()
        for error in self.spec.validator(schema).iter_errors(value):
            best = jsonschema.exceptions.best_match([error])
            yield f"{'.'.join(map(str, error.absolute_path))}: {best.message[:300]}"
        for member in sorted(set(self.spec.unknown(schema, value))):
            print(f"note: {where}: {member} is not described")


def system(c):
    c.call(200, "GET", "/_ping")
    c.call(200, "HEAD", "/_ping")
    c.call(200, "GET", "/version")
    c.call(200, "GET", "/info")


def images(c):
    c.call(200, "POST", "/images/create?fromImage=busybox&tag=latest")
    c.call(404, "POST", "/images/create?fromImage=nosuchimage&tag=latest")
    c.call(200, "GET", "/images/json")
    c.call(200, "GET", "/images/json?all=1&digests=1")
    c.call(200, "GET", "/images/busybox/json")
    c.call(404, "GET", "/images/nosuchimage/json")


def image_changes(c):
    c.call(201, "POST", "/images/busybox/tag?repo=conformance/x&tag=1")
    c.call(201, "POST", "/images/busybox/tag?repo=conformance/y")
    c.call(404, "POST", "/images/nosuchimage/tag?repo=x")
    c.call(400, "POST", "/images/busybox/tag?repo=x@sha256:" + "1" * 64)
    layers = c.call(200, "GET", "/images/conformance/x:1/history")
    check("conformance/x:1" in layers[0]["Tags"], f"tags of the newest layer: {layers[0]}")
    c.call(404, "GET", "/images/nosuchimage/history")
    removed = c.call(200, "DELETE", "/images/conformance/x:1")
    check(removed == [{"Untagged": "conformance/x:1"}], f"rmi of a tag: {removed}")
    c.call(404, "DELETE", "/images/conformance/x:1")
    c.call(200, "DELETE", "/images/conformance/y?force=1&noprune=1")
    c.call(200, "POST", "/images/prune")
    c.call(200, "POST", "/images/prune?filters=%7B%22dangling%22%3A%7B%22true%22%3Atrue%7D%7D")
    c.call(400, "POST", "/images/prune?filters=%7B%22bogus%22%3A%5B%22x%22%5D%7D")


def image_streams(c):
    c.call(400, "POST", "/images/busybox/push?tag=latest")
    c.call(200, "POST", "/images/load?quiet=1", b"not an archive")
    c.call(500, "POST", "/images/create?fromSrc=-&repo=conformance/import", b"not an archive")
    c.call(400, "POST", "/images/create?fromSrc=-&changes=RUN+x", b"not an archive")
    c.call(400, "POST", "/images/create?fromSrc=-&repo=BAD:x", b"not an archive")


def registries(c):
    found = c.call(200, "GET", "/distribution/busybox/json")
    check(found["Descriptor"]["digest"].startswith("sha256:"), f"descriptor: {found}")
    # The description has 401 and 500 only; dockerd hands the registry's own 404 on.
    status = c.docker.call("GET", c.prefix + "/distribution/nosuchimage/json").status
    check(status in (401, 404, 500), f"distribution of a missing image: {status}")
    c.call(500, "POST", "/auth", b"", JSON_TYPE)
    c.call(500, "POST", "/auth", {"username": "a", "password": "b",
                                  "serveraddress": "127.0.0.1:1"})


CREATE = {"Image": "busybox", "Cmd": ["sh", "-c", "echo hello; echo err >&2; exit 3"],
          "Labels": {"conformance": "1"}, "Env": ["A=1"], "ExposedPorts": {"80/tcp": {}},
          "HostConfig": {"Memory": 64 << 20, "PortBindings": {"80/tcp": [{"HostPort": "8080"}]}}}


def container_life(c):
    cid = c.call(201, "POST", "/containers/create?name=conformance", CREATE)["Id"]
    c.call(409, "POST", "/containers/create?name=conformance", CREATE)
    c.call(404, "POST", "/containers/create", {"Image": "nosuchimage", "Cmd": ["x"]})
    c.call(400, "POST", "/containers/create", {})
    c.call(200, "GET", f"/containers/{cid}/json")
    c.call(200, "GET", f"/containers/{cid}/json?size=1")
    c.call(200, "GET", "/containers/json?all=1")
    c.call(204, "POST", f"/containers/{cid}/start")
    c.call(200, "POST", f"/containers/{cid}/wait")
    c.call(200, "GET", f"/containers/{cid}/json")
    c.call(200, "GET", "/containers/json?all=1&size=1")
    c.call(304, "POST", f"/containers/{cid}/stop")
    c.call(409, "POST", f"/containers/{cid}/kill")
    c.call(200, "GET", f"/containers/{cid}/logs?stdout=1&stderr=1")
    c.call(204, "DELETE", f"/containers/{cid}")
    c.call(404, "DELETE", f"/containers/{cid}")


def container_running(c):
    body = {"Image": "busybox", "Cmd": ["tail", "-f", "/dev/null"], "Tty": True, "OpenStdin": True}
    cid = c.call(201, "POST", "/containers/create", body)["Id"]
    c.call(204, "POST", f"/containers/{cid}/start")
    c.call(304, "POST", f"/containers/{cid}/start")
    c.call(200, "GET", f"/containers/{cid}/json")
    c.call(200, "GET", "/containers/json")
    c.call(200, "POST", f"/containers/{cid}/resize?h=10&w=20")
    c.call(409, "DELETE", f"/containers/{cid}")
    execs(c, cid)
    c.call(204, "POST", f"/containers/{cid}/kill?signal=KILL")
    c.call(200, "POST", f"/containers/{cid}/wait?condition=not-running")
    c.call(409, "POST", f"/containers/{cid}/exec", {"Cmd": ["true"]})
    c.call(204, "DELETE", f"/containers/{cid}?force=1&v=1")


def execs(c, cid):
    made = c.call(201, "POST", f"/containers/{cid}/exec",
                  {"Cmd": ["sh", "-c", "exit 4"], "AttachStdout": True})["Id"]
    c.call(200, "GET", f"/exec/{made}/json")
    c.call(200, "POST", f"/exec/{made}/start", {"Detach": True})
    until(lambda: not c.docker.call("GET", f"/exec/{made}/json").json()["Running"], "exec ended")
    ended = c.call(200, "GET", f"/exec/{made}/json")
    check(ended["ExitCode"] == 4, f"exit code of exec: {ended['ExitCode']}")
    c.call(409, "POST", f"/exec/{made}/start", {"Detach": True})
    c.call(404, "POST", "/exec/nope/start", {"Detach": True})
    c.call(404, "GET", "/exec/nope/json")
    c.call(404, "POST", "/containers/nope/exec", {"Cmd": ["true"]})


def unknown(c):
    for method, tail in (("GET", "/json"), ("GET", "/logs?stdout=1"), ("POST", "/start"),
                         ("POST", "/stop"), ("POST", "/kill"), ("POST", "/wait"), ("DELETE", ""),
                         ("POST", "/resize?h=1&w=1")):
        c.call(404, method, f"/containers/nope{tail}")


def main():
    if len(sys.argv) < 3:
        sys.exit("usage: check_docker_api.py SOCKET SPEC.json [API-VERSION]")
    version = sys.argv[3] if len(sys.argv) > 3 else "1.44"
    c = Conformance(sys.argv[1], Spec(sys.argv[2]), version)
    for part in (system, images, image_changes, image_streams, registries, container_life, container_running, unknown):
        try:
            part(c)
        except (Failure, OSError, TypeError, KeyError) as failure:
            c.failed += 1
            print(f"not ok: {part.__name__}: {type(failure).__name__}: {failure}")
    print(f"docker API {version}: {len(c.seen)} endpoints: {', '.join(sorted(c.seen))}")
    print(f"{c.passed} passed, {c.failed} failed")
    sys.exit(1 if c.failed else 0)


if __name__ == "__main__":
    main()
