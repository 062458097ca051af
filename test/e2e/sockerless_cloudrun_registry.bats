# SPDX-License-Identifier: Apache-2.0
# The project's own Artifact Registry: the backend's account is enough, no login is needed.

bats_require_minimum_version 1.5.0
load lib/common
load lib/images
load lib/cloud

teardown()
{
    images_forget
}

# repository_image NAME: made in the registry's own storage; its full name.
repository_image()
{
    sim POST registry "{\"create\":\"sockerless-local/$1\"}" >/dev/null
    mkimage push "$REGISTRY_URL_HERE" "sockerless-local/$1/app:1" --busybox --seed "$1" >/dev/null
    printf '%s/sockerless-local/%s/app' "$(cloud_registry_host)" "$1"
}

@test "artifact registry: pulls with the account's own token, runs, pushes" {
    local name
    name=$(repository_image e2e)
    run -0 docker pull "$name:1"
    contains "$output" "Status: Downloaded newer image for $name:1"
    run -0 docker run --rm "$name:1" cat /seed-0
    equal "$output" "e2e 0"
    docker tag busybox "$name:pushed"
    run -0 docker push "$name:pushed"
    contains "$output" "pushed: digest: sha256:"
    docker rmi "$name:pushed" >/dev/null
    run -0 docker run --rm "$name:pushed" echo from there
    contains "$output" "from there"
}

@test "artifact registry: a repository that was not created" {
    run -1 docker pull "$(cloud_registry_host)/sockerless-local/never/app:1"
    contains "$output" never
    docker tag busybox "$(cloud_registry_host)/sockerless-local/never/app:1"
    run -1 docker push "$(cloud_registry_host)/sockerless-local/never/app:1"
    contains "$output" never
}
