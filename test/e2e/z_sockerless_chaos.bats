# SPDX-License-Identifier: Apache-2.0
# Random operations of several clients, random faults of the cloud, and kill -9 of our daemons.
# CHAOS_SEED, CHAOS_SECONDS: another order, for longer.

bats_require_minimum_version 1.5.0
load lib/common
load lib/cloud

teardown()
{
    cloud_restore
    remove_everything
}

# bats test_tags=soak
@test "chaos: whatever fails and whoever dies, answers fit and nothing is left" {
    remove_everything
    cloud_settles_empty
    local word
    export SIM_URL CHAOS_SEED=${CHAOS_SEED:-4}
    SIM_URL=$(stack_sim_url)
    "$PYTHON" "$E2E_DIR/lib/chaos.py"
    cloud_settles_empty
    for word in backend frontend; do component_alive "$word"; done
}

@test "rm -f of what starts, while another start waits: one of them wins, nothing is left" {
    local turn pid
    sim_config '{"provision_ms":1500}'
    for turn in 1 2 3; do
        local -a starts=()
        docker create --name "$(name "$turn")" busybox tail -f /dev/null >/dev/null
        for pid in 1 2 3; do
            docker start "$(name "$turn")" >/dev/null 2>&1 3>&- &
            starts+=("$!")
        done
        until_true 30 tasks_are 1
        docker rm -f "$(name "$turn")" >/dev/null
        for pid in "${starts[@]}"; do wait "$pid" || true; done
        equal "$(docker ps -aq)" ""
    done
    component_alive backend
    sim_config '{"provision_ms":50}'
    cloud_settles_empty
}
