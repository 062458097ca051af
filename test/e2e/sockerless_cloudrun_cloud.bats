# SPDX-License-Identifier: Apache-2.0
# What Google says reaches the client; what it does wrong is ridden out, and nothing is left behind.

bats_require_minimum_version 1.5.0
load lib/common
load lib/cloud

teardown()
{
    cloud_restore
    remove_everything
}

@test "cloudrun: access denied to create, to run" {
    sim_fault '{"operation":"run.jobs.create","count":1000,"kind":"access_denied"}'
    refused_start "PERMISSION_DENIED"
    sim_fault '{"operation":"run.jobs.run","count":1000,"kind":"access_denied"}'
    refused_start "PERMISSION_DENIED"
}

@test "cloudrun: an error's own words" {
    sim_fault '{"operation":"run.jobs.run","count":1000,"kind":"error","status":400,
        "code":"INVALID_ARGUMENT","message":"The quota of blue moons is used up."}'
    refused_start "The quota of blue moons is used up."
}

@test "cloudrun: throttling, 503s, lost answers and dropped connections are ridden out" {
    local kind method
    for kind in throttle drop_connection lost_answer; do
        for method in jobs.create jobs.run jobs.get executions.get jobs.delete; do
            # jobs.run has no idempotency token: what was not answered and did not begin is told.
            [[ $kind != drop_connection || $method != jobs.run ]] || continue
            sim_fault '{"operation":"run.'$method'","count":1,"kind":"'$kind'"}'
        done
        run docker run --rm --label kind="$kind" busybox sh -c "echo $kind; exit 7"
        equal "$status:$output" "7:$kind"
        sim DELETE faults >/dev/null
    done
    sim_fault '{"operation":"run.jobs.create","count":2,"kind":"error","status":503,
        "code":"UNAVAILABLE","message":"x"}'
    run -0 docker run --rm busybox true
    # What was just made is not known, or not ready, for a while.
    sim_fault '[{"operation":"run.operations.get","count":3,"kind":"error","status":404,"code":"NOT_FOUND"},
        {"operation":"run.jobs.get","count":2,"kind":"error","status":404,"code":"NOT_FOUND"},
        {"operation":"run.jobs.run","count":3,"kind":"error","status":400,"code":"FAILED_PRECONDITION"}]'
    run -0 docker run --rm busybox true
    cloud_settles_empty
}

@test "cloudrun: a request to run that got lost is told, not repeated unseen" {
    sim_fault '{"operation":"run.jobs.run","count":1,"kind":"drop_connection"}'
    refused_start "without an answer"
}

@test "cloudrun: tokens that expire while a container runs" {
    running "$(name x)"
    sim DELETE tokens >/dev/null
    run -0 docker run --rm busybox echo on
    equal "$output" on
    docker rm -f "$(name x)" >/dev/null
    cloud_settles_empty
}

@test "cloudrun: log entries that are delivered twice" {
    sim_config '{"log_duplicate":50}'
    docker run --name "$(name x)" busybox seq 1 2000 >/dev/null
    docker logs "$(name x)" | cmp - <(seq 1 2000)
}

whole_log()
{
    docker logs "$1" | sort -n | cmp -s - <(seq 1 "$2")
}

# Late ones come after their successors, so the order is not asked for.
@test "cloudrun: log entries that come late" {
    sim_config '{"log_late":20,"log_late_ms":300}'
    docker run -d --name "$(name x)" busybox sh -c 'seq 1 2000; tail -f /dev/null' >/dev/null
    until_true 60 whole_log "$(name x)" 2000
}

@test "cloudrun: docker's labels and names are on the job, whatever they hold" {
    docker run -d --name "$(name x)" -l 'Odd.Key/1=V "1"' busybox tail -f /dev/null >/dev/null
    local job
    job=$(sim GET resources | jq -r '.executions[0].job')
    contains "$job" "sockerless-$(docker inspect -f '{{.Id}}' "$(name x)" | cut -c1-12)"
    local token
    token=$(sim POST tokens | jq -r .token)
    curl -fsS -H "Authorization: Bearer $token" \
        "$(stack_sim_url)/v2/projects/sockerless-local/locations/us-central1/jobs/$job" >"$BATS_TEST_TMPDIR/job"
    equal "$(jq -r '.annotations["sockerless.dev/container-name"]' "$BATS_TEST_TMPDIR/job")" "$(name x)"
    equal "$(jq -r '.annotations["sockerless.dev/docker-labels"] | fromjson | .["Odd.Key/1"]' \
        "$BATS_TEST_TMPDIR/job")" 'V "1"'
}
