# SPDX-License-Identifier: Apache-2.0
# Edges of the Cloud Run backend: what programs log, what others do to jobs behind its back, and
# throttling at every call.

bats_require_minimum_version 1.5.0
load lib/common
load lib/cloud
load lib/logs

teardown()
{
    cloud_restore
    remove_everything
}

job_of()
{
    sim GET resources | jq -r ".executions[] | select(.job | contains(\"$(docker inspect -f '{{.Id}}' "$1" | cut -c1-12)\")) | .job"
}

has_log()
{
    [[ $(docker logs "$1") == "$2" ]]
}

@test "cloudrun: lines of JSON come as they were, and none hides the others" {
    local deep
    deep=$(printf '{"a":%.0s' {1..200})1$(printf '}%.0s' {1..200})
    docker run --name "$(name x)" -e deep="$deep" busybox sh -c 'echo first
        echo "{\"x\":0.1,\"n\":[1,2.5,null,true],\"s\":\"a\\nb\",\"z\":{\"y\":{}}}"
        echo "{\"big\":9223372036854775807}"
        printf "%s\n" "{\"a\\u0000b\":1}" "{\"v\":\"a\\u0000b\"}" "$deep"
        printf "a\\000b\n"
        echo; echo last; echo "{\"severity\":\"ERROR\",\"message\":\"bad\",\"k\":1}"' >/dev/null
    docker logs "$(name x)" 2>"$BATS_TEST_TMPDIR/err" >"$BATS_TEST_TMPDIR/out"
    diff "$BATS_TEST_TMPDIR/out" <(printf '%s\n' first '{"x":0.1,"n":[1,2.5,null,true],"s":"a\nb","z":{"y":{}}}' \
        '{"big":9223372036854775807}' '{"a\u0000b":1}' '{"v":"a\u0000b"}' "$deep"
        printf 'a\0b\n\nlast\n{"severity":"ERROR","message":"bad","k":1}\n')
    equal "$(cat "$BATS_TEST_TMPDIR/err")" ''
}

@test "cloudrun: an execution that somebody else cancels" {
    running "$(name x)"
    local job
    job=$(job_of "$(name x)")
    docker wait "$(name x)" >"$BATS_TEST_TMPDIR/code" 3>&- &
    gcp POST "jobs/$job/executions/$(sim GET resources | jq -r ".executions[0].name"):cancel" '{}' >/dev/null
    wait $!
    equal "$(cat "$BATS_TEST_TMPDIR/code")" 143
    equal "$(field "$(name x)" .State.Status)" exited
    docker rm "$(name x)" >/dev/null
    cloud_settles_empty
}

# The backend is away meanwhile: it finds neither job nor execution nor task.
@test "cloudrun: a job that somebody else deletes" {
    docker run -d --name "$(name x)" busybox sh -c 'echo before; exec tail -f /dev/null' >/dev/null
    until_true 20 has_log "$(name x)" before
    local job
    job=$(job_of "$(name x)")
    component_stop backend
    gcp POST "jobs/$job/executions/$(sim GET resources | jq -r ".executions[0].name"):cancel" '{}' >/dev/null
    until_true 20 tasks_are 0
    gcp DELETE "jobs/$job" >/dev/null
    backend_restart
    run -0 docker wait "$(name x)"
    equal "$(field "$(name x)" .State.Status)" exited
    equal "$(docker logs "$(name x)")" before
    docker start "$(name x)" >/dev/null
    equal "$(field "$(name x)" .State.Running)" true
    docker rm -f "$(name x)" >/dev/null
    cloud_settles_empty
}

@test "cloudrun: throttling at every call, with and without Retry-After" {
    local method
    for method in run.jobs.create run.jobs.get run.jobs.run run.operations.get run.executions.get run.executions.cancel run.tasks.list run.jobs.delete logging.entries.list; do
        sim_fault '{"operation":"'$method'","count":1,"kind":"throttle","latency_ms":1000}'
        sim_fault '{"operation":"'$method'","count":1,"kind":"throttle"}'
    done
    run -7 docker run --name "$(name x)" busybox sh -c "echo $method; exit 7"
    equal "$(docker logs "$(name x)")" "$method"
    running "$(name y)"
    sim_fault '{"operation":"run.executions.cancel","count":2,"kind":"throttle","latency_ms":1000}'
    docker kill "$(name y)" >/dev/null
    equal "$(docker wait "$(name y)")" 137
    docker rm "$(name x)" "$(name y)" >/dev/null
    cloud_settles_empty
}

@test "cloudrun: user codes 120 to 124 are the user's own" {
    local code
    for code in 120 121 124; do
        run "-$code" docker run --rm busybox sh -c "exit $code"
    done
}

# tail_costs MOST FROM TO OPTION… CONTAINER: docker logs shows FROM to TO, for at most MOST calls of
# entries.list.
tail_costs()
{
    local most=$1 from=$2 to=$3 before calls
    shift 3
    before=$(sim_count '.calls["logging.entries.list"] // 0')
    docker logs "$@" >"$BATS_TEST_TMPDIR/tail"
    calls=$(($(sim_count '.calls["logging.entries.list"] // 0') - before))
    echo "# ${*:1:$#-1}: $calls calls" >&3
    diff "$BATS_TEST_TMPDIR/tail" <(seq "$from" "$to")
    [[ $calls -ge ${LEAST:-1} && $calls -le $most ]]
}

# tails_of LINES CONTAINER: it has printed 1 to LINES and ended.
tails_of()
{
    tail_costs 3 $(($1 - 2)) "$1" --tail 3 "$2"
    tail_costs 3 $(($1 - 2)) "$1" -f --tail 3 "$2"
    tail_costs 3 $(($1 - 2499)) "$1" --tail 2500 "$2"
    tail_costs 3 1 0 -f --tail 0 "$2"
    tail_costs 3 $(($1 - 2)) "$1" --since 1h --until 2100-01-01T00:00:00Z --tail 3 "$2"
    tail_costs 3 1 0 --since 2100-01-01T00:00:00Z --tail 3 "$2"
    tail_costs 3 1 0 --until 2001-01-01T00:00:00Z --tail 3 "$2"
}

entries_are()
{
    [[ $(sim_count .logEntries) -ge $1 ]]
}

# ended_after LINES: container x has printed them, and the log service has taken them in.
ended_after()
{
    local before
    before=$(sim_count .logEntries)
    docker run -d --name "$(name x)" busybox seq 1 "$1" >/dev/null
    docker wait "$(name x)" >/dev/null
    until_true 60 entries_are $((before + $1 + 1))
}

@test "cloudrun: the tail of a long log costs at most three calls of entries.list" {
    ended_after 50000
    tails_of 50000 "$(name x)"
}

@test "cloudrun: the tail of a log whose entries come twice and late" {
    sim_config '{"log_duplicate":3000,"log_late":1000,"log_late_ms":300}'
    ended_after 20000
    tails_of 20000 "$(name x)"
}

# The end is waited for: the newest entries are asked for every 100 ms, as the local stack is set.
@test "cloudrun: the tail of a log that is shown 2 s late" {
    sim_config '{"log_delay_ms":2000}'
    ended_after 50000
    tail_costs $((3 + 2000 / 100)) 49998 50000 --tail 3 "$(name x)"
    tails_of 50000 "$(name x)"
}

@test "cloudrun: the tail of a running container costs few calls, and what follows comes once" {
    gated "$(name x)" 20000 20100
    until_true 60 logs_end_with "$(name x)" 20000
    LEAST=0 tail_costs 4 19998 20000 --tail 3 "$(name x)" # the agent has it
    docker logs -f --tail 3 "$(name x)" >"$BATS_TEST_TMPDIR/out" 3>&- &
    local follower=$!
    until_true 60 grep -qx 20000 "$BATS_TEST_TMPDIR/out"
    gate_open "$(name x)"
    wait "$follower"
    diff "$BATS_TEST_TMPDIR/out" <(seq 19998 20100)
}

@test "cloudrun: since, until, tail with timestamps" {
    docker run --name "$(name x)" busybox seq 1 30 >/dev/null
    docker logs -t "$(name x)" >"$BATS_TEST_TMPDIR/all"
    equal "$(wc -l <"$BATS_TEST_TMPDIR/all")" 30
    local ten twenty
    ten=$(sed -n 10p "$BATS_TEST_TMPDIR/all" | cut -d' ' -f1)
    twenty=$(sed -n 20p "$BATS_TEST_TMPDIR/all" | cut -d' ' -f1)
    diff <(docker logs -t --since "$ten" --until "$twenty" "$(name x)") <(sed -n 10,20p "$BATS_TEST_TMPDIR/all")
    diff <(docker logs --since "$ten" --until "$twenty" "$(name x)") <(seq 10 20)
    diff <(docker logs --until "$ten" --tail 22 "$(name x)") <(seq 9 10) # the tail first, as dockerd
    diff <(docker logs -t --tail 3 "$(name x)") <(tail -3 "$BATS_TEST_TMPDIR/all")
    diff <(docker logs -t --tail 3 -f "$(name x)") <(tail -3 "$BATS_TEST_TMPDIR/all")
    equal "$(docker logs --tail 0 "$(name x)")" ""
    diff <(docker logs --tail all --until "$ten" "$(name x)") <(seq 1 10)
    equal "$(docker logs --since "$twenty" --until "$ten" "$(name x)")" ""
}
