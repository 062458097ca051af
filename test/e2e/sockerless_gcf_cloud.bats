# SPDX-License-Identifier: Apache-2.0
# What Google says of functions reaches the client; what it does wrong is ridden out, and nothing but the
# pool is left behind.

bats_require_minimum_version 1.5.0
load lib/common
load lib/images
load lib/cloud

setup_file()
{
    export BACKEND_ENV_BEFORE=$BACKEND_ENV
}

teardown()
{
    cloud_restore
    if [[ $BACKEND_ENV != "$BACKEND_ENV_BEFORE" ]]; then backend_with ''; fi
    remove_everything
}

# A function depends on image, agent, size and account: another size is another function. Each word from
# here is one that was not used before.
fresh()
{
    local file=$BATS_FILE_TMPDIR/sizes n
    n=$(($(cat "$file" 2>/dev/null || echo 600) + 1))
    echo $n >"$file"
    printf -- '-m=%sm' $n
}

# refused TEXT: a container whose function is new is not started, says so, and leaves nothing.
refused()
{
    run -125 docker run --name "$(name x)" "$(fresh)" busybox true
    contains "$output" "$1"
    equal "$(field "$(name x)" .State.Running)" false
    sim DELETE faults >/dev/null
    docker rm "$(name x)" >/dev/null
    cloud_settles_empty
}

functions_are()
{
    [[ $(sim_count '.functions | length') == "$1" ]]
}

@test "gcf: 20 at once of an image that has no function yet make one" {
    local functions
    functions=$(sim_count '.functions | length')
    size=$(fresh)
    seq 1 20 | xargs -P 20 -I {} docker run --rm "$size" busybox echo {} >"$BATS_TEST_TMPDIR/out"
    equal "$(sort -n "$BATS_TEST_TMPDIR/out")" "$(seq 1 20)"
    [[ $(sim_count '.functions | length') -le $((functions + 1)) ]]
    cloud_settles_empty
}

@test "gcf: access denied to each call that makes a function, and to invoke" {
    local call
    for call in cloudfunctions.functions.create cloudfunctions.functions.generateUploadUrl run.services.patch; do
        sim_fault '{"operation":"'$call'","count":1000,"kind":"access_denied"}'
        refused "PERMISSION_DENIED"
    done
    sim_fault '{"operation":"run.invoke","count":1000,"kind":"access_denied"}'
    refused "403"
}

@test "gcf: an error's own words, also when an operation fails late" {
    sim_fault '{"operation":"cloudfunctions.functions.create","count":1000,"kind":"error","status":400,
        "code":"INVALID_ARGUMENT","message":"The quota of blue moons is used up."}'
    refused "The quota of blue moons is used up."
    sim_config '{"build_fails":1000}'
    refused "Build failed with status: FAILURE"
    sim_config '{"build_fails":0}'
    sim_fault '{"operation":"run.invoke","count":1000,"kind":"error","status":400,"message":"no such moon"}'
    refused "no such moon"
}

# ride_out KIND…: each of these at every call of a container whose function is new.
ride_out()
{
    local kind call
    backend_with SOCKERLESS_GCF_POOL_MAX=0
    for kind in "$@"; do
        for call in cloudfunctions.functions.generateUploadUrl storage.objects.insert \
            cloudfunctions.functions.create cloudfunctions.functions.get cloudfunctions.operations.get \
            run.services.get run.services.patch run.operations.get run.invoke \
            cloudfunctions.functions.delete; do
            sim_fault '{"operation":"'$call'","count":1,"kind":"'$kind'"}'
        done
        run docker run --rm --label kind="$kind" "$(fresh)" busybox sh -c "echo $kind; exit 7"
        equal "$status:$output" "7:$kind"
        until_true "$SETTLE_S" functions_are 0
        sim DELETE faults >/dev/null
    done
    cloud_settles_empty
}

@test "gcf: throttling at every call is ridden out" {
    ride_out throttle
}

# bats test_tags=slow
@test "gcf: lost answers, dropped connections and 503s at every call are ridden out" {
    ride_out lost_answer drop_connection error
}

@test "gcf: the URL is not in the function's answer, but in its service's" {
    sim_config '{"uri_missing":1000}'
    backend_with ''
    run -0 docker run --rm busybox echo found
    equal "$output" found
}

@test "gcf: a service that is reset is patched again, one that never keeps its image is told" {
    sim_config '{"service_reset":1,"service_reset_ms":0}'
    run -0 docker run --rm "$(fresh)" busybox echo here
    equal "$output" here
    sim_config '{"service_reset":1000}'
    refused "does not keep it"
}

@test "gcf: a function's time is over: 137 and why" {
    backend_with SOCKERLESS_GCF_TIMEOUT=2
    run docker run --name "$(name x)" busybox sleep 60
    equal "$status" 137
    contains "$(field "$(name x)" .State.Error)" "2 s"
    docker rm "$(name x)" >/dev/null
    cloud_settles_empty
}

@test "gcf: functions that no container needs are removed after a while" {
    backend_with "SOCKERLESS_GCF_POOL_IDLE=1 SOCKERLESS_MAINTAIN_MS=500"
    run -0 docker run --rm busybox echo last
    until_true 30 functions_are 0
    run -0 docker run --rm busybox echo first
    equal "$output" first
    until_true 30 functions_are 0
}

@test "gcf: a cold start longer than the agent's timeout is waited for" {
    backend_with SOCKERLESS_AGENT_TIMEOUT=1
    sim_config '{"idle_ms":1}'
    run -0 docker run --rm busybox true
    until_true 30 instances_are 0
    sim_config '{"provision_ms":2000}'
    run -0 docker run --rm busybox echo late
    equal "$output" late
    cloud_settles_empty
}

instances_are()
{
    [[ $(sim_count .instanceCount) == "$1" ]]
}

# The agent's own words, when it has given up.
# bats test_tags=slow
@test "gcf: a callback URL that leads nowhere is told" {
    backend_with "SOCKERLESS_CALLBACK_URL=ws://$(stack_gateway):1/"
    run -125 docker run --name "$(name x)" busybox true
    contains "$output" "SOCKERLESS_CALLBACK_URL"
    contains "$output" "ws://$(stack_gateway):1/"
    docker rm -f "$(name x)" >/dev/null
    cloud_settles_empty
}
