# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For scenarios about images: makes them, names them apart, and removes what a test has left.

REGISTRY_URL_HERE=http://$REGISTRY_ADDRESS

# repo WORD: a repository of this test only, at the registry of the stack.
repo()
{
    printf '%s/t%s/%s' "$REGISTRY_ADDRESS" "$BATS_SUITE_TEST_NUMBER" "$1"
}

mkimage()
{
    "$PYTHON" "$E2E_DIR/lib/mkimage.py" "$@"
}

# image_make NAME:TAG [options of mkimage]: at the stack's registry; the description to $made.
image_make()
{
    made=$(mkimage push "$REGISTRY_URL_HERE" "${1#"$REGISTRY_ADDRESS/"}" "${@:2}")
}

# made FIELD
made()
{
    jq -r ".$1" <<<"$made"
}

# manifest_get NAME:REFERENCE: what the registry has.
manifest_get()
{
    local name=${1#"$REGISTRY_ADDRESS/"}
    curl -fsS -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' \
        -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
        "$REGISTRY_URL_HERE/v2/${name%:*}/manifests/${name##*:}"
}

image_id()
{
    docker image inspect -f '{{.Id}}' "$1"
}

image_gone()
{
    ! docker image inspect "$1" >/dev/null 2>&1
}

# images_forget: containers and images that are not the suite's own.
images_forget()
{
    local line
    docker ps -aq | xargs -r docker rm -f >/dev/null
    while read -r line; do
        case $line in
        busybox:* | plain:* | test/*) ;;
        *'<none>'*) ;;
        *) docker rmi -f "$line" >/dev/null 2>&1 || true ;;
        esac
    done < <(docker images --format '{{.Repository}}:{{.Tag}}')
    while read -r line; do
        [[ -n $(docker image inspect -f '{{join .RepoTags ""}}' "$line" 2>/dev/null) ]] ||
            docker rmi -f "$line" >/dev/null 2>&1 || true
    done < <(docker images -q --no-trunc)
}
