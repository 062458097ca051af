# SPDX-License-Identifier: Apache-2.0
"""Cycles of a directed graph, for the checks of this folder."""


def components(graph):
    """Tarjan's strongly connected components of {node: nodes}; what is depended on comes first."""
    index, low, stack, result = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            result.append(sorted(stack[at:]))
            del stack[at:]

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return result


def component_of(path):
    """common/oci/name/digest.c is of common/oci, agent/pty.c of agent, test/sim/aws/ecs.c of
    test/sim/aws."""
    parts = path.split("/")
    depth = {"common": 2, "test": 3}.get(parts[0], 1)
    return "/".join(parts[:depth])
