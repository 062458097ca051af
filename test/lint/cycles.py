#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when object files of one component need each other in a circle.

Usage: cycles.py OBJECT…   (build/TREE/obj/COMPONENT/….o)

A file that calls another one is above it; a circle means that neither can be understood, tested or
replaced without the other. The ways out: move the function to where it belongs, split the lower
half off, or report upwards through a callback or a table.
"""
import collections
import subprocess
import sys

from graph import component_of, components


def read_symbols(objects):
    """(definitions, uses): {symbol: object}, {object: symbols} of one component."""
    definitions, uses = {}, {path: set() for path in objects}
    listing = subprocess.run(["nm", "-A", "-g", "-P", *objects], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    for line in listing.splitlines():
        path, symbol, kind = line.split()[:3]
        path = path.rstrip(":")
        if kind in "Uvw":
            uses[path].add(symbol)
        else:
            definitions[symbol] = path
    return definitions, uses


def call_graph(objects):
    """{object: {object that it needs: symbols}}"""
    definitions, uses = read_symbols(objects)
    graph = {path: {} for path in objects}
    for path, symbols in uses.items():
        for symbol in sorted(symbols):
            owner = definitions.get(symbol, path)
            if owner != path:
                graph[path].setdefault(owner, []).append(symbol)
    return graph


def source(path):
    return path.split("/obj/", 1)[-1].removesuffix(".o") + ".c"


def report(component, cycle, graph):
    print(f"{component}: {len(cycle)} files need each other in a circle:")
    for path in cycle:
        for other in cycle:
            if other in graph[path]:
                print(f"  {source(path)} -> {source(other)}: {' '.join(graph[path][other])}")


def main(objects):
    by_component = collections.defaultdict(list)
    for path in objects:
        by_component[component_of(source(path))].append(path)
    found = 0
    for component, members in sorted(by_component.items()):
        graph = call_graph(members)
        for cycle in components(graph):
            if len(cycle) > 1:
                report(component, cycle, graph)
                found += 1
    print(f"  cycles: {found} in {len(objects)} object files of {len(by_component)} components")
    return 1 if found or not objects else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
