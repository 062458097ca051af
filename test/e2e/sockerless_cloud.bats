# SPDX-License-Identifier: Apache-2.0
# What is made in the cloud is undone; what the cloud says reaches the client.

bats_require_minimum_version 1.5.0
load lib/common
load lib/crowd
load lib/cloud

teardown()
{
    [[ ! -e $BATS_TEST_TMPDIR/odd-backend ]] || component_stop backend
    cloud_restore
    remove_everything
}

# backend_with SETTING…: until the end of the test.
backend_with()
{
    : >"$BATS_TEST_TMPDIR/odd-backend"
    component_stop backend
    BACKEND_ENV="${BACKEND_ENV:-} $*" backend_restart
}

# nothing_left COUNT: after so many docker run --rm, and as many again.
nothing_left()
{
    local daemon before after
    remove_everything
    crowd "$1" 20
    declare -A before
    for daemon in frontend backend; do before[$daemon]=$(rss_kb $daemon); done
    crowd "$1" 20
    equal "$(docker ps -aq)" ""
    cloud_settles_empty
    for daemon in frontend backend; do
        after=$(rss_kb $daemon)
        echo "# $daemon: ${before[$daemon]} kB after $1, $after kB after twice as many" >&3
        ! sizes_matter || [[ $after -le $((before[$daemon] * 110 / 100)) ]]
    done
}

@test "cloud: nothing is left after docker run --rm, nor do the daemons grow" {
    nothing_left 25
}

# bats test_tags=slow
@test "cloud: nothing is left after 100 docker run --rm, nor do the daemons grow" {
    nothing_left 100
}

@test "cloud: a container's resources go with it" {
    remove_everything
    cloud_settles_empty
    running "$(name x)"
    tasks_are 1
    docker stop -t 0 "$(name x)" >/dev/null
    until_true "$SETTLE_S" tasks_are 0
    docker start "$(name x)" >/dev/null
    tasks_are 1
    docker rm -f "$(name x)" >/dev/null
    cloud_settles_empty
}

@test "cloud: slow to provision: attach-before-start waits, start answers when it runs" {
    sim_config '{"provision_ms":1500}'
    local questions asked
    questions=$(sim_count ".calls[\"$CLOUD_QUESTIONS\"]")
    run -3 docker run --rm -i busybox sh -c 'cat; exit 3' <<<"patience"
    equal "$output" patience
    # Half as often as one in each of the stack's poll intervals, 50 ms.
    asked=$(($(sim_count ".calls[\"$CLOUD_QUESTIONS\"]") - questions))
    [[ $asked -le 15 ]] || { echo "the cloud was asked $asked times" >&2; return 1; }
}

# Forward, the agent listens at an address that is not dialled; reverse, no process listens at the port that it dials.
# Cloud Functions have no call that ends a run without its agent: sockerless_gcf_cloud.bats.
# bats test_tags=not:gcf
@test "cloud: an agent that cannot be reached: stop ends the start, whose error says what to check" {
    local odd=()
    [[ ${AGENT:-} != reverse ]] || odd=("SOCKERLESS_CALLBACK_URL=ws://$(stack_gateway):1/")
    backend_with "${odd[@]}"
    docker create --name "$(name x)" -e SOCKERLESS_AGENT_ADDRESS=127.0.0.1 \
        -e SOCKERLESS_AGENT_LINGER_MS=0 busybox tail -f /dev/null >/dev/null
    docker start "$(name x)" >"$BATS_TEST_TMPDIR/start" 2>&1 3>&- &
    local client=$!
    until_true 30 tasks_are 1
    timeout 60 docker stop "$(name x)" >/dev/null
    ! wait "$client"
    contains "$(cat "$BATS_TEST_TMPDIR/start")" "was stopped while it started"
    equal "$(field "$(name x)" .State.Status)" created
    cloud_settles_empty

    backend_with "${odd[@]}" SOCKERLESS_AGENT_TIMEOUT=1
    run -1 docker start "$(name x)"
    contains "$output" "$(field "$(name x)" .Id)"
    contains "$output" "security group"
    if [[ ${AGENT:-} == reverse ]]; then
        contains "$output" "ws://$(stack_gateway):1/"
    else
        contains "$output" "port 9111"
    fi
}

@test "cloud: a start that is taken back while provisioning" {
    sim_config '{"provision_ms":5000}'
    docker create --name "$(name x)" busybox tail -f /dev/null >/dev/null
    docker start "$(name x)" >/dev/null 2>&1 3>&- &
    local client=$!
    until_true 30 tasks_are 1
    docker rm -f "$(name x)" >/dev/null
    wait "$client" || true
    cloud_settles_empty
}

# The cloud takes 4 s for the call, and then makes what it was asked for.
@test "cloud: a start is stopped at once while the cloud does not answer" {
    local call client late
    docker create --name "$(name x)" busybox tail -f /dev/null >/dev/null
    for call in $CLOUD_STARTS; do
        late=$(($(sim_count ".calls[\"$call\"] // 0") + 1))
        sim_fault '{"operation":"'"$call"'","count":1,"kind":"latency","latency_ms":4000}'
        docker start "$(name x)" >"$BATS_TEST_TMPDIR/start" 2>&1 3>&- &
        client=$!
        until_true 30 sim_faults_taken
        timeout 3 docker stop "$(name x)" >/dev/null
        ! wait "$client"
        contains "$(cat "$BATS_TEST_TMPDIR/start")" "was stopped while it started"
        equal "$(field "$(name x)" .State.Status)" created
    done
    run -0 docker start "$(name x)"
    until_true 10 sim_counted "$call" $((late + 1)) # the late call and this start's
    until_true "$SETTLE_S" tasks_are 1 # what the late one made is ended
    docker rm -f "$(name x)" >/dev/null
    cloud_settles_empty
}

@test "cloud: unknown image on docker.io" {
    run -125 docker run --rm nosuchimage true
    [[ $output == *"pull access denied for nosuchimage"* || $output == *"manifest unknown"* ]]
    run -1 docker pull busybox:nosuchtag
    contains "$output" "manifest for busybox:nosuchtag not found: manifest unknown"
    api_call POST '/images/create?fromImage=nosuchimage&tag=latest'
    equal "$status" 404
}

@test "create: what is not acted upon is named in a warning" { raw badinput warnings; }
@test "create and exec: a terminal has the size that is asked for at once" { raw exec console_size; }
@test "raw: stdin glued to the head of attach" { raw attach glued; }
@test "raw: attach logs=1 joins the live output without loss or repetition" {
    raw attach history_while_printing
    raw attach history_unfinished_line
}
@test "raw: who types and leaves at once is heard" { raw attach typed_and_gone; }
