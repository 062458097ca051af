# SPDX-License-Identifier: Apache-2.0
# What Google says of functions reaches the client; what it does wrong is ridden out, and nothing but the
# pool is left behind.

bats_require_minimum_version 1.5.0
load lib/common
load lib/images
load lib/crowd
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
    local functions
    functions=$(sim_count '.functions | length')
    run -125 docker run --name "$(name x)" "$(fresh)" busybox true
    contains "$output" "$1"
    equal "$(field "$(name x)" .State.Running)" false
    sim DELETE faults >/dev/null
    docker rm "$(name x)" >/dev/null
    until_true "$SETTLE_S" functions_are "$functions"
    cloud_settles_empty
}

functions_are()
{
    [[ $(sim_count '.functions | length') == "$1" ]]
}

# The calls that make or change functions, counted.
deployments()
{
    sim GET resources | jq -c '.calls | [."cloudfunctions.functions.create", ."run.services.patch",
        ."cloudfunctions.functions.generateUploadUrl", ."storage.objects.insert"]'
}

# bats test_tags=smoke
@test "gcf: the second container of an image makes no function and patches nothing" {
    local before
    docker run --rm busybox true
    before=$(deployments)
    run -3 docker run --rm busybox sh -c 'echo again; exit 3'
    equal "$output" again
    equal "$(deployments)" "$before"
    cloud_settles_empty
}

# bats test_tags=smoke
@test "gcf: 20 at once of one image share one function, also when it is new" {
    local functions
    functions=$(sim_count '.functions | length')
    export -f fresh
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
    sim_config '{"build_fails":1}'
    refused "Build failed with status: FAILURE"
    sim_fault '{"operation":"run.invoke","count":1000,"kind":"error","status":400,"message":"no such moon"}'
    refused "no such moon"
}

@test "gcf: the quota of CPUs, as itself, as a health check, as a port that nothing listens on" {
    local disguise
    for disguise in 0 1 2; do
        sim_config '{"quota_refused":1,"quota_disguise":'$disguise'}'
        refused "Total CPU allocation"
    done
}

# bats test_tags=smoke
@test "gcf: throttling, lost answers, dropped connections and 503s at every call are ridden out" {
    local kind call
    backend_with SOCKERLESS_GCF_POOL_MAX=0
    for kind in throttle lost_answer drop_connection error; do
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

@test "gcf: a request that is delivered twice runs the command once" {
    sim_config '{"invoke_twice":1}'
    run docker run --name "$(name x)" busybox sh -c 'echo ran; sleep 0.5; exit 5'
    equal "$status:$output" "5:ran"
    equal "$(docker logs "$(name x)")" ran
    docker rm "$(name x)" >/dev/null
    cloud_settles_empty
}

@test "gcf: the URL is not in the function's answer, but in its service's" {
    sim_config '{"uri_missing":1000}'
    backend_with ''
    run -0 docker run --rm busybox echo found
    equal "$output" found
}

@test "gcf: a service that is reset is patched again, one that never keeps its image is told" {
    sim_config '{"service_reset":1,"service_reset_ms":0}'
    run docker run --rm "$(fresh)" busybox echo here
    [[ $output == here || $output == *"does not keep it"* ]]
    sim_config '{"service_reset":0}'
    cloud_settles_empty
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

# gone FUNCTION-CALL: somebody else deletes all functions.
delete_functions()
{
    local token name
    token=$(sim POST tokens '{}' | jq -r .token)
    for name in $(sim GET resources | jq -r '.functions[].name'); do
        curl -fsS --max-time 20 -X DELETE -H "Authorization: Bearer $token" \
            "$(stack_sim_url)/v2/projects/sockerless-local/locations/us-central1/functions/$name" >/dev/null
    done
    until_true 30 functions_are 0
}

@test "gcf: a function deleted by somebody else is made again" {
    docker create --name "$(name x)" busybox echo again >/dev/null
    delete_functions
    run -0 docker start -a "$(name x)"
    equal "$output" again
    delete_functions
    run -0 docker run --rm busybox echo anew
    equal "$output" anew
}

@test "gcf: a cold start longer than the agent's timeout is told, and leaves nothing" {
    backend_with SOCKERLESS_AGENT_TIMEOUT=1
    docker create --name "$(name x)" busybox true >/dev/null
    until_true 30 eval '[[ $(sim_count "[.functions[] | select(.state == \"ACTIVE\")] | length") -ge 1 ]]'
    until_true 30 eval '[[ $(sim_count .instanceCount) == 0 ]]'
    sim_config '{"provision_ms":4000}'
    run -1 docker start "$(name x)"
    contains "$output" "$(field "$(name x)" .Id)"
    sim_config '{"provision_ms":50}'
    docker rm -f "$(name x)" >/dev/null
    cloud_settles_empty
}

@test "gcf: the backend is killed between create and start, and while a container runs" {
    docker create --name "$(name x)" "$(fresh)" busybox sh -c 'sleep 3; echo on; exit 9' >/dev/null
    component_kill backend
    backend_restart
    docker start "$(name x)" >/dev/null
    component_kill backend
    backend_restart
    equal "$(docker wait "$(name x)")" 9
    equal "$(docker logs "$(name x)")" on
    docker rm "$(name x)" >/dev/null
    cloud_settles_empty
}

# Cache containers of CI runners wait for ever otherwise.
@test "gcf: helper containers stop by themselves, others do not" {
    docker run -d --name "$(name x)-cache-1" busybox sleep 60 >/dev/null
    docker run -d --name "$(name y)" busybox sleep 60 >/dev/null
    timeout 20 docker wait "$(name x)-cache-1" >/dev/null
    equal "$(field "$(name y)" .State.Running)" true
}
