# SPDX-License-Identifier: Apache-2.0
# Agents that dial the backend, whose listener is open to a network (AGENT=reverse only).

bats_require_minimum_version 1.5.0
load lib/common
load lib/cloud

teardown()
{
    cloud_restore
    remove_everything
}

# agent_pid NAME: the agent's process, as the host sees it.
agent_pid()
{
    local id environ
    id=$(docker inspect -f '{{.Id}}' "$1")
    for environ in /proc/[0-9]*/environ; do
        if grep -qzx "SOCKERLESS_AGENT_CONTAINER=$id" "$environ" 2>/dev/null; then
            environ=${environ%/environ}
            printf '%s' "${environ##*/}"
            return 0
        fi
    done
    return 1
}

agent_variable()
{
    sed -zn "s/^$2=//p" "/proc/$(agent_pid "$1")/environ" | tr -d '\0'
}

descriptors_of_backend()
{
    find "/proc/$(component_pid backend)/fd" -mindepth 1 2>/dev/null | wc -l
}

descriptors_at_most()
{
    [[ $(descriptors_of_backend) -le $1 ]]
}

@test "reverse: an agent's token is in no log, no inspect and no arguments" {
    running "$(name x)"
    docker exec "$(name x)" true
    local token
    token=$(agent_variable "$(name x)" SOCKERLESS_AGENT_TOKEN)
    [[ $token =~ ^[0-9a-f]{64}$ ]]
    printf '%s\n' "$token" >"$BATS_TEST_TMPDIR/token"
    run -1 grep -aFf "$BATS_TEST_TMPDIR/token" "$STACK_DIR/backend.log" "$STACK_DIR/frontend.log"
    docker inspect "$(name x)" >"$BATS_TEST_TMPDIR/seen"
    docker exec "$(name x)" env >>"$BATS_TEST_TMPDIR/seen"
    docker logs "$(name x)" >>"$BATS_TEST_TMPDIR/seen" 2>&1
    cat /proc/[0-9]*/cmdline >>"$BATS_TEST_TMPDIR/seen" 2>/dev/null || true
    run -1 grep -acFf "$BATS_TEST_TMPDIR/token" "$BATS_TEST_TMPDIR/seen"
}

@test "reverse: unauthenticated connections are closed, and agents get through meanwhile" {
    running "$(name x)"
    local before pending
    before=$(descriptors_of_backend)
    "$PYTHON" "$E2E_DIR/lib/unauthenticated.py" "$(stack_gateway)" "$(cat "$STACK_DIR/callback.port")" \
        1500 60 >"$BATS_TEST_TMPDIR/pending" 2>&1 3>&- &
    pending=$!
    until_true 30 grep -q ^connected "$BATS_TEST_TMPDIR/pending"
    run -0 docker exec "$(name x)" echo through
    equal "$output" through
    run -0 docker run --rm busybox echo "a new one"
    equal "$output" "a new one"
    wait "$pending"
    until_true 30 descriptors_at_most $((before + 20))
    run -0 docker exec "$(name x)" echo still
    equal "$output" still
}

@test "reverse: thirty sessions with one agent at once, each its own" {
    running "$(name x)"
    local i code pids=()
    for i in $(seq 30); do
        docker exec -i "$(name x)" sh -c "cat; exit $i" <<<"this is $i" \
            >"$BATS_TEST_TMPDIR/$i" 2>&1 3>&- &
        pids+=($!)
    done
    for i in $(seq 30); do
        code=0
        wait "${pids[i - 1]}" || code=$?
        equal "$code" "$i"
        equal "$(cat "$BATS_TEST_TMPDIR/$i")" "this is $i"
    done
}

# What was written while nobody listened comes to who attaches afterwards, and so does the end.
@test "reverse: a container goes on without its backend, and is found again" {
    docker run -d --name "$(name x)" busybox sh -c \
        'echo one; until test -e /tmp/open; do sleep 0.05; done; echo two; exit 21' >/dev/null
    until_true 60 sh -c "docker logs '$(name x)' | grep -q one"
    local pid
    pid=$(agent_pid "$(name x)")
    component_kill backend
    touch "/proc/$pid/root/tmp/open"
    backend_restart
    equal "$(docker wait "$(name x)")" 21
    equal "$(docker logs "$(name x)")" $'one\ntwo'
}
