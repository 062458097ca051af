# SPDX-License-Identifier: Apache-2.0
# Images with the agent in them start it, whatever else they hold or do not hold; runc is the judge.

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
    run -0 docker run --rm --entrypoint sh test/merge -c 'id -un; pwd; echo $FROM_IMAGE'
    equal "$output" $'app\n/home/app\n1'
    run -0 docker run --rm test/merge more
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
    docker run --rm "$(repo once):1" true
    equal "$(agent_tags)" $((tags + 1))
    docker run --rm "$(repo once):1" true
    component_kill backend
    backend_restart
    docker run --rm "$(repo once):1" echo again
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
