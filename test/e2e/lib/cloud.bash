# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For scenarios that look into the simulated cloud, break it, or kill one of our daemons. What each
# cloud calls its things is in cloud_BACKEND.bash.

# shellcheck source=../../../deploy/local/lib.sh
. "$BATS_TEST_DIRNAME/../../deploy/local/lib.sh"
stack_open e2e "$E2E_RUN/stack"
. "$BATS_TEST_DIRNAME/lib/cloud_$STACK_BACKEND.bash"
SETTLE_S=120

# sim METHOD PATH [BODY]
sim()
{
    curl -fsS --max-time 20 -X "$1" ${3:+-H 'Content-Type: application/json' --data-binary "$3"} \
        "$(stack_sim_url)/_sim/$2"
}

sim_config()
{
    sim POST config "$1" >/dev/null
}

# sim_fault JSON: one fault or a list.
sim_fault()
{
    sim POST faults "$1" >/dev/null
}

sim_count()
{
    sim GET resources | jq "$1"
}

# sim_counted CALL COUNT: so many calls have been answered.
sim_counted()
{
    [[ $(sim_count ".calls[\"$1\"] // 0") -ge $2 ]]
}

# All faults have come to requests.
sim_faults_taken()
{
    [[ $(sim POST faults '[]' | jq .left) == 0 ]]
}

# tasks_are COUNT: what runs in the cloud, by its own account.
tasks_are()
{
    [[ $(sim_count "$CLOUD_TASKS | length") == "$1" ]]
}

tasks_at_most()
{
    [[ $(sim_count "$CLOUD_TASKS | length") -le $1 ]]
}

# Whatever was made in the cloud for containers is gone.
cloud_empty()
{
    sim GET resources | jq -e "$CLOUD_EMPTY" >/dev/null
}

cloud_settles_empty()
{
    until_true "$SETTLE_S" cloud_empty || { sim GET resources | jq -c 'del(.calls)' >&2; return 1; }
}

# refused_start TEXT: docker run fails with it, and nothing stays in the cloud.
refused_start()
{
    run -125 docker run --name "$(name x)" busybox true
    contains "$output" "$1"
    run ! grep -E '(^|[ "])([a-z]+): \2: ' <<<"$output" # no prefix is there twice
    equal "$(field "$(name x)" .State.Running)" false
    sim DELETE faults >/dev/null
    docker rm "$(name x)" >/dev/null
    cloud_settles_empty
}

remove_everything()
{
    docker ps -aq | xargs -r docker rm -f >/dev/null
}

# Kilobytes resident.
rss_kb()
{
    awk '/^VmRSS/ { print $2 }' "/proc/$(component_pid "$1")/status"
}

# Without warmth of a sanitizer's quarantine a daemon's size says something.
sizes_matter()
{
    [[ $BIN_DIR == */release/* ]]
}

backend_restart()
{
    component_start backend
    backend_wait
}

# Put all back as the next test expects it.
cloud_restore()
{
    component_alive frontend || component_start frontend
    component_alive backend || component_start backend
    frontend_wait
    backend_wait
    sim DELETE faults >/dev/null
    sim_config "$CLOUD_DEFAULTS"
}
