#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# `make bench`: the same client against a real dockerd and against us, taking turns in the same run,
# then a table of medians, ratios and resident memory. Nothing is asserted: absolute times
# are the machine's, ratios are for the reader. The aims are those of the project's first issue.
# Usage: run.sh [BENCH-BINARY] [NAME…]
set -euo pipefail

DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../deploy/local/lib.sh
. "$DIR/../../deploy/local/lib.sh"
. "$DIR/../e2e/lib/dockerd.sh"

become_root "$@"
BENCH=${1:-$TOP_DIR/build/release/test/bench/bench}
shift || true
ROUNDS=${BENCH_ROUNDS:-3}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/sk-bench.XXXXXX")
export DOCKER_CONFIG=$WORK/config
mkdir -p "$DOCKER_CONFIG"

cleanup()
{
    stack_open bench-us "$WORK/us" && stack_down
    stack_open bench-dockerd "$WORK/dd" && dockerd_down
    rm -rf "$WORK"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# rss_kb PID…
rss_kb()
{
    local pid total=0 kb
    for pid in "$@"; do
        kb=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
        total=$((total + kb))
    done
    echo "$total"
}

# The containerd that our dockerd started.
containerd_pid()
{
    cat "$STACK_DIR/dockerd/exec/containerd/containerd.pid"
}

target_prepare()
{
    DOCKER_HOST="unix://$(stack_socket)" docker pull -q busybox >/dev/null
}

# target_bench NAME ROUND [BENCH…]: results to $WORK/round-NAME-ROUND.
target_bench()
{
    say "measuring, round $2"
    "$BENCH" "$(stack_socket)" "${@:3}" >"$WORK/round-$1-$2"
}

# medians NAME: of every measurement over the rounds, to $WORK/result-NAME.
medians()
{
    cat "$WORK/round-$1-"* | sort -k1,1 -k2,2g | awk '
        $1 != name { flush_(); name = $1; unit = $3; n = 0 }
        { value[++n] = $2 }
        function flush_() { if (n) print name, value[int((n + 1) / 2)], unit }
        END { flush_() }' >"$WORK/result-$1"
}

memory_line()
{
    printf '%s %s kB\n' "$1" "$2" >>"$WORK/$3"
}

oracle_open()
{
    DOCKERD_STORAGE=overlay2 dockerd_up bench-dockerd "$WORK/dd"
    target_prepare
    memory_line rss-idle-daemon "$(rss_kb "$(component_pid dockerd)")" dd-memory
    memory_line rss-idle-beside "$(rss_kb "$(containerd_pid)")" dd-memory
}

us_open()
{
    stack_up bench-us "$WORK/us"
    target_prepare
    memory_line rss-idle-daemon "$(rss_kb "$(component_pid frontend)")" us-memory
    memory_line rss-idle-beside "$(rss_kb "$(component_pid backend)")" us-memory
}

# Both are up all the time and take turns, so that what else the machine does hits both alike.
rounds_run()
{
    local round
    for ((round = 1; round <= ROUNDS; round++)); do
        stack_open bench-dockerd "$WORK/dd"
        target_bench dockerd "$round" "$@"
        stack_open bench-us "$WORK/us"
        target_bench us "$round" "$@"
    done
    memory_line rss-after "$(rss_kb "$(component_pid frontend)" "$(component_pid backend)")" us-memory
    stack_open bench-dockerd "$WORK/dd"
    memory_line rss-after "$(rss_kb "$(component_pid dockerd)" "$(containerd_pid)")" dd-memory
}

table_print()
{
    cat "$WORK/dd-memory" >>"$WORK/result-dockerd"
    cat "$WORK/us-memory" >>"$WORK/result-us"
    printf '\n%-20s %14s %14s %10s   %s\n' "" dockerd sockerless us/dockerd aim
    awk 'BEGIN {
            aim["ping"] = "<= 0.7"; aim["inspect"] = "<= 1"; aim["list-1000"] = "<= 0.1"
            aim["create"] = "<= 0.25"; aim["exec-true"] = "<= 0.3"
            aim["attach-throughput"] = ">= 10"
            aim["rss-idle-daemon"] = "dockerd | frontend <= 8 MB"
            aim["rss-idle-beside"] = "containerd | backend <= 20 MB"
            aim["rss-after"] = "both together, after all of the above"
        }
        NR == FNR { theirs[$1] = $2; next }
        { printf "%-20s %9.3f %-4s %9.3f %-4s %10.3f   %s\n", $1, theirs[$1], $3, $2, $3,
                 theirs[$1] ? $2 / theirs[$1] : 0, aim[$1] }' "$WORK/result-dockerd" "$WORK/result-us"
}

oracle_open
us_open
rounds_run "$@"
medians dockerd
medians us
table_print
