# SPDX-License-Identifier: Apache-2.0
# docker exec.

bats_require_minimum_version 1.5.0
load lib/common

setup_file()
{
    docker run -d --name e2e-exec busybox tail -f /dev/null >/dev/null
}

teardown_file()
{
    docker rm -f e2e-exec >/dev/null
}

@test "exec: streams apart and exit code" {
    run -9 --separate-stderr docker exec e2e-exec sh -c 'echo out; echo err >&2; exit 9'
    equal "$output" out
    equal "$stderr" err
}

@test "exec: straight after start, and keep-alive by tail -f /dev/null" {
    running "$(name x)"
    run -0 docker exec "$(name x)" echo there
    equal "$output" there
    run -0 docker ps -q --no-trunc --filter "id=$(field "$(name x)" .Id)" --filter status=running
    equal "$output" "$(field "$(name x)" .Id)"
}

@test "exec: keep-alive in its other spellings" {
    docker run -d --name "$(name a)" --entrypoint tail busybox -f /dev/null >/dev/null
    docker run -d --name "$(name b)" --entrypoint "" busybox sh -c 'tail -f /dev/null' >/dev/null
    run -0 docker exec "$(name a)" echo a
    equal "$output" a
    run -0 docker exec "$(name b)" echo b
    equal "$output" b
}

# As act and the GitHub runner create their job containers.
@test "exec: a keep-alive command is a process like any other" {
    local id
    id=$(docker create --name "$(name x)" -u app -w /not/there --entrypoint tail busybox -f /dev/null)
    docker start "$id" >/dev/null
    run -0 docker exec "$id" sh -c 'pwd; id -un; ps -o args | grep -x "tail -f /dev/null"'
    equal "$output" $'/not/there\napp\ntail -f /dev/null'
    run -0 docker exec -w /not/there "$id" pwd
    equal "$output" /not/there
    docker kill "$id" >/dev/null
    run -0 docker wait "$id"
    equal "$output" 137

    docker create --name "$(name y)" -u nobody-knows-me --entrypoint tail busybox -f /dev/null >/dev/null
    run -1 docker start "$(name y)"
    contains "$output" "unable to find user nobody-knows-me"
}

@test "exec: -i with input" {
    run -3 docker exec -i e2e-exec sh -c 'read x; echo "$x"; exit 3' <<<"typed"
    equal "$output" typed
    run -0 docker exec -i e2e-exec wc -c < <(head -c 200000 /dev/zero)
    equal "$output" 200000
    run -0 docker exec e2e-exec cat <<<"not given"
    equal "$output" ""
}

@test "exec: -e -w -u" {
    run -0 docker exec -e A=b -w /etc -u app e2e-exec sh -c 'echo $A; pwd; id -un; echo $HOME'
    equal "$output" $'b\n/etc\napp\n/home/app'
    run -0 docker exec -u 1234:50 e2e-exec id
    contains "$output" "uid=1234 gid=50(staff)"
}

@test "exec: has the container's environment" {
    docker run -d --name "$(name x)" -e OWN=1 busybox tail -f /dev/null >/dev/null
    run -0 docker exec -e MORE=2 "$(name x)" env
    contains "$output" OWN=1
    contains "$output" MORE=2
    contains "$output" PATH=
}

@test "exec: a working directory that is relative or none" {
    run -126 docker exec -w tmp e2e-exec pwd
    contains "$output" "OCI runtime exec failed: exec failed: Cwd must be an absolute path: unknown"
    run -126 docker exec -w /etc/passwd e2e-exec pwd
    contains "$output" "failed: not a directory: unknown: Are you trying to mount a directory onto a file"
}

@test "exec: what cannot be executed" {
    run docker exec e2e-exec nosuchcommand
    [[ $status == 126 || $status == 127 ]]
    contains "$output" nosuchcommand
    run -126 docker exec e2e-exec /etc
    run docker exec -w /nodir e2e-exec pwd
    [[ $status == 126 || $status == 127 ]]
    run -126 docker exec -u nouser e2e-exec id
    contains "$output" nouser
}

@test "exec: the exit code is final when the stream ends" {
    raw exec exit_code_final
}

@test "exec: start twice, on nothing, without command" {
    raw exec refusals
}

@test "exec: hijack by 200, half-close, both streams" {
    raw exec plain_hijack
}

@test "exec: the stream is framed as start's Tty says" {
    raw exec tty_of_start
}

@test "exec: ExecIDs, execs that are never started, detach keys" {
    raw exec ids_of_container
    raw exec never_started
    raw exec detach_keys
}

@test "exec: several at once, each with its own stream" {
    raw exec many_at_once
}

@test "exec: a client that leaves does not end the process" {
    raw exec client_leaves
}

@test "exec: detached" {
    run -0 docker exec -d e2e-exec sh -c 'touch /tmp/detached'
    equal "$output" ""
    until_true 30 docker exec e2e-exec test -e /tmp/detached
    run -1 docker exec -d e2e-exec nosuchcommand
    contains "$output" nosuchcommand
}

@test "exec: on a stopped, a created and a missing container" {
    docker run --name "$(name x)" busybox true
    run -1 docker exec "$(name x)" true
    contains "$output" "is not running"
    api_call POST "/containers/$(name x)/exec" '{"Cmd":["true"]}'
    equal "$status" 409
    docker create --name "$(name y)" busybox true >/dev/null
    api_call POST "/containers/$(name y)/exec" '{"Cmd":["true"]}'
    equal "$status" 409
    run -1 docker exec nope true
    contains "$output" "No such container: nope"
}

@test "exec: killed by a signal" {
    run -137 docker exec e2e-exec sh -c 'kill -9 $$'
}

@test "exec: -t makes CR LF" {
    run -0 docker exec -t e2e-exec echo t
    equal "$output" $'t\r'
}

@test "exec: ends with its container" {
    running "$(name x)"
    docker exec "$(name x)" sh -c 'echo up; sleep 1000' >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    local client=$!
    until_true 60 grep -q up "$BATS_TEST_TMPDIR/out"
    docker kill "$(name x)" >/dev/null
    local code=0
    wait "$client" || code=$?
    [[ $code != 0 ]]
}
