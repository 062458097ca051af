#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints which folder includes which, and fails on an include that goes against the layers.

Usage: layers.py [ROOT]

Three rules: components and folders include only what the lists below name for them; no folders
include each other in a circle; code in common, except for the folders of clouds, does not name a
cloud.
"""
import fnmatch
import glob
import os
import re
import sys

from graph import component_of, components

# Component: the components that it may include besides itself. The first pattern that fits counts.
LAYERS = {
    "common/base": "",
    "common/loop": "common/base",
    "common/ipc": "common/base common/loop proto",
    "common/json": "common/base common/loop",
    "common/oci": "common/base common/loop common/json proto",
    "common/cloud": "common/base common/loop common/json common/oci proto",
    "common/backend": "common/base common/loop common/ipc common/json common/oci common/cloud"
                      " proto",
    "backend-*": "common/base common/loop common/ipc common/json common/oci common/cloud"
                 " common/backend proto",
    "frontend": "common/base common/loop common/ipc common/json proto",
    "agent": "common/base common/loop common/ipc proto",
    # The simulated clouds stand apart: what they share with the product is common/base.
    "test/sim/http": "common/base",
    "test/sim/host": "common/base test/sim/http",
    "test/sim/*": "common/base test/sim/http test/sim/host",
}

# The backend's folders, from the lowest to the highest.
BACKEND = ["state", "api", "agent", "image", "inject", "transfer", "logs", "attach", "run",
           "container", "daemon"]

# Folder: the folders of the same component that it may include; without a line: all that make no
# circle.
FOLDERS = {
    # Each may include those below it.
    **{f"common/backend/{folder}": " ".join(f"common/backend/{below}" for below in BACKEND[:place])
       for place, folder in enumerate(BACKEND)},
    "common/oci/name": "",
    "common/oci/dockerfile": "",
    "common/oci/document": "common/oci/name common/oci/dockerfile",
    "common/oci/archive": "common/oci/name common/oci/document",
    "common/oci/registry": "common/oci/name common/oci/document",
    "frontend/json": "",
    "frontend/rpc": "",
    "frontend/http": "frontend/rpc",
    "frontend/stream": "frontend/rpc frontend/http",
    "frontend/routes": "frontend/json frontend/rpc frontend/http frontend/stream",
}

# Folder, files that it must not include although the lists above let it, why.
NEVER = [
    ("common/backend*", "common/cloud/*/*", "it is the same for every cloud"),
    ("common/cloud", "common/cloud/*/*", "what clouds share is below each of them"),
    ("agent*", "common/loop/http_client*", "the agent is static and has no libcurl"),
]

CLOUD_NAMES = re.compile(r"\b(ecs|fargate|cloudwatch|cloud ?run|gcf|aca|aws|gcp|azure)\b", re.I)
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
COMMENT_OR_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/|//[^\n]*', re.S)


def source_files():
    """{path: text} of the components."""
    texts = {}
    for pattern in ("common", "frontend", "agent", "backend-*", "test/sim"):
        for top in glob.glob(pattern):
            for folder, _, names in os.walk(top):
                for name in names:
                    if name.endswith((".c", ".h")):
                        with open(os.path.join(folder, name), encoding="utf-8") as file:
                            texts[os.path.join(folder, name)] = file.read()
    return texts


def resolve(path, name):
    """The file of the project that path means by name, as the compiler finds it; None: another."""
    for base in (os.path.dirname(path), "common", ""):
        candidate = os.path.normpath(os.path.join(base, name))
        if os.path.isfile(candidate):
            return candidate
    return name if name.startswith("proto/") else None  # generated


def read_includes(texts):
    """(file, file that it includes)…"""
    for path, text in sorted(texts.items()):
        for name in INCLUDE.findall(text):
            target = resolve(path, name)
            if target:
                yield path, target


def layer_of(component):
    return next((LAYERS[p].split() for p in LAYERS if fnmatch.fnmatchcase(component, p)), None)


def breach(path, target):
    """What is wrong with this include; None: nothing."""
    component, other = component_of(path), component_of(target)
    folder, other_folder = os.path.dirname(path), os.path.dirname(target)
    allowed_inside = FOLDERS.get(folder, other_folder).split()
    for pattern, forbidden, why in NEVER:
        if fnmatch.fnmatchcase(folder, pattern) and fnmatch.fnmatchcase(target, forbidden):
            return f"{folder} must not include this: {why}"
    if other != component and other not in layer_of(component):
        return f"{component} must not include {other}"
    if other == component and other_folder not in (folder, *allowed_inside):
        return f"{folder} must not include {other_folder}"
    return None


def check_layers(texts, includes):
    unknown = {component_of(path) for path in texts if layer_of(component_of(path)) is None}
    problems = [f"{component}: test/lint/layers.py does not say what it may include"
                for component in sorted(unknown)]
    for path, target in includes:
        if component_of(path) not in unknown and (wrong := breach(path, target)):
            problems.append(f'{path}: #include "{target}": {wrong}')
    return problems


def folder_graph(texts, includes):
    """{folder: {folder that it includes: by which includes}}"""
    graph = {os.path.dirname(path): {} for path in texts}
    for path, target in includes:
        folder, other = os.path.dirname(path), os.path.dirname(target)
        if other != folder and other in graph:
            graph[folder].setdefault(other, []).append(f"{path} includes {target}")
    return graph


def short(folder):
    return folder.removeprefix("common/").removeprefix("test/")


def print_graph(graph):
    """The lowest folder first: without cycles every arrow points to a line above."""
    print("  folder -> folders that it includes")
    for cycle in components(graph):
        for folder in cycle:
            print(f"  {short(folder)} -> {' '.join(short(f) for f in sorted(graph[folder]))}")


def check_cycles(graph):
    problems = []
    for cycle in components(graph):
        if len(cycle) > 1:
            problems.append(f"these folders include each other in a circle: {' '.join(cycle)}")
            problems += ["  " + reason for folder in cycle for other in cycle
                         for reason in graph[folder].get(other, [])]
    return problems


def without_comments(text):
    return COMMENT_OR_STRING.sub(
        lambda m: m[0] if m[0].startswith('"') else re.sub(r"[^\n]", " ", m[0]), text)


def check_cloud_names(texts):
    problems = []
    for path, text in sorted(texts.items()):
        if not path.startswith("common/") or fnmatch.fnmatchcase(path, "common/cloud/*/*"):
            continue
        for number, line in enumerate(without_comments(text).split("\n"), 1):
            if CLOUD_NAMES.search(line):
                problems.append(f"{path}:{number}: common does not tell clouds apart:"
                                f" {line.strip()}")
    return problems


def main(root):
    os.chdir(root)
    texts = source_files()
    includes = list(read_includes(texts))
    graph = folder_graph(texts, includes)
    print_graph(graph)
    problems = check_layers(texts, includes) + check_cycles(graph) + check_cloud_names(texts)
    for problem in problems:
        print(problem)
    return 1 if problems or not texts else 0


if __name__ == "__main__":
    default_root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else default_root))
