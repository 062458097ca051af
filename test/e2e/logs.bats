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
@test "logs: -f up to a moment that is to come" { logs_follow_until; }
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
    docker run --name "$(name z)" --log-opt labels=a,both --log-opt 'labels-regex=^com\.x|\.y$' --log-opt env=both,F \
        --log-opt 'env-regex=^E\d$' --log-opt tag=t --label a=1 --label com.x=2 --label n.y=3 --label x.com.x=no \
        --label both=label --label tag=label -e E1=one -e E22=no -e F=f -e both=env busybox echo line >/dev/null
    run -0 docker logs --details "$(name z)"
    equal "$output" "E1=one,F=f,a=1,both=env,com.x=2,n.y=3,tag=t line"
}

# refused_create TEXT OPTION…
refused_create()
{
    run -1 docker create "${@:2}" busybox true
    contains "$output" "$1"
}

# refused_log TEXT OPTION…: created, but not started.
refused_log()
{
    local id
    id=$(docker create "${@:2}" busybox true)
    api_call POST "/containers/$id/start"
    equal "$status" 500
    contains "$output" "failed to initialize logging driver: $1"
    equal "$(field "$id" .State.Status)" created
}

@test "logs: log drivers and options that are not there, or wrong" {
    refused_create "unknown log opt 'bogus' for json-file log driver" --log-opt bogus=1
    refused_create "unknown log opt 'labels' for log driver local" --log-driver local --log-opt labels=a
    refused_create 'error looking up logging plugin nosuch: plugin "nosuch" not found' --log-driver nosuch
    refused_create "logger: logging mode not supported: foo" --log-opt mode=foo
    refused_create "logger: max-buffer-size option is only supported with 'mode=non-blocking'" --log-opt max-buffer-size=4m
    refused_create "error parsing option max-buffer-size: invalid size: '4x'" --log-opt mode=non-blocking --log-opt max-buffer-size=4x
    refused_log 'error parsing regexp: missing closing ]: `[`' --log-opt labels-regex=[
    refused_log 'error parsing regexp: invalid or unsupported Perl syntax: `(?=`' --log-opt 'env-regex=a(?=b)'
    refused_log "invalid size: 'x'" --log-opt max-size=x
    refused_log 'strconv.Atoi: parsing \"x\": invalid syntax' --log-opt max-file=x
    refused_log 'strconv.ParseBool: parsing \"x\": invalid syntax' --log-opt compress=x
    refused_log "compress cannot be true when max-file is less than 2 or max-size is not set" --log-opt compress=true
    run -0 docker run --rm --log-opt mode=non-blocking --log-opt max-buffer-size=4m --log-opt max-size=1.5mb \
        --log-opt max-file=2 --log-opt compress=t busybox echo hi
    equal "$output" hi
}
