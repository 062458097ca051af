#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# `make test`: every unit test program, then the scenarios against a real dockerd, then against us.
# Usage: [SAN=release|asan] run_all.sh [unit|dockerd|sockerless]…    (default: release, all three;
#        under a sanitizer the oracle, which it cannot say anything about, is left out)
# The last line is "N passed, N failed"; a skipped test counts as failed.
set -uo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=../deploy/local/lib.sh
. "$TOP/deploy/local/lib.sh"
become_root "$@"
SAN=${SAN:-release}
BUILD=$(cd "$TOP/build/$SAN" && pwd) || exit 2
if [[ $# == 0 ]]; then
    if [[ $SAN == release ]]; then set -- unit dockerd sockerless; else set -- unit sockerless; fi
fi
export BIN_DIR=$BUILD/bin
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
OUT=$WORK/out
passed=0 failed=0 failures=()

# As many unit programs at once as there are processors: they mostly wait.
units_run()
{
    find "$BUILD/test/unit" -maxdepth 1 -type f -executable -print0 | sort -z |
        WORK=$WORK xargs -0 -n 1 -P "$(nproc)" bash -c '
            out=$WORK/$(basename "$0")
            timeout 300 "$0" >"$out.out" 2>&1
            echo $? >"$out.status"'
}

# A unit program prints cmocka's own report; the counts are its closing lines.
unit_count()
{
    local program=$1 ok bad skipped status
    cp "$WORK/$(basename "$program").out" "$OUT"
    status=$(<"$WORK/$(basename "$program").status")
    ok=$(grep -c '^\[ *OK *\]' "$OUT")
    bad=$(grep -c '^\[ *FAILED *\] [^0-9]' "$OUT")
    skipped=$(grep -c '^\[ *SKIPPED *\] [^0-9]' "$OUT")
    # cmocka names a failed test twice: where it failed and in the summary.
    bad=$(((bad + 1) / 2 + (skipped + 1) / 2))
    [[ $bad -gt 0 || ($status == 0 && $ok -gt 0) ]] || bad=1
    if [[ $bad == 0 ]]; then
        echo "ok $(basename "$program"): $ok tests"
    else
        echo "not ok $(basename "$program"): $bad of $((ok + bad)) failed, exit code $status"
        sed 's/^/# /' "$OUT"
        failures+=("$(basename "$program")")
    fi
    passed=$((passed + ok))
    failed=$((failed + bad))
}

e2e_run()
{
    local line ok bad
    "$TOP/test/e2e/run.sh" "$1" | tee "$OUT"
    line=$(tail -n 1 "$OUT")
    if [[ $line =~ ^e2e\ .*:\ ([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        ok=${BASH_REMATCH[1]} bad=${BASH_REMATCH[2]}
    else
        ok=0 bad=1
    fi
    passed=$((passed + ok))
    failed=$((failed + bad))
    while read -r line; do
        failures+=("$1: $line")
    done < <(sed -n 's/^not ok [0-9]* //p' "$OUT")
}

for part in "$@"; do
    echo "== $part ($BUILD)"
    case $part in
    unit)
        units_run
        for program in "$BUILD"/test/unit/*; do
            [[ -f $program && -x $program ]] && unit_count "$program"
        done ;;
    dockerd | sockerless) e2e_run "$part" ;;
    *) echo "no such part: $part" >&2; exit 2 ;;
    esac
done
[[ ${#failures[@]} == 0 ]] || printf 'failed: %s\n' "${failures[@]}"
[[ $((passed + failed)) -gt 0 ]] || failed=1
echo "$passed passed, $failed failed"
[[ $failed == 0 ]]
