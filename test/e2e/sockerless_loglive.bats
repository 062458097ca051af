# SPDX-License-Identifier: Apache-2.0
# What a running container prints is shown at once, however late the cloud's log service is: most
# scenarios here have one that shows nothing for ten minutes.

bats_require_minimum_version 1.5.0
load lib/common
load lib/logs
load lib/cloud

NEVER=600000

setup()
{
    FOLLOWERS=()
    sim_config "{\"log_delay_ms\":$NEVER}"
}

teardown()
{
    local pid left
    left=$(jobs -p)
    for pid in "${FOLLOWERS[@]}"; do # those that a failed test has left
        if grep -qx "$pid" <<<"$left"; then kill "$pid" && kill -CONT "$pid"; fi
    done
    cloud_late 0 0
    sim_config '{"log_delay_ms":0}'
    remove_everything
}

# follow NAME FILE [OPTION…]: a follower in the background; its pid is in $!.
follow()
{
    docker logs -f "${@:3}" "$1" >"$2" 3>&- &
    FOLLOWERS+=("$!")
}

@test "live logs: a line is shown before the log service has it, and the end as well" {
    local out=$BATS_TEST_TMPDIR/out follower
    gated "$(name x)" 3 6
    follow "$(name x)" "$out"
    follower=$!
    until_true 20 grep -qx 3 "$out"
    gate_open "$(name x)"
    wait "$follower"
    cmp "$out" <(seq 1 6)
    equal "$(field "$(name x)" .State.Running)" false # for a client that asks after the end
}

@test "live logs: docker logs of what runs, its tail, a moment, each stream, with timestamps" {
    local from
    docker run -d --name "$(name x)" busybox sh -c \
        'for i in $(seq 1 300); do echo $i; done; echo wrong >&2; sleep 0.1; echo late; sleep 600' >/dev/null
    until_true 20 logs_end_with "$(name x)" late
    docker logs "$(name x)" 2>/dev/null | cmp - <(seq 1 300; echo late)
    equal "$(docker logs "$(name x)" 2>&1 >/dev/null)" wrong
    docker logs --tail 3 "$(name x)" 2>&1 | cmp - <(printf '300\nwrong\nlate\n')
    docker logs -t "$(name x)" 2>/dev/null >"$BATS_TEST_TMPDIR/all"
    sort -c -s -k1,1 "$BATS_TEST_TMPDIR/all"
    from=$(tail -n 1 "$BATS_TEST_TMPDIR/all" | cut -d' ' -f1)
    equal "$(docker logs --since "$from" "$(name x)" 2>&1)" late
    equal "$(docker logs --until 2001-01-01T00:00:00Z "$(name x)" 2>&1)" ""
}

# The container counts until the gate opens, so that a follower of what is to come shows when it has begun.
@test "live logs: from the start of a container on, and from its tail" {
    local dir=$BATS_TEST_TMPDIR pids=() first
    docker run -d --name "$(name x)" busybox sh -c 'seq 1 100; i=100
        until test -e /tmp/begin; do sleep 0.05; done
        until test -e /tmp/open; do echo $((i += 1)); sleep 0.05; done; seq $((i + 1)) $((i + 100))' >/dev/null
    until_true 20 logs_end_with "$(name x)" 100
    follow "$(name x)" "$dir/tail" --tail 10
    pids+=("$!")
    follow "$(name x)" "$dir/all"
    pids+=("$!")
    until_true 20 grep -qx 100 "$dir/tail"
    until_true 20 grep -qx 100 "$dir/all"
    docker exec "$(name x)" touch /tmp/begin
    follow "$(name x)" "$dir/new" --tail 0
    pids+=("$!")
    until_true 20 test -s "$dir/new"
    gate_open "$(name x)"
    wait "${pids[@]}"
    cmp "$dir/all" <(seq 1 "$(tail -n 1 "$dir/all")")
    cmp "$dir/tail" <(tail -n +91 "$dir/all")
    first=$(head -n 1 "$dir/new")
    [[ $first -gt 100 ]]
    cmp "$dir/new" <(tail -n "+$first" "$dir/all")
}

# As long as the live log is there, nobody asks the log service.
@test "live logs: many followers cost no question to the log service" {
    local dir=$BATS_TEST_TMPDIR pids=() i before
    gated "$(name x)" 10 20
    before=$(log_questions)
    for i in 1 2 3 4 5; do
        follow "$(name x)" "$dir/$i"
        pids+=("$!")
    done
    for i in 1 2 3 4 5; do until_true 20 grep -qx 10 "$dir/$i"; done
    gate_open "$(name x)"
    wait "${pids[@]}"
    for i in 1 2 3 4 5; do cmp "$dir/$i" <(seq 1 20); done
    equal "$(log_questions)" "$before"
}

log_questions()
{
    sim_count ".calls[\"$CLOUD_LOG_QUESTIONS\"] // 0"
}

# The follower is stopped while the container prints more than is kept for it: the container and
# another follower go on, and it reads the rest from the log service.
@test "live logs: a follower that stands still delays nobody and misses nothing" {
    local dir=$BATS_TEST_TMPDIR slow fast
    sim_config '{"log_delay_ms":1000}'
    gated_long "$(name x)"
    follow "$(name x)" "$dir/slow"
    slow=$!
    follow "$(name x)" "$dir/fast"
    fast=$!
    until_true 20 grep -qx begin "$dir/slow"
    until_true 20 grep -qx begin "$dir/fast"
    kill -STOP "$slow"
    gate_open "$(name x)"
    wait "$fast"
    long_lines | cmp "$dir/fast" -
    [[ $(wc -c <"$dir/slow") -lt $(($(wc -c <"$dir/fast") / 2)) ]]
    kill -CONT "$slow"
    wait "$slow"
    cmp "$dir/slow" "$dir/fast"
}

# 12 MB: more than the agent, the backend and the connections keep together.
LONG_LINES='BEGIN { for (i = 1; i <= 4000; i++) printf "%3000d\n", i }'

gated_long()
{
    docker run -d --name "$1" busybox sh -c \
        "echo begin; until test -e /tmp/open; do sleep 0.05; done; awk '$LONG_LINES'" >/dev/null
}

long_lines()
{
    echo begin
    awk "$LONG_LINES"
}

@test "live logs: the log that the agent no longer has, and what it has, join" {
    local out=$BATS_TEST_TMPDIR/out follower
    sim_config '{"log_delay_ms":0}'
    gated "$(name x)" 150000 150010
    until_true 60 logs_end_with "$(name x)" 150000
    follow "$(name x)" "$out"
    follower=$!
    until_true 60 grep -qx 150000 "$out"
    gate_open "$(name x)"
    wait "$follower"
    cmp "$out" <(seq 1 150010)
}

# bats test_tags=slow
@test "live logs: 100,000 lines, followed and again after the end, entries late and out of order" {
    local out=$BATS_TEST_TMPDIR/out
    sim_config '{"log_delay_ms":2000}'
    cloud_late 2000 300
    gated "$(name x)" 1000 100000
    follow "$(name x)" "$out"
    until_true 20 grep -qx 1000 "$out"
    gate_open "$(name x)"
    wait "$!"
    cmp "$out" <(seq 1 100000)
    docker logs -f "$(name x)" | sort -n | cmp - <(seq 1 100000) # ECS keeps the order of arrival
}
