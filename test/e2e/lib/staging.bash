# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For scenarios about the staging registry: what it holds, looked at by other tools.

STAGING=$REGISTRY_ADDRESS/sockerless-staging

# Common to the files; the backend is as it was after each test.
teardown()
{
    images_forget
    if [[ $BACKEND_ENV != "$BACKEND_ENV_BEFORE" ]]; then backend_with ''; fi
}

# staged ID: the name under which the staging registry has a loaded image.
staged()
{
    printf '%s:sha256-%s' "$STAGING" "${1:7:40}"
}

# unpacked NAME: the registry's image as a bundle in $BATS_TEST_TMPDIR/bundle.
unpacked()
{
    local dir=$BATS_TEST_TMPDIR
    rm -rf "$dir/oci" "$dir/bundle"
    skopeo --insecure-policy copy -q --src-tls-verify=false "docker://$1" "oci:$dir/oci:latest"
    umoci unpack --image "$dir/oci:latest" "$dir/bundle" >/dev/null
}
