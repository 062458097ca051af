# SPDX-License-Identifier: Apache-2.0
# Many at once.

bats_require_minimum_version 1.5.0
load lib/common
load lib/crowd

@test "load: 100 docker run --rm, 20 at a time, each with its own output and code" {
    crowd 100 20
    run -0 docker ps -aq --filter label=e2e-crowd
    equal "$output" ""
}

@test "load: 30 containers started together, waited for together" {
    local turn ids=()
    for turn in $(seq 1 30); do
        ids+=("$(docker create --name "$(name "$turn")" busybox sh -c "exit $turn")")
    done
    printf '%s\n' "${ids[@]}" | xargs -P 10 -n 1 docker start >/dev/null
    run -0 docker wait "${ids[@]}"
    equal "$output" "$(seq 1 30)"
}
