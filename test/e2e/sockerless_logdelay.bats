# SPDX-License-Identifier: Apache-2.0
# docker logs when the cloud's log service shows entries only after 2 s.

bats_require_minimum_version 1.5.0
load lib/common
load lib/logs
load lib/cloud

setup_file()
{
    load lib/cloud
    sim_config '{"log_delay_ms":2000}'
}

teardown_file()
{
    load lib/cloud
    sim_config '{"log_delay_ms":0}'
}

@test "logs 2 s late: 100,000 lines of an ended container" { logs_ended "$(sized 100000)"; }
@test "logs 2 s late: 100,000 lines of a running container, followed to its end" { logs_followed "$(sized 100000)"; }
@test "logs 2 s late: --tail on a running and an ended container" { logs_tail; }
@test "logs 2 s late: --timestamps, --since and --until" { logs_since_until; }
@test "logs 2 s late: both streams, each its own" { logs_streams; }
@test "logs 2 s late: -f from the middle" { logs_follow_tail; }

@test "logs 2 s late: run --rm does not wait for the log service" {
    sim_config '{"log_delay_ms":600000}'
    run -0 timeout 300 docker run --rm busybox echo quick
    equal "$output" quick
    sim_config '{"log_delay_ms":2000}'
}
