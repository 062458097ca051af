#!/usr/bin/env bash
# Every fuzzer for SECONDS each, from its committed corpus; findings stay in build/fuzz/findings.
# usage: run.sh DIR_OF_FUZZERS SECONDS
set -euo pipefail
dir=$1 seconds=$2
here=$(cd "$(dirname "$0")" && pwd)
passed=0 failed=0
findings=build/fuzz/findings
mkdir -p "$findings"
for source in "$here"/*.c; do
    name=$(basename "$source" .c)
    corpus=build/fuzz/corpus/$name
    mkdir -p "$corpus"
    seeds=$here/corpus/$name
    [ -d "$seeds" ] || seeds=
    echo "  FUZZ  $name, $seconds s"
    if "$dir/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 \
        -verbosity=0 -artifact_prefix="$findings/$name-" "$corpus" $seeds > "$findings/$name.log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        tail -n 40 "$findings/$name.log"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
