# SPDX-License-Identifier: Apache-2.0
# The account's own registry: no login is needed, its authorization token is renewed.

bats_require_minimum_version 1.5.0
load lib/common
load lib/images
load lib/cloud

teardown()
{
    images_forget
}

ecr()
{
    sim POST ecr "$1"
}

# ecr_image REPOSITORY: made in ECR's own storage.
ecr_image()
{
    ecr "{\"create\":\"$1\"}" >/dev/null
    made=$(mkimage push "$REGISTRY_URL_HERE" "$1:1" --busybox --seed "$1")
    printf '%s/%s' "$(cloud_registry_host)" "$1"
}

@test "ecr: pulls with the account's own credentials, runs, pushes" {
    local name id
    name=$(ecr_image e2e/app)
    id=$(mkimage push "$REGISTRY_URL_HERE" e2e/app:1 --busybox --seed e2e/app | jq -r .id)
    run -0 docker pull "$name:1"
    contains "$output" "Status: Downloaded newer image for $name:1"
    equal "$(image_id "$name:1")" "$id"
    run -0 docker run --rm "$name:1" cat /seed-0
    equal "$output" "e2e/app 0"
    docker tag busybox "$name:pushed"
    run -0 docker push "$name:pushed"
    contains "$output" "pushed: digest: sha256:"
    docker rmi "$name:pushed" >/dev/null
    run -0 docker run --rm "$name:pushed" echo from ECR
    contains "$output" "from ECR"
}

@test "ecr: a repository that was not created" {
    run -1 docker pull "$(cloud_registry_host)/e2e/never:1"
    contains "$output" "The repository with name 'e2e/never' does not exist in the registry with id"
    docker tag busybox "$(cloud_registry_host)/e2e/never:1"
    run -1 docker push "$(cloud_registry_host)/e2e/never:1"
    contains "$output" "The repository with name 'e2e/never' does not exist in the registry with id"
}

ecr_issued()
{
    sim GET ecr | jq .tokensIssued
}

# A pull that had to ask for a new authorization token.
ecr_renewed()
{
    docker rmi "$1" >/dev/null 2>&1
    docker pull -q "$1" && [[ $(ecr_issued) -gt $2 ]]
}

@test "ecr: an authorization token is used until it expires, then renewed" {
    local name before
    name=$(ecr_image e2e/token)
    docker pull -q "$name:1"
    before=$(ecr_issued)
    docker rmi "$name:1" >/dev/null
    docker pull -q "$name:1"
    docker push -q "$name:1"
    equal "$(ecr_issued)" "$before"
    sim_config '{"ecr_token_ttl_s":2}'
    component_stop backend
    backend_restart
    docker pull -q "$name:1"
    before=$(ecr_issued)
    until_true 20 ecr_renewed "$name:1" "$before"
    sim_config '{"ecr_token_ttl_s":43200}'
    component_stop backend
    backend_restart
}

@test "ecr: credentials that AWS refuses are told as such" {
    ecr '{"create":"e2e/refused"}' >/dev/null
    component_stop backend
    backend_restart
    sim_fault '{"operation":"GetAuthorizationToken","count":20,"kind":"access_denied"}'
    run -1 docker pull "$(cloud_registry_host)/e2e/refused:1"
    sim DELETE faults >/dev/null
    contains "$output" "GetAuthorizationToken"
}
