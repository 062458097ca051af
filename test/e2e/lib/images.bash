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

# programs_copy DIRECTORY PROGRAM…: from this machine, each with the libraries it is linked with.
programs_copy()
{
    local root=$1 program file
    shift
    mkdir -p "$root"/{bin,etc,tmp}
    chmod 1777 "$root/tmp"
    for program in "$@"; do
        cp -L "$(type -P "$program")" "$root/bin/$program"
        for file in $(ldd "$root/bin/$program" | grep -o '/[^ ]*'); do
            mkdir -p "$root$(dirname "$file")"
            cp -L "$file" "$root$file"
        done
    done
}

# backend_with "A=1 B=2": the backend again, with these besides; with '' as it was. BACKEND_ENV_BEFORE
# is what setup_file found.
backend_with()
{
    BACKEND_ENV="$BACKEND_ENV_BEFORE${1:+ $1}"
    component_stop backend
    backend_restart
}
