# SPDX-License-Identifier: Apache-2.0
# Archives that lie, break off or never end: a clear error, no image, no file and no descriptor left.

bats_require_minimum_version 1.5.0
load lib/common
load lib/images
load lib/registries
load lib/cloud

setup_file()
{
    registries_open
    mkdir "$REGISTRIES_DIR/hostile"
    "$PYTHON" "$E2E_DIR/lib/hostile.py" "$REGISTRIES_DIR/hostile" hostile:1
    registry_faulty_start faulty
    faults faulty
    export BACKEND_ENV_BEFORE=$BACKEND_ENV
    BACKEND_ENV+=" SOCKERLESS_IMAGE_MAX_GIB=1 SOCKERLESS_REGISTRY_TIMEOUT=1"
    BACKEND_ENV+=" SOCKERLESS_STAGING_REGISTRY=$(registry_address faulty)/sockerless-staging"
    export BACKEND_ENV
    component_stop backend
    backend_restart
}

teardown_file()
{
    component_stop backend
    BACKEND_ENV=$BACKEND_ENV_BEFORE
    backend_restart
    registries_close
}

teardown()
{
    faults faulty
    images_forget
}

# What the backend holds besides its connections: files of its state directory, and descriptors.
belongings()
{
    find "$STACK_STATE" -type f -printf '%P\n' | sort
    find "/proc/$(component_pid backend)/fd" -lname '/*' -not -lname '/dev/*' -printf '%l\n' | sort
}

descriptor_count()
{
    find "/proc/$(component_pid backend)/fd" -mindepth 1 | wc -l
}

# Kept-alive connections come and go; a leak for every try does not go.
descriptors_are_few()
{
    [[ $(descriptor_count) -le $1 ]]
}

images_are()
{
    equal "$(docker images -aq --no-trunc | sort | xargs)" "$1"
}

# hostile_load FILE: refused with a text, nothing is left.
hostile_load()
{
    local text
    if api -X POST -H 'Content-Type: application/x-tar' -H 'Expect:' -T "$1" \
        'http://docker/images/load?quiet=1' >"$BATS_TEST_TMPDIR/answer"; then
        text=$(jq -rs '.[-1].error // ""' "$BATS_TEST_TMPDIR/answer")
        [[ ${#text} -gt 8 ]] || { echo "$1: $(<"$BATS_TEST_TMPDIR/answer")" >&2; return 1; }
        echo "# ${1##*/}: ${text:0:150}" >&"${HOSTILE_TELL:-2}"
    else
        echo "$1: no answer" >&2
        return 1
    fi
}

@test "hostile: archives that lie or break off are refused, each with a reason" {
    local before images_before count failed='' file
    images_before=$(docker images -aq --no-trunc | sort | xargs)
    hostile_load "$REGISTRIES_DIR/hostile/text"
    before=$(belongings)
    count=$(descriptor_count)
    for file in "$REGISTRIES_DIR"/hostile/*; do
        hostile_load "$file" || failed+=" ${file##*/}"
    done
    equal "$failed" ""
    images_are "$images_before"
    equal "$(belongings)" "$before"
    until_true 30 descriptors_are_few $((count + 8))
    docker pull -q busybox >/dev/null
}

@test "hostile: an image behind 100,000 other entries is found" {
    PYTHONPATH=$E2E_DIR/lib "$PYTHON" -c 'import hostile, sys
sys.stdout.buffer.write(hostile.entries_many(sys.argv[1], 100000))' "$(repo many):1" |
        docker load -q
    docker image inspect "$(repo many):1" >/dev/null
}

@test "hostile: names in an imported layer are the layer's own matter, its end is not" {
    run -1 docker import "$REGISTRIES_DIR/hostile/size-huge" "$(repo bad):1"
    run -1 docker import "$REGISTRIES_DIR/hostile/gzip-bomb" "$(repo bad):1"
    image_gone "$(repo bad):1"
    [[ ! -e /tmp/e2e-hostile ]]
}

@test "hostile: clients that go away in the middle of a load" {
    local turn before count
    before=$(belongings)
    count=$(descriptor_count)
    for turn in 1 2 3; do
        "$E2E_DIR/../bench/archive.py" 20 "$(repo gone):1" 2>/dev/null | head -c $((turn * 6000000)) |
            timeout -s KILL 30 curl -sS --max-time 1 --limit-rate 4M --unix-socket "${DOCKER_HOST#unix://}" \
                -X POST -H 'Expect:' -T - 'http://docker/images/load' >/dev/null 2>&1 || true
    done
    image_gone "$(repo gone):1"
    equal "$(belongings)" "$before"
    until_true 30 descriptors_are_few $((count + 8))
    docker pull -q busybox >/dev/null
}
