#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Checks every line of the simulated Google Cloud's journal against Google's discovery documents:
# what the backend sent, and what the simulator answered.
# Usage: check_google_models.py JOURNAL MODELS_DIR
#
# Requests: an unknown member or parameter, a wrong type, a missing required member, a member that
# is output only, a value outside an enumeration is an error. Answers: the same, but unknown members
# and enumeration values are only warnings, since Google adds to them; and an error must have
# Google's shape.
import base64
import binascii
import glob
import json
import os
import re
import sys

from check_models import Report, Walk

DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
DURATION = re.compile(r"-?\d+(\.\d{1,9})?s")
# What travels in Operation.metadata and .response, and in details, says itself what it is.
TYPES = {"google.cloud.run.v2.Job": "GoogleCloudRunV2Job",
         "google.cloud.run.v2.Execution": "GoogleCloudRunV2Execution",
         "google.cloud.run.v2.Service": "GoogleCloudRunV2Service",
         "google.cloud.functions.v2.Function": "Function",
         "google.cloud.functions.v2.OperationMetadata": "GoogleCloudFunctionsV2OperationMetadata"}


class Model:
    def __init__(self, path, behavior):
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        self.schemas = data.get("schemas", {})
        self.parameters = data.get("parameters", {})
        self.behavior = behavior
        self.methods = {}
        self.collect(data)

    def collect(self, node):
        for method in node.get("methods", {}).values():
            self.methods[method["id"].split(".", 1)[1]] = method
        for child in node.get("resources", {}).values():
            self.collect(child)


class Check(Walk):
    """The walk through a schema of Google's discovery documents."""

    def schema(self, name, value, path):
        schema, behavior = self.model.schemas[name], self.model.behavior.get(name, {})
        if not isinstance(value, dict):
            return self.error(path, f"is no object: {value!r:.60}")
        if self.is_request:
            for key in behavior.get("required", []):
                if value.get(key) in (None, "", [], {}):
                    self.error(path, f"required member {key} is missing")
            for key in behavior.get("outputOnly", []):
                if key in value:
                    self.error(path, f"output-only member {key} was sent")
        return self.members(schema, value, path)

    def members(self, schema, value, path):
        members = schema.get("properties", {})
        rest = schema.get("additionalProperties")
        for key, item in value.items():
            if key in members:
                self.value(members[key], item, f"{path}.{key}")
            elif rest is not None and key != "@type":
                self.value(rest, item, f"{path}.{key if len(value) == 1 else '*'}")
            elif key != "@type":
                self.open_set(f"{path}.{key}", "unknown member")

    def value(self, schema, value, path):
        if "$ref" in schema:
            return self.schema(schema["$ref"], value, path)
        return getattr(self, "check_" + schema.get("type", "any"))(schema, value, path)

    def check_any(self, schema, value, path):
        pass

    def check_object(self, schema, value, path):
        if not isinstance(value, dict):
            return self.error(path, f"is no object: {value!r:.60}")
        kind = TYPES.get(str(value.get("@type", "")).rsplit("/", 1)[-1])
        if kind in self.model.schemas:
            return self.schema(kind, value, path)
        return self.members(schema, value, path)

    def check_array(self, schema, value, path):
        if not isinstance(value, list):
            return self.error(path, f"is no array: {value!r:.60}")
        for number, item in enumerate(value):
            self.value(schema["items"], item, f"{path}[{number}]")

    def check_boolean(self, _, value, path):
        if not isinstance(value, bool):
            self.error(path, f"is no boolean: {value!r:.60}")

    def check_integer(self, schema, value, path):
        if isinstance(value, bool) or not isinstance(value, int):
            self.error(path, f"is no integer: {value!r:.60}")
        elif schema.get("format") == "int32" and not -2**31 <= value < 2**31:
            self.error(path, f"is no 32-bit integer: {value}")

    def check_number(self, _, value, path):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.error(path, f"is no number: {value!r:.60}")

    def check_member_number(self, schema, value, path):
        if not 0 <= value < len(schema["enum"]):
            self.error(path, f"no member of the enumeration has the number {value}")

    def check_string(self, schema, value, path):
        if "enum" in schema and type(value) is int:
            # proto3's JSON mapping: parsers accept an enumeration's number, too
            return self.check_member_number(schema, value, path)
        if not isinstance(value, str):
            return self.error(path, f"is no string: {value!r:.60}")
        if "enum" in schema and value not in schema["enum"]:
            self.open_set(path, f"not in the enumeration: {value!r:.60}")
        kind = schema.get("format", "")
        if kind in ("int64", "uint64") and not re.fullmatch(r"-?\d{1,20}", value):
            self.error(path, f"is no quoted integer: {value!r:.60}")
        elif kind in ("google-datetime", "date-time") and not DATE_TIME.fullmatch(value):
            self.error(path, f"is no time: {value!r:.60}")
        elif kind == "google-duration" and not DURATION.fullmatch(value):
            self.error(path, f"is no duration: {value!r:.60}")
        elif kind == "byte":
            try:
                base64.b64decode(value, validate=True)
            except binascii.Error:
                self.error(path, f"is no base64: {value!r:.60}")
        return None


def path_pattern(method):
    """flatPath as a pattern; stars of a method with {+name} stand for one segment each."""
    flat = re.split(r"\{[^}]*\}", method.get("flatPath", method["path"]))
    return re.compile("/?" + "[^/:]+".join(re.escape(part) for part in flat))


def check_parameters(check, model, method, parameters):
    known = {name: p for name, p in method.get("parameters", {}).items()
             if p.get("location") == "query"}
    for name, value in parameters.items():
        schema = known.get(name) or model.parameters.get(name)
        if schema is None:
            check.error(f"parameter {name}", "unknown")
        elif schema.get("type") == "integer" and not re.fullmatch(r"-?\d+", value):
            check.error(f"parameter {name}", f"is no integer: {value!r:.60}")
        elif schema.get("type") == "boolean" and value not in ("true", "false"):
            check.error(f"parameter {name}", f"is no boolean: {value!r:.60}")
        elif "enum" in schema and value not in schema["enum"]:
            check.error(f"parameter {name}", f"not in the enumeration: {value!r:.60}")


def check_request(model, method, request):
    check = Check(model, True)
    if request["method"] != method["httpMethod"]:
        check.error("method", f"{request['method']}, expected {method['httpMethod']}")
    if not path_pattern(method).fullmatch(request["path"]):
        check.error("path", f"{request['path']} does not fit {method.get('flatPath')}")
    check_parameters(check, model, method, request.get("parameters", {}))
    schema, body = method.get("request", {}).get("$ref"), request.get("body")
    if schema is None and body:
        check.error("body", "this method takes none")
    elif schema:
        check.schema(schema, body or {}, "request")
    return check


def check_error(check, status, response):
    error = response.get("error")
    if not isinstance(error, dict):
        return check.error("error", f"not in Google's shape: {response!r:.80}")
    if error.get("code") != status:
        check.error("error.code", f"{error.get('code')!r} with HTTP status {status}")
    for key in ("message", "status"):
        if not isinstance(error.get(key), str):
            check.error(f"error.{key}", "is missing")
    return None


def check_response(model, method, status, response):
    check = Check(model, False)
    if not isinstance(response, dict):
        check.error("response", f"is no object: {response!r:.60}")
    elif status >= 400:
        check_error(check, status, response)
    elif "$ref" in method.get("response", {}):
        check.schema(method["response"]["$ref"], response, "response")
    return check


def check_line(models, line, report):
    service, name = line["service"], line["operation"]
    where = f"{service}.{name}"
    report.operations[where] += 1
    model = models.get(service)
    method = model and model.methods.get(name)
    if method is None:
        return report.add("error", where, "no such method in the models")
    status = line.get("status") or 0
    request = check_request(model, method, line["request"])
    # A refused request may well be wrong: then the refusal was right.
    if not 400 <= status < 500:
        for text in request.errors:
            report.add("error", where, text)
    response = check_response(model, method, status, line.get("response"))
    for text in response.errors:
        report.add("error", where, text)
    for text in request.warnings + response.warnings:
        report.add("warning", where, text)
    return None


def models_load(folder):
    with open(os.path.join(folder, "field-behavior.json"), encoding="utf-8") as file:
        behavior = json.load(file)
    models = {}
    for path in glob.glob(os.path.join(folder, "*.v*.json")):
        name = os.path.basename(path)[:-len(".json")]
        models[name.split(".")[0]] = Model(path, behavior.get(name, {}))
    return models


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: check_google_models.py JOURNAL MODELS_DIR")
    models = models_load(sys.argv[2])
    report = Report()
    with open(sys.argv[1], encoding="utf-8") as journal:
        for number, text in enumerate(journal, 1):
            try:
                check_line(models, json.loads(text), report)
            except (ValueError, KeyError) as failure:
                report.add("error", "journal", f"line {number}: {failure!r}")
    sys.exit(0 if report.print() else 1)


if __name__ == "__main__":
    main()
