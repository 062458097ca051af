# SPDX-License-Identifier: Apache-2.0
# What was loaded lies in the staging registry as it was: a real dockerd, skopeo and umoci are the
# judges.

bats_require_minimum_version 1.5.0
load lib/common
load lib/images
load lib/cloud
load lib/staging
. "$BATS_TEST_DIRNAME/lib/dockerd.sh"

setup_file()
{
    export BACKEND_ENV_BEFORE=$BACKEND_ENV
    in_judge dockerd_start
}

teardown_file()
{
    in_judge dockerd_down
    backend_with ''
}

# The judge: a real dockerd beside the stack, with the same registry.
in_judge()
{
    (
        REGISTRY_URL=http://$REGISTRY_ADDRESS
        stack_open judge "$E2E_RUN/judge"
        "$@"
    )
}

judge()
{
    DOCKER_HOST=unix://$E2E_RUN/judge/docker.sock docker "$@"
}

@test "staging: an image saved by a real dockerd is pulled back and run unchanged by it" {
    local name file=$BATS_TEST_TMPDIR/a.tar id expected
    name=$(repo app):1
    image_make "$name" --busybox --layers 3 --seed dockerd --cmd sh --cmd=-c --cmd 'cat /seed-*; id -u; pwd'
    judge pull -q "$name"
    judge save -o "$file" "$name"
    id=$(judge image inspect -f '{{.Id}}' "$name")
    expected=$(judge run --rm --network none "$name")
    contains "$expected" "dockerd 2"
    judge rmi -f "$id"

    run -0 docker load -i "$file"
    equal "$output" "Loaded image: $name"
    equal "$(image_id "$name")" "$id"

    judge pull -q "$(staged "$id")"
    equal "$(judge image inspect -f '{{.Id}}' "$(staged "$id")")" "$id"
    equal "$(judge run --rm --network none "$(staged "$id")")" "$expected"
    equal "$(docker run --rm "$name")" "$expected"
    # And the other way: what we save, it loads.
    judge rmi -f "$id" >/dev/null
    docker save -o "$file" "$name"
    run -0 judge load -i "$file"
    equal "$output" "Loaded image: $name"
    equal "$(judge image inspect -f '{{.Id}}' "$name")" "$id"
    judge rmi -f "$id" >/dev/null
}

@test "staging: several images that share layers" {
    local file=$BATS_TEST_TMPDIR/a.tar name
    name=$(repo shared)
    image_make "$name:1" --busybox --layers 1 --seed same
    image_make "$name:2" --busybox --layers 2 --seed same
    judge pull -q "$name:1"
    judge pull -q "$name:2"
    judge save -o "$file" "$name:1" "$name:2"
    judge rmi -f "$name:1" "$name:2" >/dev/null
    run -0 docker load -i "$file"
    contains "$output" "Loaded image: $name:1"
    contains "$output" "Loaded image: $name:2"
    equal "$(image_id "$name:2")" "$(made id)"
    run -0 docker run --rm "$name:2" cat /seed-1
    contains "$output" "same 1"
}

@test "staging: pushed on to a registry, other tools take it" {
    local file=$BATS_TEST_TMPDIR/a.tar name
    name=$(repo pushed):1
    made=$(mkimage docker-archive "$file" --busybox --layers 2 --seed pushed "$name")
    docker load -q -i "$file"
    run -0 docker push "$name"
    contains "$output" "1: digest: sha256:"
    run -0 skopeo --insecure-policy inspect --tls-verify=false "docker://$name"
    equal "$(jq '.Layers | length' <<<"$output")" 3
    unpacked "$name"
    contains "$(cat "$BATS_TEST_TMPDIR/bundle/rootfs/seed-1")" "pushed 1"
    judge pull -q "$name"
    equal "$(judge image inspect -f '{{.Id}}' "$name")" "$(made id)"
    judge rmi "$name" >/dev/null
}

@test "staging: imported root file systems run" {
    local name
    name=$(repo imported):1
    unpacked "$REGISTRY_ADDRESS/library/busybox:1"
    run -0 docker import -c 'CMD ["echo","from import"]' -c 'ENV PATH=/bin' \
        - "$name" < <(tar -C "$BATS_TEST_TMPDIR/bundle/rootfs" -c .)
    run -0 docker run --rm "$name"
    equal "$output" "from import"
    judge pull -q "$(staged "$(image_id "$name")")"
    equal "$(judge run --rm --network none "$(staged "$(image_id "$name")")")" "from import"
}
