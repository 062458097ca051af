# SPDX-License-Identifier: Apache-2.0
# create, start, stop, kill, rm, ps, inspect.

bats_require_minimum_version 1.5.0
load lib/common

# trapper NAME: runs until TERM (exit 5) or INT (exit 6).
trapper()
{
    docker run -d --name "$1" "${@:2}" busybox sh -c \
        'trap "exit 5" TERM; trap "exit 6" INT; echo ready; while :; do sleep 0.05; done' >/dev/null
    until_true 60 grep_logs "$1" ready
}

grep_logs()
{
    docker logs "$1" 2>&1 | grep -q "$2"
}

# listed FILTER…: names of containers, all states, sorted.
listed()
{
    local filters=() one
    for one in "$@"; do
        filters+=(--filter "$one")
    done
    docker ps -a --filter "name=^/e2e-$BATS_SUITE_TEST_NUMBER-" "${filters[@]}" \
        --format '{{.Names}}' | sed "s/^e2e-$BATS_SUITE_TEST_NUMBER-//" | sort | xargs
}

@test "stop: TERM, the process's own code; stop again is 304" {
    trapper "$(name x)"
    run -0 docker stop "$(name x)"
    equal "$(field "$(name x)" .State.ExitCode)" 5
    equal "$(field "$(name x)" .State.Status)" exited
    api_call POST "/containers/$(name x)/stop"
    equal "$status" 304
    api_call POST /containers/nope/stop
    equal "$status" 404
    docker start "$(name x)" >/dev/null
    equal "$(field "$(name x)" .State.Status):$(field "$(name x)" .State.ExitCode)" running:0
}

@test "stop: KILL after the time is up" {
    docker run -d --name "$(name x)" busybox sh -c \
        'trap "echo no" TERM; echo ready; while :; do sleep 0.05; done' >/dev/null
    until_true 60 grep_logs "$(name x)" ready
    run -0 docker stop -t 1 "$(name x)"
    equal "$(field "$(name x)" .State.ExitCode)" 137
}

@test "stop: several at once" {
    trapper "$(name a)"
    trapper "$(name b)"
    run -0 docker stop "$(name a)" "$(name b)"
    equal "$output" "$(name a)"$'\n'"$(name b)"
}

@test "kill: signals by name and number, refusals" {
    trapper "$(name x)"
    run -0 docker kill -s INT "$(name x)"
    run -0 docker wait "$(name x)"
    equal "$output" 6
    docker start "$(name x)" >/dev/null
    run -0 docker kill "$(name x)"
    run -0 docker wait "$(name x)"
    equal "$output" 137
    equal "$(field "$(name x)" .State.OOMKilled)" false
    api_call POST "/containers/$(name x)/kill"
    equal "$status" 409
    contains "$output" "is not running"
    run -1 docker kill nope
    contains "$output" "No such container: nope"
}

@test "kill: an unknown signal is 400" {
    running "$(name x)"
    api_call POST "/containers/$(name x)/kill?signal=BOGUS"
    equal "$status" 400
    contains "$output" "Invalid signal: BOGUS"
    # A number is a signal, but not each can be sent.
    local number
    for number in 99 32; do
        api_call POST "/containers/$(name x)/kill?signal=$number"
        equal "$status" 500
        contains "$output" "$(name x): The linux daemon does not support signal $number"
    done
}

@test "stop: a StopSignal that cannot be sent is waited for and then killed" {
    docker run -d --name "$(name x)" --stop-signal 99 --stop-timeout 1 busybox tail -f /dev/null >/dev/null
    run -0 docker stop "$(name x)"
    equal "$(field "$(name x)" .State.ExitCode)" 137
}

@test "end: killed for want of memory" {
    local hog='dd if=/dev/zero of=/dev/null bs=600M count=1'
    # shellcheck disable=SC2086 # words
    run -137 docker run --name "$(name x)" -m 64m busybox $hog
    equal "$(field "$(name x)" .State.OOMKilled)" true
    equal "$(field "$(name x)" .State.ExitCode)" 137
    # What dies of it need not be the main process.
    run -5 docker run --name "$(name y)" -m 64m busybox sh -c "$hog; exit 5"
    equal "$(field "$(name y)" .State.OOMKilled)" true
}

@test "kill: a signal that does not end the process" {
    docker run -d --name "$(name x)" busybox sh -c \
        'trap "echo usr1" USR1; echo ready; while :; do sleep 0.05; done' >/dev/null
    until_true 60 grep_logs "$(name x)" ready
    docker kill -s USR1 "$(name x)" >/dev/null
    until_true 60 grep_logs "$(name x)" usr1
    equal "$(field "$(name x)" .State.Running)" true
}

@test "start: 204, 304, 404; a second run has its own times and code" {
    docker create --name "$(name x)" -i busybox sh -c 'read code; exit $code' >/dev/null
    api_call POST "/containers/$(name x)/start"
    equal "$status" 204
    run -0 docker kill "$(name x)"
    docker wait "$(name x)" >/dev/null
    local started
    started=$(field "$(name x)" .State.StartedAt)
    run -1 docker start -ai "$(name x)" <<<1
    [[ $(field "$(name x)" .State.StartedAt) > $started ]]
    equal "$(field "$(name x)" .State.ExitCode)" 1
    api_call POST /containers/nope/start
    equal "$status" 404
    contains "$output" "No such container: nope"
}

@test "rm: refusals and force" {
    running "$(name x)"
    api_call DELETE "/containers/$(name x)"
    equal "$status" 409
    contains "$output" "You cannot remove a running container $(field "$(name x)" .Id)"
    run -0 docker rm -f "$(name x)"
    run -1 docker inspect "$(name x)"
    contains "$output" "No such object"
    run -1 docker rm nope
    contains "$output" "No such container: nope"
    docker create --name "$(name y)" busybox true >/dev/null
    run -0 docker rm "$(name y)"
}

@test "rm: the name is free again" {
    local turn
    for turn in 1 2 3; do
        docker run -d --name "$(name x)" busybox tail -f /dev/null >/dev/null
        docker rm -f "$(name x)" >/dev/null
    done
}

@test "names: duplicate is 409, an invalid one 400" {
    local id
    id=$(docker create --name "$(name x)" busybox true)
    api_call POST "/containers/create?name=$(name x)" '{"Image":"busybox","Cmd":["true"]}'
    equal "$status" 409
    contains "$output" "Conflict. The container name \\\"/$(name x)\\\" is already in use by container \\\"$id\\\""
    api_call POST "/containers/create?name=bad%20name" '{"Image":"busybox","Cmd":["true"]}'
    equal "$status" 400
    contains "$output" "Invalid container name (bad name)"
}

@test "names: by full id, short id, name, slash name" {
    local id ref
    id=$(docker create --name "$(name x)" busybox true)
    for ref in "$id" "${id:0:12}" "$(name x)" "/$(name x)"; do
        equal "$(field "$ref" .Id)" "$id"
    done
    [[ ${#id} == 64 ]]
}

@test "ps: running only, all, newest first, limits" {
    docker create --name "$(name a)" busybox true >/dev/null
    running "$(name b)"
    docker create --name "$(name c)" busybox true >/dev/null
    run -0 docker ps --filter "name=^/e2e-$BATS_SUITE_TEST_NUMBER-" --format '{{.Names}}'
    equal "$output" "$(name b)"
    run -0 docker ps -a --filter "name=^/e2e-$BATS_SUITE_TEST_NUMBER-" --format '{{.Names}}'
    equal "$output" "$(name c)"$'\n'"$(name b)"$'\n'"$(name a)"
    run -0 docker ps -n 2 --format '{{.Names}}'
    equal "$output" "$(name c)"$'\n'"$(name b)"
    run -0 docker ps -l -q --no-trunc
    equal "$output" "$(field "$(name c)" .Id)"
}

@test "ps: filters" {
    docker create --name "$(name made)" -l a=1 -l b=2 busybox true >/dev/null
    docker run --name "$(name three)" -l a=2 busybox sh -c 'exit 3' || true
    docker run --name "$(name zero)" busybox true
    running "$(name up)" -l a=1
    equal "$(listed)" "made three up zero"
    equal "$(listed status=running)" up
    equal "$(listed status=created)" made
    equal "$(listed status=exited)" "three zero"
    equal "$(listed status=exited status=created)" "made three zero"
    equal "$(listed exited=3)" three
    equal "$(listed exited=0)" zero
    equal "$(listed label=a)" "made three up"
    equal "$(listed label=a=1)" "made up"
    equal "$(listed label=a=1 label=b=2)" made
    equal "$(listed label=a=1 label=a=2)" ""
    equal "$(listed "id=$(field "$(name up)" .Id)")" up
    equal "$(listed "id=$(field "$(name up)" .Id | cut -c1-12)")" up
    equal "$(docker ps -aq --filter "name=$(name up)" --filter status=exited)" ""
    equal "$(docker ps -aq --no-trunc --filter "name=^/$(name up)$")" "$(field "$(name up)" .Id)"
    equal "$(docker ps -aq --filter "name=^$(name u)$")" ""
    equal "$(listed ancestor=busybox)" "made three up zero"
    equal "$(listed ancestor=busybox:latest)" "made three up zero"
    equal "$(listed ancestor=test/merge)" ""
    equal "$(listed "before=$(name three)")" made
    equal "$(listed "since=$(name three)")" "up zero"
}

@test "ps: filters in the old spelling, unknown and broken ones" {
    docker create --name "$(name x)" -l "only-$BATS_SUITE_TEST_NUMBER=1" busybox true >/dev/null
    local label="only-$BATS_SUITE_TEST_NUMBER" form
    for form in '{"label":["'$label'"]}' '{"label":{"'$label'":true}}' '{"label":{"'$label'=1":true}}'; do
        run -0 api --get --data-urlencode "filters=$form" "http://docker/containers/json?all=1"
        equal "$(jq -r '.[].Names[0]' <<<"$output")" "/$(name x)"
    done
    run -1 docker ps --filter bogus=1
    contains "$output" "bogus"
    api_call GET '/containers/json?filters=%7Bbroken'
    [[ $status == 400 || $status == 500 ]]
    contains "$output" '"message"'
}

@test "ps: what a row says" {
    running "$(name x)" -l k=v
    local row
    row=$(api -G --data-urlencode 'filters={"name":["'"$(name x)"'"]}' http://docker/containers/json)
    equal "$(jq -r '.[0].State' <<<"$row")" running
    contains "$(jq -r '.[0].Status' <<<"$row")" "Up "
    equal "$(jq -r '.[0].Image' <<<"$row")" busybox
    equal "$(jq -r '.[0].Command' <<<"$row")" "tail -f /dev/null"
    equal "$(jq -c '.[0].Labels' <<<"$row")" '{"k":"v"}'
    equal "$(jq -r '.[0].Names[0]' <<<"$row")" "/$(name x)"
    equal "$(jq -r '.[0].ImageID' <<<"$row")" "$(docker image inspect -f '{{.Id}}' busybox)"
    docker stop -t 0 "$(name x)" >/dev/null
    run -0 docker ps -a --filter "name=$(name x)" --format '{{.Status}}'
    contains "$output" "Exited (1"
}

@test "inspect: state through a life" {
    docker create --name "$(name x)" -i busybox sh -c 'read x; exit 3' >/dev/null
    equal "$(field "$(name x)" .State.Status)" created
    equal "$(field "$(name x)" .State.StartedAt)" 0001-01-01T00:00:00Z
    docker start "$(name x)" >/dev/null
    equal "$(field "$(name x)" .State.Status)" running
    [[ $(field "$(name x)" .State.Pid) -gt 0 ]]
    docker kill "$(name x)" >/dev/null
    docker wait "$(name x)" >/dev/null
    equal "$(field "$(name x)" .State.Status)" exited
    equal "$(field "$(name x)" .State.ExitCode)" 137
    equal "$(field "$(name x)" .State.Pid)" 0
}

@test "inspect: what the client sent comes back" {
    docker create --name "$(name x)" -v /var/run/docker.sock:/var/run/docker.sock -m 64m \
        --cpus 0.5 --restart no -p 8080:80 --add-host a:1.2.3.4 --cap-add NET_ADMIN \
        --log-opt max-size=1m --tmpfs /t --shm-size 1m -e E=1 -l l=1 --stop-timeout 7 \
        busybox true >/dev/null
    local host config
    host=$(docker inspect -f '{{json .HostConfig}}' "$(name x)")
    config=$(docker inspect -f '{{json .Config}}' "$(name x)")
    equal "$(jq -c .Binds <<<"$host")" '["/var/run/docker.sock:/var/run/docker.sock"]'
    equal "$(jq -c .Memory <<<"$host")" 67108864
    equal "$(jq -c .NanoCpus <<<"$host")" 500000000
    equal "$(jq -c .ExtraHosts <<<"$host")" '["a:1.2.3.4"]'
    equal "$(jq -c '.PortBindings["80/tcp"][0].HostPort' <<<"$host")" '"8080"'
    contains "$(jq -c .CapAdd <<<"$host")" NET_ADMIN
    equal "$(jq -c '.ExposedPorts' <<<"$config")" '{"80/tcp":{}}'
    equal "$(jq -c .StopTimeout <<<"$config")" 7
    equal "$(jq -c 'has("Healthcheck")' <<<"$config")" false
    equal "$(jq -c .Tmpfs <<<"$host")" '{"/t":""}'
}

@test "inspect: of nothing" {
    api_call GET /containers/nope/json
    equal "$status" 404
    equal "$(jq -r .message <<<"$output")" "No such container: nope"
}

@test "resize: of a container that does not run is refused" {
    docker create --name "$(name x)" -t busybox true >/dev/null
    api_call POST "/containers/$(name x)/resize?h=10&w=10"
    equal "$status" 409
    api_call POST "/containers/$(name x)/resize?h=abc&w=10"
    equal "$status" 400
}

@test "system: ping, version, info" {
    run -0 api -i http://docker/_ping
    contains "$output" "Api-Version: "
    contains "$output" "Docker-Experimental: false"
    contains "$output" "Ostype: linux"
    contains "$output" "Server: "
    [[ $output == *OK ]]
    run -0 api -I http://docker/v1.35/_ping
    contains "$output" "200 OK"
    equal "$(api http://docker/version | jq -r .Os)" linux
    api http://docker/version | jq -e '.ApiVersion and .MinAPIVersion and .Version and .Arch' >/dev/null
    api http://docker/info | jq -e '.ID and .OSType and (.Containers >= 0) and .NCPU > 0' >/dev/null
    run -0 docker info
    run -0 docker version
}

@test "run: a network that is not there" {
    run docker run --rm --network e2e-nope busybox true
    equal "$status" 125
    contains "$output" "network e2e-nope not found"
    equal "$(docker ps -aq --filter network=e2e-nope)" ""
}

# short CODE: the id of a container with --rm that ends at once; on a busy machine a real daemon's
# removal is sometimes over before the next command asks, so there the process gives it time.
short()
{
    local seconds=0
    [[ $TARGET != dockerd ]] || seconds=0.5
    docker run -d --rm busybox sh -c "echo code-$1; sleep $seconds; exit $1"
}

@test "rm: a short container with --rm is found by wait, logs and inspect" {
    local code
    for code in 0 3 5; do
        run -0 docker wait "$(short "$code")"
        equal "$output" "$code"
    done
    run -0 docker logs -f "$(short 4)"
    equal "$output" code-4
    run -0 docker inspect -f '{{.HostConfig.AutoRemove}}' "$(short 4)"
    equal "$output" true
}

# shown_image: what ps shows of the test's container.
shown_image()
{
    docker ps -a --no-trunc --filter "name=$(name x)" --format '{{.Image}}'
}

@test "ps: an image whose name has moved is shown by its id" {
    local image tag=e2e-moved:$BATS_SUITE_TEST_NUMBER
    docker pull -q test/merge >/dev/null
    docker tag busybox "$tag"
    docker create --name "$(name x)" "$tag" true >/dev/null
    image=$(field "$(name x)" .Image)
    equal "$(shown_image)" "$tag"
    docker tag test/merge "$tag"
    equal "$(shown_image)" "$image"
    equal "$(field "$(name x)" .Config.Image)" "$tag"
    docker rmi "$tag" >/dev/null
    equal "$(shown_image)" "$image"
    docker tag busybox "$tag"
    equal "$(shown_image)" "$tag"
    docker rmi -f "$tag" >/dev/null
}
