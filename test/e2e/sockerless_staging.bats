# SPDX-License-Identifier: Apache-2.0
# What was loaded lies in the staging registry as it was: a real dockerd, skopeo, umoci and runc are
# the judges. Images with the agent in them start it, whatever else they hold or do not hold.

bats_require_minimum_version 1.5.0
load lib/common
load lib/images
load lib/cloud
. "$BATS_TEST_DIRNAME/lib/dockerd.sh"

STAGING=$REGISTRY_ADDRESS/sockerless-staging

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

teardown()
{
    images_forget
    if [[ $BACKEND_ENV != "$BACKEND_ENV_BEFORE" ]]; then backend_with ''; fi
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

# staged ID: the name under which the staging registry has a loaded image.
staged()
{
    printf '%s:sha256-%s' "$STAGING" "${1:7:40}"
}

# unpacked NAME: the registry's image as a bundle in $BATS_TEST_TMPDIR/bundle.
unpacked()
{
    local dir=$BATS_TEST_TMPDIR
    rm -rf "$dir/oci" "$dir/bundle"
    skopeo --insecure-policy copy -q --src-tls-verify=false "docker://$1" "oci:$dir/oci:latest"
    umoci unpack --image "$dir/oci:latest" "$dir/bundle" >/dev/null
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
    run -0 skopeo --insecure-policy inspect --raw --tls-verify=false "docker://$(staged "$(made id)")"
    equal "$(jq -r .config.digest <<<"$output")" "$(made id)"
    unpacked "$(staged "$(made id)")"
    contains "$(cat "$BATS_TEST_TMPDIR/bundle/rootfs/seed-1")" "$1$2 1"
    run -0 docker run --rm --network none "$name" cat /seed-0
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
        run -0 docker run --rm --network none "$name:$kind" cat /seed-1
        contains "$output" "skopeo 1"
    done
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
    run -0 docker run --rm --network none "$name:2" cat /seed-1
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
    run -0 docker run --rm --network none "$name"
    equal "$output" "from import"
    judge pull -q "$(staged "$(image_id "$name")")"
    equal "$(judge run --rm --network none "$(staged "$(image_id "$name")")")" "from import"
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
        run -0 docker run --rm --network none "$(made id)"
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

# ---- image_layer: the agent in the image ----

# agent_tags: how many images with the agent the staging registry has.
agent_tags()
{
    curl -fsS "http://$REGISTRY_ADDRESS/v2/sockerless-staging/tags/list" | jq -r '.tags[]' | grep -c '^agent-' || true
}

# agent_image: the newest image with the agent in it, that is the one not in $1.
agent_image()
{
    curl -fsS "http://$REGISTRY_ADDRESS/v2/sockerless-staging/tags/list" | jq -r '.tags[]' | grep '^agent-' |
        grep -vxF -f <(printf '%s\n' "$1") | head -1
}

# runs_in_runc NAME WORD…: the image's entrypoint, followed by WORD…, in runc.
runs_in_runc()
{
    local dir=$BATS_TEST_TMPDIR
    unpacked "$1"
    jq --args '.process.args = (.process.args[0:($n | tonumber)] + $ARGS.positional) | .process.terminal = false
        | .process.env += ["SOCKERLESS_AGENT_TOKEN=runc", "SOCKERLESS_AGENT_GATE_MS=0", "SOCKERLESS_AGENT_LINGER_MS=0"]
        | .linux.resources = {} | .linux.namespaces |= map(select(.type != "cgroup"))' \
        --arg n "$2" "$dir/bundle/config.json" "${@:3}" >"$dir/config.new"
    mv "$dir/config.new" "$dir/bundle/config.json"
    (cd "$dir/bundle" && timeout 60 runc --root "$dir/runc" run "e2e-$$-$BATS_TEST_NUMBER" </dev/null)
}

# layered NAME WORD…: runs with the agent as a layer here and in runc; both outputs are the same.
layered()
{
    local before expected image
    before=$(curl -fsS "http://$REGISTRY_ADDRESS/v2/sockerless-staging/tags/list" | jq -r '.tags[]' || true)
    expected=$(docker run --rm --network none "$@")
    image=$STAGING:$(agent_image "$before")
    run -0 skopeo --insecure-policy inspect --config --tls-verify=false "docker://$image"
    contains "$(jq -r '.config.Entrypoint[0]' <<<"$output")" sockerless-agent
    equal "$(jq -r '.config.Entrypoint[1]' <<<"$output")" --
    equal "$(runs_in_runc "$image" "$(jq '.config.Entrypoint | length' <<<"$output")" "${@:2}")" "$expected"
    printf '%s' "$expected"
}

# rootfs_image NAME DIRECTORY PROGRAM: from a directory, with an entrypoint.
rootfs_image()
{
    "$LOCAL_DIR/push-image.sh" --entrypoint "$3" "http://$REGISTRY_ADDRESS" "$2" "${1#*/}" >/dev/null
    docker pull -q "$1" >/dev/null
}

program_compile()
{
    printf '%s\n' '#include <stdio.h>' '#include <unistd.h>' \
        'int main(int n, char **v) { printf("%s %d\n", n > 1 ? v[1] : "-", (int)getuid()); return 0; }' |
        "${PROGRAM_CC:-cc}" -x c - -o "$@"
}

@test "image_layer: from scratch, a static program" {
    local root=$BATS_TEST_TMPDIR/root
    mkdir -p "$root"
    program_compile "$root/hello" -static
    rootfs_image "$(repo scratch):1" "$root" /hello
    backend_with "$(cloud_injection_env image_layer)"
    equal "$(layered "$(repo scratch):1" word)" "word 0"
}

@test "image_layer: glibc, a dynamic program" {
    local root=$BATS_TEST_TMPDIR/root lib
    mkdir -p "$root"
    program_compile "$root/hello"
    for lib in $(ldd "$root/hello" | grep -o '/[^ ]*'); do
        mkdir -p "$root$(dirname "$lib")"
        cp -L "$lib" "$root$lib"
    done
    rootfs_image "$(repo glibc):1" "$root" /hello
    backend_with "$(cloud_injection_env image_layer)"
    equal "$(layered "$(repo glibc):1" word)" "word 0"
}

@test "image_layer: musl, a dynamic program" {
    local root=$BATS_TEST_TMPDIR/root
    mkdir -p "$root/lib"
    PROGRAM_CC=musl-gcc program_compile "$root/hello"
    cp -L /lib/ld-musl-*.so.1 "$root/lib/"
    rootfs_image "$(repo musl):1" "$root" /hello
    backend_with "$(cloud_injection_env image_layer)"
    equal "$(layered "$(repo musl):1" word)" "word 0"
}

@test "image_layer: busybox, with user, workdir and environment of the image" {
    backend_with "$(cloud_injection_env image_layer)"
    run -0 docker run --rm --network none --entrypoint sh test/merge -c 'id -un; pwd; echo $FROM_IMAGE'
    equal "$output" $'app\n/home/app\n1'
    run -0 docker run --rm --network none test/merge more
    equal "$output" "entry more"
    image_make "$(repo bb):1" --busybox --layers 2 --seed bb
    docker pull -q "$(repo bb):1"
    contains "$(layered "$(repo bb):1" cat /seed-1)" "bb 1"
}

@test "image_layer: the same image is made once, also after a restart" {
    local tags
    image_make "$(repo once):1" --busybox --layers 2 --seed once
    docker pull -q "$(repo once):1"
    backend_with "$(cloud_injection_env image_layer)"
    tags=$(agent_tags)
    docker run --rm --network none "$(repo once):1" true
    equal "$(agent_tags)" $((tags + 1))
    docker run --rm --network none "$(repo once):1" true
    component_kill backend
    backend_restart
    docker run --rm --network none "$(repo once):1" echo again
    equal "$(agent_tags)" $((tags + 1))
}

@test "image_layer: a loaded image, exec in it" {
    local file=$BATS_TEST_TMPDIR/a.tar name
    name=$(repo loaded):1
    mkimage docker-archive "$file" --busybox --seed layered "$name" >/dev/null
    docker load -q -i "$file"
    backend_with "$(cloud_injection_env image_layer)"
    docker run -d --name "$(name c)" "$name" tail -f /dev/null >/dev/null
    run -0 docker exec "$(name c)" cat /seed-0
    equal "$output" "layered 0"
}

# ---- size ----

@test "staging: 200 MB are loaded with little memory" {
    local before peak limit=65536
    before=$(rss_kb backend)
    echo 5 >"/proc/$(component_pid backend)/clear_refs" # the peak starts anew
    "$E2E_DIR/../bench/archive.py" 200 "$(repo big):1" | docker load -q
    peak=$(awk '/^VmHWM/ { print $2 }' "/proc/$(component_pid backend)/status")
    echo "# backend: $before kB, at most $peak kB while 200 MB were loaded" >&3
    ! sizes_matter || [[ $((peak - before)) -lt $limit ]]
    docker image inspect "$(repo big):1" >/dev/null
}
