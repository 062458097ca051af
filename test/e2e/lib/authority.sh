# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# A certification authority of this run, for registries over TLS.
ca_make()
{
    export E2E_CA_DIR=$E2E_RUN/ca
    [[ -z ${STACK_SEED:-} ]] || { cp -r "$STACK_SEED/ca" "$E2E_CA_DIR"; return; }
    mkdir -p "$E2E_CA_DIR"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=e2e-ca \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign \
        -keyout "$E2E_CA_DIR/ca.key" -out "$E2E_CA_DIR/ca.pem" 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=127.0.0.1 \
        -keyout "$E2E_CA_DIR/server.key" -out "$E2E_CA_DIR/server.csr" 2>/dev/null
    openssl x509 -req -in "$E2E_CA_DIR/server.csr" -CA "$E2E_CA_DIR/ca.pem" \
        -CAkey "$E2E_CA_DIR/ca.key" -CAcreateserial -days 2 -out "$E2E_CA_DIR/server.pem" \
        -extfile <(printf 'subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:registry.test') 2>/dev/null
}
