# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# More registries beside the stack's own, of one scenario file: open, with passwords, over TLS with
# a CA of our own, with a token service, a pull-through cache, a broken one. Every password and
# token made here is noted in $E2E_RUN/secrets; z_sockerless_secrets.bats looks for them in the logs.

# shellcheck source=../../../deploy/local/lib.sh
. "$BATS_TEST_DIRNAME/../../deploy/local/lib.sh"

# registries_open: in setup_file.
registries_open()
{
    export REGISTRIES_DIR=$E2E_RUN/registries-$BATS_SUITE_TEST_NUMBER-$$
    export E2E_CA_DIR=${E2E_CA_DIR:-$E2E_RUN/ca}
    mkdir -p "$REGISTRIES_DIR"
}

# Every daemon that was started here; in teardown_file.
registries_close()
{
    local file
    stack_open registries "$REGISTRIES_DIR"
    for file in "$REGISTRIES_DIR"/*.pid; do
        [[ -e $file ]] || continue
        file=${file##*/}
        component_stop "${file%.pid}"
    done
    stack_open e2e "$E2E_RUN/stack"
}

# secret_keep TEXT: no log may have it.
secret_keep()
{
    printf '%s\n' "$1" >>"$E2E_RUN/secrets"
}

# secret_new WORD: a password nobody else has.
secret_new()
{
    local secret
    secret=$1-$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
    secret_keep "$secret"
    printf '%s' "$secret"
}

# secret_note WORD: the same, for a wrong one.
secret_note()
{
    secret_new "$1"
}

registry_address()
{
    printf '127.0.0.1:%s' "$(<"$REGISTRIES_DIR/$1.port")"
}

registry_user()
{
    printf 'user-%s' "$1"
}

registry_password()
{
    cat "$REGISTRIES_DIR/$1.password"
}

# in_registries COMMAND…: with the functions of lib.sh working on the extra daemons.
in_registries()
{
    (
        stack_open registries "$REGISTRIES_DIR"
        "$@"
    )
}

# daemon_start NAME PROBE-OPTIONS -- COMMAND…: @PORT@ in the command and in NAME.yml is the port; it
# is ready when curl gets any answer at all.
daemon_start_at()
{
    local name=$1 scheme=$2 port
    shift 2
    port=$(port_choose "$name") || return 1
    [[ ! -e $STACK_DIR/$name.yml.in ]] ||
        sed "s|@PORT@|$port|g" "$STACK_DIR/$name.yml.in" >"$STACK_DIR/$name.yml"
    component_spawn "$name" "${@//@PORT@/$port}" || return 1
    wait_ready "$name" curl -ksS -o /dev/null "$scheme://127.0.0.1:$port/"
}

# registry_start_with NAME SCHEME: configuration from stdin, after storage and log.
registry_start_with()
{
    {
        printf '%s\n' 'version: 0.1' 'log: {level: warn}' 'storage:' \
            "  filesystem: {rootdirectory: \"$REGISTRIES_DIR/$1.data\"}" '  delete: {enabled: true}'
        cat
    } >"$REGISTRIES_DIR/$1.yml.in"
    in_registries daemon_start_at "$1" "$2" docker-registry serve "$REGISTRIES_DIR/$1.yml"
}

registry_open_start()
{
    registry_start_with "$1" http <<<'http: {addr: "127.0.0.1:@PORT@"}'
}

# htpasswd_make NAME: user-NAME and a new password.
htpasswd_make()
{
    (umask 077; secret_new "pw-$1" >"$REGISTRIES_DIR/$1.password")
    secret_keep "$(printf '%s:%s' "$(registry_user "$1")" "$(registry_password "$1")" | base64 -w0)"
    htpasswd -Bbc "$REGISTRIES_DIR/$1.htpasswd" "$(registry_user "$1")" \
        "$(registry_password "$1")" 2>/dev/null
}

registry_password_start()
{
    htpasswd_make "$1"
    registry_start_with "$1" http <<END
http: {addr: "127.0.0.1:@PORT@"}
auth: {htpasswd: {realm: e2e, path: "$REGISTRIES_DIR/$1.htpasswd"}}
END
}

# registry_cache_start NAME URL: a pull-through mirror.
registry_cache_start()
{
    registry_start_with "$1" http <<END
http: {addr: "127.0.0.1:@PORT@"}
proxy: {remoteurl: "$2"}
END
}

# image_locked_push REPO:TAG: into the registry with a password, by another tool.
image_locked_push()
{
    skopeo --insecure-policy copy -q --src-tls-verify=false --dest-tls-verify=false \
        --dest-creds "$(registry_user locked):$(registry_password locked)" \
        "docker://$REGISTRY_ADDRESS/library/busybox:1" "docker://$(registry_address locked)/$1"
}

# registry_tls_start NAME [CERTIFICATE KEY]: over TLS with a password; by our own CA's certificate.
registry_tls_start()
{
    htpasswd_make "$1"
    registry_start_with "$1" https <<END
http: {addr: "127.0.0.1:@PORT@", tls: {certificate: "${2:-$E2E_CA_DIR/server.pem}", key: "${3:-$E2E_CA_DIR/server.key}"}}
auth: {htpasswd: {realm: e2e, path: "$REGISTRIES_DIR/$1.htpasswd"}}
END
}

# token_service_start NAME: tokend.py; users are written by token_users.
token_service_start()
{
    local dir=$REGISTRIES_DIR/$1.d
    mkdir -p "$dir"
    echo '{}' >"$dir/users.json"
    ln -sf "$E2E_RUN/secrets" "$dir/issued"
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=e2e-tokens \
        -keyout "$dir/service.key" -out "$dir/service.pem" 2>/dev/null
    in_registries daemon_start_at "$1" http "$PYTHON" "$E2E_DIR/lib/tokend.py" @PORT@ "$dir"
}

# registry_token_start NAME SERVICE: a registry that sends its clients to a token service.
registry_token_start()
{
    registry_start_with "$1" http <<END
http: {addr: "127.0.0.1:@PORT@"}
auth: {token: {realm: "http://$(registry_address "$2")/token", service: e2e-registry, issuer: e2e-tokens, rootcertbundle: "$REGISTRIES_DIR/$2.d/service.pem"}}
END
}

# registry_faulty_start NAME: the stack's registry, with faults; see faults.
registry_faulty_start()
{
    in_registries daemon_start_at "$1" http "$PYTHON" "$E2E_DIR/lib/faulty.py" @PORT@ \
        "http://$REGISTRY_ADDRESS" "$REGISTRIES_DIR/$1.faults"
}

# faults NAME [LINE…]
faults()
{
    printf '%s\n' "${@:2}" | sed '/^$/d' >"$REGISTRIES_DIR/$1.faults"
    : >"$REGISTRIES_DIR/$1.faults.seen"
}
