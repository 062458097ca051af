# SPDX-License-Identifier: Apache-2.0
# Many followers share the project's few reads of logs.

bats_require_minimum_version 1.5.0
load lib/common
load lib/images
load lib/cloud

FOLLOWED=200

setup_file()
{
    export BACKEND_ENV_BEFORE=$BACKEND_ENV
    backend_with "SOCKERLESS_GCR_LOG_POLL_MS=1000 SOCKERLESS_GCR_LOG_READS_PER_MIN=60"
}

teardown_file()
{
    backend_with ''
}

teardown()
{
    local pid
    while read -r pid; do kill "$pid" 2>/dev/null || true; done <"$BATS_TEST_TMPDIR/pids"
    docker ps -aq | xargs -r -n 20 -P 4 docker rm -f >/dev/null
}

# follower_start N ID: its lines to a file.
follower_start()
{
    curl -sSN --unix-socket "${DOCKER_HOST#unix://}" -o "$BATS_TEST_TMPDIR/raw.$1" \
        "http://docker/containers/$2/logs?follow=1&stdout=1" 3>&- &
    echo "$!" >>"$BATS_TEST_TMPDIR/pids"
}

# every_follower_has LINE
every_follower_has()
{
    [[ $(grep -la "line$1\$" "$BATS_TEST_TMPDIR"/raw.* | wc -l) == "$FOLLOWED" ]]
}

log_reads()
{
    sim_count '.calls["logging.entries.list"] // 0'
}

# bats test_tags=slow
@test "follow: 200 containers cost at most one entries.list call a second" {
    local turn began reads seconds calls
    : >"$BATS_TEST_TMPDIR/pids"
    seq 1 $FOLLOWED | xargs -P 4 -I {} docker run -d --name "$(name {})" busybox \
        sh -c 'i=0; while :; do i=$((i + 1)); echo line$i; sleep 4; done' >/dev/null
    for turn in $(seq 1 $FOLLOWED); do follower_start "$turn" "$(name "$turn")"; done
    until_true 180 every_follower_has 1
    began=$(date +%s%N)
    reads=$(log_reads)
    turn=$(docker logs --tail 1 "$(name 1)")
    until_true 180 every_follower_has $((${turn#line} + 6))
    calls=$(($(log_reads) - reads))
    seconds=$((($(date +%s%N) - began) / 1000000000))
    echo "# $FOLLOWED followers: $calls calls of entries.list in $seconds s" >&3
    [[ $seconds -ge 10 && $calls -le $((seconds + 1)) ]] # as a rule none: the agents send the lines
    for turn in $(seq 1 $FOLLOWED); do
        grep -ao 'line[0-9]*' "$BATS_TEST_TMPDIR/raw.$turn" | cut -c5- | awk '$1 != NR { exit 1 }'
    done
}
