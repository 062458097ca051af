#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of layers.py, cycles.py and docs_blocks.py on small trees made up here: each fault must be reported."""
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))

# Without faults: the same folders and names as in the project.
TREE = {
    "common/base/str.h": "int str_len(void);",
    "common/base/str.c": '#include "base/str.h"\nint str_len(void) { return 1; }',
    "common/loop/loop.h": '#include "base/str.h"',
    "common/loop/http_client.h": "",
    "common/json/json_doc.h": '#include "base/str.h"',
    "common/oci/name/digest.h": "int digest(void);",
    "common/oci/name/digest.c": '#include "base/str.h"\n#include "oci/name/digest.h"\n'
                                "int digest(void) { return str_len(); }",
    "common/oci/document/manifest.h": "int manifest(void);",
    "common/oci/document/manifest.c": '#include "oci/document/manifest.h"\n'
                                      '#include "oci/name/digest.h"\n'
                                      "int manifest(void) { return digest(); }",
    "common/cloud/driver.h": "/* as ECS has it */",
    "common/cloud/gcp/client.h": "int gcp;",
    "common/backend/run/start.c": '#include "cloud/driver.h"\n// Fargate\nint start;',
    "backend-ecs/task.h": "",
    "backend-ecs/task.c": '#include "task.h"\n#include "cloud/driver.h"',
    "backend-aca/app.h": "",
    "frontend/http.c": '#include "loop/loop.h"\n#include <stdio.h>',
    "agent/pty.c": '#include "loop/loop.h"',
    "test/sim/http/server.h": '#include "base/str.h"',
    "test/sim/aws/ecs.h": '#include "test/sim/http/server.h"',
    "test/sim/gcp/run.h": '#include "test/sim/http/server.h"',
    "test/kit/rig.h": "",
}


class OnTree(unittest.TestCase):
    tree = {}

    def run_on_tree(self, check):
        """check(root) gives a command; its exit code and output."""
        with tempfile.TemporaryDirectory() as root:
            for path, text in self.tree.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text + "\n")
            done = subprocess.run(check(root), text=True, check=False, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
            return done.returncode, done.stdout


class LintTest(OnTree):
    def setUp(self):
        self.tree = dict(TREE)

    def layers(self):
        return self.run_on_tree(lambda root: [sys.executable, f"{HERE}/layers.py", root])

    def compile(self, root):
        """Every .c file into build/release/obj; the command of cycles.py."""
        objects = []
        for path in sorted(p for p in self.tree if p.endswith(".c")):
            target = f"{root}/build/release/obj/{path[:-2]}.o"
            os.makedirs(os.path.dirname(target), exist_ok=True)
            subprocess.run([os.environ.get("CC", "gcc"), f"-I{root}/common", f"-I{root}", "-c",
                            f"{root}/{path}", "-o", target], check=True)
            objects.append(target)
        return [sys.executable, f"{HERE}/cycles.py", *objects]

    def assert_layers_fail(self, message):
        code, output = self.layers()
        self.assertEqual(code, 1, output)
        self.assertIn(message, output)

    def test_tree_without_faults(self):
        code, output = self.layers()
        self.assertEqual(code, 0, output)
        self.assertIn("  oci/document -> oci/name\n", output)
        self.assertLess(output.index("  base -> "), output.index("  loop -> "))
        code, output = self.run_on_tree(self.compile)
        self.assertEqual(code, 0, output)

    def test_nothing_to_check(self):
        self.tree = {"docs/a.txt": ""}
        self.assertEqual(self.layers()[0], 1)
        self.assertEqual(self.run_on_tree(self.compile)[0], 1)

    def test_folders_in_a_circle(self):
        self.tree["common/oci/name/digest.h"] = '#include "oci/document/manifest.h"'
        self.assert_layers_fail(
            "these folders include each other in a circle: common/oci/document common/oci/name\n"
            "  common/oci/document/manifest.c includes common/oci/name/digest.h\n"
            "  common/oci/name/digest.h includes common/oci/document/manifest.h\n")

    def test_layers(self):
        cases = {
            "common/base/str.h": ("loop/loop.h", "common/base must not include common/loop"),
            "common/loop/loop.h": ("proto/a.pb-c.h", "common/loop must not include proto"),
            "common/backend/run/start.c": ("cloud/gcp/client.h", "it is the same for every cloud"),
            "common/cloud/driver.h": ("cloud/gcp/client.h", "what clouds share is below"),
            "backend-ecs/task.c": ("backend-aca/app.h",
                                   "backend-ecs must not include backend-aca"),
            "frontend/http.c": ("cloud/driver.h", "frontend must not include common/cloud"),
            "common/oci/name/digest.h": ("oci/document/manifest.h",
                                         "common/oci/name must not include common/oci/document"),
            "agent/pty.c": ("loop/http_client.h", "the agent is static"),
            "test/sim/aws/ecs.h": ("loop/loop.h", "test/sim/aws must not include common/loop"),
            "test/sim/gcp/run.h": ("test/sim/aws/ecs.h",
                                   "test/sim/gcp must not include test/sim/aws"),
            "common/oci/name/digest.c": ("test/kit/rig.h", "common/oci must not include test/kit"),
        }
        for path, (include, message) in cases.items():
            with self.subTest(path):
                self.tree = dict(TREE, **{path: f'#include "{include}"'})
                self.assert_layers_fail(message)

    def test_component_without_a_layer(self):
        self.tree["common/new/thing.c"] = '#include "base/str.h"'
        self.assert_layers_fail("common/new: ")

    def test_cloud_by_name(self):
        self.tree["common/backend/run/start.c"] = 'int f(char *s) { return s == "fargate"; }'
        self.assert_layers_fail("common/backend/run/start.c:1: common does not tell clouds apart")

    def test_object_files_in_a_circle(self):
        self.tree["common/oci/name/digest.c"] = ('#include "oci/document/manifest.h"\n'
                                                 "int digest(void) { return manifest(); }")
        code, output = self.run_on_tree(self.compile)
        self.assertEqual(code, 1, output)
        self.assertIn("common/oci: 2 files need each other in a circle:\n"
                      "  common/oci/document/manifest.c -> common/oci/name/digest.c: digest\n"
                      "  common/oci/name/digest.c -> common/oci/document/manifest.c: manifest\n",
                      output)

    def test_circle_through_three_files(self):
        for name, other in ("a", "b"), ("b", "c"), ("c", "a"):
            self.tree[f"agent/{name}.c"] = (f"extern int {other};\nint {name};\n"
                                            f"int *{name}_at(void) {{ return &{other}; }}")
        code, output = self.run_on_tree(self.compile)
        self.assertEqual(code, 1, output)
        self.assertIn("agent: 3 files need each other in a circle:", output)


# Without faults: pages with a block that is run, one that is not, and one that is no shell.
PAGES = {
    "Makefile": ".PHONY: run check\nrun:\n",
    "README.md": "Text with `make run`.\n\n```sh\nmake run\n```\n",
    "docs/a.md": "<!-- not run: needs an account -->\n```sh\nmake check T=base_str\n```\n```\na -> b\n```\n"
                 "```json\n{}\n```\nSee `docs/a.md`.\n",
    "test/unit/base/base_str.c": "",
    "test/e2e/sockerless_ecs_docs.bats": "    page README.md\n",
}


class DocsTest(OnTree):
    def setUp(self):
        self.tree = dict(PAGES)

    def blocks(self):
        return self.run_on_tree(lambda root: [sys.executable, f"{HERE}/docs_blocks.py", root])

    def test_tree_without_faults(self):
        self.assertEqual(self.blocks(), (0, ""))

    def test_nothing_to_check(self):
        self.tree = {"Makefile": "", "README.md": "text"}
        self.assertEqual(self.blocks()[0], 1)

    def test_faults(self):
        block = "```sh\n%s\n```\n"
        cases = {
            "no test runs this block": block % "echo",
            "has no reason": "<!-- not run: -->\n" + block % "echo",
            "bash does not take it": PAGES["docs/a.md"] + "<!-- not run: needs an account -->\n" + block % "echo 'a",
            "the Makefile has no target walk": "<!-- not run: needs an account -->\n" + block % "make -j2 walk",
            "there is no test base_gone": "`make check T=base_gone`\n" + PAGES["docs/a.md"],
            "there is no docs/b.md": "`docs/b.md`\n" + PAGES["docs/a.md"],
            "write ```sh": "```\ndocker run busybox\n```\n" + PAGES["docs/a.md"],
            "a command outside": "\n    make run\n" + PAGES["docs/a.md"],
            "this is not JSON": "```json\n{,}\n```\n" + PAGES["docs/a.md"],
            "the language python": "```python\n1\n```\n" + PAGES["docs/a.md"],
            "the block has no end": "```sh\nmake run\n",
        }
        for message, page in cases.items():
            with self.subTest(message):
                self.tree = dict(PAGES, **{"docs/a.md": page})
                code, output = self.blocks()
                self.assertEqual(code, 1, output)
                self.assertIn(message, output)

    def test_a_page_that_is_run_is_there(self):
        self.tree["test/e2e/sockerless_ecs_docs.bats"] += "    page docs/gone.md\n"
        self.assertIn("there is no docs/gone.md", self.blocks()[1])


if __name__ == "__main__":
    unittest.main()
