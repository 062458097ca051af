# SPDX-License-Identifier: Apache-2.0
# Images that the cloud cannot pull from where they are: from a registry that it does not pull from,
# or with a user's login only. They are copied to the staging registry, once. The agent comes by the
# cloud's own means here: nothing but the copy is made.

bats_require_minimum_version 1.5.0
load lib/common
load lib/images
load lib/registries
load lib/cloud

setup_file()
{
    local root=$BATS_FILE_TMPDIR/root word
    registries_open
    registry_password_start locked
    registry_open_start elsewhere
    export BACKEND_ENV_BEFORE=$BACKEND_ENV PLAIN_ENV=
    [[ $STACK_BACKEND != cloudrun ]] || PLAIN_ENV=$(cloud_injection_env startup_command)
    # What Cloud Run's start-up command needs, too.
    programs_copy "$root" dash curl sha256sum chmod rm cat env sleep
    ln -s dash "$root/bin/sh"
    for word in login header nowhere open; do # four images
        echo "$word" >"$root/etc/word"
        test_image_push --cmd sh "$REGISTRY_URL_HERE" "$root" "test/foreign:$word"
    done
    for word in login header nowhere; do
        skopeo --insecure-policy copy -q --src-tls-verify=false --dest-tls-verify=false \
            --dest-creds "$(registry_user locked):$(registry_password locked)" \
            "docker://$REGISTRY_ADDRESS/test/foreign:$word" "docker://$(registry_address locked)/team/$word:1"
    done
    skopeo --insecure-policy copy -q --src-tls-verify=false --dest-tls-verify=false \
        "docker://$REGISTRY_ADDRESS/test/foreign:open" "docker://$(registry_address elsewhere)/team/open:1"
    backend_with "$PLAIN_ENV"
}

teardown_file()
{
    backend_with ''
    registries_close
}

setup()
{
    export DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker-config
    mkdir -p "$DOCKER_CONFIG"
}

teardown()
{
    images_forget
}

. "$BATS_TEST_DIRNAME/lib/images.sh"

# copies: how many the staging registry has.
copies()
{
    curl -sS "http://$REGISTRY_ADDRESS/v2/sockerless-staging/tags/list" | jq -r '.tags[]?' | grep -c '^copy-' || true
}

# word_of IMAGE: what its file holds.
word_of()
{
    docker run --rm --pull never "$1" cat /etc/word
}

@test "foreign images: with docker login, and the staging registry as the only place for the cloud" {
    local image before
    image=$(registry_address locked)/team/login:1
    before=$(copies)
    run ! docker pull -q "$image"
    registry_password locked |
        docker login -u "$(registry_user locked)" --password-stdin "$(registry_address locked)"
    docker pull -q "$image"
    equal "$(word_of "$image")" login
    component_stop backend
    backend_restart
    equal "$(word_of "$image")" login
    equal "$(copies)" $((before + 1))
    docker logout "$(registry_address locked)"
    cloud_settles_empty
}

@test "foreign images: a login that came with the pull alone" {
    local image header before
    image=$(registry_address locked)/team/header:1
    header=$(jq -cn --arg u "$(registry_user locked)" --arg p "$(registry_password locked)" \
        '{username: $u, password: $p}' | base64 -w0 | tr +/ -_)
    secret_keep "$header"
    before=$(copies)
    api -X POST -H "X-Registry-Auth: $header" "http://docker/images/create?fromImage=${image%:1}&tag=1" >/dev/null
    equal "$(word_of "$image")" header
    equal "$(copies)" $((before + 1))
}

@test "foreign images: a public one of a registry that the cloud does not pull from" {
    local image before
    image=$(registry_address elsewhere)/team/open:1
    before=$(copies)
    docker pull -q "$image"
    equal "$(copies)" "$before" # a pull fetches no layers
    equal "$(word_of "$image")" open
    equal "$(word_of "$image")" open
    case $STACK_BACKEND in
    cloudrun) equal "$(copies)" $((before + 1)) ;;
    *) equal "$(copies)" "$before" ;; # pulls from everywhere
    esac
}

@test "foreign images: without a staging registry the start says what to set" {
    local image
    image=$(registry_address locked)/team/nowhere:1
    backend_with "$PLAIN_ENV SOCKERLESS_STAGING_REGISTRY="
    registry_password locked |
        docker login -u "$(registry_user locked)" --password-stdin "$(registry_address locked)"
    docker pull -q "$image"
    run -125 docker run --rm --pull never "$image" true
    # Where the agent is always a layer, every image is made anew.
    contains "$output" "$([[ $STACK_BACKEND == gcf ]] && echo "there is no staging registry" ||
        echo "cannot pull $image by itself")"
    contains "$output" SOCKERLESS_STAGING_REGISTRY
    docker logout "$(registry_address locked)"
    backend_with "$PLAIN_ENV"
    cloud_settles_empty
}
