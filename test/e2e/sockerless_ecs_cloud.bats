# SPDX-License-Identifier: Apache-2.0
# What AWS says reaches the client; what it does wrong is ridden out.

bats_require_minimum_version 1.5.0
load lib/common
load lib/cloud

teardown()
{
    cloud_restore
    remove_everything
}

logged()
{
    [[ $(docker logs "$1" 2>/dev/null) == "$2" ]]
}

@test "cloud: containers of different commands and environments share one task definition" {
    remove_everything
    cloud_settles_empty
    local turn
    for turn in 1 2 3 4 5 6 7 8 9 10; do
        docker run -d --name "$(name "$turn")" -e TURN="$turn" busybox \
            sh -c "echo $turn \$TURN; exec tail -f /dev/null" >/dev/null
    done
    equal "$(sim_count '.taskDefinitions.active | length')" 1
    tasks_are 10
    for turn in 1 10; do
        until_true "$SETTLE_S" logged "$(name "$turn")" "$turn $turn"
    done
    remove_everything
    cloud_settles_empty
}

@test "cloud: no capacity" {
    sim_fault '{"operation":"RunTask","count":1000,"kind":"capacity"}'
    refused_start "apacity"
}

@test "cloud: access denied to run" {
    sim_fault '{"operation":"RunTask","count":1000,"kind":"access_denied"}'
    refused_start "AccessDenied"
}

@test "cloud: access denied to register" {
    sim_fault '{"operation":"RegisterTaskDefinition","count":1000,"kind":"access_denied"}'
    refused_start "AccessDenied"
}

@test "cloud: an error's own words" {
    sim_fault '{"operation":"RunTask","count":1000,"kind":"error","status":400,
        "code":"ClientException","message":"The quota of blue moons is used up."}'
    refused_start "The quota of blue moons is used up."
}

@test "cloud: throttling, 500s, lost answers and dropped connections are ridden out" {
    local kind
    for kind in throttle drop_connection lost_answer; do
        sim_fault '{"operation":"RunTask","count":2,"kind":"'$kind'"}'
        sim_fault '{"operation":"DescribeTasks","count":2,"kind":"'$kind'"}'
        sim_fault '{"operation":"RegisterTaskDefinition","count":1,"kind":"'$kind'"}'
        run -7 docker run --rm --label kind="$kind" busybox sh -c "echo $kind; exit 7"
        contains "$output" "$kind"
    done
    sim_fault '{"operation":"RunTask","count":2,"kind":"error","status":500,"code":"ServerException","message":"x"}'
    run -0 docker run --rm busybox true
    cloud_settles_empty
}

@test "cloud: a new task that DescribeTasks does not know yet" {
    sim_config '{"describe_missing":3}'
    run -0 docker run --rm busybox echo seen
    contains "$output" seen
}

@test "cloud: log entries that are delivered twice" {
    sim POST logs/duplicate '{"count":50}' >/dev/null
    docker run --name "$(name x)" busybox seq 1 2000 >/dev/null
    docker logs "$(name x)" | cmp - <(seq 1 2000)
}

# Late ones come after their successors, so the order is not asked for.
@test "cloud: log entries that come late" {
    sim POST logs/late '{"count":20,"late_ms":300}' >/dev/null
    docker run -d --name "$(name x)" busybox sh -c 'seq 1 2000; tail -f /dev/null' >/dev/null
    until_true 60 whole_log "$(name x)" 2000
}

whole_log()
{
    docker logs "$1" | sort -n | cmp -s - <(seq 1 "$2")
}

@test "cloud: an image that is gone when the task starts" {
    docker create --name "$(name x)" busybox true >/dev/null
    sim_fault '{"operation":"RunTask","count":1,"kind":"error","status":400,
        "code":"InvalidParameterException","message":"CannotPullContainerError: gone"}'
    run -1 docker start "$(name x)"
    contains "$output" "CannotPullContainerError"
    run -0 docker start -a "$(name x)"
}
