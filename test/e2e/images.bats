# SPDX-License-Identifier: Apache-2.0
# Images: pull, list, inspect and the texts of what goes wrong.

bats_require_minimum_version 1.5.0
load lib/common

@test "pull: progress, up to date, quiet" {
    run -0 docker pull plain:1
    contains "$output" "1: Pulling from library/plain"
    contains "$output" "Digest: sha256:"
    contains "$output" "docker.io/library/plain:1"
    run -0 docker pull plain:1
    contains "$output" "Status: Image is up to date for plain:1"
    run -0 docker pull -q plain:1
    equal "$output" docker.io/library/plain:1
}

@test "pull: every line of the stream has a status, the last is one clients know" {
    run -0 api -X POST 'http://docker/images/create?fromImage=busybox&tag=1'
    jq -es 'all(.[]; .status | type == "string")' <<<"$output" >/dev/null
    contains "$(jq -rs '.[-1].status' <<<"$output")" "Status: "
    run -0 api -i -X POST 'http://docker/images/create?fromImage=busybox:1'
    contains "$output" "Content-Type: application/json"
}

@test "pull: by digest" {
    local digest
    digest=$(docker image inspect -f '{{index .RepoDigests 0}}' busybox)
    run -0 docker pull "$digest"
    contains "$output" "Digest: ${digest#*@}"
    run -0 docker run --rm "$digest" echo by digest
    equal "$output" "by digest"
}

@test "pull: from a registry by address" {
    run -0 docker pull "$REGISTRY_ADDRESS/library/busybox:1"
    contains "$output" "1: Pulling from library/busybox"
    run -0 docker run --rm "$REGISTRY_ADDRESS/library/busybox:1" echo there
    equal "$output" there
}

@test "pull: unknown repository and tag are 404 manifest unknown" {
    run -1 docker pull "$REGISTRY_ADDRESS/nope"
    contains "$output" "manifest for $REGISTRY_ADDRESS/nope:latest not found: manifest unknown"
    run -1 docker pull "$REGISTRY_ADDRESS/library/busybox:nope"
    contains "$output" "manifest for $REGISTRY_ADDRESS/library/busybox:nope not found: manifest unknown"
    api_call POST "/images/create?fromImage=$REGISTRY_ADDRESS/nope&tag=x"
    equal "$status" 404
    contains "$output" '"message":"manifest for'
}

@test "pull: names that are none" {
    api_call POST '/images/create?fromImage=BAD/Upper&tag=x'
    equal "$status" 400
    contains "$output" "invalid reference format: repository name must be lowercase"
    api_call POST '/images/create?fromImage=busybox&tag=!!'
    equal "$status" 400
    contains "$output" "invalid tag format"
}

@test "pull: a registry that is not there" {
    run -1 docker pull 127.0.0.1:1/x
    contains "$output" "refused"
}

@test "create: without the image is 404, run pulls it" {
    api_call POST /containers/create '{"Image":"nope","Cmd":["true"]}'
    equal "$status" 404
    equal "$(jq -r .message <<<"$output")" "No such image: nope:latest"
    run -125 docker run --rm "$REGISTRY_ADDRESS/nope" true
    contains "$output" "manifest unknown"
}

@test "images: list and filters" {
    run -0 docker images --format '{{.Repository}}:{{.Tag}}'
    contains "$output" busybox:latest
    contains "$output" test/merge:latest
    equal "$(docker images -q --no-trunc busybox:latest)" "$(docker image inspect -f '{{.Id}}' busybox)"
    equal "$(docker images -q nope)" ""
    equal "$(docker images -q --no-trunc --filter label=from=image | sort -u)" \
        "$(docker image inspect -f '{{.Id}}' test/merge)"
    api http://docker/images/json |
        jq -e 'all(.[]; (.Id | startswith("sha256:")) and .Created > 0 and .Size > 0)' >/dev/null
}

@test "images: inspect" {
    equal "$(docker image inspect -f '{{json .Config.Entrypoint}}' test/merge)" '["/bin/echo","entry"]'
    equal "$(docker image inspect -f '{{json .Config.Cmd}}' busybox)" '["sh"]'
    equal "$(docker image inspect -f '{{.Os}}' busybox)" linux
    contains "$(docker image inspect -f '{{json .RepoTags}}' busybox)" '"busybox:latest"'
    contains "$(docker image inspect -f '{{json .RepoDigests}}' busybox)" '"busybox@sha256:'
    equal "$(docker image inspect -f '{{len .RootFS.Layers}}' busybox)" 1
    local id
    id=$(docker image inspect -f '{{.Id}}' busybox)
    equal "$(docker image inspect -f '{{.Id}}' "${id#sha256:}")" "$id"
    equal "$(docker image inspect -f '{{.Id}}' "${id:7:12}")" "$id"
    equal "$(docker image inspect -f '{{.Id}}' docker.io/library/busybox:latest)" "$id"
    run -0 docker run --rm "${id:7:12}" echo by id
    equal "$output" "by id"
    api_call GET /images/nope/json
    equal "$status" 404
    contains "$output" "No such image: nope"
}
