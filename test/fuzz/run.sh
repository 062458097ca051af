#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every fuzzer for SECONDS each, as many at once as there are processors, from its committed corpus;
# findings stay in build/fuzz/findings. fuzzed.sums holds a sum of each fuzzer's sources (itself and
# the units that it includes) as they were when it last ran for 60 s or more without a finding; with a
# third argument those whose sources are others now run for so long.
# Usage: run.sh DIR_OF_FUZZERS SECONDS [SECONDS_WHEN_CHANGED]
set -euo pipefail
export FUZZERS=$1 SECONDS_EACH=$2 SECONDS_CHANGED=${3:-$2} ENOUGH_S=60
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export HERE SUMS=$HERE/fuzzed.sums FINDINGS=build/fuzz/findings
mkdir -p "$FINDINGS"

# sources_sum NAME
sources_sum()
{
    local unit file files=("$HERE/$1.c")
    while read -r unit; do
        for file in {common/,}"$unit".{h,c}; do
            [[ ! -e $HERE/../../$file ]] || files+=("$HERE/../../$file")
        done
    done < <(sed -n 's/^#include "\(.*\)\.h"$/\1/p' "$HERE/$1.c")
    cat "${files[@]}" | sha256sum | cut -d' ' -f1
}

fuzz_one()
{
    local name=$1 seconds=$SECONDS_EACH corpus=build/fuzz/corpus/$1 seeds=$HERE/corpus/$1 sum
    sum=$(sources_sum "$name")
    grep -qsx "$sum $name" "$SUMS" || seconds=$SECONDS_CHANGED
    mkdir -p "$corpus"
    [[ -d $seeds ]] || seeds=
    # shellcheck disable=SC2086 # no corpus, no word
    if "$FUZZERS/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -verbosity=0 \
        -artifact_prefix="$FINDINGS/$name-" "$corpus" $seeds >"$FINDINGS/$name.log" 2>&1; then
        echo "ok $name, $seconds s"
        [[ $seconds -lt $ENOUGH_S ]] || echo "$sum $name" >"$FINDINGS/$name.sum"
    else
        echo "not ok $name"
        tail -n 40 "$FINDINGS/$name.log" | sed 's/^/# /'
        : >"$FINDINGS/$name.sum"
    fi
}
export -f fuzz_one sources_sum

# sums_write: what ran long enough has a new line, the others keep theirs; what is gone has none.
sums_write()
{
    local source name line
    for source in "$HERE"/*.c; do
        name=$(basename "$source" .c)
        if [[ -e $FINDINGS/$name.sum ]]; then line=$(<"$FINDINGS/$name.sum")
        else line=$(grep -s " $name\$" "$SUMS" || true); fi
        [[ -z $line ]] || echo "$line"
    done >"$FINDINGS/sums"
    cmp -s "$FINDINGS/sums" "$SUMS" || { cp "$FINDINGS/sums" "$SUMS"; echo "${SUMS#"$PWD/"} has changed; commit it"; }
}

rm -f "$FINDINGS"/*.sum
results=$(for source in "$HERE"/*.c; do basename "$source" .c; done |
    xargs -P "$(nproc)" -I{} bash -c 'fuzz_one "$@"' fuzz {} |
    tee -a /dev/stderr) # -a: stderr may be a file, which would be cut off
sums_write
passed=$(grep -c '^ok ' <<<"$results" || true)
failed=$(grep -c '^not ok ' <<<"$results" || true)
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
