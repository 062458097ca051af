# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Scenarios of docker logs, used with an immediate and with a slow log service.

logs_equal()
{
    [[ $(docker logs "$1" 2>/dev/null) == "$2" ]]
}

# gated NAME BEFORE AFTER: prints 1…BEFORE, then waits for `gate_open`, then up to AFTER.
gated()
{
    local end=
    [[ $TARGET != dockerd ]] || end='; until test -e /tmp/end; do sleep 0.05; done'
    docker run -d --name "$1" busybox sh -c \
        "seq 1 $2; until test -e /tmp/open; do sleep 0.05; done; seq $(($2 + 1)) $3$end" >/dev/null
}

# gate_end NAME LAST [FILE…]: a real dockerd, when busy, keeps the last lines from those who follow a
# container that ends; there the container goes on until each FILE has them.
gate_end()
{
    local file
    [[ $TARGET == dockerd ]] || return 0
    for file in "${@:3}"; do until_true 120 grep -qx "$2" "$file"; done
    docker exec "$1" touch /tmp/end || [[ $? == 137 ]] # the container may end first
}

logs_ended()
{
    docker run -d --name "$(name x)" busybox seq 1 "$1" >/dev/null
    docker wait "$(name x)" >/dev/null
    docker logs "$(name x)" | cmp - <(seq 1 "$1")
    docker logs -f "$(name x)" | cmp - <(seq 1 "$1")
    equal "$(docker logs --tail 3 "$(name x)" | xargs)" "$(($1 - 2)) $(($1 - 1)) $1"
}

logs_followed()
{
    gated "$(name x)" $(($1 / 2)) "$1"
    docker logs -f "$(name x)" >"$BATS_TEST_TMPDIR/out" 3>&- &
    local follower=$!
    until_true 120 grep -qx "$(($1 / 2))" "$BATS_TEST_TMPDIR/out"
    gate_open "$(name x)"
    gate_end "$(name x)" "$1" "$BATS_TEST_TMPDIR/out"
    wait "$follower"
    cmp "$BATS_TEST_TMPDIR/out" <(seq 1 "$1")
    docker logs "$(name x)" | cmp - <(seq 1 "$1")
}

logs_tail()
{
    gated "$(name x)" 1000 2000
    until_true 60 logs_end_with "$(name x)" 1000
    equal "$(docker logs --tail 2 "$(name x)" | xargs)" "999 1000"
    equal "$(docker logs --tail 0 "$(name x)")" ""
    equal "$(docker logs --tail 5000 "$(name x)" | wc -l)" 1000
    equal "$(docker logs --tail all "$(name x)" | wc -l)" 1000
    gate_open "$(name x)"
    gate_end "$(name x)" 2000
    docker wait "$(name x)" >/dev/null
    equal "$(docker logs --tail 1001 "$(name x)" | sha256sum)" "$(seq 1000 2000 | sha256sum)"
}

logs_end_with()
{
    [[ $(docker logs --tail 1 "$1") == "$2" ]]
}

# The timestamps that `-t` shows are the ones that since and until compare with, both inclusive.
logs_since_until()
{
    docker run --name "$(name x)" busybox sh -c \
        'for i in $(seq 1 30); do echo $i; sleep 0.02; done' >/dev/null
    local all=$BATS_TEST_TMPDIR/all from to
    docker logs -t "$(name x)" >"$all"
    equal "$(cut -d' ' -f2 "$all" | xargs)" "$(seq 1 30 | xargs)"
    [[ $(head -c 10 "$all") == 20[0-9][0-9]-[01][0-9]-[0-3][0-9] ]]
    sort -c -s -k1,1 "$all"
    from=$(sed -n '10p' "$all" | cut -d' ' -f1)
    to=$(sed -n '20p' "$all" | cut -d' ' -f1)
    docker logs -t --since "$from" "$(name x)" | cmp - <(awk -v a="$from" '$1 >= a' "$all")
    docker logs -t --until "$to" "$(name x)" | cmp - <(awk -v b="$to" '$1 <= b' "$all")
    docker logs -t --since "$from" --until "$to" "$(name x)" |
        cmp - <(awk -v a="$from" -v b="$to" '$1 >= a && $1 <= b' "$all")
    docker logs -t -f --since "$from" "$(name x)" | cmp - <(awk -v a="$from" '$1 >= a' "$all")
    docker logs --since "$from" --tail 2 "$(name x)" | cmp - <(seq 29 30)
    equal "$(docker logs --since 2100-01-01T00:00:00Z "$(name x)")" ""
    equal "$(docker logs --until 2001-01-01T00:00:00Z "$(name x)")" ""
    equal "$(docker logs --since 1h "$(name x)" | wc -l)" 30
}

# Of a container that goes on: the client ends by itself.
logs_follow_until()
{
    local out=$BATS_TEST_TMPDIR/out to
    docker run -d --name "$(name x)" busybox sh -c 'while true; do echo line; sleep 0.1; done' >/dev/null
    to=$(date -u -d '+1 second' +%FT%T.%NZ)
    timeout 60 docker logs -f -t --until "$to" "$(name x)" >"$out"
    equal "$(field "$(name x)" .State.Running)" true
    grep -q line "$out"
    equal "$(awk -v b="$to" '$1 > b' "$out")" ""
    docker logs -t --until "$to" "$(name x)" | cmp - "$out"
}

logs_streams()
{
    docker run --name "$(name x)" busybox sh -c \
        'for i in $(seq 1 200); do echo out $i; echo err $i >&2; done' >/dev/null 2>&1
    docker logs "$(name x)" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
    cmp "$BATS_TEST_TMPDIR/out" <(seq -f 'out %g' 1 200)
    cmp "$BATS_TEST_TMPDIR/err" <(seq -f 'err %g' 1 200)
}

logs_follow_tail()
{
    gated "$(name x)" 100 200
    until_true 60 logs_end_with "$(name x)" 100
    docker logs -f --tail 10 "$(name x)" >"$BATS_TEST_TMPDIR/out" 3>&- &
    local follower=$!
    until_true 60 grep -qx 100 "$BATS_TEST_TMPDIR/out"
    gate_open "$(name x)"
    gate_end "$(name x)" 200 "$BATS_TEST_TMPDIR/out"
    wait "$follower"
    cmp "$BATS_TEST_TMPDIR/out" <(seq 91 200)
}

logs_two_followers()
{
    gated "$(name x)" 5000 10000
    docker logs -f "$(name x)" >"$BATS_TEST_TMPDIR/one" 3>&- &
    local one=$!
    docker logs -f "$(name x)" >"$BATS_TEST_TMPDIR/two" 3>&- &
    local two=$!
    until_true 60 grep -qx 5000 "$BATS_TEST_TMPDIR/one"
    until_true 60 grep -qx 5000 "$BATS_TEST_TMPDIR/two"
    gate_open "$(name x)"
    gate_end "$(name x)" 10000 "$BATS_TEST_TMPDIR/one" "$BATS_TEST_TMPDIR/two"
    wait "$one"
    wait "$two"
    cmp "$BATS_TEST_TMPDIR/one" <(seq 1 10000)
    cmp "$BATS_TEST_TMPDIR/two" <(seq 1 10000)
}

logs_two_runs()
{
    docker create --name "$(name x)" busybox sh -c \
        'test -e /tmp/x && echo second && exit; touch /tmp/x; echo first' >/dev/null
    docker start -a "$(name x)" >/dev/null
    docker start -a "$(name x)" >/dev/null
    equal "$(docker logs "$(name x)" | wc -l)" 2
    equal "$(docker logs --tail 2 "$(name x)" | head -1)" first
}

# No newline at the end, empty lines, blanks, UTF-8, a line of 40 kB.
logs_odd_lines()
{
    docker run --name "$(name x)" busybox sh -c \
        'printf "\n\n  blanks  \n\ttab\nümlaut ✓\n"; head -c 40000 /dev/zero | tr "\0" x; echo; printf end' \
        >"$BATS_TEST_TMPDIR/attached"
    docker logs "$(name x)" | cmp - "$BATS_TEST_TMPDIR/attached"
}

# Lines that a log service might take for its own, and every way to end.
JSON_LINES='{"severity":"ERROR","message":"of the user"}
{"message":"lone"}
  {"n": 1.50, "big": 12345678901234567890, "a":"\\u00e9" }
{"time":"2001-01-01T00:00:00Z","timestamp":{"seconds":1,"nanos":2},"logging.googleapis.com/insertId":"x"}
{"logging.googleapis.com/labels":{"sockerless/record":"x 1 1"}}
{"broken":'

logs_json_lines()
{
    docker run --name "$(name x)" -e LINES="$JSON_LINES" busybox sh -c \
        'echo "$LINES"; echo "$LINES" >&2' >/dev/null 2>&1
    docker logs "$(name x)" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
    cmp "$BATS_TEST_TMPDIR/out" <(echo "$JSON_LINES")
    cmp "$BATS_TEST_TMPDIR/err" <(echo "$JSON_LINES")
}

# Lines longer than any service takes as one entry, with characters that a service escapes.
logs_long_lines()
{
    docker run --name "$(name x)" busybox sh -c \
        'head -c 300000 /dev/zero | tr "\0" "\""; echo; echo between
         for i in $(seq 1 3000); do printf "✓ \033[1m%d\\" "$i"; done; echo; echo end' \
        >"$BATS_TEST_TMPDIR/attached"
    docker logs "$(name x)" | cmp - "$BATS_TEST_TMPDIR/attached"
    equal "$(docker logs --tail 1 "$(name x)")" end
    [[ $TARGET != dockerd ]] || return 0 # which counts pieces of 16 KiB
    docker logs --tail 2 "$(name x)" | cmp - <(tail -n 2 "$BATS_TEST_TMPDIR/attached")
    docker logs --tail 3 "$(name x)" | cmp - <(tail -n 3 "$BATS_TEST_TMPDIR/attached")
}

# A real dockerd keeps them with its driver "local" only.
logs_bytes()
{
    local driver=()
    [[ $TARGET != dockerd ]] || driver=(--log-driver local)
    docker run --name "$(name x)" "${driver[@]}" busybox sh -c \
        'printf "gr\374\337e\n\377\376\0\n\001o\303\n"; i=0
         while [ $i -lt 256 ]; do printf "\\$(printf %o $i)x"; i=$((i + 1)); done
         printf "\nrest\342\202" ; printf "\251\n\200" >&2' \
        >"$BATS_TEST_TMPDIR/attached" 2>"$BATS_TEST_TMPDIR/attached.err"
    docker logs "$(name x)" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
    cmp "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/attached"
    cmp "$BATS_TEST_TMPDIR/err" "$BATS_TEST_TMPDIR/attached.err"
}
