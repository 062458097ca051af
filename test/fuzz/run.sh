#!/usr/bin/env bash
# Every fuzzer for SECONDS each, two at a time, from its committed corpus; findings stay in
# build/fuzz/findings.
# usage: run.sh DIR_OF_FUZZERS SECONDS
set -euo pipefail
dir=$1 seconds=$2
here=$(cd "$(dirname "$0")" && pwd)
findings=build/fuzz/findings
mkdir -p "$findings"

fuzz_one()
{
    local name=$1 dir=$2 seconds=$3 here=$4 findings=$5 seeds
    local corpus=build/fuzz/corpus/$name
    mkdir -p "$corpus"
    seeds=$here/corpus/$name
    [ -d "$seeds" ] || seeds=
    # shellcheck disable=SC2086 # no corpus, no word
    if "$dir/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -verbosity=0 \
        -artifact_prefix="$findings/$name-" "$corpus" $seeds >"$findings/$name.log" 2>&1; then
        echo "ok $name, $seconds s"
    else
        echo "not ok $name"
        tail -n 40 "$findings/$name.log" | sed 's/^/# /'
    fi
}
export -f fuzz_one

results=$(for source in "$here"/*.c; do basename "$source" .c; done |
    xargs -P 2 -I{} bash -c 'fuzz_one "$@"' fuzz {} "$dir" "$seconds" "$here" "$findings" |
    tee -a /dev/stderr) # -a: stderr may be a file, which would be cut off
passed=$(grep -c '^ok ' <<<"$results" || true)
failed=$(grep -c '^not ok ' <<<"$results" || true)
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
