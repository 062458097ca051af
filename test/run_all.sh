#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# `make test`: every unit test program, then the scenarios against a real dockerd, then against us,
# on AWS all of them and on Cloud Run a part.
# Usage: [SAN=release|asan] run_all.sh [PART]…    (default: release, unit dockerd ecs cloudrun-part;
#        under a sanitizer the oracle, which it cannot say anything about, is left out)
# Parts: unit, dockerd, ecs, cloudrun, cloudrun-reverse (whole), cloudrun-part (what the clouds do
# differently, both ways to reach the agent), sim-gcp (the simulated Google Cloud and what speaks to it),
# chaos (random operations, faults and kills: CHAOS_SEED, CHAOS_SECONDS).
# The last line is "N passed, N failed"; a skipped test counts as failed.
set -uo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=../deploy/local/lib.sh
. "$TOP/deploy/local/lib.sh"
become_root "$@"
SAN=${SAN:-release}
BUILD=$(cd "$TOP/build/$SAN" && pwd) || exit 2
if [[ $# == 0 ]]; then
    if [[ $SAN == release ]]; then set -- unit dockerd ecs cloudrun-part
    else set -- unit ecs cloudrun-part; fi
fi
export BIN_DIR=$BUILD/bin
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
OUT=$WORK/out
passed=0 failed=0 failures=()

# units_run NAME-PATTERN…: as many unit programs at once as there are processors: they mostly wait.
units_run()
{
    units_find "$@" |
        WORK=$WORK xargs -0 -n 1 -P "$(nproc)" bash -c '
            out=$WORK/$(basename "$0")
            timeout 300 "$0" >"$out.out" 2>&1
            echo $? >"$out.status"'
}

units_find()
{
    local pattern names=()
    for pattern in "$@"; do names+=(${names[@]:+-o} -name "$pattern"); done
    find "$BUILD/test/unit" -maxdepth 1 -type f -executable \( "${names[@]}" \) -print0 | sort -z
}

units()
{
    local program
    units_run "$@"
    while IFS= read -r -d '' program; do unit_count "$program"; done < <(units_find "$@")
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

# e2e_run TARGET [BACKEND AGENT FILE…]: FILE without .bats, of test/e2e.
e2e_run()
{
    local target=$1 backend=${2:-ecs} agent=${3:-forward} name files=() line ok bad
    for name in "${@:4}"; do files+=("$TOP/test/e2e/$name.bats"); done
    BACKEND=$backend AGENT=$agent "$TOP/test/e2e/run.sh" "$target" "${files[@]}" | tee "$OUT"
    line=$(tail -n 1 "$OUT")
    if [[ $line =~ ^e2e\ .*:\ ([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        ok=${BASH_REMATCH[1]} bad=${BASH_REMATCH[2]}
    else
        ok=0 bad=1
    fi
    passed=$((passed + ok))
    failed=$((failed + bad))
    while read -r line; do
        failures+=("$target $backend $agent: $line")
    done < <(sed -n 's/^not ok [0-9]* //p' "$OUT")
}

for part in "$@"; do
    echo "== $part ($BUILD)"
    case $part in
    unit) units '*' ;;
    dockerd) e2e_run dockerd ;;
    ecs) e2e_run sockerless ecs forward ;;
    cloudrun) e2e_run sockerless cloudrun forward ;;
    cloudrun-reverse) e2e_run sockerless cloudrun reverse ;;
    cloudrun-part)
        e2e_run sockerless cloudrun forward run lifecycle sockerless_cloudrun_{cloud,edge,registry,startup}
        e2e_run sockerless cloudrun reverse exec streams ;;
    chaos)
        export E2E_SOAK=1
        for backend in ecs cloudrun; do
            for agent in forward reverse; do
                e2e_run sockerless "$backend" "$agent" z_sockerless_chaos
            done
        done ;;
    sim-gcp)
        units 'gcpsim_*' 'gcp_*' 'cloudrun_*'
        e2e_run sockerless cloudrun forward sockerless_cloudrun_{cloud,edge,registry,startup,follow} ;;
    *) echo "no such part: $part" >&2; exit 2 ;;
    esac
done
[[ ${#failures[@]} == 0 ]] || printf 'failed: %s\n' "${failures[@]}"
[[ $((passed + failed)) -gt 0 ]] || failed=1
echo "$passed passed, $failed failed"
[[ $failed == 0 ]]
