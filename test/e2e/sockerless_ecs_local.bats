# SPDX-License-Identifier: Apache-2.0
# make run, make stop and make install, as somebody with a fresh checkout uses them: in a copy of this one, whose
# path has blanks and quotes, with the programs that are already built.

bats_require_minimum_version 1.5.0
load lib/common
load lib/checkout

setup()
{
    CHECKOUT="$BATS_TEST_TMPDIR/a b'c\"d \$x,y"
    chmod 711 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
    checkout_copy "$CHECKOUT"
    mkdir "$BATS_TEST_TMPDIR/tmp"
    export TMPDIR=$BATS_TEST_TMPDIR/tmp
    RUN_DIRS=("$CHECKOUT/run")
}

teardown()
{
    local dir
    for dir in "${RUN_DIRS[@]}"; do RUN_DIR=$dir deploy/local/down.sh >/dev/null 2>&1; done
    nothing_runs
}

# Processes whose command line has this test's folder in it, and the network namespaces they made.
nothing_runs()
{
    local left bridges bridge
    left=$(ps -eo pid,args | grep -F "$BATS_TEST_TMPDIR/" | grep -Ev 'grep -F|bats' || true)
    equal "$left" ""
    bridges=$(cat "$CHECKOUT"/run/network "$BATS_TEST_TMPDIR"/*/network 2>/dev/null | sed -n 's/^--bridge-name //p')
    for bridge in $bridges; do
        [[ ! -e /sys/class/net/$bridge ]]
        ! grep -lx "$bridge" /sys/class/net/skv*/ifalias 2>/dev/null
    done
}

as_user()
{
    setpriv --reuid 4321 --regid 4322 --clear-groups env HOME=/nonexistent "$@"
}

@test "local: blanks and quotes in the path; who called sudo uses and removes what was made" {
    chown 4321:4322 "$CHECKOUT"
    export SUDO_UID=4321 SUDO_GID=4322
    run -0 --separate-stderr make run
    contains "$output" "hello from a container on a local AWS"
    contains "$output" "stop: make stop"
    eval "$(grep '^export DOCKER_HOST=' <<<"$output")"
    equal "$DOCKER_HOST" "unix://$CHECKOUT/run/docker.sock"
    equal "$(as_user docker run --rm busybox echo used)" used
    as_user bash -c 'cat run/*.log' >/dev/null
    # The other cloud in the same folder; the registry stays.
    run -0 --separate-stderr make run BACKEND=cloudrun
    contains "$output" "hello from a container on a local Google Cloud"
    run -0 make stop
    nothing_runs
    as_user rm -rf run
    [[ ! -e run ]]
    equal "$(ls -A "$TMPDIR")" ""
}

@test "local: with RUN_DIR the printed lines are those for it; what was run before stays" {
    RUN_DIRS+=("$BATS_TEST_TMPDIR/r 2")
    make run >/dev/null
    run -0 --separate-stderr env RUN_DIR="$BATS_TEST_TMPDIR/r 2" make run
    contains "$output" "stop: RUN_DIR="
    eval "$(sed -n 's/.*stop: //p' <<<"$output")"
    [[ ! -e $BATS_TEST_TMPDIR/r\ 2/docker.sock ]]
    DOCKER_HOST=unix://$CHECKOUT/run/docker.sock docker ps
}

@test "local: two make run at once: the second says so, both have one cloud" {
    local first second
    make run >"$BATS_TEST_TMPDIR/1" 2>&1 & first=$!
    make run >"$BATS_TEST_TMPDIR/2" 2>&1 & second=$!
    wait "$first"
    wait "$second"
    equal "$(cat "$BATS_TEST_TMPDIR"/[12] | grep -c '^hello from')" 2
    equal "$(cat "$BATS_TEST_TMPDIR"/[12] | grep -c '^local: process [0-9]* starts or stops what is in .*; waiting')" 1
    equal "$(ps -eo args | grep -F "$BATS_TEST_TMPDIR/" | grep -Ec '^[^ ]*.*/sockerless-(frontend|backend-ecs|sim-aws) --')" 3
    make stop
    nothing_runs
}

# bats test_tags=slow
@test "local: interrupted at any point, nothing is left in /tmp, and make stop ends the rest" {
    local point pid
    for point in KILL:images.log INT:sim.pid; do
        rm -rf run
        setsid env --default-signal make run >"$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
        pid=$!
        until_true 60 test -e "run/${point#*:}"
        kill "-${point%:*}" -- "-$pid"
        wait "$pid" || true
        run -0 make stop
        nothing_runs
        equal "$(ls -A "$TMPDIR")" ""
    done
}

# bats test_tags=slow
@test "local: what runs when its folder is removed is ended by the next make stop or make run" {
    make run >/dev/null 2>&1
    rm -rf run
    run -0 make stop
    contains "$output" "which is left from a $PWD/run that was removed"
    nothing_runs
    make run >/dev/null 2>&1
    rm -rf run
    run -0 --separate-stderr make run
    contains "$output" "hello from"
    equal "$(ps -eo args | grep -F "$BATS_TEST_TMPDIR/" | grep -Ec '^[^ ]*.*/sockerless-(frontend|backend-ecs|sim-aws) --')" 3
}

@test "local: a lost bridge, lost sockets, and what a killed simulator has left, are made good by the next make run" {
    local bridge
    make run >/dev/null 2>&1
    bridge=$(sed -n 's/^--bridge-name //p' run/network)
    DOCKER_HOST=unix://$PWD/run/docker.sock docker run -d busybox tail -f /dev/null
    ip link delete "$bridge"
    run -0 --separate-stderr make run
    contains "$output" "hello from"
    DOCKER_HOST=unix://$PWD/run/docker.sock docker run -d busybox tail -f /dev/null
    rm run/docker.sock run/backend-ecs.sock
    run -0 --separate-stderr make run
    contains "$output" "hello from"
    read -r pid _ <run/sim.pid
    kill -KILL "$pid"
    ip link delete "$bridge"
    run -0 make stop
    nothing_runs
}

@test "local: where RUN_DIR cannot be used it says so before anything is made" {
    local long
    long=$BATS_TEST_TMPDIR/$(printf 'x%.0s' {1..100})
    run -2 --separate-stderr env RUN_DIR="$long" make run
    contains "$stderr" "is too long"
    contains "$stderr" "make run RUN_DIR=/tmp/sockerless"
    run -0 env RUN_DIR="$long" make stop
    [[ ! -e $long ]]
    # shellcheck disable=SC2016 # expanded by the inner shell
    run -2 --separate-stderr unshare -m bash -c 'mount --bind . . && mount -o remount,bind,ro . && cd "$PWD" && make run'
    contains "$stderr" "run is read-only; set RUN_DIR"
    run -2 --separate-stderr env RUN_DIR="$CHECKOUT/Makefile" make run
    contains "$stderr" "is not a folder; set RUN_DIR"
    run -2 --separate-stderr make run BACKEND=elsewhere
    contains "$stderr" 'BACKEND: there is no "elsewhere" here, only aca cloudrun ecs gcf'
    [[ ! -e run ]]
}

@test "local: make stop where nothing runs" {
    run -0 make stop
    contains "$output" "nothing runs in $CHECKOUT/run"
    [[ ! -e run ]]
    mkdir run
    run -0 make stop
    equal "$(ls -A run)" ""
    make run >/dev/null
    rm run/network run/sim.port
    make stop
    make stop
    nothing_runs
}

@test "local: make install and uninstall with blanks in PREFIX and DESTDIR" {
    run -0 make install PREFIX="/opt/my tools" DESTDIR="$BATS_TEST_TMPDIR/a 'root'"
    run -0 "$BATS_TEST_TMPDIR/a 'root'/opt/my tools/bin/sockerless-agent" --version
    equal "$(ls "$BATS_TEST_TMPDIR/a 'root'/opt/my tools/bin" | wc -l)" $(($(ls -d backend-*/main.c | wc -l) + 2)) # frontend and agent
    run -0 make uninstall PREFIX="/opt/my tools" DESTDIR="$BATS_TEST_TMPDIR/a 'root'"
    equal "$(find "$BATS_TEST_TMPDIR/a 'root'" -type f)" ""
    run -0 make uninstall PREFIX="/opt/my tools" DESTDIR="$BATS_TEST_TMPDIR/nowhere"
}
