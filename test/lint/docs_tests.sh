#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Every test that docs/*.md and */docs/*.md name exists. Names are written as
#   `FILE.bats: the test's title`   of test/e2e
#   `PROGRAM: test`                 of test/unit/*/PROGRAM.c
#   `driver_suite: test`            of test/kit/driver_suite.c, where it is named once more in the list of tests
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# test_exists FILE TITLE
test_exists()
{
    if [[ $1 == *.bats ]]; then
        grep -qsF "@test \"$2\"" "test/e2e/$1"
    elif [[ $1 == *_suite ]]; then
        grep -qsF "static void $2(void **state)" "test/kit/$1.c" && [[ $(grep -cw "$2" "test/kit/$1.c") -gt 1 ]]
    else
        grep -qsE "^(TEST|TEST_[A-Z]+|TASK_TEST|SCENARIO)\(([^()]+, )?${2#test_}[,)]" test/unit/*/"$1.c"
    fi
}

missing=0 seen=0
while IFS= read -r named; do
    seen=$((seen + 1))
    test_exists "${named%%: *}" "${named#*: }" ||
        { echo "docs: there is no test \"${named#*: }\" in ${named%%: *}" >&2; missing=$((missing + 1)); }
done < <(grep -ohE '`[a-z0-9_]+(\.bats: [^`]+|: [a-z0-9_]+)`' docs/*.md */docs/*.md | tr -d '`' | sort -u)

[[ $seen -gt 0 ]] || { echo "docs: names no test at all" >&2; exit 1; }
[[ $missing == 0 ]]
