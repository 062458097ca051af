# SPDX-License-Identifier: Apache-2.0
# Images in the daemon's own books: inspect, history, tag, rmi and all its conflicts, prune.

bats_require_minimum_version 1.5.0
load lib/common
load lib/images

teardown()
{
    images_forget
}

# app_pull [options]: an image of this test; its name to $app.
app_pull()
{
    app=$(repo app):1
    image_make "$app" --seed "$BATS_SUITE_TEST_NUMBER" "$@"
    docker pull -q "$app" >/dev/null
}

@test "inspect: an image that was not pulled is 404" {
    api_call GET /images/nope/json
    equal "$status" 404
    contains "$output" "No such image: nope:latest"
    api_call GET "/images/busybox@sha256:1111111111111111111111111111111111111111111111111111111111111111/json"
    equal "$status" 404
    api_call GET "/images/$(repo nope):3/json"
    equal "$status" 404
    contains "$output" "No such image: $(repo nope):3"
}

@test "inspect: by tag, digest, id and parts of it" {
    local app id name
    app_pull
    id=$(made id)
    for name in "$app" "${app%:1}@$(made digest)" "$id" "${id#sha256:}" "${id:7:12}" "${id:0:17}"; do
        equal "$(image_id "$name")" "$id"
    done
}

@test "inspect: layers, sizes and times" {
    local app
    app_pull --layers 3
    equal "$(docker image inspect -f '{{json .RootFS.Layers}}' "$app")" "$(jq -c .diff_ids <<<"$made")"
    equal "$(docker image inspect -f '{{.Created}}' "$app")" 2024-01-01T00:00:00Z
    equal "$(docker image inspect -f '{{.Architecture}}/{{.Os}}' "$app")" amd64/linux
    equal "$(docker image inspect -f '{{.RootFS.Type}}' "$app")" layers
    [[ $(docker image inspect -f '{{.Size}}' "$app") -gt 0 ]]
}

@test "history: newest first, ids of the newest only, empty layers without size" {
    local app
    app_pull --layers 2
    run -0 docker history --no-trunc --format '{{.ID}}|{{.CreatedBy}}' "$app"
    equal "$output" "$(printf '%s\n' "$(made id)|CMD [\"sh\"]" '<missing>|ADD layer 1' '<missing>|ADD layer 0')"
    api_call GET "/images/$app/history"
    equal "$(jq -c '[.[] | .Size > 0]' <<<"$output")" '[false,true,true]'
    equal "$(jq -c '[.[].Tags]' <<<"$output")" "[[\"$app\"],null,null]"
    equal "$(jq -c '.[1].Created' <<<"$output")" 1704067200
    run -1 docker history nope
    contains "$output" "No such image: nope:latest"
}

@test "tag: new names for one image, moved names, by id" {
    local app id
    app_pull
    id=$(made id)
    docker tag "$app" "$(repo other):x"
    docker tag "${id:7:12}" "$(repo other)"
    equal "$(image_id "$(repo other):x")" "$id"
    equal "$(image_id "$(repo other):latest")" "$id"
    docker tag busybox "$(repo other):x"
    equal "$(image_id "$(repo other):x")" "$(image_id busybox)"
    equal "$(image_id "$app")" "$id"
    api_call POST "/images/busybox/tag?repo=$(repo api)&tag=7"
    equal "$status" 201
    equal "$output" ""
    equal "$(image_id "$(repo api):7")" "$(image_id busybox)"
    # A tagged name is a name to run.
    run -0 docker run --rm "$(repo api):7" echo tagged
    equal "$output" tagged
}

@test "tag: a source that is not there is 404, bad names are refused" {
    api_call POST "/images/nope/tag?repo=x&tag=1"
    equal "$status" 404
    contains "$output" "No such image: nope"
    api_call POST "/images/busybox/tag?repo=x&tag=%21%21"
    [[ $status == 400 || $status == 500 ]]
    contains "$output" "invalid tag format"
    api_call POST "/images/busybox/tag?repo=UPPER&tag=1"
    [[ $status == 400 || $status == 500 ]]
    contains "$output" "invalid reference format: repository name must be lowercase"
    local digest=sha256:1111111111111111111111111111111111111111111111111111111111111111
    api_call POST "/images/busybox/tag?repo=x@$digest"
    equal "$status" 400
    contains "$output" "refusing to create a tag with a digest reference"
}

@test "rmi: untagged while other names are left, deleted with the last" {
    local app
    app_pull --layers 2
    docker tag "$app" "$(repo second):2"
    run -0 docker rmi "$(repo second):2"
    equal "$output" "Untagged: $(repo second):2"
    run -0 docker rmi "$app"
    equal "${lines[0]}" "Untagged: $app"
    equal "${lines[1]}" "Untagged: ${app%:1}@$(made digest)"
    equal "${lines[2]}" "Deleted: $(made id)"
    equal "${#lines[@]}" 5 # and one chain id for each layer
    image_gone "$(made id)"
    run -1 docker rmi "$app"
    contains "$output" "No such image: $app"
}

@test "rmi: by id takes the only name with it, but of two names neither" {
    local app id
    app_pull
    id=$(made id)
    docker tag "$app" "${app%:1}:2"
    run -1 docker rmi "${id:7:12}"
    contains "$output" "conflict: unable to delete ${id:7:12} (must be forced) - image is referenced in multiple repositories"
    docker rmi "${app%:1}:2" >/dev/null
    run -0 docker rmi "${id:7:12}"
    contains "$output" "Untagged: $app"
    contains "$output" "Untagged: ${app%:1}@$(made digest)"
    contains "$output" "Deleted: $id"
    image_gone "$id"
}

@test "rmi: by id of an image in several repositories must be forced" {
    local app id
    app_pull
    id=$(made id)
    docker tag "$app" "$(repo second):1"
    run -1 docker rmi "${id:7:12}"
    contains "$output" "conflict: unable to delete ${id:7:12} (must be forced) - image is referenced in multiple repositories"
    equal "$(image_id "$app")" "$id"
    run -0 docker rmi -f "${id:7:12}"
    contains "$output" "Untagged: $app"
    contains "$output" "Untagged: $(repo second):1"
    contains "$output" "Deleted: $id"
}

@test "rmi: a digest reference" {
    local app
    app=$(repo app)
    image_make "$app:1" --seed digest
    docker pull -q "$app@$(made digest)" >/dev/null
    run -0 docker rmi "$app@$(made digest)"
    equal "${lines[0]}" "Untagged: $app@$(made digest)"
    equal "${lines[1]}" "Deleted: $(made id)"
    image_gone "$(made id)"
}

@test "rmi: an image that a stopped container uses must be forced" {
    local app id container
    app_pull
    id=$(made id)
    container=$(docker create --name "$(name c)" "$app" sh)
    run -1 docker rmi "$app"
    contains "$output" "conflict: unable to remove repository reference \"$app\" (must force) - container ${container:0:12} is using its referenced image ${id:7:12}"
    run -1 docker rmi "${id:7:12}"
    contains "$output" "conflict: unable to delete ${id:7:12} (must be forced) - image is being used by stopped container ${container:0:12}"
    run -0 docker rmi -f "$app"
    contains "$output" "Untagged: $app"
    equal "$(field "$(name c)" .Image)" "$id"
    equal "$(field "$(name c)" .Config.Image)" "$app"
}

@test "rmi: an image that a running container uses cannot be forced by id" {
    local app id container
    app_pull --busybox
    id=$(made id)
    container=$(docker run -d --name "$(name c)" "$app" tail -f /dev/null)
    run -1 docker rmi "${id:7:12}"
    contains "$output" "conflict: unable to delete ${id:7:12} (cannot be forced) - image is being used by running container ${container:0:12}"
    run -1 docker rmi -f "${id:7:12}"
    contains "$output" "(cannot be forced) - image is being used by running container ${container:0:12}"
    # A second name may go; the last one may not without force.
    docker tag "$app" "$(repo second):1"
    run -0 docker rmi "$(repo second):1"
    run -1 docker rmi "$app"
    contains "$output" "(must force) - container ${container:0:12} is using its referenced image ${id:7:12}"
    docker rm -f "$(name c)" >/dev/null
    run -0 docker rmi "$app"
    contains "$output" "Deleted: $id"
}

@test "rmi: several at once, one of them not there" {
    local app
    app_pull
    docker tag "$app" "$(repo m):1"
    docker tag "$app" "$(repo m):2"
    run -1 docker rmi "$(repo m):1" "$(repo nope):9" "$(repo m):2"
    contains "$output" "Untagged: $(repo m):1"
    contains "$output" "No such image: $(repo nope):9"
    contains "$output" "Untagged: $(repo m):2"
}

@test "rmi: the API's answer is a list" {
    local app
    app_pull
    api_call DELETE "/images/$app"
    equal "$status" 200
    equal "$(jq -c '.[0]' <<<"$output")" "{\"Untagged\":\"$app\"}"
    equal "$(jq -r '[.[].Deleted | select(.)][0]' <<<"$output")" "$(made id)"
    api_call DELETE "/images/$app"
    equal "$status" 404
    contains "$output" "No such image: $app"
}

@test "prune: dangling images only, with what they took" {
    local app old
    app_pull
    old=$(made id)
    image_make "$app" --seed newer
    docker pull -q "$app" >/dev/null
    docker create --name "$(name keeps)" busybox true >/dev/null
    run -0 docker image prune -f
    contains "$output" "Deleted Images:"
    contains "$output" "deleted: $old"
    contains "$output" "Total reclaimed space: "
    image_gone "$old"
    equal "$(image_id "$app")" "$(made id)"
    api_call POST /images/prune
    equal "$status" 200
    equal "$(jq -c . <<<"$output")" '{"ImagesDeleted":null,"SpaceReclaimed":0}'
}

@test "prune: filters label and until, dangling=false takes unused images, bad ones are 400" {
    local app
    app_pull --label keep=no
    run -0 docker image prune -f --filter label=zzz
    equal "$output" "Total reclaimed space: 0B"
    run -0 docker image prune -f -a --filter label=keep=no --filter until=876000h
    equal "$output" "Total reclaimed space: 0B"
    equal "$(image_id "$app")" "$(made id)"
    run -0 docker image prune -f -a --filter label=keep=no
    contains "$output" "untagged: $app"
    contains "$output" "deleted: $(made id)"
    image_gone "$app"
    docker image inspect busybox >/dev/null
    run -1 docker image prune -f --filter bogus=1
    contains "$output" "nvalid filter 'bogus'"
    api_call POST '/images/prune?filters=%7B%22dangling%22%3A%5B%22x%22%5D%7D'
    equal "$status" 400
}
