#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Whether create checks the type of every property that Docker's API description has for its body:
# each gets a value of every other JSON type and must be refused with its name in the answer; with a
# value of its own type there is no complaint about types.
# Usage: check_docker_types.py SOCKET SPEC.json
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e", "lib"))
from raw import Docker  # noqa: E402

SAMPLES = {"string": "x", "integer": 7, "boolean": True, "array": [], "object": {}}
# moby's StrSlice takes a single text for a list.
ALSO_TEXT = {"Cmd", "Entrypoint", "Shell", "CapAdd", "CapDrop"}
COMPLAINT = "json: cannot unmarshal"


class Walk:
    def __init__(self, docker, definitions):
        self.docker, self.definitions = docker, definitions
        self.checked, self.faults = 0, []

    def resolved(self, schema):
        """The schema without references and allOf; its properties in one."""
        out = dict(schema)
        while "$ref" in out:
            out = dict(self.definitions[out.pop("$ref").rsplit("/", 1)[1]])
        for part in out.pop("allOf", ()):
            part = self.resolved(part)
            properties = {**out.get("properties", {}), **part.get("properties", {})}
            out = {**part, **out}
            if properties:
                out["properties"] = properties
        out.setdefault("type", "object" if "properties" in out else None)
        return out

    def create(self, path, value):
        """A body with the value at the path: names of members, [] for a list, {} for a map."""
        for step in reversed(path):
            value = [value] if step == "[]" else {("80/tcp" if step == "{}" else step): value}
        body = {"Image": "none:1", **value} if isinstance(value, dict) else value
        reply = self.docker.call("POST", "/containers/create", body)
        return reply.status, reply.message()

    def visit(self, path, schema):
        schema = self.resolved(schema)
        kind, names = schema.get("type"), [step for step in path if step not in ("[]", "{}")]
        where = ".".join(names)
        for other, sample in SAMPLES.items():
            takes = other == kind or (other == "string" and kind == "array" and names[-1:] and
                                      names[-1] in ALSO_TEXT and path[-1] != "[]")
            status, message = self.create(path, sample)
            complains = message.startswith(COMPLAINT)
            self.checked += 1
            if takes == complains or (complains and (status != 400 or where not in message)):
                self.faults.append(f"{'/'.join(path)} = {sample!r}: {status} {message}")
        if kind == "array":
            self.visit(path + ["[]"], schema["items"])
        for name, one in schema.get("properties", {}).items():
            self.visit(path + [name], one)
        if isinstance(schema.get("additionalProperties"), dict):
            self.visit(path + ["{}"], schema["additionalProperties"])


def main():
    with open(sys.argv[2], encoding="utf-8") as file:
        spec = json.load(file)
    parameters = spec["paths"]["/containers/create"]["post"]["parameters"]
    body = next(p for p in parameters if p["in"] == "body")["schema"]
    walk = Walk(Docker(sys.argv[1]), spec["definitions"])
    for name, one in walk.resolved(body)["properties"].items():
        walk.visit([name], one)
    for fault in walk.faults:
        print(f"docker types: {fault}")
    print(f"docker types: {walk.checked} bodies, {len(walk.faults)} faults")
    return 1 if walk.faults or walk.checked < 500 else 0


if __name__ == "__main__":
    sys.exit(main())
