# SPDX-License-Identifier: Apache-2.0
# Archives of every form are loaded into the staging registry; skopeo and umoci are the judges.

bats_require_minimum_version 1.5.0
load lib/common
load lib/images
load lib/cloud
load lib/staging

setup_file()
{
    export BACKEND_ENV_BEFORE=$BACKEND_ENV
}

teardown_file()
{
    backend_with ''
}

# archive_load KIND EXTENSION PACKER…: made, packed, loaded, judged.
archive_load()
{
    local file=$BATS_TEST_TMPDIR/a.tar name
    name=$(repo "$1"):"$2"
    made=$(mkimage "$1" "$file" --busybox --layers 2 --seed "$1$2" "$name")
    [[ $# -lt 3 ]] || { "${@:3}" "$file"; rm -f "$file"; file=$(ls "$file"*); }
    run -0 docker load -i "$file"
    rm -f "$file"
    equal "$output" "Loaded image: $name"
    equal "$(image_id "$name")" "$(made id)"
    [[ $# -lt 3 ]] || return 0 # the id is the sum of all; what was pushed is looked at once
    run -0 skopeo --insecure-policy inspect --raw --tls-verify=false "docker://$(staged "$(made id)")"
    equal "$(jq -r .config.digest <<<"$output")" "$(made id)"
    unpacked "$(staged "$(made id)")"
    contains "$(cat "$BATS_TEST_TMPDIR/bundle/rootfs/seed-1")" "$1$2 1"
    run -0 docker run --rm "$name" cat /seed-0
    equal "$output" "$1$2 0"
}

@test "staging: docker archives: plain, gzip, zstd, xz" {
    archive_load docker-archive plain
    archive_load docker-archive gzip gzip
    archive_load docker-archive zstd zstd -q
    archive_load docker-archive xz xz
}

@test "staging: OCI archives: plain, gzip, zstd, xz" {
    archive_load oci-archive plain
    archive_load oci-archive gzip gzip
    archive_load oci-archive zstd zstd -q
    archive_load oci-archive xz xz
}

@test "staging: what skopeo writes as docker-archive and as oci-archive" {
    local kind file=$BATS_TEST_TMPDIR/a.tar name
    name=$(repo skopeo)
    image_make "$name:1" --busybox --layers 2 --seed skopeo --oci
    for kind in docker-archive oci-archive; do
        rm -f "$file"
        skopeo --insecure-policy copy -q --src-tls-verify=false "docker://$name:1" "$kind:$file:$name:$kind"
        run -0 docker load -i "$file"
        equal "$output" "Loaded image: $name:$kind"
        equal "$(docker image inspect -f '{{json .RootFS.Layers}}' "$name:$kind")" "$(jq -c .diff_ids <<<"$made")"
        run -0 docker run --rm "$name:$kind" cat /seed-1
        contains "$output" "skopeo 1"
    done
}

@test "staging: GitLab's helper image from tar.zst: inspect, load, tag, create" {
    local file=$BATS_TEST_TMPDIR/helper.tar helper loaded turn
    helper=$(repo gitlab-runner-helper):x86_64-v1
    made=$(mkimage docker-archive "$file" --busybox --seed helper --cmd cat --cmd /seed-0)
    zstd -q --rm "$file"
    api_call GET "/images/$helper/json"
    equal "$status" 404
    for turn in 1 2; do
        run -0 api -X POST -H 'Content-Type: application/x-tar' -T "$file.zst" 'http://docker/images/load?quiet=1'
        loaded=$(jq -rs '[.[].stream | select(startswith("Loaded image"))][0]' <<<"$output")
        equal "$loaded" "Loaded image ID: $(made id)"
        api_call POST "/images/${loaded#Loaded image ID: }/tag?repo=${helper%:*}&tag=${helper##*:}"
        equal "$status" 201
        api_call GET "/images/$helper/json"
        equal "$(jq -r .Id <<<"$output")" "$(made id)"
        run -0 docker run --rm "$(made id)"
        equal "$output" "helper 0"
    done
}

@test "staging: without a staging registry there is a warning, and metadata only" {
    local file=$BATS_TEST_TMPDIR/a.tar name
    name=$(repo nowhere):1
    made=$(mkimage docker-archive "$file" --seed nowhere "$name")
    backend_with SOCKERLESS_STAGING_REGISTRY=
    run -0 api -X POST -H 'Content-Type: application/x-tar' -T "$file" 'http://docker/images/load?quiet=1'
    contains "$output" SOCKERLESS_STAGING_REGISTRY
    equal "$(jq -rs '[.[].stream | select(. != null and startswith("Loaded image"))][0]' <<<"$output")" "Loaded image: $name"
    equal "$(image_id "$name")" "$(made id)"
    docker create --name "$(name c)" "$name" true >/dev/null
    run -1 docker push "$name"
    contains "$output" SOCKERLESS_STAGING_REGISTRY
}

@test "staging: 100 MB are loaded with little memory" {
    local before peak limit=65536
    before=$(rss_kb backend)
    echo 5 >"/proc/$(component_pid backend)/clear_refs" # the peak starts anew
    "$E2E_DIR/../bench/archive.py" 100 "$(repo big):1" | docker load -q
    peak=$(awk '/^VmHWM/ { print $2 }' "/proc/$(component_pid backend)/status")
    echo "# backend: $before kB, at most $peak kB while 100 MB were loaded" >&3
    ! sizes_matter || [[ $((peak - before)) -lt $limit ]]
    docker image inspect "$(repo big):1" >/dev/null
}
