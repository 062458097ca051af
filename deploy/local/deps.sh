#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs the Debian 12 packages that a make target needs and that are missing; says what it does.
# Usage: deps.sh [build|run|test|lint|models|sdks]…   (`build` is always included)
#
# Nothing is downloaded and no package list refreshed when all are there. docker.io and
# docker-registry would start daemons of their own on installation: a policy-rc.d forbids that for
# the time of the installation only.
set -euo pipefail

declare -A GROUP=(
    [build]="gcc binutils make pkg-config libuv1-dev node-llhttp libcurl4-openssl-dev libexpat1-dev libnng-dev
             libmbedtls-dev libarchive-dev protobuf-c-compiler libprotobuf-c-dev libjansson-dev
             libsqlite3-dev libssl-dev uthash-dev zlib1g-dev libzstd-dev libdeflate-dev libmicrohttpd-dev
             libpcre2-dev"
    [run]="docker-registry runc busybox-static iproute2 curl ca-certificates util-linux procps"
    [test]="docker-registry docker.io git make runc busybox-static iproute2 curl ca-certificates util-linux
            procps bats libcmocka-dev libwslay-dev python3 clang libclang-rt-14-dev jq
            coreutils valgrind skopeo umoci musl-tools openssl xz-utils zstd apache2-utils wget"
    [lint]="clang clang-format-14 cppcheck git shfmt python3"
    [models]="python3 python3-jsonschema"
    [sdks]="python3 python3-venv"
)
POLICY=/usr/sbin/policy-rc.d

say()
{
    printf 'deps: %s\n' "$*"
}

# The packages of the named groups, each once.
wanted_packages()
{
    local group packages="${GROUP[build]}"
    for group in "$@"; do
        [[ -n ${GROUP[$group]:-} ]] || { say "no such group: $group" >&2; exit 2; }
        packages+=" ${GROUP[$group]}"
        # Any docker client will do for `make run`.
        [[ $group == run ]] && ! command -v docker >/dev/null && packages+=" docker.io"
    done
    tr -s ' \n' '\n' <<<"$packages" | sed '/^$/d' | sort -u
}

missing_packages()
{
    local installed
    installed=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' 2>/dev/null |
                sed -n 's/^ii  *//p' | sort -u)
    comm -23 <(wanted_packages "$@") <(printf '%s\n' "$installed")
}

# How to become root: nothing, sudo, or a refusal that says what to do.
root_prefix()
{
    [[ $(id -u) == 0 ]] && return
    command -v sudo >/dev/null && { echo "sudo"; return; }
    say "not root and no sudo; as root run: apt-get install $*" >&2
    exit 1
}

policy_remove()
{
    [[ ! -e $POLICY.sockerless ]] || $AS_ROOT rm -f "$POLICY" "$POLICY.sockerless"
}

# Only where there is none: an administrator's own policy is left alone.
policy_forbid_starts()
{
    if [[ -e $POLICY.sockerless || ! -e $POLICY ]]; then
        trap policy_remove EXIT
        trap 'exit 130' INT TERM
        $AS_ROOT touch "$POLICY.sockerless"
        printf '#!/bin/sh\nexit 101\n' | $AS_ROOT tee "$POLICY" >/dev/null
        $AS_ROOT chmod 755 "$POLICY"
    fi
}

packages_install()
{
    local apt=("env" "DEBIAN_FRONTEND=noninteractive" "apt-get" "-q" "-y"
               "-o" "Dpkg::Use-Pty=0" "-o" "DPkg::Lock::Timeout=300")
    policy_forbid_starts
    $AS_ROOT "${apt[@]}" update
    $AS_ROOT "${apt[@]}" install --no-install-recommends "$@" </dev/null
}

main()
{
    command -v dpkg-query >/dev/null ||
        { say "not a Debian system; install by hand: $(wanted_packages "$@" | xargs)"; exit 0; }
    local missing
    missing=$(missing_packages "$@" | xargs)
    [[ -n $missing ]] || exit 0
    AS_ROOT=$(root_prefix "$missing")
    say "installing missing packages: $missing"
    # shellcheck disable=SC2086 # a list of words
    packages_install $missing
    say "done"
}

main "$@"
