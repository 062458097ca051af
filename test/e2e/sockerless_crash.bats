# SPDX-License-Identifier: Apache-2.0
# kill -9 of our daemons: nothing that a client was told is lost.

bats_require_minimum_version 1.5.0
load lib/common
load lib/cloud

teardown()
{
    cloud_restore
    remove_everything
}

# gated_exit NAME CODE: says hello, waits for /tmp/open, says bye, exits with CODE.
gated_exit()
{
    docker run -d --name "$(name "$1")" busybox sh -c \
        "echo hello $1; until test -e /tmp/open; do sleep 0.05; done; echo bye $1; exit $2" >/dev/null
}

# equal_field CONTAINER TEMPLATE VALUE
equal_field()
{
    equal "$(field "$1" "$2")" "$3"
}

says()
{
    docker logs "$(name "$1")" 2>&1 | grep -q "$2"
}

# A function's run has no record in its cloud: what ends while no backend is there, and is not waited for by its
# agent, has no exit code.
# bats test_tags=not:gcf
@test "crash: the backend dies while five run and one starts" {
    remove_everything
    cloud_settles_empty
    local word
    local -A code=([a]=11 [b]=12 [c]=13 [d]=14)
    for word in a b c d; do gated_exit "$word" "${code[$word]}"; done
    docker create --name "$(name f)" busybox sh -c 'echo hello f; tail -f /dev/null' >/dev/null
    for word in a b c d; do until_true 60 says "$word" "hello $word"; done
    # The fifth ends after the backend, and its agent does not wait long for the next one.
    docker run -d --name "$(name e)" -e SOCKERLESS_AGENT_LINGER_MS=1000 busybox sh -c \
        'echo hello e; until test -e /tmp/open; do sleep 0.05; done; sleep 3; echo bye e; exit 23' >/dev/null
    sim_config '{"provision_ms":1500}'
    docker start "$(name f)" >"$BATS_TEST_TMPDIR/start" 2>&1 3>&- &
    local starter=$!
    until_true 30 tasks_are 6
    gate_open "$(name e)"
    component_kill backend
    until_true 60 tasks_at_most 5
    sim_config '{"provision_ms":50}'
    backend_restart
    wait "$starter" || true

    for word in a b c d; do
        equal "$(field "$(name "$word")" .State.Status)" running
    done
    run -0 docker wait "$(name e)"
    # Cloud Functions keep nothing of a request that was answered: without its agent the code is not known.
    equal "$output" "$([[ $STACK_BACKEND == gcf ]] && echo 255 || echo 23)"
    equal "$(field "$(name e)" .State.Status)" exited
    # However the interrupted start went, one more start ends with it running, once.
    docker start "$(name f)" >/dev/null
    equal "$(field "$(name f)" .State.Status)" running
    run -0 docker ps -q
    equal "$(wc -l <<<"$output")" 5
    until_true 20 tasks_are 5

    for word in a b c d; do gate_open "$(name "$word")"; done
    for word in a b c d; do
        run -0 docker wait "$(name "$word")"
        equal "$output" "${code[$word]}"
    done
    for word in a b c d e; do
        equal "$(docker logs "$(name "$word")")" "hello $word"$'\n'"bye $word"
    done
    for word in a b c d e; do docker rm "$(name "$word")" >/dev/null; done
    docker rm -f "$(name f)" >/dev/null
    cloud_settles_empty
}

@test "crash: the cloud forgets everything: its containers are over, since then" {
    local finished up
    running "$(name lost)"
    component_kill sim
    component_start sim # ends what was left of the containers
    up=$(date -u +%FT%T.%N)
    until_true 10 equal_field "$(name lost)" .State.Status exited 2>/dev/null
    finished=$(field "$(name lost)" .State.FinishedAt)
    [[ $finished < $up ]] || { echo "ended at $finished, its cloud at $up" >&2; false; }
    docker run --rm busybox true
}

@test "crash: docker wait has no answer when the backend dies" {
    local head=$BATS_TEST_TMPDIR/head code=0
    running "$(name x)"
    api -X POST -D "$head" -o "$BATS_TEST_TMPDIR/body" "http://docker/containers/$(name x)/wait" 2>/dev/null 3>&- &
    local client=$!
    until_true 10 grep -qs '^HTTP/1.1 200' "$head"
    component_kill backend
    wait "$client" || code=$?
    equal "$code" 18 # curl: "transfer closed with outstanding read data remaining"
    [[ ! -s $BATS_TEST_TMPDIR/body ]]
    backend_restart
}

# row_damage CONTAINER: cuts its row in the middle.
row_damage()
{
    "$PYTHON" - "$STACK_STATE/sockerless.db" "$1" <<'END'
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    (row,) = db.execute("SELECT record FROM container WHERE key = ?", sys.argv[2:]).fetchone()
    db.execute("UPDATE container SET record = ? WHERE key = ?", (row[:len(row) // 2], sys.argv[2]))
END
}

@test "crash: a container whose row is damaged is kept, named and shown" {
    local id
    remove_everything
    cloud_settles_empty
    running "$(name x)" -e SOCKERLESS_AGENT_LINGER_MS=500 # nobody will take its report
    id=$(field "$(name x)" .Id)
    component_kill backend
    row_damage "$id"
    backend_restart
    contains "$(docker ps -a --no-trunc --format '{{.ID}} {{.State}}')" "$id dead"
    contains "$(field "$id" .State.Error)" damaged
    grep -q "\"row\":\"$id\"" "$STACK_DIR/backend.log"
    running "$(name y)" # by now the runs that belong to nobody were looked for
    docker rm -f "$(name y)" >/dev/null
    until_true "$SETTLE_S" tasks_are 1
    run ! docker start "$id"
    contains "$output" damaged
    docker rm "$id" >/dev/null
    cloud_settles_empty
}

@test "crash: the backend's records survive" {
    docker create --name "$(name made)" -l keep=me -e A=1 -m 64m busybox echo later >/dev/null
    docker run --name "$(name done)" busybox sh -c 'echo out; exit 9' || true
    docker inspect "$(name made)" "$(name done)" | jq -S . >"$BATS_TEST_TMPDIR/before"
    docker image inspect busybox | jq -S . >"$BATS_TEST_TMPDIR/images"
    component_kill backend
    backend_restart
    docker inspect "$(name made)" "$(name done)" | jq -S . | diff "$BATS_TEST_TMPDIR/before" -
    docker image inspect busybox | jq -S . | diff "$BATS_TEST_TMPDIR/images" -
    equal "$(docker start -a "$(name made)")" later
    equal "$(docker logs "$(name done)")" out
    equal "$(docker wait "$(name done)")" 9
}

@test "crash: an exec's client is told, the container lives, exec works again" {
    running "$(name x)"
    docker exec "$(name x)" sh -c 'echo up; sleep 1000' >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    local client=$!
    until_true 60 grep -q up "$BATS_TEST_TMPDIR/out"
    component_kill backend
    ! wait "$client"
    backend_restart
    run -0 docker exec "$(name x)" echo again
    equal "$output" again
}

@test "crash: a following client gets the rest after a reconnect, nothing twice" {
    docker run -d --name "$(name x)" busybox sh -c \
        'seq 1 500; until test -e /tmp/open; do sleep 0.05; done; seq 501 1000' >/dev/null
    until_true 60 says x '^500$'
    component_kill backend
    backend_restart
    docker logs -f "$(name x)" >"$BATS_TEST_TMPDIR/out" 3>&- &
    local follower=$!
    gate_open "$(name x)"
    wait "$follower"
    cmp "$BATS_TEST_TMPDIR/out" <(seq 1 1000)
}

@test "crash: the frontend dies: clients reconnect, nothing else notices" {
    running "$(name x)"
    local backend
    backend=$(component_pid backend)
    component_kill frontend
    run ! docker ps
    component_start frontend
    frontend_wait
    equal "$(component_pid backend)" "$backend"
    equal "$(field "$(name x)" .State.Running)" true
    run -0 docker exec "$(name x)" echo still
    equal "$output" still
    tasks_are 1
}

@test "crash: the frontend dies during a foreground run; the container ends by itself" {
    docker run --name "$(name x)" busybox sh -c \
        'echo up; until test -e /tmp/open; do sleep 0.05; done; echo down; exit 6' \
        >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    local client=$!
    until_true 60 grep -q up "$BATS_TEST_TMPDIR/out"
    component_kill frontend
    ! wait "$client"
    component_start frontend
    frontend_wait
    gate_open "$(name x)"
    equal "$(docker wait "$(name x)")" 6
    equal "$(docker logs "$(name x)")" $'up\ndown'
}

@test "down: without a backend: 503 with its address and a hint; by itself well again" {
    component_stop backend
    api_call GET /containers/json
    equal "$status" 503
    contains "$output" "${STACK_BACKEND_SOCKET##*/}"
    api_call POST /containers/create '{"Image":"busybox","Cmd":["true"]}'
    equal "$status" 503
    api_call POST '/containers/x/attach?stream=1&stdout=1'
    equal "$status" 503
    api_call GET /_ping
    equal "$status" 200
    component_start backend
    until_true 30 docker ps
    run -0 docker run --rm busybox echo well
    equal "$output" well
}

@test "down: an orderly stop of both keeps everything" {
    gated_exit a 12
    component_stop frontend
    component_stop backend
    component_start backend
    component_start frontend
    frontend_wait
    backend_wait
    equal "$(field "$(name a)" .State.Status)" running
    gate_open "$(name a)"
    equal "$(docker wait "$(name a)")" 12
}
