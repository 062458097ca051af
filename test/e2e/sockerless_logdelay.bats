# SPDX-License-Identifier: Apache-2.0
# docker logs when the cloud's log service shows entries only after 5 s.

bats_require_minimum_version 1.5.0
load lib/common
load lib/logs
load lib/cloud

setup_file()
{
    load lib/cloud
    sim_config '{"log_delay_ms":5000}'
}

teardown_file()
{
    load lib/cloud
    sim_config '{"log_delay_ms":0}'
}

@test "logs 5 s late: 100,000 lines of an ended container" { logs_ended 100000; }
@test "logs 5 s late: 100,000 lines of a running container, followed to its end" { logs_followed 100000; }
@test "logs 5 s late: --tail on a running and an ended container" { logs_tail; }
@test "logs 5 s late: --timestamps, --since and --until" { logs_since_until; }
@test "logs 5 s late: both streams, each its own" { logs_streams; }
@test "logs 5 s late: -f from the middle" { logs_follow_tail; }

@test "logs 5 s late: run --rm does not wait for the log service" {
    local before=$SECONDS
    run -0 docker run --rm busybox echo quick
    equal "$output" quick
    [[ $((SECONDS - before)) -lt 5 ]]
}
