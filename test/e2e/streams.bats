# SPDX-License-Identifier: Apache-2.0
# Attach, stdin and wait: by the CLI and by raw HTTP (lib/attach.py).

bats_require_minimum_version 1.5.0
load lib/common

# 50 MB of noise, made once.
noise()
{
    local file=$BATS_FILE_TMPDIR/noise
    [[ -s $file ]] || head -c "$(sized 50000000)" /dev/urandom >"$file"
    printf '%s' "$file"
}

@test "stdin: 50 MB through run -i and back" {
    local sum
    sum=$(docker run -i --rm busybox cat <"$(noise)" | sha256sum)
    equal "$sum" "$(sha256sum <"$(noise)")"
}

@test "stdin: 50 MB through exec -i and back" {
    running "$(name x)"
    local sum
    sum=$(docker exec -i "$(name x)" cat <"$(noise)" | sha256sum)
    equal "$sum" "$(sha256sum <"$(noise)")"
}

@test "stdin: 50 MB into run -i, only the sum back" {
    run -0 docker run -i --rm busybox sha256sum <"$(noise)"
    equal "${output%% *}" "$(sha256sum "$(noise)" | cut -d' ' -f1)"
}

@test "stdin: end of input ends the process's input, output goes on" {
    run -3 --separate-stderr docker run -i --rm busybox sh -c 'cat; echo after; exit 3' <<<"in"
    equal "$output" $'in\nafter'
}

@test "stdin: a process that ends without reading it" {
    run -4 docker run -i --rm busybox sh -c 'echo early; exit 4' <"$(noise)"
    equal "$output" early
}

@test "stdin: not given without -i" {
    run -0 docker run --rm busybox cat <<<"ignored"
    equal "$output" ""
}

@test "start -a: output and exit code, twice" {
    docker create --name "$(name x)" busybox sh -c 'echo one; echo two >&2; exit 5' >/dev/null
    local turn
    for turn in 1 2; do
        run -5 --separate-stderr docker start -a "$(name x)"
        equal "$output" one
        equal "$stderr" two
    done
}

@test "start -ai: stdin of every run" {
    docker create -i --name "$(name x)" busybox cat >/dev/null
    equal "$(docker start -ai "$(name x)" <<<first)" first
    equal "$(docker start -ai "$(name x)" <<<second)" second
}

@test "attach: refused on a stopped container by the CLI" {
    docker create --name "$(name x)" busybox true >/dev/null
    run -1 docker attach "$(name x)"
    contains "$output" "cannot attach to a stopped container"
    run -1 docker attach nope
    contains "$output" "No such container: nope"
}

@test "raw: attach before start, stdin streamed after it (101)" { raw attach before_start_101; }
@test "raw: attach before start, stdin streamed after it (200)" { raw attach before_start_200; }
@test "raw: stdin before start" { raw attach typed_early; }
@test "raw: stdin and its end before start" { raw attach half_close_early; }
@test "raw: two attachers at once" { raw attach two_attachers; }
@test "raw: one of two attachers leaves" { raw attach one_attacher_leaves; }
@test "raw: attach after exit serves the next run" { raw attach after_exit; }
@test "raw: attach logs=1 replays and closes" { raw attach logs_replay; }
@test "raw: attach logs=1 with stream=1: all runs of what has ended, then the next" {
    raw attach history_of_ended
}
@test "raw: attach logs=1 with stream=1: more than an agent keeps, then what follows" {
    raw attach history_of_running
}
@test "raw: attach that has nothing to carry" { raw attach nothing_to_carry; }
@test "raw: the type of an attach without Upgrade" { raw attach plain_type; }
@test "raw: stdin outlives an attacher without StdinOnce" { raw attach stdin_stays_open; }
@test "raw: errors come before the hijack" { raw attach errors; }
@test "raw: early half-close without stdin" { raw attach output_only_half_close; }
@test "raw: 7 MB through one attach" { raw attach big_output; }
@test "raw: a slow reader" { raw attach slow_reader; }
@test "raw: wait conditions" { raw attach wait_conditions; }
@test "raw: wait removed with --rm" { raw attach wait_auto_remove; }
@test "raw: many waiters" { raw attach wait_many; }
@test "raw: the GitLab loop, 20 times" { raw attach gitlab_loop; }
@test "raw: start on started is 304" { raw attach start_twice; }

@test "tty: run -it: echo, Ctrl-C, resize, exit code" { raw terminal interactive; }
@test "tty: Ctrl-C reaches the program" { raw terminal ctrl_c; }
@test "tty: Ctrl-D" { raw terminal ctrl_d; }
@test "tty: exec -it" { raw terminal execute; }
@test "tty: detach keys and attach again" { raw terminal detach; }

@test "wait: codes of several containers" {
    docker run -d --name "$(name a)" busybox sh -c 'exit 3' >/dev/null
    docker run -d --name "$(name b)" busybox sh -c 'sleep 0.3; exit 4' >/dev/null
    run -0 docker wait "$(name a)" "$(name b)"
    equal "$output" $'3\n4'
    run -1 docker wait nope
    contains "$output" "No such container: nope"
}
