# SPDX-License-Identifier: Apache-2.0
# What Azure says reaches the client; what it does wrong is ridden out, and nothing is left behind.

bats_require_minimum_version 1.5.0
load lib/common
load lib/images
load lib/cloud
. "$BATS_TEST_DIRNAME/lib/images.sh"

setup_file()
{
    export BACKEND_ENV_BEFORE=${BACKEND_ENV:-}
}

teardown()
{
    [[ -z ${RELAY:-} ]] || kill "$RELAY" 2>/dev/null || true
    [[ ${BACKEND_ENV:-} == "$BACKEND_ENV_BEFORE" ]] || backend_with '' # for the next scenario
    cloud_restore
    remove_everything
}

@test "aca: access denied to put, to start" {
    sim_fault '{"operation":"arm.jobs.put","count":1000,"kind":"access_denied"}'
    refused_start "AuthorizationFailed"
    sim_fault '{"operation":"arm.jobs.start","count":1000,"kind":"access_denied"}'
    refused_start "does not have authorization to perform action"
}

@test "aca: an error's own words, also when the operation fails late" {
    sim_fault '{"operation":"arm.jobs.start","count":1000,"kind":"error","status":400,
        "code":"InvalidRequest","message":"The quota of blue moons is used up."}'
    refused_start "The quota of blue moons is used up."
    sim_fault '{"operation":"arm.jobs.put","count":1000,"kind":"capacity"}'
    refused_start "aca: put job: "
}

# bats test_tags=smoke
@test "aca: throttling, 503s, locks, lost answers and dropped connections are ridden out" {
    local kind method
    for kind in throttle drop_connection lost_answer; do
        for method in jobs.put jobs.start executions.list executions.get jobs.delete; do
            # A start has no idempotency token: what was not answered and did not begin is told.
            [[ $kind != drop_connection || $method != jobs.start ]] || continue
            sim_fault '{"operation":"arm.'$method'","count":1,"kind":"'$kind'"}'
        done
        run docker run --rm --label kind="$kind" busybox sh -c "echo $kind; exit 7"
        equal "$status:$output" "7:$kind"
        sim DELETE faults >/dev/null
    done
    sim_fault '[{"operation":"arm.jobs.put","count":2,"kind":"error","status":503},
        {"operation":"arm.jobs.start","count":2,"kind":"error","status":409}]'
    run -0 docker run --rm busybox true
    cloud_settles_empty
}

@test "aca: a start that got lost is told, not repeated unseen" {
    sim_fault '{"operation":"arm.jobs.start","count":1,"kind":"drop_connection"}'
    refused_start "without an answer"
}

@test "aca: tokens that expire while a container runs" {
    running "$(name x)"
    sim DELETE tokens >/dev/null
    run -0 docker run --rm busybox echo on
    equal "$output" on
    docker rm -f "$(name x)" >/dev/null
    cloud_settles_empty
}

whole_log()
{
    docker logs "$1" | cmp -s - <(seq 1 "$2")
}

@test "aca: lines that come late, of one millisecond, in parts" {
    sim_config '{"log_late":20,"log_late_ms":300,"log_same_time":1}'
    docker run --name "$(name x)" busybox seq 1 2000 >/dev/null
    until_true 60 whole_log "$(name x)" 2000
}

# relay PORT: what dials it reaches the backend's agents' port; its pid is in $!.
relay()
{
    "$PYTHON" "$BATS_TEST_DIRNAME/lib/relay.py" "$(stack_gateway)" "$1" "$2" 3>&- &
}

# The agents dial the backend through a relay, which is gone for a while: lines then come from the log service.
@test "aca: a follower whose container's agent is cut off and comes back" {
    local out=$BATS_TEST_TMPDIR/out port relay follower
    sim_config '{"log_delay_ms":300}'
    port=$(port_choose agents) relay=$(port_choose relay)
    backend_with "SOCKERLESS_CALLBACK_URL=ws://$(stack_gateway):$relay/
        SOCKERLESS_CALLBACK_LISTEN=ws://$(stack_gateway):$port/"
    relay "$relay" "$port"
    RELAY=$!
    docker run -d --name "$(name x)" busybox sh -c \
        'i=0; until test -e /tmp/end; do echo $((i += 1)); sleep 0.02; done' >/dev/null
    docker logs -f "$(name x)" >"$out" 3>&- &
    follower=$!
    until_true 20 grep -qx 20 "$out"
    kill "$RELAY"
    wait "$RELAY" || true
    until_true 60 grep -qx "$(($(tail -n 1 "$out") + 30))" "$out" # a line that was printed meanwhile
    relay "$relay" "$port"
    RELAY=$!
    until_true 120 docker exec "$(name x)" touch /tmp/end
    wait "$follower"
    cmp "$out" <(seq 1 "$(tail -n 1 "$out")")
    kill "$RELAY"
}

# An environment that writes by diagnostic settings does not name the workspace.
@test "aca: the table of Azure Monitor, and one without a stream" {
    sim_config '{"log_plain":1}'
    backend_with ''
    docker run --name "$(name x)" busybox sh -c 'echo out; echo err >&2' >/dev/null 2>&1
    run -1 docker logs "$(name x)"
    contains "$output" "set SOCKERLESS_ACA_LOG_ANALYTICS_WORKSPACE"
    backend_with SOCKERLESS_ACA_LOG_ANALYTICS_WORKSPACE=33333333-4444-4555-8666-777777777777
    run -0 --separate-stderr docker logs "$(name x)"
    equal "$output:$stderr" "out:err"
    sim_config '{"log_plain":0,"log_no_stream":1}'
    backend_with ''
    run -0 --separate-stderr docker logs "$(name x)"
    equal "$output:$stderr" "out:err"
}

# job_of_one FILTER: the only job, as Resource Manager shows it.
job_of_one()
{
    local job token
    job=$(sim GET resources | jq -r '.jobs[0]')
    token=$(sim POST tokens '{}' | jq -r .token)
    curl -fsS -H "Authorization: Bearer $token" "$(stack_sim_url)/subscriptions/$CLOUD_SUBSCRIPTION/resourceGroups/$(
        )sockerless-local/providers/Microsoft.App/jobs/$job?api-version=2024-03-01" | jq -r "$1"
}

# agent_serves IMAGE COMMAND VOLUMES ENVIRONMENT…: a container that only waits, with the agent's command and the volumes'
# kinds in its job, and a session in it.
agent_serves()
{
    local image=$1 command=$2 volumes=$3
    shift 3
    backend_with "$*"
    docker run -d --name "$(name x)" "$image" tail -f /dev/null >/dev/null
    run -7 docker exec "$(name x)" sh -c 'echo served; exit 7'
    equal "$output" served
    equal "$(job_of_one '.properties.template | .containers[0].command[0] + " " + .containers[0].args[0]')" \
        "$command --keep-alive"
    equal "$(job_of_one '[.properties.template.volumes[]?.storageType] | join(" ")')" "$volumes"
    equal "$(job_of_one '.properties.template.containers[0].env | map(.name + "=" + (.value // .secretRef)) |
        map(select(test("AGENT_(PORT|TOKEN)="))) | sort | join(" ")')" \
        "SOCKERLESS_AGENT_PORT=9111 SOCKERLESS_AGENT_TOKEN=agent-token"
    docker rm -f "$(name x)" >/dev/null
    cloud_settles_empty
}

# shellcheck disable=SC2046 # words
@test "aca: the agent by init container, by file share, as a layer" {
    agent_serves busybox /sockerless-bin/sockerless-agent EmptyDir $(cloud_injection_env init_container)
    agent_serves busybox /sockerless-bin/sockerless-agent AzureFile $(cloud_injection_env azure_files)
    agent_serves busybox /sockerless-agent "" $(cloud_injection_env image_layer)
}

# Images of one's own that hold the agent, and the init container that takes it from the share.
# shellcheck disable=SC2046 # words
@test "aca: the agent baked into the image, by init container from the share" {
    local root=$BATS_TEST_TMPDIR/root
    busybox_rootfs "$root"
    cp "$(agent_binary)" "$root/sockerless-agent"
    test_image_push --cmd sh "$REGISTRY_URL_HERE" "$root" test/baked:1
    agent_serves test/baked:1 /sockerless-agent "" $(cloud_injection_env baked_in)
    agent_serves busybox /sockerless-bin/sockerless-agent "EmptyDir AzureFile" \
        $(cloud_injection_env azure_files) SOCKERLESS_ACA_AGENT_INJECTION=init_container
    backend_with "$(cloud_injection_env baked_in)"
    run -125 docker run --name "$(name x)" busybox true # which has none
    contains "$output" "/sockerless-agent"
    docker rm "$(name x)" >/dev/null
    cloud_settles_empty
}

@test "aca: docker's labels and names are on the job, whatever they hold" {
    docker run -d --name "$(name x)" -l 'Odd.Key/1=V "1"' busybox tail -f /dev/null >/dev/null
    local job
    job=$(sim GET resources | jq -c '.jobs[0]')
    contains "$job" "sk-$(docker inspect -f '{{.Id}}' "$(name x)" | cut -c1-12)"
}

# A pull, a run and a push with the backend's identity: its token is exchanged at the registry.
@test "aca: the subscription's own registry" {
    local name
    mkimage push "$REGISTRY_URL_HERE" "e2e/app:1" --busybox --seed own >/dev/null
    name=$(cloud_registry_host)/e2e/app
    run -0 docker pull "$name:1"
    contains "$output" "Status: Downloaded newer image for $name:1"
    run -0 docker run --rm "$name:1" cat /seed-0
    equal "$output" "own 0"
    docker tag busybox "$name:pushed"
    run -0 docker push "$name:pushed"
    contains "$output" "pushed: digest: sha256:"
    images_forget
}
