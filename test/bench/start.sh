#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Part of `make bench`: what a start costs beyond what the cloud and the container take themselves. The
# simulated cloud needs 3 s to provision, the backend has its default settings. For every cloud and
# both directions it prints the medians of `docker run --rm` from the first request to the removal,
# of that without what the cloud took (from when it was asked to run until it had started the task's
# first process, both by the simulator's own clock, and what it takes to make a job), and how often
# the cloud was asked for the state of the run. The peer is a real dockerd in the same run, which
# has the same container to start and no cloud. Nothing is asserted. Aims: 50 ms; fewer questions than one in half a second.
# Usage: start.sh [BENCH-BINARY]          (environment: BIN_DIR)
set -euo pipefail

DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../deploy/local/lib.sh
. "$DIR/../../deploy/local/lib.sh"
. "$DIR/../e2e/lib/dockerd.sh"

become_root "$@"
BENCH=${1:-$TOP_DIR/build/release/test/bench/bench}
PROVISION_MS=3000
OPERATION_MS=20
WORK=$(mktemp -d "${TMPDIR:-/tmp}/sk-start.XXXXXX")
export DOCKER_CONFIG=$WORK/config
mkdir -p "$DOCKER_CONFIG"

cleanup()
{
    case ${STACK_NAME:-} in
    "") ;;
    *-dockerd) dockerd_down ;;
    *) stack_down ;;
    esac
    rm -rf "$WORK"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# Of the simulators' counters: the calls that ask for the state of runs.
declare -A QUESTIONS=([ecs]='ecs.DescribeTasks' [cloudrun]='run.executions.get' [aca]='arm.executions.get')
# What begins a run, and what says that its first process has begun, in the simulators' logs; what
# the cloud takes before; and the settings that the local stack makes quicker than their defaults.
declare -A BEGINS=([ecs]='"operation":"RunTask"' [cloudrun]=':run","status":200'
    [aca]='/start","status":20')
declare -A RUNS=([ecs]='"state":"RUNNING"' [cloudrun]='"state":"RUNNING"' [aca]='"state":"Running"')
declare -A BEFORE_MS=([ecs]=0 [cloudrun]=$OPERATION_MS [aca]=$OPERATION_MS)
declare -A FLAGS=([ecs]='' [cloudrun]="--operation-ms $OPERATION_MS" [aca]="--operation-ms $OPERATION_MS")
declare -A DEFAULTS=([ecs]='SOCKERLESS_ECS_POLL_MS=500' [cloudrun]='SOCKERLESS_GCR_POLL_MS=1000'
    [aca]='SOCKERLESS_ACA_POLL_MS=1000')

questions()
{
    curl -fsS "$(stack_sim_url)/_sim/resources" | jq ".calls[\"${QUESTIONS[$1]}\"] // 0"
}

median()
{
    sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# logged TEXT: when the simulator logged it, in ns, a line each, the first one left out.
logged()
{
    grep -F "$1" "$STACK_DIR/sim.log" | sed 's/.*"time":"\([^"]*\)".*/\1/' | tail -n +2 |
        date -f - +%s%N
}

# One line a run, the first one left out: milliseconds altogether, and beyond the cloud. A run whose
# task the simulator has never seen running, because its process had ended before, is left out.
evaluate()
{
    paste -d' ' <(sed -n 's/^run-times //p' "$WORK/times" | tail -n +2) <(logged "${BEGINS[$1]}") |
        while read -r begin _ end asked; do
            runs=$(logged "${RUNS[$1]}" | awk -v a="$asked" -v e="$end" '$1 > a && $1 < e { print; exit }')
            [[ -z $runs ]] || echo "$(((end - begin) / 1000)) $(((end - begin - (runs - asked)) / 1000))"
        done | awk -v before="${BEFORE_MS[$1]}" '{ printf "%.1f %.1f\n", $1 / 1000, $2 / 1000 - before }'
}

# measure CLOUD DIRECTION
measure()
{
    local before after
    BACKEND=$1 AGENT=$2 BACKEND_ENV=${DEFAULTS[$1]} \
        SIM_FLAGS="--provision-ms $PROVISION_MS ${FLAGS[$1]} --log-level debug" \
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
    STACK_NAME=
}

# The peer: its whole time.
measure_dockerd()
{
    DOCKERD_STORAGE=overlay2 dockerd_up bench-dockerd "$WORK/dd" >/dev/null
    DOCKER_HOST="unix://$(stack_socket)" docker pull -q busybox >/dev/null
    "$BENCH" "$(stack_socket)" run >"$WORK/times"
    printf '%-10s %-8s %10s ms\n' dockerd - "$(sed -n 's/^run-times //p' "$WORK/times" | tail -n +2 |
        awk '{ printf "%.1f\n", ($3 - $1) / 1e6 }' | median)"
    dockerd_down
    STACK_NAME=
}

printf '%-10s %-8s %13s %13s %8s   (aims: added <= 50 ms, questions < 7)\n' \
    cloud agent 'run --rm' added questions
for cloud in ecs cloudrun aca; do
    for direction in forward reverse; do
        measure "$cloud" "$direction"
    done
done
measure_dockerd
