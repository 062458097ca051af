# SPDX-License-Identifier: Apache-2.0
# Cloud Functions: what containers of one image share, requests that come twice, and
# functions that another client changes or deletes.

bats_require_minimum_version 1.5.0
load lib/common
load lib/cloud
load lib/logs

teardown()
{
    cloud_restore
    remove_everything
}

# calls NAME: how often it was called.
calls()
{
    sim_count ".calls[\"$1\"] // 0"
}

functions()
{
    sim_count '.functions | length'
}

# function_of CONTAINER: the function whose service has the container's image.
function_of()
{
    sim GET resources | jq -r '.functions[0].name | split("/") | last'
}

@test "gcf: the second container of an image creates no function and patches nothing" {
    equal "$(docker run --rm busybox echo one)" one
    local created patched
    created=$(calls cloudfunctions.functions.create)
    patched=$(calls run.services.patch)
    [[ $created -ge 1 && $patched -ge 1 ]]
    equal "$(docker run --rm busybox sh -c 'cat /left 2>/dev/null; echo two | tee /left')" two
    equal "$(docker run --rm --env A=b --workdir /tmp busybox sh -c 'cat /left 2>/dev/null; echo $A $PWD')" 'b /tmp'
    equal "$(calls cloudfunctions.functions.create)" "$created"
    equal "$(calls run.services.patch)" "$patched"
    equal "$(functions)" 1
    # Of another size: another function.
    equal "$(docker run --rm --memory 2g busybox echo large)" large
    equal "$(functions)" 2
}

@test "gcf: twenty containers of one image at once share one function" {
    local i pids=()
    docker run --rm busybox true
    local before
    before=$(functions)
    for i in {1..20}; do
        docker run --rm busybox echo "out $i" >"$BATS_TEST_TMPDIR/out$i" 2>&1 3>&- &
        pids+=($!)
    done
    wait "${pids[@]}"
    for i in {1..20}; do
        equal "$(cat "$BATS_TEST_TMPDIR/out$i")" "out $i"
    done
    equal "$(functions)" "$before"
    until_true 20 tasks_are 0
}

# Output and exit code are those of one process, and the log has each line once.
@test "gcf: an invocation that is delivered twice runs the command once" {
    docker run --rm busybox true
    sim_config '{"invoke_twice":1}'
    run -5 docker run --name "$(name x)" busybox sh -c 'echo once; sleep 1; exit 5'
    equal "$output" once
    equal "$(docker logs "$(name x)")" once
    equal "$(field "$(name x)" .State.ExitCode)" 5
    docker rm "$(name x)" >/dev/null
    cloud_settles_empty
}

@test "gcf: a function that someone else deletes is made anew by the next start" {
    docker create --name "$(name x)" busybox echo again >/dev/null
    equal "$(docker start -a "$(name x)")" again
    local f
    for f in $(sim GET resources | jq -r '.functions[].name | split("/") | last'); do
        gcp DELETE "functions/$f" >/dev/null
    done
    until_true 20 function_count_is 0
    equal "$(docker start -a "$(name x)")" again
    docker rm "$(name x)" >/dev/null
}

function_count_is()
{
    [[ $(functions) == "$1" ]]
}

@test "gcf: a deployment that fails tells Google's reason, and leaves nothing" {
    sim_config '{"build_fails":2}' # behind the create, and by the start if that came later
    run docker run --name "$(name x)" --memory 3g busybox true
    [[ $status == 125 ]]
    contains "$output" 'create function'
    equal "$(field "$(name x)" .State.Running)" false
    sim_config "$CLOUD_DEFAULTS"
    equal "$(docker start -a "$(name x)"; docker inspect -f '{{.State.ExitCode}}' "$(name x)")" 0
    docker rm "$(name x)" >/dev/null
    cloud_settles_empty
}

@test "gcf: a refused quota is named in each of its disguises" {
    local i
    for i in 0 1 2; do
        sim_config "{\"quota_refused\":2,\"quota_disguise\":$i}"
        run docker run --name "$(name x)" --memory "$((1100 + i))m" busybox true
        [[ $status == 125 ]]
        contains "${output,,}" 'cpu'
        sim_config "$CLOUD_DEFAULTS"
        docker rm "$(name x)" >/dev/null
    done
}

@test "gcf: the backend dies between create and start, and during a run" {
    docker create --name "$(name x)" busybox sh -c 'echo begun; until test -e /tmp/open; do sleep 0.05; done; exit 9' >/dev/null
    component_kill backend
    backend_restart
    docker start "$(name x)" >/dev/null
    until_true 20 has_log "$(name x)" begun
    component_kill backend
    backend_restart
    equal "$(field "$(name x)" .State.Status)" running
    until_true 30 docker exec "$(name x)" touch /tmp/open
    run -0 docker wait "$(name x)"
    equal "$output" 9
    equal "$(docker logs "$(name x)")" begun
    docker rm "$(name x)" >/dev/null
    cloud_settles_empty
}

has_log()
{
    [[ $(docker logs "$1") == "$2" ]]
}

# No helper that waits for ever holds an instance; one that reads a script has its work.
@test "gcf: helper and cache containers stop by themselves" {
    docker run -d --name "$(name runner-abc-cache-0123)" busybox sleep 600 >/dev/null
    run -0 docker wait "$(name runner-abc-cache-0123)"
    equal "$output" 0
    equal "$(echo 'sleep 1; echo done' | docker run -i --rm --name "$(name runner-abc-predefined)" busybox sh)" 'done'
    running "$(name plain)"
    docker rm -f "$(name plain)" "$(name runner-abc-cache-0123)" >/dev/null
}

@test "gcf: stop, kill and rm -f end what runs" {
    docker run -d --name "$(name x)" busybox sh -c 'trap "exit 3" TERM; echo up; while :; do sleep 0.1; done' >/dev/null
    until_true 20 has_log "$(name x)" up
    docker stop "$(name x)" >/dev/null
    equal "$(field "$(name x)" .State.ExitCode)" 3
    docker start "$(name x)" >/dev/null
    docker kill "$(name x)" >/dev/null
    equal "$(field "$(name x)" .State.ExitCode)" 137
    docker start "$(name x)" >/dev/null
    docker rm -f "$(name x)" >/dev/null
    until_true 20 tasks_are 0
    cloud_settles_empty
}
