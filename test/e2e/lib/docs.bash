# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Runs what the pages tell people to type, as it is written. What is theirs is replaced: /run and /usr/local are folders
# of the test, the cloud account is a simulated one, programs that only an account can answer are stand-ins.

# stand_in NAME <SCRIPT: a program that is found first.
stand_in()
{
    mkdir -p "$BATS_TEST_TMPDIR/stand-ins"
    { echo '#!/bin/bash'; cat; } >"$BATS_TEST_TMPDIR/stand-ins/$1"
    chmod 755 "$BATS_TEST_TMPDIR/stand-ins/$1"
}

# What comes before the blocks: every command must succeed, every variable that is set must have a value, and daemons
# that were started answer before the next block, since people type more slowly than this.
DOCS_PRELUDE='
docs_block() { echo "== $1"; }
docs_block_over()
{
    local name waited=0
    for name in "$@"; do
        [[ -n ${!name} ]] || { echo "$name is empty"; exit 1; }
    done
    [[ -n $(jobs -pr) ]] || return 0
    until DOCKER_HOST=unix:///run/sockerless/docker.sock docker ps >/dev/null 2>&1; do
        [[ $((waited++)) -lt 200 && -n $(jobs -pr) ]] || { echo "the daemons do not answer"; exit 1; }
        sleep 0.05
    done
}
docs_end()
{
    local daemons
    daemons=$(jobs -p)
    [[ -z $daemons ]] || { kill $daemons; wait $daemons; } 2>/dev/null || true
}
trap docs_end EXIT
'

# page FILE [SED-SCRIPT]: all its blocks in one shell, in their order. Output to $output.
page()
{
    local script=$BATS_TEST_TMPDIR/page
    { printf '%s\n' "$DOCS_PRELUDE"; "$TOP/test/lint/docs_blocks.py" "$TOP/$1" | sed "${2:-}"; } >"$script"
    grep -q '^docs_block ' "$script"
    export PREFIX=$BATS_TEST_TMPDIR/prefix SOCKERLESS_STATE_DIR=$BATS_TEST_TMPDIR/state
    export PATH=$BATS_TEST_TMPDIR/stand-ins:$PREFIX/bin:$PATH
    # shellcheck disable=SC2086 # a list of words
    run timeout 150 ${PAGE_SHELL:-} bash -eo pipefail "$script"
    [[ $status == 0 ]] || { printf '%s\nexit code %s\n' "$output" "$status"; return 1; }
}

# A machine whose /run has nothing in it, for pages that start daemons there.
other_run()
{
    # shellcheck disable=SC2016 # expanded by the inner shell
    PAGE_SHELL="unshare -m $BATS_TEST_TMPDIR/stand-ins/with-other-run"
    stand_in with-other-run <<<'mount -t tmpfs none /run && exec "$@"'
}
