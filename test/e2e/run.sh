#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the scenarios against one target and prints TAP and a count.
# Usage: run.sh dockerd|sockerless [FILE.bats…]       or, to see which files fit: run.sh --files TARGET
#        (environment: BACKEND=ecs|cloudrun|aca|gcf, AGENT=forward|reverse, BIN_DIR, E2E_FILTER, E2E_KEEP,
#        E2E_LEAVE_OUT: the tags of tests to leave out; if not set those tagged soak, whose course
#        depends on chance)
#
# All files share one stack; test/run gives each file its own and runs several at once.
# sockerless_*.bats and z_sockerless_*.bats need what a real dockerd does not have (a cloud to look
# into, a backend to kill) and run with the target sockerless only; sockerless_ecs_*.bats and
# sockerless_cloudrun_*.bats look at what only that cloud has and run with that BACKEND only, and
# sockerless_reverse.bats with AGENT=reverse only. A test
# tagged not:BACKEND asks for what that cloud has no means for. The last line is "N passed, N failed".
set -uo pipefail

DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
list_only=
[[ ${1:-} != --files ]] || { list_only=1; shift; }
TARGET=${1:?dockerd or sockerless}
shift
export TARGET BACKEND=${BACKEND:-ecs}
DIR_OF_CLOUDS=$DIR/../../deploy/local
[[ -r $DIR_OF_CLOUDS/cloud_$BACKEND.sh ]] || { echo "BACKEND: there is no \"$BACKEND\"" >&2; exit 2; }
# A cloud where agents can only dial says so.
only=$(sed -n 's/^CLOUD_AGENT=//p' "$DIR_OF_CLOUDS/cloud_$BACKEND.sh")
[[ -z $only ]] || export AGENT=$only
unset DOCKER_HOST DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH

# file_fits FILE.bats: is for this target and this cloud.
file_fits()
{
    local cloud
    [[ ${1##*/} =~ ^(z_)?sockerless_ ]] || return 0
    [[ $TARGET != dockerd ]] || return 1
    [[ ${1##*/} != sockerless_reverse.bats || ${AGENT:-} == reverse ]] || return 1
    for cloud in "$DIR_OF_CLOUDS"/cloud_*.sh; do
        cloud=${cloud##*/cloud_} cloud=${cloud%.sh}
        [[ ${1##*/} != sockerless_${cloud}_* || $cloud == "$BACKEND" ]] || return 1
    done
}

files=("$@")
if [[ ${#files[@]} == 0 ]]; then
    for file in "$DIR"/*.bats; do
        ! file_fits "$file" || files+=("$file")
    done
fi
if [[ $list_only ]]; then
    for file in "${files[@]}"; do basename "$file" .bats; done
    exit
fi
[[ $(id -u) == 0 ]] || { echo "the scenarios start daemons that need root" >&2; exit 2; }

export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-300}
tap=$(mktemp)
trap 'rm -f "$tap"' EXIT
tags=
if [[ $TARGET != dockerd ]]; then
    tags="!not:$BACKEND"
    for tag in ${E2E_LEAVE_OUT-soak}; do tags+=",!$tag"; done
fi
bats --tap --timing ${tags:+--filter-tags "$tags"} ${E2E_FILTER:+--filter "$E2E_FILTER"} "${files[@]}" | tee "$tap"
status=${PIPESTATUS[0]}
planned=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$tap")
passed=$(grep -c '^ok ' "$tap")
skipped=$(grep -c '^ok .* # skip' "$tap")
# A test that never ran (the suite's setup failed, bats died) has not passed; nor has a skipped one.
failed=$((${planned:-0} - passed + skipped))
passed=$((passed - skipped))
[[ $status == 0 || $failed -gt 0 ]] || failed=1
[[ $passed -gt 0 || $failed -gt 0 ]] || failed=1
[[ $TARGET == dockerd ]] || TARGET+=" $BACKEND${AGENT:+ $AGENT}"
echo "e2e $TARGET: $passed passed, $failed failed"
[[ $failed == 0 ]]
