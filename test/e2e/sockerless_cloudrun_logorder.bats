# SPDX-License-Identifier: Apache-2.0
# The order of docker logs where Cloud Logging keeps none: the collector gives entries their ids (and
# times), which say nothing about how they follow each other.

bats_require_minimum_version 1.5.0
load lib/common
load lib/cloud
load lib/images
load lib/logs

LINES_PRINTED=50000

setup_file()
{
    export BACKEND_ENV_BEFORE=$BACKEND_ENV
}

teardown()
{
    cloud_restore
    if [[ $BACKEND_ENV != "$BACKEND_ENV_BEFORE" ]]; then backend_with ''; fi
    remove_everything
}

# follow_from NAME FILE [OPTION…]: a follower that writes to the file; its pid is in $!.
follow_from()
{
    docker logs -f "${@:3}" "$1" >"$2" 3>&- &
}

@test "cloudrun: 50,000 lines with unordered ids, read whole, from the end and from a moment" {
    local all=$BATS_TEST_TMPDIR/all from to lines
    lines=$(sized $LINES_PRINTED)
    sim_config '{"log_own_ids":1}'
    docker run -d --name "$(name x)" busybox sh -c "seq 1 $lines; printf last" >/dev/null
    docker wait "$(name x)" >/dev/null
    docker logs -t "$(name x)" >"$all"
    cut -d' ' -f2 "$all" | cmp - <(seq 1 "$lines"; echo last)
    cut -d' ' -f1 "$all" | sort -c -u # the nanoseconds of each line
    from=$(sed -n "$((lines - 2000))p" "$all" | cut -d' ' -f1)
    to=$(sed -n "$((lines - 1000))p" "$all" | cut -d' ' -f1)
    docker logs --since "$from" "$(name x)" | cmp - <(seq $((lines - 2000)) "$lines"; printf last)
    docker logs --since "$from" --until "$to" "$(name x)" |
        cmp - <(seq $((lines - 2000)) $((lines - 1000)))
    docker logs --tail 3 "$(name x)" | cmp - <(seq $((lines - 1)) "$lines"; printf last)
    docker logs --tail 1500 "$(name x)" |
        cmp - <(seq $((lines - 1498)) "$lines"; printf last)
}

@test "cloudrun: followers that join at any moment, unordered ids, entries that come late and twice" {
    local file=$BATS_TEST_TMPDIR pids=() i
    sim_config '{"log_own_ids":1,"log_late":2000,"log_late_ms":300,"log_duplicate":2000}'
    docker run -d --name "$(name x)" busybox sh -c \
        'for i in $(seq 1 20); do seq $((i * 500 - 499)) $((i * 500)); sleep 0.1; done; echo end' >/dev/null
    for i in 1 2 3 4; do
        follow_from "$(name x)" "$file/whole.$i"
        pids+=("$!")
        follow_from "$(name x)" "$file/tail.$i" --tail "$((i * 100))"
        pids+=("$!")
        until_true 60 grep -qx "$((i * 2000))" "$file/whole.$i"
    done
    for i in "${pids[@]}"; do wait "$i"; done
    for i in 1 2 3 4; do
        cmp "$file/whole.$i" <(seq 1 10000; echo end)
        cmp "$file/tail.$i" <(tail -n "$(wc -l <"$file/tail.$i")" "$file/whole.$i")
        [[ $(wc -l <"$file/tail.$i") -ge $((i * 100)) ]]
    done
}

@test "cloudrun: a collector that gives entries its own time as well" {
    sim_config '{"log_own_ids":1,"log_own_time":1}'
    docker run -d --name "$(name x)" busybox sh -c \
        'seq 1 20000; for i in $(seq 1 300); do echo out $i; echo err $i >&2; done' >/dev/null
    docker wait "$(name x)" >/dev/null
    docker logs "$(name x)" 2>"$BATS_TEST_TMPDIR/err" | cmp - <(seq 1 20000; seq -f 'out %g' 1 300)
    cmp "$BATS_TEST_TMPDIR/err" <(seq -f 'err %g' 1 300)
    docker logs --tail 600 "$(name x)" 2>/dev/null | cmp - <(seq -f 'out %g' 1 300)
}

# A long log is being read, for some 10 s; what another container prints meanwhile comes at once. Whether the
# long log is still being read then depends on the machine.
# bats test_tags=soak
@test "cloudrun: a follower of a long log does not delay another one" {
    local other long shown
    backend_with "SOCKERLESS_GCR_LOG_READS_PER_MIN=300"
    docker run -d --name "$(name long)" busybox sh -c "seq 1 $LINES_PRINTED; exec sleep 600" >/dev/null
    gated "$(name other)" 5 6
    until_true 60 logs_end_with "$(name long)" $LINES_PRINTED
    follow_from "$(name other)" "$BATS_TEST_TMPDIR/other"
    other=$!
    until_true 60 grep -qx 5 "$BATS_TEST_TMPDIR/other"
    follow_from "$(name long)" "$BATS_TEST_TMPDIR/long"
    long=$!
    until_true 60 grep -qx 1 "$BATS_TEST_TMPDIR/long"
    gate_open "$(name other)"
    wait "$other"
    kill "$long"
    equal "$(tail -n 1 "$BATS_TEST_TMPDIR/other")" 6
    shown=$(wc -l <"$BATS_TEST_TMPDIR/long")
    [[ $shown -lt $LINES_PRINTED ]]
    head -n "$shown" "$BATS_TEST_TMPDIR/long" | cmp - <(seq 1 "$shown")
}
