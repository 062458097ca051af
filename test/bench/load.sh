#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# `make bench-load`: a large archive by `docker load` through frontend and backend into a staging
# registry, and by `skopeo copy` of the same archive into the same registry, taking turns in the same
# run. Prints both, their ratio, and how much the backend grew. Fails when we are slower than 0.8 of
# skopeo or when the backend took more than 64 MiB above idle.
# Usage: load.sh [MEGABYTES]          (environment: BENCH_ROUNDS, BIN_DIR)
set -euo pipefail

DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../deploy/local/lib.sh
. "$DIR/../../deploy/local/lib.sh"

become_root "$@"
MEGABYTES=${1:-2048}
ROUNDS=${BENCH_ROUNDS:-3}
RATIO_MIN=0.8
GROWTH_MAX_KB=65536
WORK=$(mktemp -d "${TMPDIR:-/tmp}/sk-load.XXXXXX")
export DOCKER_CONFIG=$WORK/config
mkdir -p "$DOCKER_CONFIG"

cleanup()
{
    stack_open bench-load "$WORK/us" && stack_down
    rm -rf "$WORK"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

status_kb()
{
    awk -v f="$1:" '$1 == f { print $2 }' "/proc/$(component_pid backend)/status"
}

# registry_empty: each turn finds nothing that is there already.
registry_empty()
{
    component_stop registry
    rm -rf "$STACK_DIR/state/registry"
    registry_start
}

# seconds COMMAND…: its duration.
seconds()
{
    local began ended
    began=$(date +%s%N)
    "$@" >"$WORK/out" 2>&1 || { cat "$WORK/out" >&2; return 1; }
    ended=$(date +%s%N)
    awk -v t=$((ended - began)) 'BEGIN { printf "%.3f", t / 1e9 }'
}

by_us()
{
    docker load -q -i "$WORK/archive.tar"
}

by_skopeo()
{
    skopeo --insecure-policy copy -q --dest-tls-verify=false "docker-archive:$WORK/archive.tar" \
        "docker://$ADDRESS/skopeo:1"
}

median()
{
    sort -n "$1" | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

main()
{
    local round idle peak us skopeo
    say "making an archive of $MEGABYTES MB"
    "$DIR/archive.py" "$MEGABYTES" bench/load:1 8 >"$WORK/archive.tar"
    BACKEND_ENV="SOCKERLESS_IMAGE_MAX_GIB=$((MEGABYTES / 1024 + 1))"
    stack_up bench-load "$WORK/us"
    ADDRESS=$(stack_registry_url)
    ADDRESS=${ADDRESS#*://}
    DOCKER_HOST=unix://$(stack_socket)
    export DOCKER_HOST
    idle=$(status_kb VmRSS)
    for ((round = 1; round <= ROUNDS; round++)); do
        registry_empty
        seconds by_skopeo >>"$WORK/skopeo" && echo >>"$WORK/skopeo"
        registry_empty
        seconds by_us >>"$WORK/us.times" && echo >>"$WORK/us.times"
        docker rmi -f bench/load:1 >/dev/null
        say "round $round: skopeo $(tail -n 1 "$WORK/skopeo") s, we $(tail -n 1 "$WORK/us.times") s"
    done
    peak=$(status_kb VmHWM)
    us=$(median "$WORK/us.times")
    skopeo=$(median "$WORK/skopeo")
    awk -v us="$us" -v them="$skopeo" -v mb="$MEGABYTES" -v idle="$idle" -v peak="$peak" \
        -v min=$RATIO_MIN -v max=$GROWTH_MAX_KB 'BEGIN {
        printf "load %d MB: %.2f s (%.0f MB/s); skopeo copy %.2f s (%.0f MB/s); ratio %.2f\n",
            mb, us, mb / us, them, mb / them, them / us
        printf "backend: idle %.1f MiB, peak %.1f MiB, growth %.1f MiB\n",
            idle / 1024, peak / 1024, (peak - idle) / 1024
        exit them / us < min || peak - idle > max }' ||
        { say "missed: ratio at least $RATIO_MIN, growth at most $((GROWTH_MAX_KB / 1024)) MiB" >&2; return 1; }
}

main
