#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Checks every line of a simulator's journal against the vendor's own API models: what the backend
# sent, and what the simulator answered.
# Usage: check_models.py JOURNAL MODELS_DIR
#
# Requests: an unknown member, a wrong type, a missing required member, a value outside enum,
# length, bounds or pattern is an error. Answers: the same, but unknown members and enum values are
# only warnings, since vendors add to them. Patterns that Python cannot compile are not checked.
import base64
import binascii
import collections
import functools
import glob
import json
import os
import re
import sys

COMMON_ERRORS = {
    "AccessDeniedException", "ExpiredTokenException", "IncompleteSignature", "InternalFailure",
    "InvalidSignatureException", "RequestExpired", "ServiceUnavailable", "SignatureDoesNotMatch",
    "ThrottlingException", "UnrecognizedClientException", "ValidationException", "NotAuthorized",
    "MissingAuthenticationTokenException", "RequestLimitExceeded", "UnauthorizedOperation",
    "AccessDenied", "InvalidAction", "UnknownOperationException", "SerializationException",
}


@functools.lru_cache(None)
def pattern_compile(pattern):
    try:
        return re.compile(pattern)
    except re.error:
        return None


class Model:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        self.shapes, self.operations = data["shapes"], data["operations"]
        self.protocol = data["metadata"]["protocol"]


class Walk:
    """One message's walk through its model; collects findings."""

    def __init__(self, model, is_request):
        self.model, self.is_request = model, is_request
        self.errors, self.warnings = [], []

    def error(self, path, text):
        self.errors.append(f"{path}: {text}")

    def open_set(self, path, text):
        (self.errors if self.is_request else self.warnings).append(f"{path}: {text}")


class Check(Walk):
    """The walk through a shape of AWS's models."""

    def value(self, name, value, path):
        shape = self.model.shapes[name]
        handler = getattr(self, "check_" + shape["type"], None)
        if handler:
            handler(shape, value, path)

    def check_structure(self, shape, value, path):
        if not isinstance(value, dict):
            return self.error(path, f"is no object: {value!r:.60}")
        members = shape["members"]
        for key in shape.get("required", []):
            if value.get(key) is None:
                self.error(path, f"required member {key} is missing")
        for key, item in value.items():
            if key not in members:
                self.open_set(f"{path}.{key}", "unknown member")
            elif item is not None:
                self.value(members[key]["shape"], item, f"{path}.{key}")
        if shape.get("union") and len(value) != 1:
            self.error(path, "a union with not exactly one member")

    def check_list(self, shape, value, path):
        if not isinstance(value, list):
            return self.error(path, f"is no list: {value!r:.60}")
        self.bounds(shape, len(value), path, "items")
        for number, item in enumerate(value):
            self.value(shape["member"]["shape"], item, f"{path}[{number}]")

    def check_map(self, shape, value, path):
        if not isinstance(value, dict):
            return self.error(path, f"is no map: {value!r:.60}")
        self.bounds(shape, len(value), path, "entries")
        for key, item in value.items():
            self.value(shape["key"]["shape"], key, f"{path}.key")
            self.value(shape["value"]["shape"], item, f"{path}.{key}")

    def check_string(self, shape, value, path):
        if not isinstance(value, str):
            return self.error(path, f"is no string: {value!r:.60}")
        if "enum" in shape and value not in shape["enum"]:
            self.open_set(path, f"not in the enumeration: {value!r:.60}")
        self.bounds(shape, len(value), path, "characters")
        pattern = pattern_compile(shape["pattern"]) if "pattern" in shape else None
        if pattern and not pattern.fullmatch(value):
            self.error(path, f"{value!r:.60} does not match {shape['pattern']}")

    def check_integer(self, shape, value, path):
        if isinstance(value, bool) or not isinstance(value, int):
            return self.error(path, f"is no integer: {value!r:.60}")
        self.bounds(shape, value, path, "")

    check_long = check_integer

    def check_double(self, shape, value, path):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return self.error(path, f"is no number: {value!r:.60}")
        self.bounds(shape, value, path, "")

    check_float = check_double

    def check_boolean(self, _, value, path):
        if not isinstance(value, bool):
            self.error(path, f"is no boolean: {value!r:.60}")

    def check_timestamp(self, _, value, path):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.error(path, f"is no time in epoch seconds: {value!r:.60}")

    def check_blob(self, _, value, path):
        try:
            base64.b64decode(value, validate=True)
        except (TypeError, ValueError, binascii.Error):
            self.error(path, f"is no base64: {value!r:.60}")

    def bounds(self, shape, size, path, unit):
        if "min" in shape and size < shape["min"]:
            self.error(path, f"{size} {unit}, at least {shape['min']}")
        if "max" in shape and size > shape["max"]:
            self.error(path, f"{size} {unit}, at most {shape['max']}")


# ---- the query protocols: a flat form becomes what the model describes --------------------------

class Form:
    """Turns `A.B.1.C=x` into nested values along the shapes."""

    def __init__(self, model, form):
        self.model = model
        self.form = {k: v for k, v in form.items() if k not in ("Action", "Version")}
        self.used = set()

    def member_name(self, key, member):
        if self.model.protocol == "ec2":
            name = member.get("queryName") or member.get("locationName", key)
            return name if "queryName" in member else name[0].upper() + name[1:]
        return member.get("locationName", key)

    def has(self, prefix):
        return any(k == prefix or k.startswith(prefix + ".") for k in self.form)

    def value(self, name, prefix):
        shape = self.model.shapes[name]
        if shape["type"] == "structure":
            return self.structure(shape, prefix)
        if shape["type"] == "list":
            return self.list(shape, prefix)
        self.used.add(prefix)
        return self.scalar(shape["type"], self.form.get(prefix))

    @staticmethod
    def scalar(kind, text):
        try:
            return {"integer": int, "long": int, "double": float, "float": float,
                    "boolean": {"true": True, "false": False}.__getitem__}.get(kind, str)(text)
        except (ValueError, KeyError, TypeError):
            return text

    def structure(self, shape, prefix):
        value = {}
        for key, member in shape["members"].items():
            name = (prefix + "." if prefix else "") + self.member_name(key, member)
            if self.has(name):
                value[key] = self.value(member["shape"], name)
        return value

    def list(self, shape, prefix):
        items = []
        step = prefix if self.model.protocol == "ec2" or shape.get("flattened") else prefix + ".member"
        while self.has(f"{step}.{len(items) + 1}"):
            items.append(self.value(shape["member"]["shape"], f"{step}.{len(items) + 1}"))
        return items

    def unused(self):
        return [k for k in self.form if k not in self.used]


# ---- the journal --------------------------------------------------------------------------------

def check_request(model, operation, request):
    check = Check(model, True)
    shape = operation.get("input", {}).get("shape")
    if shape is None:
        return check
    if model.protocol in ("ec2", "query"):
        form = Form(model, request or {})
        request = form.value(shape, "")
        for key in form.unused():
            check.error(key, "unknown parameter")
    check.value(shape, request if request is not None else {}, "request")
    return check


def check_response(model, operation, status, response):
    check = Check(model, False)
    if not isinstance(response, dict):
        return check  # an XML answer, or a connection that a fault closed
    if status >= 400:
        code = str(response.get("__type") or response.get("code") or "").split(":")[0].split("#")[-1]
        known = {error["shape"] for error in operation.get("errors", [])} | COMMON_ERRORS
        if not code:
            check.error("error", f"no __type in {response!r:.80}")
        elif code not in known:
            check.open_set("error", f"{code} is not among the errors of this operation")
        return check
    shape = operation.get("output", {}).get("shape")
    if shape:
        check.value(shape, response, "response")
    elif response:
        check.open_set("response", "this operation has no output")
    return check


class Report:
    def __init__(self):
        self.findings = collections.OrderedDict()
        self.counts = collections.Counter()
        self.operations = collections.Counter()

    def add(self, severity, where, text):
        # Indexes and lengths differ from line to line; the finding is the same.
        kind = (severity, where, re.sub(r"\[\d+\]", "[]", text))
        self.findings.setdefault(kind, text)
        self.counts[kind] += 1

    def print(self):
        for kind, text in self.findings.items():
            print(f"{kind[0]}: {kind[1]}: {text} ({self.counts[kind]} times)")
        for name, count in sorted(self.operations.items()):
            print(f"  {count:6} {name}")
        errors = sum(1 for kind in self.findings if kind[0] == "error")
        good = len(self.operations) - len({k[1] for k in self.findings if k[0] == "error"})
        print(f"check-models: {sum(self.operations.values())} calls of {len(self.operations)} "
              f"operations, {errors} kinds of errors")
        print(f"{max(good, 0)} passed, {errors} failed")
        return errors == 0 and bool(self.operations)


def models_load(folder):
    models = {}
    for path in glob.glob(os.path.join(folder, "*.service-2.json")):
        service = re.sub(r"-\d{4}-\d\d-\d\d\.service-2\.json$", "", os.path.basename(path))
        models[service] = Model(path)
    return models


def check_line(models, line, report):
    service, name = line["service"], line["operation"]
    where = f"{service}.{name}"
    report.operations[where] += 1
    model = models.get(service)
    operation = model and model.operations.get(name)
    if operation is None:
        return report.add("error", where, "no such operation in the models")
    status = line.get("status") or 0
    request = check_request(model, operation, line.get("request"))
    # A refused request may well be wrong: then the refusal was right.
    if not 400 <= status < 500:
        for text in request.errors:
            report.add("error", where, text)
    response = check_response(model, operation, status, line.get("response"))
    for text in response.errors:
        report.add("error", where, text)
    for text in request.warnings + response.warnings:
        report.add("warning", where, text)
    return None


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: check_models.py JOURNAL MODELS_DIR")
    models = models_load(sys.argv[2])
    if not models:
        sys.exit(f"no *.service-2.json in {sys.argv[2]}")
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
