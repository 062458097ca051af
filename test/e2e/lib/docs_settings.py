# SPDX-License-Identifier: Apache-2.0
"""The tables of settings in the pages against what the programs' --help says: names, flags, defaults.

Usage: docs_settings.py BIN-DIR PAGE…        prints what differs and fails
"""
import os
import re
import subprocess
import sys

# Whose settings a page must have all of: the program and how their variables begin.
COMPLETE = {"backend-ecs/README.md": ("sockerless-backend-ecs", "SOCKERLESS_ECS_"),
            "backend-cloudrun/README.md": ("sockerless-backend-cloudrun", "SOCKERLESS_GCR_"),
            "backend-aca/README.md": ("sockerless-backend-aca", "SOCKERLESS_ACA_")}


def settings_of(program):
    """Variable: its flag and its default, "" if it has none."""
    text = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"^  --(\S+) +([A-Z_0-9]+) +(.*)$", text, re.M)
    found = {}
    for flag, variable, meaning in rows:
        default = re.search(r"\(default (.*)\)$", meaning)
        found[variable] = (flag, default[1] if default else "")
    return found


def table_rows(page):
    """Rows of tables with the columns variable and default, as dictionaries by column."""
    columns = []
    with open(page, encoding="utf-8") as file:
        for line in file:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
            if "variable" in cells and "default" in cells:
                columns = cells
            elif not cells:
                columns = []
            elif columns and not set(line) <= set("|-: \n"):
                yield dict(zip(columns, cells))


def row_faults(row, known):
    variable = row["variable"].strip("`")
    if variable not in known:
        if variable.startswith("SOCKERLESS_"):
            yield f"no program has {variable}"
        return
    flag, default = known[variable]
    stated = next((cell for name, cell in row.items() if name.startswith("flag")), None)
    if stated is not None and stated.strip("`") != flag:
        yield f"{variable}: the flag is --{flag}, not {stated}"
    # A default in words says what the program does without a value.
    exact = re.fullmatch(r"`([^`]*)`|([0-9]+)|(true|false)|", row["default"])
    if exact and (exact[1] or exact[2] or exact[3] or "") != default:
        yield f"{variable}: the default is \"{default}\", not {row['default'] or 'nothing'}"
    if not exact and default and default not in row["default"]:
        yield f"{variable}: the default is \"{default}\", not {row['default']}"


def main():
    folder, pages = sys.argv[1], sys.argv[2:]
    programs = [name for name in sorted(os.listdir(folder))
                if re.fullmatch("sockerless-(frontend|backend-[a-z]+)", name)]
    by_program = {name: settings_of(os.path.join(folder, name)) for name in programs}
    known = {variable: setting for settings in by_program.values() for variable, setting in settings.items()}
    faults, seen = [], 0
    for page in pages:
        rows = list(table_rows(page))
        seen += len(rows)
        faults += [f"{page}: {fault}" for row in rows for fault in row_faults(row, known)]
        program, prefix = COMPLETE.get(page, (None, None))
        listed = {row["variable"].strip("`") for row in rows}
        faults += [f"{page}: {variable} is missing" for variable in by_program.get(program, {})
                   if variable.startswith(prefix) and variable not in listed]
    print("\n".join(faults))
    if not seen or len(by_program) < 3:
        sys.exit("docs_settings.py: no table, or no programs")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
