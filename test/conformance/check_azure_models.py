#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Checks every line of the simulated Azure's journal against Azure's OpenAPI files: what the backend
# sent, and what the simulator answered.
# Usage: check_azure_models.py JOURNAL MODELS_DIR
#
# Requests: an unknown member or parameter, a wrong type, a missing required member, a read-only
# member, a value outside an enumeration, a path that does not fit is an error. Answers: the same,
# but unknown members and enumeration values are only warnings, since Azure adds to them; a secret
# must not come back, and an error must have Azure's shape. null counts as absent, as it does there.
import json
import os
import re
import sys

from check_models import Report, Walk

DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
APP = {"2024-02-02-preview": "Microsoft.App-2024-02-02-preview.jobs.json"}
# Status and result URLs of long-running operations are Resource Manager's own, tokens are journalled
# for other checks.
NOT_MODELLED = {"OperationStatuses_Get", "OperationResults_Get"}
NOT_APIS = {"aad", "acr"}
# Secrets come back from here.
TELLS_SECRETS = {"Jobs_ListSecrets", "StorageAccounts_ListKeys"}


class Model:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        self.definitions = data.get("definitions", {})
        self.parameters = data.get("parameters", {})
        self.base = data.get("basePath", "").rstrip("/")
        self.operations = {}
        for route, methods in data["paths"].items():
            for name, method in methods.items():
                if name != "parameters":
                    self.operations[method["operationId"]] = (name.upper(), route, method)

    def flat(self, schema):
        """A schema with its references and allOf resolved: {properties, required, …}."""
        while "$ref" in schema:
            schema = self.definitions[schema["$ref"].rsplit("/", 1)[-1]]
        out = {**schema, "properties": dict(schema.get("properties", {})),
               "required": list(schema.get("required", []))}
        for part in schema.get("allOf", []):
            base = self.flat(part)
            out["properties"] = {**base["properties"], **out["properties"]}
            out["required"] += base["required"]
            out.setdefault("type", base.get("type"))
        return out

    def parameters_of(self, method):
        return [self.parameters[p["$ref"].rsplit("/", 1)[-1]] if "$ref" in p else p
                for p in method.get("parameters", [])]


class Check(Walk):
    """The walk through a schema of OpenAPI 2.0."""

    tells_secrets = False

    def value(self, schema, value, path):
        read_only = schema.get("readOnly")
        flat = self.model.flat(schema)
        if value is None:
            return None
        if self.is_request and (read_only or flat.get("readOnly")):
            return self.error(path, "a read-only member was sent")
        if flat.get("x-ms-secret") and not self.is_request and not self.tells_secrets:
            return self.error(path, "a secret came back")
        kind = flat.get("type") or ("object" if flat["properties"] else "any")
        return getattr(self, "check_" + kind)(flat, value, path)

    def check_any(self, schema, value, path):
        pass

    def check_object(self, schema, value, path):
        members, rest = schema["properties"], schema.get("additionalProperties")
        if not members and rest is None:
            return None # open: cells of a table, metadata
        if not isinstance(value, dict):
            return self.error(path, f"is no object: {value!r:.60}")
        if self.is_request:
            for key in schema["required"]:
                if value.get(key) is None:
                    self.error(path, f"required member {key} is missing")
        for key, item in value.items():
            if key in members:
                self.value(members[key], item, f"{path}.{key}")
            elif isinstance(rest, dict):
                self.value(rest, item, f"{path}.*")
            elif not rest:
                self.open_set(f"{path}.{key}", "unknown member")
        return None

    def check_array(self, schema, value, path):
        if not isinstance(value, list):
            return self.error(path, f"is no array: {value!r:.60}")
        for number, item in enumerate(value):
            self.value(schema["items"], item, f"{path}[{number}]")
        return None

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

    def check_string(self, schema, value, path):
        if not isinstance(value, str):
            return self.error(path, f"is no string: {value!r:.60}")
        if "enum" in schema and value not in schema["enum"]:
            self.open_set(path, f"not in the enumeration: {value!r:.60}")
        if "pattern" in schema and not re.search(schema["pattern"], value):
            self.error(path, f"{value!r:.60} does not match {schema['pattern']}")
        if schema.get("format") == "date-time" and not DATE_TIME.fullmatch(value):
            self.error(path, f"is no time: {value!r:.60}")
        elif schema.get("format") == "uuid" and not UUID.fullmatch(value):
            self.error(path, f"is no UUID: {value!r:.60}")
        return None


def check_parameters(check, parameters, request):
    sent = dict(request.get("parameters", {}))
    for parameter in parameters:
        value = sent.pop(parameter["name"], None)
        if parameter["in"] != "query":
            continue
        if value is None and parameter.get("required"):
            check.error(f"parameter {parameter['name']}", "is missing")
        elif value is not None and "enum" in parameter and value not in parameter["enum"]:
            check.error(f"parameter {parameter['name']}", f"not in the enumeration: {value!r:.60}")
    for name in sent:
        if name != "$skiptoken": # of a nextLink, which is taken as it is
            check.error(f"parameter {name}", "unknown")


def check_request(model, operation, request):
    verb, route, method = operation
    check = Check(model, True)
    if request["method"] != verb:
        check.error("method", f"{request['method']}, expected {verb}")
    pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(model.base + route))
    if not re.fullmatch(pattern, request["path"], re.IGNORECASE):
        check.error("path", f"{request['path']} does not fit {route}")
    parameters = model.parameters_of(method)
    check_parameters(check, parameters, request)
    body = next((p for p in parameters if p["in"] == "body"), None)
    if body is None and request.get("body"):
        check.error("body", "this operation takes none")
    elif body is not None and (request.get("body") is not None or body.get("required")):
        check.value(body["schema"], request.get("body") or {}, "request")
    return check


def check_response(model, name, operation, status, response):
    check = Check(model, False)
    check.tells_secrets = name in TELLS_SECRETS
    answers = operation[2]["responses"]
    if status >= 400:
        error = response.get("error") if isinstance(response, dict) else None
        if not isinstance(error, dict) or not all(isinstance(error.get(k), str) for k in ("code", "message")):
            check.error("error", f"not in Azure's shape: {response!r:.80}")
    elif str(status) not in answers:
        check.error("status", f"{status} is not one of {', '.join(answers)}")
    elif "schema" in answers[str(status)] and response is not None:
        check.value(answers[str(status)]["schema"], response, "response")
    return check


def find_model(models, line):
    service, name = line["service"], line["operation"]
    if service == "logs":
        return models("OperationalInsights-data-2022-10-27.json")
    if name.startswith("StorageAccounts_"):
        return models("Microsoft.Storage-2023-05-01.json")
    version = line["request"].get("parameters", {}).get("api-version")
    model = models(APP.get(version, "Microsoft.App-2024-03-01.json"))
    return model if name in model.operations else models("Microsoft.App-2024-03-01.json")


def check_line(models, line, report):
    service, name = line["service"], line["operation"]
    where = f"{service}.{name}"
    if service in NOT_APIS or name in NOT_MODELLED:
        return None
    report.operations[where] += 1
    model = find_model(models, line)
    operation = model.operations.get(name)
    if operation is None:
        return report.add("error", where, "no such operation in the models")
    status = line.get("status") or 0
    request = check_request(model, operation, line["request"])
    # A refused request may well be wrong: then the refusal was right.
    if not 400 <= status < 500:
        for text in request.errors:
            report.add("error", where, text)
    response = check_response(model, name, operation, status, line.get("response"))
    for text in response.errors:
        report.add("error", where, text)
    for text in request.warnings + response.warnings:
        report.add("warning", where, text)
    return None


def models_of(folder):
    loaded = {}

    def load(name):
        if name not in loaded:
            loaded[name] = Model(os.path.join(folder, name))
        return loaded[name]
    return load


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: check_azure_models.py JOURNAL MODELS_DIR")
    models = models_of(sys.argv[2])
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
