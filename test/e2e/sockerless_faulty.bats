# SPDX-License-Identifier: Apache-2.0
# Registries that lie, break off or never answer: a clear error, no image and no upload left.

bats_require_minimum_version 1.5.0
load lib/common
load lib/images
load lib/registries
load lib/cloud

setup_file()
{
    registries_open
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

# faulty_pull LINE…: fails with a text and leaves no image; without the fault it works.
faulty_pull()
{
    local name
    name=$(registry_address faulty)/t$BATS_SUITE_TEST_NUMBER/app:1
    faults faulty "$@"
    run docker pull "$name"
    [[ $status == 1 && ${#output} -gt 20 ]] || { echo "with $*: $output" >&2; return 1; }
    echo "# $*: ${output:0:200}" >&"${HOSTILE_TELL:-2}"
    image_gone "$name"
    faults faulty
    # What a liar sent too much may still lie in a kept-alive connection.
    until_true 10 docker pull -q "$name" >/dev/null
    docker rmi "$name" >/dev/null
}

@test "faulty registry: manifests" {
    local action failed=''
    image_make "$(repo app):1" --seed faulty
    for action in stall reset long short corrupt hang cut 404 403 500; do
        faulty_pull "GET /manifests/ $action" "HEAD /manifests/ $([[ $action == [0-9]* ]] && echo "$action" || echo 405)" ||
            failed+=" $action"
    done
    equal "$failed" ""
}

@test "faulty registry: configurations" {
    local action failed=''
    image_make "$(repo app):1" --seed faulty
    for action in stall reset long short corrupt hang cut 404 500; do
        faulty_pull "GET /blobs/ $action" || failed+=" $action"
    done
    equal "$failed" ""
}

@test "faulty registry: what happens once is tried again" {
    local action name
    name=$(registry_address faulty)/t$BATS_SUITE_TEST_NUMBER/app:1
    image_make "$(repo app):1" --seed once
    for action in cut 503 429; do
        faults faulty "GET /blobs/ $action 1"
        docker pull -q "$name"
        docker rmi "$name" >/dev/null
        grep -q "GET .*/blobs/.* $action" "$REGISTRIES_DIR/faulty.faults.seen"
    done
}

# faulty_load LINE…: a load into the faulty staging registry fails and leaves nothing.
faulty_load()
{
    local file=$BATS_TEST_TMPDIR/a.tar
    made=$(mkimage docker-archive "$file" --layers 3 --seed "$*" "$(repo load):1")
    faults faulty "$@"
    run -0 api -X POST -H 'Content-Type: application/x-tar' -T "$file" 'http://docker/images/load?quiet=1'
    [[ $(jq -rs '.[-1].error | length' <<<"$output") -gt 8 ]] || { echo "with $*: $output" >&2; return 1; }
    echo "# $*: ${output:0:200}" >&"${HOSTILE_TELL:-2}"
    image_gone "$(repo load):1"
    faults faulty
    docker load -q -i "$file" >/dev/null
    docker rmi "$(repo load):1" >/dev/null
}

@test "faulty registry: a staging registry that takes nothing" {
    local line failed=''
    for line in 'POST /blobs/uploads hang' 'POST /blobs/uploads 500' 'PUT /blobs/uploads cut' \
        'PUT /blobs/uploads 403' 'PUT /manifests/ 500' 'PUT /manifests/ hang'; do
        faulty_load "$line" || failed+=" ($line)"
    done
    equal "$failed" ""
    docker pull -q busybox >/dev/null
}

@test "faulty registry: an upload that breaks off once goes on" {
    local file=$BATS_TEST_TMPDIR/a.tar line
    for line in 'PUT /blobs/uploads 503 1' 'POST /blobs/uploads 503 1' 'PUT /manifests/ 503 1'; do
        made=$(mkimage docker-archive "$file" --seed "$line" "$(repo once):1")
        faults faulty "$line"
        run -0 docker load -q -i "$file"
        contains "$output" "Loaded image: $(repo once):1"
    done
    # More than a piece: the connection is reset within, and resumed where the registry is.
    "$E2E_DIR/../bench/archive.py" 24 "$(repo once):big" 1 >"$file"
    faults faulty 'PATCH /blobs/uploads cut 1'
    run -0 docker load -q -i "$file"
    contains "$output" "Loaded image: $(repo once):big"
    grep -q 'PATCH .* cut' "$REGISTRIES_DIR/faulty.faults.seen"
}

@test "faulty registry: push fails in the stream" {
    local name line
    name=$(registry_address faulty)/t$BATS_SUITE_TEST_NUMBER/push:1
    docker tag busybox "$name"
    for line in 'POST /blobs/uploads cut' 'PUT /manifests/ 500' 'PUT /manifests/ hang'; do
        faults faulty "$line"
        run -1 docker push "$name"
        contains "$output" "The push refers to repository"
    done
    faults faulty
    docker push -q "$name"
}

@test "staging: the same image twice sends nothing twice" {
    local file=$BATS_TEST_TMPDIR/a.tar
    mkimage docker-archive "$file" --layers 3 --busybox --seed twice "$(repo twice):1" >/dev/null
    docker load -q -i "$file"
    faults faulty
    docker load -q -i "$file"
    ! grep -E '^(PUT|PATCH) .*/blobs/' "$REGISTRIES_DIR/faulty.faults.seen"
}
