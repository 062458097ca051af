# SPDX-License-Identifier: Apache-2.0
# Containers with --rm that end as soon as they are started, many at once, and what asks for them.

bats_require_minimum_version 1.5.0
load lib/common

# many COUNT COMMAND…: COUNT containers with --rm, eight at a time, whose processes end after 0 to
# 90 ms with a code of their own; prints "CODE: OUTPUT" of the command for each.
many()
{
    seq 1 "$1" | xargs -P 8 -I{} bash -c '
        code=$(($1 % 100))
        id=$(docker run -d --rm busybox sh -c "echo line-$code; sleep 0.0$(($1 % 10)); exit $code")
        printf "%s: %s\n" "$1" "$("${@:2}" "$id" 2>&1)"' _ {} "${@:2}"
}

# expected COUNT FORMAT: what many prints when FORMAT makes the output of a code.
expected()
{
    local i text
    for ((i = 1; i <= $1; i++)); do
        # shellcheck disable=SC2059 # the format is the argument
        printf -v text "$2" $((i % 100))
        echo "$i: $text"
    done
}

# all_right COUNT FORMAT COMMAND…
all_right()
{
    diff <(expected "$1" "$2") <(many "$1" "${@:3}" | sort -n)
}

none_is_left()
{
    [[ -z $(docker ps -aq) ]]
}

@test "removed: short containers with --rm are found by wait, logs and inspect" {
    all_right 8 %s docker wait
    all_right 8 line-%s docker logs -f
    all_right 8 true%.0s docker inspect -f '{{.HostConfig.AutoRemove}}'
    until_true 10 none_is_left
}

# Without -f, logs may be asked for before a process on a busy machine has printed its line.
# bats test_tags=slow
@test "removed: 200 short containers with --rm, each with its code, log and state" {
    all_right 200 %s docker wait
    all_right 200 line-%s docker logs -f
    all_right 200 true%.0s docker inspect -f '{{.HostConfig.AutoRemove}}'
    until_true 10 none_is_left
}
