#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Every test that docs/*.md names exists. Names are written as
#   `FILE.bats: the test's title`   of test/e2e
#   `PROGRAM: test_name`            of test/unit/PROGRAM.c
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

missing=0 seen=0
while IFS= read -r named; do
    file=${named%%: *} title=${named#*: }
    case $file in
    *.bats) grep -qsF "@test \"$title\"" "test/e2e/$file" && found=1 || found= ;;
    *) grep -qsE "^static void $title\(void" "test/unit/$file.c" && found=1 || found= ;;
    esac
    seen=$((seen + 1))
    [[ $found ]] || { echo "docs: there is no test \"$title\" in $file" >&2; missing=$((missing + 1)); }
done < <(grep -ohE '`[a-z0-9_]+(\.bats: [^`]+|: test_[a-z0-9_]+)`' docs/*.md | tr -d '`' | sort -u)

[[ $seen -gt 0 ]] || { echo "docs: names no test at all" >&2; exit 1; }
[[ $missing == 0 ]]
