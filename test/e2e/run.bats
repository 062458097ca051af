# SPDX-License-Identifier: Apache-2.0
# docker run: streams, exit codes, merges with the image's configuration, early ends.

bats_require_minimum_version 1.5.0
load lib/common

@test "run: stdout and stderr apart, exit code 7" {
    run -7 --separate-stderr docker run --rm busybox sh -c 'echo out; echo err >&2; exit 7'
    equal "$output" out
    equal "$stderr" err
}

@test "run: exit codes 0, 1, 255" {
    local code
    for code in 0 1 255; do
        run "-$code" docker run --rm busybox sh -c "exit $code"
    done
}

@test "run: a process that ends at once keeps its output with --rm" {
    local turn
    for turn in 1 2 3 4 5; do
        run -0 docker run --rm busybox echo "words $turn"
        equal "$output" "words $turn"
    done
}

@test "run: --rm leaves nothing" {
    run -0 docker run --rm --name "$(name x)" busybox true
    run -0 docker ps -aq --filter "name=$(name x)"
    equal "$output" ""
}

@test "run: a missing command is 127, one that cannot be executed 126" {
    run -127 docker run --rm busybox nosuchcommand
    contains "$output" nosuchcommand
    run -126 docker run --rm busybox /etc
    contains "$output" "permission denied"
    run -127 docker run -d --rm busybox nosuchcommand
}

@test "run: a start that failed is told by inspect" {
    run -127 docker run --name "$(name x)" busybox nosuchcommand
    equal "$(field "$(name x)" .State.ExitCode)" 127
    contains "$(field "$(name x)" .State.Error)" nosuchcommand
    equal "$(field "$(name x)" .State.Running)" false
}

@test "run: killed by a signal is 128 and its number" {
    run -137 docker run --rm busybox sh -c 'sh -c "kill -9 \$\$"; exit $?'
    run -139 docker run --rm busybox sh -c 'sh -c "kill -11 \$\$"; exit $?'
}

@test "run: entrypoint and cmd of the image" {
    run -0 docker run --rm test/merge
    equal "$output" "entry cmd1 cmd2"
    run -0 docker run --rm test/merge mine
    equal "$output" "entry mine"
    run -0 docker run --rm --entrypoint /bin/pwd test/merge
    equal "$output" /home/app
    run -0 docker run --rm --entrypoint sh test/merge -c 'echo $# $0' zero
    equal "$output" "0 zero"
}

@test "run: environment merges by key" {
    run -0 docker run --rm -e BOTH=mine -e NEW='with "quotes" and $dollar' --entrypoint env test/merge
    contains "$output" "FROM_IMAGE=1"
    contains "$output" "BOTH=mine"
    contains "$output" 'NEW=with "quotes" and $dollar'
    [[ $output != *BOTH=image* ]]
    contains "$output" "PATH="
}

@test "run: inspect shows the merge" {
    docker create --name "$(name x)" -l both=mine -e BOTH=mine test/merge >/dev/null
    equal "$(field "$(name x)" 'json .Config.Entrypoint')" '["/bin/echo","entry"]'
    equal "$(field "$(name x)" 'json .Config.Cmd')" '["cmd1","cmd2"]'
    equal "$(field "$(name x)" .Path)" /bin/echo
    equal "$(field "$(name x)" 'json .Args')" '["entry","cmd1","cmd2"]'
    equal "$(field "$(name x)" .Config.User)" app
    equal "$(field "$(name x)" .Config.WorkingDir)" /home/app
    equal "$(field "$(name x)" 'json .Config.Labels')" '{"both":"mine","from":"image"}'
    contains "$(field "$(name x)" 'json .Config.Env')" '"BOTH=mine"'
    contains "$(field "$(name x)" 'json .Config.Env')" '"PATH='
    equal "$(field "$(name x)" .State.Status)" created
}

@test "run: workdir is made, user and group are set" {
    run -0 docker run --rm -w /made/here busybox pwd
    equal "$output" /made/here
    run -0 docker run --rm -u app busybox id
    contains "$output" "uid=1000(app) gid=1000(app)"
    contains "$output" "50(staff)"
    run -0 docker run --rm -u 1234:50 busybox id -u
    equal "$output" 1234
    run -0 docker run --rm -u app busybox sh -c 'echo $HOME'
    equal "$output" /home/app
}

@test "run: --group-add, by name and number, for execs too" {
    docker run -d --name "$(name x)" -u 4242:4343 --group-add staff --group-add 4444 busybox sh -c 'id; sleep 60' >/dev/null
    run -0 docker exec "$(name x)" id -G
    equal "$output" "4343 50 4444"
    run -0 docker exec -u app "$(name x)" id -G
    equal "$output" "1000 50 4444"
    contains "$(docker logs "$(name x)")" 'uid=4242 gid=4343 groups=50(staff),4343,4444'
    local group
    for group in nosuch ''; do
        run -125 docker run --rm --group-add "$group" busybox true
        contains "$output" "Unable to find group $group: no matching entries in group file"
    done
    run -125 docker run --rm --group-add -1 busybox true
    contains "$output" "uids and gids must be in range 0-2147483647"
}

@test "run: an image with a user: that one, or whom --user names" {
    run -0 docker run --rm --entrypoint id test/merge -un
    equal "$output" app
    run -0 docker run --rm -u root --entrypoint id test/merge -un
    equal "$output" root
    run -0 docker run --rm -u 1234:50 --entrypoint id test/merge -u
    equal "$output" 1234
}

@test "run: words are kept as they are" {
    run -0 docker run --rm busybox printf '[%s]' 'a b' '' 'c"d' "e'f" $'g\nh' '$i' '\j' 'ü'
    equal "$output" $'[a b][][c"d][e\'f][g\nh][$i][\\j][ü]'
}

@test "run: an image with nothing but a static program" {
    run -0 docker run --rm test/scratch and more
    equal "$output" "static and more"
    run -127 docker run --rm --entrypoint /nope test/scratch
}

@test "run: a manifest list gives this machine's image" {
    docker pull -q test/multi:1
    equal "$(docker image inspect -f '{{.Os}}/{{.Architecture}}' test/multi:1)" \
        "linux/$(docker version -f '{{.Server.Arch}}')"
    run -0 docker run --rm test/multi:1 echo right
    equal "$output" right
}

# The variable and the record: ECS cannot give a task of Fargate a host name of its own.
@test "run: hostname as the environment and inspect tell it" {
    run -0 docker run --rm -h myhost busybox sh -c 'echo $HOSTNAME'
    equal "$output" myhost
    docker create --name "$(name x)" busybox sh -c 'echo $HOSTNAME' >/dev/null
    local short
    short=$(field "$(name x)" .Id | cut -c1-12)
    equal "$(field "$(name x)" .Config.Hostname)" "$short"
    equal "$(docker start -a "$(name x)")" "$short"
}

@test "run: 2 MB of output, every byte, both streams" {
    docker run --rm busybox sh -c 'seq 1 150000; seq 150001 300000 >&2' \
        >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
    cmp "$BATS_TEST_TMPDIR/out" <(seq 1 150000)
    cmp "$BATS_TEST_TMPDIR/err" <(seq 150001 300000)
}

@test "run: the client's signals reach the process" {
    docker run --name "$(name x)" busybox sh -c \
        'trap "echo got; exit 5" TERM; echo ready; while :; do sleep 0.1; done' \
        >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    local client=$!
    until_true 60 grep -q ready "$BATS_TEST_TMPDIR/out"
    kill -TERM "$client"
    wait "$client" && code=0 || code=$?
    equal "$code" 5
    equal "$(cat "$BATS_TEST_TMPDIR/out")" $'ready\ngot'
}

@test "run: -a stderr only" {
    run -0 --separate-stderr docker run --rm -a stderr busybox sh -c 'echo o; echo e >&2'
    equal "$output" ""
    equal "$stderr" e
}

# The containers of Cloud Run and Container Apps have no such setting.
# bats test_tags=not:cloudrun,not:aca,not:gcf
@test "run: --read-only keeps the root as it is" {
    run -0 docker run --rm --read-only busybox sh -c 'echo x 2>/dev/null >/f || echo refused'
    equal "$output" refused
    run -0 docker run --rm busybox sh -c 'echo x >/f && echo written'
    equal "$output" written
}
