# SPDX-License-Identifier: Apache-2.0
# docker pull: forms of a name, newer and same images, platforms of an index, all tags.

bats_require_minimum_version 1.5.0
load lib/common
load lib/images

teardown()
{
    images_forget
}

@test "pull: every form of a name is one image" {
    local id name
    id=$(image_id busybox)
    for name in busybox busybox:latest library/busybox docker.io/busybox docker.io/library/busybox \
        docker.io/library/busybox:latest index.docker.io/library/busybox:latest; do
        run -0 docker pull -q "$name"
        contains "$output" "busybox"
        equal "$(image_id "$name")" "$id"
    done
    equal "$(docker images --format '{{.Repository}}:{{.Tag}}' | grep -c '^busybox:latest$')" 1
}

@test "pull: downloaded, up to date, newer image under the same tag" {
    local name old
    name=$(repo app):1
    image_make "$name" --seed old --layers 2
    run -0 docker pull "$name"
    contains "$output" "1: Pulling from ${name#*/}" || contains "$output" "1: Pulling from t"
    contains "$output" "$(made 'layers[0]' | cut -c8-19): Pull complete"
    contains "$output" "$(made 'layers[1]' | cut -c8-19): Pull complete"
    contains "$output" "Digest: $(made digest)"
    contains "$output" "Status: Downloaded newer image for $name"
    old=$(made id)
    equal "$(image_id "$name")" "$old"
    run -0 docker pull "$name"
    contains "$output" "Status: Image is up to date for $name"

    image_make "$name" --seed new --layers 1
    run -0 docker pull "$name"
    contains "$output" "Status: Downloaded newer image for $name"
    equal "$(image_id "$name")" "$(made id)"
    equal "$(docker image inspect -f '{{json .RepoTags}}' "$old")" "[]"
    contains "$(docker images -q --no-trunc --filter dangling=true)" "$old"
}

@test "pull: by digest, and by tag and digest" {
    local name
    name=$(repo app)
    image_make "$name:1" --seed digest
    run -0 docker pull "$name@$(made digest)"
    contains "$output" "$name@$(made digest): Pulling from"
    contains "$output" "Status: Downloaded newer image for $name@$(made digest)"
    equal "$(docker image inspect -f '{{json .RepoTags}}' "$(made id)")" "[]"
    equal "$(docker image inspect -f '{{json .RepoDigests}}' "$(made id)")" "[\"$name@$(made digest)\"]"
    equal "$(image_id "$name@$(made digest)")" "$(made id)"
    run -0 docker pull -q "$name:1@$(made digest)"
    run -1 docker pull "$name@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    contains "$output" "not found: manifest unknown"
}

@test "pull: OCI media types" {
    local name
    name=$(repo oci):1
    image_make "$name" --seed oci --oci --layers 2
    docker pull -q "$name"
    equal "$(image_id "$name")" "$(made id)"
    equal "$(docker image inspect -f '{{len .RootFS.Layers}}' "$name")" 2
    equal "$(docker image inspect -f '{{index .RootFS.Layers 1}}' "$name")" "$(made 'diff_ids[1]')"
}

# index_make: :1 of four platforms, attestations before and between; ids to $amd64 $s390x $v6 $v7.
index_make()
{
    local name=$1
    image_make "$name:attest" --seed attest --platform unknown/unknown --oci
    image_make "$name:s390x" --seed s390x --platform linux/s390x --oci; s390x=$(made id)
    image_make "$name:v6" --seed v6 --platform linux/arm/v6 --oci; v6=$(made id)
    image_make "$name:v7" --seed v7 --platform linux/arm/v7; v7=$(made id)
    image_make "$name:amd64" --seed amd64 --platform linux/amd64 --oci; amd64=$(made id)
    made=$(mkimage index "$REGISTRY_URL_HERE" "${name#"$REGISTRY_ADDRESS/"}:1" \
        attestation=attest linux/s390x=s390x linux/arm/v6=v6 linux/arm/v7=v7 attestation=attest \
        linux/amd64=amd64 attestation=attest)
}

@test "pull: an index with attestations gives the image of this platform" {
    local name amd64 s390x v6 v7
    [[ $(uname -m) == x86_64 ]] || skip "the index has amd64 as its own platform"
    name=$(repo multi)
    index_make "$name"
    run -0 docker pull "$name:1"
    contains "$output" "Digest: $(made digest)"
    equal "$(image_id "$name:1")" "$amd64"
    equal "$(docker image inspect -f '{{json .RepoDigests}}' "$name:1")" "[\"$name@$(made digest)\"]"
    run -0 docker pull "$name:1"
    contains "$output" "Image is up to date"
}

@test "pull: --platform chooses from an index, with the variant" {
    local name amd64 s390x v6 v7
    name=$(repo multi)
    index_make "$name"
    docker pull -q --platform linux/s390x "$name:1"
    equal "$(image_id "$name:1")" "$s390x"
    equal "$(docker image inspect -f '{{.Architecture}}' "$name:1")" s390x
    docker pull -q --platform linux/arm/v6 "$name:1"
    equal "$(image_id "$name:1")" "$v6"
    docker pull -q --platform linux/arm/v7 "$name:1"
    equal "$(image_id "$name:1")" "$v7"
    equal "$(docker image inspect -f '{{.Variant}}' "$name:1")" v7
    run -1 docker pull --platform linux/riscv64 "$name:1"
    contains "$output" "no matching manifest for linux/riscv64 in the manifest list entries"
}

@test "pull: all tags" {
    local name tag
    name=$(repo many)
    for tag in a b c; do image_make "$name:$tag" --seed "$tag"; done
    run -0 docker pull -a "$name"
    for tag in a b c; do contains "$output" "$tag: Pulling from"; done
    contains "$output" "Status: Downloaded newer image for $name"
    equal "$(docker images --format '{{.Tag}}' "$name" | sort | xargs)" "a b c"
}

@test "pull: a repository without the tag, without tags, or that is not there" {
    run -1 docker pull -a "$(repo nothing)"
    contains "$output" "not found"
    run -1 docker pull "$REGISTRY_ADDRESS/library/busybox:nope"
    contains "$output" "manifest for $REGISTRY_ADDRESS/library/busybox:nope not found: manifest unknown: manifest unknown"
}

@test "distribution: what the registry has, without pulling" {
    local name
    name=$(repo app):1
    image_make "$name" --seed distribution
    api_call GET "/distribution/$name/json"
    equal "$status" 200
    equal "$(jq -r .Descriptor.digest <<<"$output")" "$(made digest)"
    equal "$(jq -r .Descriptor.size <<<"$output")" "$(made size)"
    equal "$(jq -c .Platforms <<<"$output")" '[{"architecture":"amd64","os":"linux"}]'
    image_gone "$name"
    api_call GET "/distribution/$(repo nope):1/json"
    equal "$status" 404
    contains "$output" "manifest unknown"
}
