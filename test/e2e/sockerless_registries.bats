# SPDX-License-Identifier: Apache-2.0
# Registries of every kind at once: open, with passwords over TLS of a private CA, with a token
# service, a pull-through mirror. Logins are kept per host, sealed.

bats_require_minimum_version 1.5.0
load lib/common
load lib/images
load lib/registries
load lib/cloud

setup_file()
{
    registries_open
    registry_open_start second
    registry_tls_start locked
    registry_password_start kept
    registry_selfsigned_start selfsigned
    token_service_start tokens
    registry_token_start tokened tokens
    registry_cache_start cache "http://$REGISTRY_ADDRESS"
    local name refresh
    refresh=$(secret_new pw-reader)
    jq -n --arg w "$(secret_new pw-writer)" --arg r "$refresh" '{
        writer: {password: $w, scopes: {"team/*": ["pull", "push"]}},
        reader: {password: $r, scopes: {"team/*": ["pull"]}},
        "": {password: "", scopes: {"public/*": ["pull"]}}}' >"$(tokens users.json)"
    export BACKEND_ENV_BEFORE=$BACKEND_ENV
    BACKEND_ENV+=" SOCKERLESS_REGISTRY_MIRRORS=docker.io=http://$REGISTRY_ADDRESS,cached.example=http://$(registry_address cache)"
    # Loopback is spoken to by plain http unless it is said otherwise.
    BACKEND_ENV+=" SOCKERLESS_REGISTRY_ENDPOINTS=$(cloud_registry_host)=$(stack_sim_url)"
    for name in locked selfsigned; do
        BACKEND_ENV+=",$(registry_address "$name")=https://$(registry_address "$name")"
    done
    export BACKEND_ENV
    component_stop backend
    backend_restart
    image_copy busybox "$(registry_address second)/library/busybox:1"
}

teardown_file()
{
    component_stop backend
    BACKEND_ENV=$BACKEND_ENV_BEFORE
    backend_restart
    registries_close
}

# What one test has logged in to, none of the others shall know.
setup()
{
    DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker-config
    mkdir -p "$DOCKER_CONFIG"
    asked_reset
}

teardown()
{
    images_forget
}

tokens()
{
    printf '%s/tokens.d/%s' "$REGISTRIES_DIR" "$1"
}

# token_password USER
token_password()
{
    jq -r ".$1.password" "$(tokens users.json)"
}

asked()
{
    [[ ! -e $(tokens asked) ]] || cat "$(tokens asked)"
}

asked_reset()
{
    : >"$(tokens asked)"
    rm -f "$(tokens mode)"
}

# registry_selfsigned_start NAME: over TLS that nobody vouches for.
registry_selfsigned_start()
{
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
        -keyout "$REGISTRIES_DIR/$1.key" -out "$REGISTRIES_DIR/$1.pem" 2>/dev/null
    registry_tls_start "$1" "$REGISTRIES_DIR/$1.pem" "$REGISTRIES_DIR/$1.key"
}

# image_copy NAME TO [CREDENTIALS]: by another tool.
image_copy()
{
    skopeo --insecure-policy copy -q --src-tls-verify=false --dest-tls-verify=false \
        ${3:+--dest-creds "$3"} "docker://$REGISTRY_ADDRESS/library/$1:1" "docker://$2"
}

# auth_header USER PASSWORD
auth_header()
{
    local value
    value=$(jq -cn --arg u "$1" --arg p "$2" '{username: $u, password: $p}' | base64 -w0 | tr +/ -_)
    secret_keep "$value"
    printf 'X-Registry-Auth: %s' "$value"
}

# pull_as HEADER NAME:TAG: status and body of the API.
pull_as()
{
    status=$(api -o "$BATS_TEST_TMPDIR/pulled" -w '%{http_code}' -X POST ${1:+-H "$1"} \
        "http://docker/images/create?fromImage=${2%:*}&tag=${2##*:}")
    output=$(<"$BATS_TEST_TMPDIR/pulled")
}

# login USER PASSWORD ADDRESS: POST /auth, what the daemon itself keeps.
daemon_login()
{
    api_call POST /auth "$(jq -cn --arg u "$1" --arg p "$2" --arg a "$3" \
        '{username: $u, password: $p, serveraddress: $a}')"
}

@test "registries: one without passwords: pull, push, run" {
    local name
    name=$(registry_address second)/library/busybox:1
    docker pull -q "$name"
    run -0 docker run --rm "$name" echo second
    equal "$output" second
    docker tag "$name" "$(registry_address second)/copy:1"
    run -0 docker push "$(registry_address second)/copy:1"
    contains "$output" "1: digest: sha256:"
}

@test "registries: htpasswd over TLS with a private CA: login, push, pull" {
    local name
    name=$(registry_address locked)/team/app:1
    pull_as '' "$name"
    [[ $status == 4?? || $status == 500 ]]
    contains "$output" "no basic auth credentials"
    run -1 docker login -u "$(registry_user locked)" --password-stdin "${name%%/*}" <<<"$(secret_note wrong)"
    contains "$output" "401 Unauthorized"
    docker login -u "$(registry_user locked)" --password-stdin "${name%%/*}" <<<"$(registry_password locked)"
    docker tag busybox "$name"
    docker push -q "$name"
    docker rmi "$name" >/dev/null
    run -0 docker pull "$name"
    contains "$output" "Downloaded newer image for $name"
    run -0 skopeo --insecure-policy inspect --tls-verify=false \
        --creds "$(registry_user locked):$(registry_password locked)" "docker://$name"
    equal "$(jq -r .Architecture <<<"$output")" amd64
}

@test "registries: TLS that nobody vouches for is refused" {
    run -1 docker pull "$(registry_address selfsigned)/x:1"
    contains "$output" "certificate"
    daemon_login "$(registry_user selfsigned)" "$(registry_password selfsigned)" "$(registry_address selfsigned)"
    [[ $status != 200 ]]
    contains "$output" "certificate"
}

@test "credentials: of the request, Basic, right and wrong" {
    local name
    name=$(registry_address locked)/team/header:1
    image_copy busybox "$name" "$(registry_user locked):$(registry_password locked)"
    pull_as "$(auth_header "$(registry_user locked)" "$(secret_note wrong)")" "$name"
    [[ $status == 401 || $status == 500 ]]
    image_gone "$name"
    pull_as "$(auth_header "$(registry_user locked)" "$(registry_password locked)")" "$name"
    equal "$status" 200
    contains "$output" "Downloaded newer image"
}

@test "credentials: POST /auth keeps them by host, also over a restart, and never in clear" {
    local name auth
    name=$(registry_address kept)/team/kept:1
    image_copy busybox "$name" "$(registry_user kept):$(registry_password kept)"
    pull_as 'X-Registry-Auth: e30=' "$name"
    [[ $status != 200 ]]
    daemon_login "$(registry_user kept)" "$(registry_password kept)" "https://$(registry_address kept)/v2/"
    equal "$status" 200
    equal "$(jq -r .Status <<<"$output")" "Login Succeeded"
    pull_as 'X-Registry-Auth: e30=' "$name"
    equal "$status" 200
    docker rmi "$name" >/dev/null
    component_kill backend
    backend_restart
    pull_as '' "$name"
    equal "$status" 200
    ! grep -raq "$(registry_password kept)" "$STACK_STATE" "$STACK_DIR"/*.log
    auth=$(printf '%s:%s' "$(registry_user kept)" "$(registry_password kept)" | base64 -w0)
    ! grep -raq "$auth" "$STACK_STATE" "$STACK_DIR"/*.log
    equal "$(stat -c %a "$STACK_STATE/credentials.key")" 600
    # Another host does not get them.
    asked_reset
    pull_as '' "$(registry_address tokened)/team/none:1"
    [[ $status != 200 ]]
    ! asked | grep -q "$(registry_user kept)"
}

@test "tokens: nobody pulls what is public, and nothing else" {
    local name
    name=$(registry_address tokened)
    asked_reset
    image_copy busybox "$name/team/app:1" "writer:$(token_password writer)"
    jq '.writer.scopes["public/*"] = ["pull", "push"]' "$(tokens users.json)" >"$(tokens new)"
    mv "$(tokens new)" "$(tokens users.json)"
    image_copy busybox "$name/public/app:1" "writer:$(token_password writer)"
    run -0 docker pull -q "$name/public/app:1"
    run -1 docker pull "$name/team/app:1"
    contains "$output" "denied"
}

@test "tokens: GET with Basic, scopes of pull and of push" {
    local name
    name=$(registry_address tokened)/team
    image_copy busybox "$name/app:1" "writer:$(token_password writer)"
    asked_reset
    echo no-post >"$(tokens mode)"
    pull_as "$(auth_header reader "$(token_password reader)")" "$name/app:1"
    equal "$status" 200
    asked | grep -q 'GET reader basic .*repository:team/app:pull'
    rm -f "$(tokens mode)"

    docker tag busybox "$name/mine:1"
    run -0 api -X POST -H "$(auth_header reader "$(token_password reader)")" \
        "http://docker/images/$name/mine/push?tag=1"
    contains "$(jq -rs '.[-1].error' <<<"$output")" "denied"
    run -0 api -X POST -H "$(auth_header writer "$(token_password writer)")" \
        "http://docker/images/$name/mine/push?tag=1"
    contains "$(jq -rs '.[-1].aux.Digest' <<<"$output")" sha256:
    asked | grep -q 'writer .*repository:team/mine:p.*push'
}

@test "tokens: docker login gets an identity token, which then logs in" {
    local name identity
    name=$(registry_address tokened)/team/app
    image_copy busybox "$name:1" "writer:$(token_password writer)"
    run -1 docker login -u writer --password-stdin "${name%%/*}" <<<"$(secret_note wrong)"
    contains "$output" "incorrect username or password"
    run -0 docker login -u writer --password-stdin "${name%%/*}" <<<"$(token_password writer)"
    contains "$output" "Login Succeeded"
    identity=$(jq -r ".auths[\"${name%%/*}\"].identitytoken" "$DOCKER_CONFIG/config.json")
    contains "$identity" refresh-
    asked_reset
    run -0 docker pull "$name:1"
    docker tag "$name:1" "$name:2"
    docker push -q "$name:2"
    asked | grep -q 'POST writer refresh_token '
    ! asked | grep -q ' writer basic '
}

@test "tokens: POST /auth keeps the identity token instead of the password" {
    local name
    name=$(registry_address tokened)/team/app:1
    image_copy busybox "$name" "writer:$(token_password writer)"
    daemon_login reader "$(token_password reader)" "${name%%/*}"
    equal "$status" 200
    contains "$(jq -r .IdentityToken <<<"$output")" refresh-
    asked_reset
    pull_as '' "$name"
    equal "$status" 200
    asked | grep -q 'POST reader refresh_token '
    ! grep -raq "$(token_password reader)" "$STACK_STATE"
}

@test "tokens: one is used again while it is good, and renewed when the registry says it is not" {
    local name header
    name=$(registry_address tokened)/team/app
    image_copy busybox "$name:1" "writer:$(token_password writer)"
    image_copy busybox "$name:2" "writer:$(token_password writer)"
    header=$(auth_header reader "$(token_password reader)")
    pull_as "$header" "$name:1"
    equal "$status" 200
    asked_reset
    pull_as "$header" "$name:2"
    equal "$status" 200
    equal "$(asked)" ""
    component_stop backend
    backend_restart
    docker rmi "$name:1" "$name:2" >/dev/null
    asked_reset
    echo stale >"$(tokens mode)"
    pull_as "$header" "$name:1"
    equal "$status" 200
    equal "$(asked | grep -vc '^GET - ')" 2 # beside what was asked as the cloud pulls
}

@test "tokens: a service that is down" {
    asked_reset
    echo down >"$(tokens mode)"
    run -1 docker pull "$(registry_address tokened)/public/other:1"
    contains "$output" 503
    rm -f "$(tokens mode)"
}

@test "mirror: pulls go through the cache under the registry's own name" {
    run -0 docker pull cached.example/library/busybox:1
    contains "$output" "Downloaded newer image for cached.example/library/busybox:1"
    equal "$(image_id cached.example/library/busybox:1)" "$(image_id busybox)"
    contains "$(docker image inspect -f '{{json .RepoDigests}}' busybox)" cached.example/library/busybox@sha256:
    curl -fsS "http://$(registry_address cache)/v2/library/busybox/tags/list" | jq -e '.tags | index("1")' >/dev/null
}

@test "registries: five at once" {
    local name turn=0 pids=() pid
    image_copy busybox "$(registry_address locked)/team/five:1" "$(registry_user locked):$(registry_password locked)"
    image_copy busybox "$(registry_address tokened)/team/five:1" "writer:$(token_password writer)"
    docker login -u "$(registry_user locked)" --password-stdin "$(registry_address locked)" <<<"$(registry_password locked)" 2>/dev/null
    docker login -u writer --password-stdin "$(registry_address tokened)" <<<"$(token_password writer)" 2>/dev/null
    for name in busybox:1 "$(registry_address second)/library/busybox:1" "$(registry_address locked)/team/five:1" \
        "$(registry_address tokened)/team/five:1" cached.example/library/busybox:1; do
        docker pull -q "$name" >"$BATS_TEST_TMPDIR/$((turn++))" 2>&1 3>&- &
        pids+=("$!")
    done
    for pid in "${pids[@]}"; do wait "$pid"; done
    equal "$(docker images -q --no-trunc --filter reference='*/team/five' --filter reference='*/*/busybox' | sort -u | wc -l)" 1
}
