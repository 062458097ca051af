#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Packs a root file system as a one-layer image and pushes it to a registry over the registry API
# (v2), with nothing but tar, gzip, sha256sum and curl.
#
# Usage: push-image.sh [options] REGISTRY-URL ROOTFS REPOSITORY:TAG [TAG…]
#   --env KEY=VALUE      (repeatable)      --label KEY=VALUE    (repeatable)
#   --cmd WORD           (repeatable)      --entrypoint WORD    (repeatable)
#   --workdir DIR        --user USER       --stop-signal NAME
#   --foreign-first      push a manifest list whose first entry is another platform's image
# Prints REPOSITORY:TAG@DIGEST.
set -euo pipefail

MANIFEST_TYPE=application/vnd.docker.distribution.manifest.v2+json
LIST_TYPE=application/vnd.docker.distribution.manifest.list.v2+json
ENV=() LABELS=() CMD=() ENTRYPOINT=() WORKDIR="" USER_NAME="" STOP_SIGNAL="" FOREIGN_FIRST=""

json_string()
{
    local s=${1//\\/\\\\}
    s=${s//\"/\\\"}
    s=${s//$'\n'/\\n}
    s=${s//$'\t'/\\t}
    printf '"%s"' "$s"
}

json_list()
{
    local item first=1
    printf '['
    for item in "$@"; do
        [[ $first ]] || printf ','
        first=
        json_string "$item"
    done
    printf ']'
}

json_labels()
{
    local item first=1
    printf '{'
    for item in "$@"; do
        [[ $first ]] || printf ','
        first=
        json_string "${item%%=*}"
        printf ':'
        json_string "${item#*=}"
    done
    printf '}'
}

sha256_of()
{
    sha256sum "$1" | cut -d' ' -f1
}

# blob_push FILE DIGEST: skipped when the registry has it.
blob_push()
{
    local location
    curl -fsS -I -o /dev/null "$REGISTRY/v2/$REPOSITORY/blobs/$2" 2>/dev/null && return
    location=$(curl -fsS -X POST -D - -o /dev/null "$REGISTRY/v2/$REPOSITORY/blobs/uploads/" |
               tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
    [[ $location == http* ]] || location=$REGISTRY$location
    [[ $location == *\?* ]] && location+="&" || location+="?"
    curl -fsS -X PUT -o /dev/null -H 'Content-Type: application/octet-stream' \
        --data-binary "@$1" "${location}digest=sha256:$2"
}

# manifest_push FILE MEDIA-TYPE REFERENCE
manifest_push()
{
    curl -fsS -X PUT -o /dev/null -H "Content-Type: $2" --data-binary "@$1" \
        "$REGISTRY/v2/$REPOSITORY/manifests/$3"
}

config_json()
{
    local path_env=()
    [[ " ${ENV[*]:-} " == *" PATH="* ]] ||
        path_env=("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    printf '{"architecture":"%s","os":"linux","created":"2024-01-01T00:00:00Z","config":{' "$1"
    printf '"Env":%s,' "$(json_list "${path_env[@]}" "${ENV[@]}")"
    [[ ${#CMD[@]} == 0 ]] || printf '"Cmd":%s,' "$(json_list "${CMD[@]}")"
    [[ ${#ENTRYPOINT[@]} == 0 ]] || printf '"Entrypoint":%s,' "$(json_list "${ENTRYPOINT[@]}")"
    [[ -z $STOP_SIGNAL ]] || printf '"StopSignal":%s,' "$(json_string "$STOP_SIGNAL")"
    printf '"WorkingDir":%s,"User":%s,' "$(json_string "$WORKDIR")" "$(json_string "$USER_NAME")"
    printf '"Labels":%s},' "$(json_labels "${LABELS[@]}")"
    printf '"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},' "$2"
    printf '"history":[{"created":"2024-01-01T00:00:00Z","created_by":"push-image.sh"}]}'
}

# image_push ARCHITECTURE REFERENCE: config, layer and manifest; leaves the manifest in $WORK.
image_push()
{
    local config=$WORK/config.$1 manifest=$WORK/manifest.$1
    config_json "$1" "$DIFF_ID" >"$config"
    printf '{"schemaVersion":2,"mediaType":"%s",' "$MANIFEST_TYPE" >"$manifest"
    printf '"config":{"mediaType":"application/vnd.docker.container.image.v1+json",' >>"$manifest"
    printf '"size":%d,"digest":"sha256:%s"},' "$(stat -c %s "$config")" "$(sha256_of "$config")" \
        >>"$manifest"
    printf '"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip",' \
        >>"$manifest"
    printf '"size":%d,"digest":"sha256:%s"}]}' "$(stat -c %s "$WORK/layer.tgz")" "$LAYER" \
        >>"$manifest"
    blob_push "$config" "$(sha256_of "$config")"
    manifest_push "$manifest" "$MANIFEST_TYPE" "$2"
}

list_entry()
{
    local manifest=$WORK/manifest.$1
    printf '{"mediaType":"%s","size":%d,"digest":"sha256:%s",' "$MANIFEST_TYPE" \
        "$(stat -c %s "$manifest")" "$(sha256_of "$manifest")"
    printf '"platform":{"os":"linux","architecture":"%s"}}' "$1"
}

# list_push TAG: the foreign platform goes first, so that taking entry 0 is seen.
list_push()
{
    image_push s390x "$1-s390x"
    image_push "$ARCH" "$1-$ARCH"
    printf '{"schemaVersion":2,"mediaType":"%s","manifests":[%s,%s]}' "$LIST_TYPE" \
        "$(list_entry s390x)" "$(list_entry "$ARCH")" >"$WORK/list"
    manifest_push "$WORK/list" "$LIST_TYPE" "$1"
    cp "$WORK/list" "$WORK/manifest.$ARCH"
}

options_parse()
{
    while [[ ${1:-} == --* ]]; do
        case $1 in
        --env) ENV+=("$2"); shift ;;
        --label) LABELS+=("$2"); shift ;;
        --cmd) CMD+=("$2"); shift ;;
        --entrypoint) ENTRYPOINT+=("$2"); shift ;;
        --workdir) WORKDIR=$2; shift ;;
        --user) USER_NAME=$2; shift ;;
        --stop-signal) STOP_SIGNAL=$2; shift ;;
        --foreign-first) FOREIGN_FIRST=1 ;;
        *) echo "push-image: unknown option $1" >&2; exit 2 ;;
        esac
        shift
    done
    [[ $# -ge 3 ]] || { echo "push-image: REGISTRY-URL ROOTFS REPOSITORY:TAG" >&2; exit 2; }
    REGISTRY=${1%/} ROOTFS=$2 REPOSITORY=${3%:*}
    TAGS=("${3##*:}" "${@:4}")
}

main()
{
    options_parse "$@"
    case $(uname -m) in x86_64) ARCH=amd64 ;; aarch64) ARCH=arm64 ;; *) ARCH=$(uname -m) ;; esac
    WORK=$(mktemp -d)
    trap 'rm -rf "$WORK"' EXIT
    tar -C "$ROOTFS" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$WORK/layer" .
    DIFF_ID=$(sha256_of "$WORK/layer")
    gzip -n -1 -c "$WORK/layer" >"$WORK/layer.tgz"
    LAYER=$(sha256_of "$WORK/layer.tgz")
    blob_push "$WORK/layer.tgz" "$LAYER"
    local tag
    for tag in "${TAGS[@]}"; do
        if [[ $FOREIGN_FIRST ]]; then list_push "$tag"; else image_push "$ARCH" "$tag"; fi
        echo "$REPOSITORY:$tag@sha256:$(sha256_of "$WORK/manifest.$ARCH")"
    done
}

main "$@"
