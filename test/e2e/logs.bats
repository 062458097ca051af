# SPDX-License-Identifier: Apache-2.0
# docker logs: nothing lost, nothing twice, in order. Shared with the runs that have a slow log
# service (sockerless_logdelay.bats) through lib/logs.bash.

bats_require_minimum_version 1.5.0
load lib/common
load lib/logs

@test "logs: 100,000 lines of an ended container" { logs_ended "$(sized 100000)"; }
@test "logs: 100,000 lines of a running container, followed to its end" { logs_followed "$(sized 100000)"; }
@test "logs: --tail on a running and an ended container" { logs_tail; }
@test "logs: --timestamps, --since and --until" { logs_since_until; }
@test "logs: both streams, each its own" { logs_streams; }
@test "logs: -f from the middle" { logs_follow_tail; }
@test "logs: two followers see the same" { logs_two_followers; }
@test "logs: of two runs" { logs_two_runs; }
@test "logs: odd lines" { logs_odd_lines; }
@test "logs: lines of JSON stay as they are" { logs_json_lines; }
@test "logs: lines longer than a log service's entries" { logs_long_lines; }
@test "logs: bytes that are not UTF-8" { logs_bytes; }

@test "logs: with a tty: raw, CR LF" {
    docker run -t --name "$(name x)" busybox echo hello >/dev/null
    until_true 60 logs_equal "$(name x)" $'hello\r'
}

@test "logs: refusals" {
    docker create --name "$(name x)" busybox true >/dev/null
    run -0 docker logs "$(name x)"
    equal "$output" ""
    api_call GET "/containers/$(name x)/logs"
    equal "$status" 400
    contains "$output" "Bad parameters: you must choose at least one stream"
    run -1 docker logs nope
    contains "$output" "No such container: nope"
}

@test "logs: --details shows what the log options choose" {
    docker run --name "$(name x)" --log-opt labels=a-b,a,none --log-opt env=E,F --log-opt tag='{{.Name}} x' \
        --label a='1 2' --label a-b=y --label other=1 -e E=e=f busybox echo line >/dev/null
    run -0 docker logs --details "$(name x)"
    equal "$output" "E=e%3Df,a=1+2,a-b=y,tag=$(name x)+x line"
    docker run --name "$(name y)" --label a=1 busybox echo line >/dev/null
    run -0 docker logs --details "$(name y)"
    equal "$output" " line"
}
