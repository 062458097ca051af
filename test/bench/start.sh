#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Part of `make bench`: what a start costs beyond what the cloud and the container take themselves. The
# simulated cloud needs 3 s to provision, the backend has its default settings. For every cloud and
# both directions it prints the medians of `docker run --rm` from the first request to the removal,
# of that without what the cloud and the container took (from when the cloud was asked to run until
# the process printed the time), and how often the cloud was asked for the state of the run.
# Nothing is asserted. Aims: 50 ms; fewer questions than one in half a second.
# Usage: start.sh [BENCH-BINARY]          (environment: BIN_DIR)
set -euo pipefail

DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../deploy/local/lib.sh
. "$DIR/../../deploy/local/lib.sh"

become_root "$@"
BENCH=${1:-$TOP_DIR/build/release/test/bench/bench}
PROVISION_MS=3000
WORK=$(mktemp -d "${TMPDIR:-/tmp}/sk-start.XXXXXX")
export DOCKER_CONFIG=$WORK/config
mkdir -p "$DOCKER_CONFIG"

cleanup()
{
    [[ -z ${STACK_DIR:-} ]] || stack_down
    rm -rf "$WORK"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# Of the simulators' counters: the calls that ask for the state of runs.
declare -A QUESTIONS=([ecs]='ecs.DescribeTasks' [cloudrun]='run.executions.get')
# What begins a run, in the simulators' logs, and the settings that the local stack makes quicker than
# their defaults.
declare -A BEGINS=([ecs]='"operation":"RunTask"' [cloudrun]=':run","status":200')
declare -A DEFAULTS=([ecs]='SOCKERLESS_ECS_POLL_MS=500' [cloudrun]='SOCKERLESS_GCR_POLL_MS=1000')

questions()
{
    curl -fsS "$(stack_sim_url)/_sim/resources" | jq ".calls[\"${QUESTIONS[$1]}\"] // 0"
}

median()
{
    sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# One line a run, the first one left out: milliseconds altogether, and beyond cloud and container.
evaluate()
{
    local times begins
    mapfile -t times < <(sed -n 's/^run-times //p' "$WORK/times" | tail -n +2)
    mapfile -t begins < <(grep -F "${BEGINS[$1]}" "$STACK_DIR/sim.log" |
        sed 's/.*"time":"\([^"]*\)".*/\1/' | tail -n +2)
    local i begin process end asked
    for i in "${!times[@]}"; do
        read -r begin process end <<<"${times[i]}"
        asked=$(date -d "${begins[i]}" +%s%N)
        echo "$(((end - begin) / 1000)) $((((end - begin) - (process - asked)) / 1000))" |
            awk '{ printf "%.1f %.1f\n", $1 / 1000, $2 / 1000 }'
    done
}

# measure CLOUD DIRECTION
measure()
{
    local before after
    BACKEND=$1 AGENT=$2 BACKEND_ENV=${DEFAULTS[$1]} \
        SIM_FLAGS="--provision-ms $PROVISION_MS --log-level debug" \
        stack_up "bench-$1-$2" "$WORK/$1-$2" >/dev/null
    DOCKER_HOST="unix://$(stack_socket)" docker pull -q busybox >/dev/null
    before=$(questions "$1")
    "$BENCH" "$(stack_socket)" run >"$WORK/times"
    after=$(questions "$1")
    evaluate "$1" >"$WORK/values"
    printf '%-10s %-8s %10s ms %10s ms %8s\n' "$1" "$2" "$(cut -d' ' -f1 "$WORK/values" | median)" \
        "$(cut -d' ' -f2 "$WORK/values" | median)" \
        "$(awk -v n=$((after - before)) -v r="$(grep -c run-times "$WORK/times")" \
            'BEGIN { printf "%.1f", n / r }')"
    stack_down
}

printf '%-10s %-8s %13s %13s %8s   (aims: added <= 50 ms, questions < 7)\n' \
    cloud agent 'run --rm' added questions
for cloud in ecs cloudrun; do
    for direction in forward reverse; do
        measure "$cloud" "$direction"
    done
done
