# SPDX-License-Identifier: Apache-2.0
# docker push, and login at registries with and without passwords.

bats_require_minimum_version 1.5.0
load lib/common
load lib/images
load lib/registries

setup_file()
{
    registries_open
    registry_password_start locked
}

teardown_file()
{
    registries_close
}

teardown()
{
    docker logout "$(registry_address locked)" >/dev/null 2>&1 || true
    images_forget
}

@test "push: layers, digest, size; what is pushed is what was pulled" {
    local from to
    from=$(repo from):1 to=$(repo to):2
    image_make "$from" --seed push --layers 2
    docker pull -q "$from" >/dev/null
    docker tag "$from" "$to"
    run -0 docker push "$to"
    equal "${lines[0]}" "The push refers to repository [${to%:2}]"
    contains "$output" "$(made 'diff_ids[0]' | cut -c8-19): Preparing"
    contains "$output" "$(made 'diff_ids[1]' | cut -c8-19): Preparing"
    contains "$output" "2: digest: sha256:"
    manifest_get "$to" >"$BATS_TEST_TMPDIR/manifest"
    equal "$(jq -r .config.digest "$BATS_TEST_TMPDIR/manifest")" "$(made id)"
    contains "$output" "2: digest: sha256:$(sha256sum <"$BATS_TEST_TMPDIR/manifest" | cut -d' ' -f1) size: $(stat -c %s "$BATS_TEST_TMPDIR/manifest")"
    run -0 docker push "$to"
    contains "$output" "$(made 'diff_ids[0]' | cut -c8-19): Layer already exists"
    docker rmi "$from" "$to" >/dev/null
    docker pull -q "$to" >/dev/null
    equal "$(image_id "$to")" "$(made id)"
}

@test "push: the stream's last object is the digest" {
    local to
    to=$(repo to):api
    docker tag busybox "$to"
    run -0 api -X POST -H 'X-Registry-Auth: e30=' "http://docker/images/${to%:*}/push?tag=api"
    contains "$(jq -rs '.[0].status' <<<"$output")" "The push refers to repository [${to%:*}]"
    equal "$(jq -rs '.[-1].aux.Tag' <<<"$output")" api
    equal "$(jq -rs '.[-1].aux.Digest' <<<"$output")" "sha256:$(manifest_get "$to" | sha256sum | cut -d' ' -f1)"
    equal "$(jq -rs '.[-1].aux.Size' <<<"$output")" "$(manifest_get "$to" | wc -c)"
}

@test "push: RepoDigests know what was pushed" {
    local to digest
    to=$(repo to):1
    docker tag busybox "$to"
    docker push -q "$to"
    digest=sha256:$(manifest_get "$to" | sha256sum | cut -d' ' -f1)
    contains "$(docker image inspect -f '{{json .RepoDigests}}' busybox)" "\"${to%:1}@$digest\""
    equal "$(image_id "${to%:1}@$digest")" "$(image_id busybox)"
}

@test "push: all tags of a repository" {
    local to
    to=$(repo all)
    docker tag busybox "$to:a"
    docker pull -q plain:1 >/dev/null
    docker tag plain:1 "$to:b"
    run -0 docker push -a "$to"
    contains "$output" "a: digest: sha256:"
    contains "$output" "b: digest: sha256:"
    equal "$(curl -fsS "$REGISTRY_URL_HERE/v2/${to#*/}/tags/list" | jq -c '.tags | sort')" '["a","b"]'
}

@test "push: what is not there, registries that are not there, no header" {
    run -1 docker push "$(repo nope):1"
    contains "$output" "An image does not exist locally with the tag: $(repo nope)"
    docker tag busybox "$(repo here):1"
    run -1 docker push "$(repo here):2"
    contains "$output" "tag does not exist: $(repo here):2"
    docker tag busybox 127.0.0.1:1/x:1
    run -1 docker push 127.0.0.1:1/x:1
    contains "$output" "refused"
    api_call POST "/images/$(repo here)/push?tag=1"
    equal "$status" 400
    contains "$output" "X-Registry-Auth"
}

@test "login: wrong passwords, right ones, then push and pull" {
    local to
    to=$(registry_address locked)/app:1
    docker tag busybox "$to"
    run -1 docker push "$to"
    contains "$output" "no basic auth credentials"
    run -1 docker login -u "$(registry_user locked)" --password-stdin "${to%%/*}" <<<"$(secret_note not-it)"
    contains "$output" "401 Unauthorized"
    run -0 docker login -u "$(registry_user locked)" --password-stdin "${to%%/*}" \
        <<<"$(registry_password locked)"
    contains "$output" "Login Succeeded"
    run -0 docker push "$to"
    contains "$output" "1: digest: sha256:"
    docker rmi "$to" >/dev/null
    run -0 docker pull "$to"
    contains "$output" "Status: Downloaded newer image for $to"
}

@test "login: POST /auth answers with the status, 127.0.0.1:1 refuses" {
    local user password
    user=$(registry_user locked) password=$(registry_password locked)
    api_call POST /auth "{\"username\":\"$user\",\"password\":\"$password\",\"serveraddress\":\"$(registry_address locked)\"}"
    equal "$status" 200
    equal "$(jq -c . <<<"$output")" '{"IdentityToken":"","Status":"Login Succeeded"}'
    api_call POST /auth "{\"username\":\"$user\",\"password\":\"$(secret_note wrong)\",\"serveraddress\":\"$(registry_address locked)\"}"
    [[ $status == 401 || $status == 500 ]]
    contains "$output" "401 Unauthorized"
    api_call POST /auth '{"username":"a","password":"b","serveraddress":"127.0.0.1:1"}'
    equal "$status" 500
    contains "$output" "refused"
}

@test "login: a registry without passwords takes any" {
    run -0 docker login -u any --password-stdin "$REGISTRY_ADDRESS" <<<"$(secret_note any)"
    contains "$output" "Login Succeeded"
    docker logout "$REGISTRY_ADDRESS" >/dev/null
}

@test "pull: wrong credentials in the request are refused" {
    local auth
    image_locked_push seen:1
    auth=$(printf '{"username":"%s","password":"%s"}' "$(registry_user locked)" "$(secret_note bad)" |
           base64 -w0 | tr +/ -_)
    secret_keep "$auth"
    run -0 api -o /dev/null -w '%{http_code}' -X POST -H "X-Registry-Auth: $auth" \
        "http://docker/images/create?fromImage=$(registry_address locked)/seen&tag=1"
    [[ $output == 4?? || $output == 500 ]]
    image_gone "$(registry_address locked)/seen:1"
    auth=$(printf '{"username":"%s","password":"%s"}' "$(registry_user locked)" \
           "$(registry_password locked)" | base64 -w0 | tr +/ -_)
    secret_keep "$auth"
    run -0 api -X POST -H "X-Registry-Auth: $auth" \
        "http://docker/images/create?fromImage=$(registry_address locked)/seen&tag=1"
    contains "$output" "Downloaded newer image"
}
