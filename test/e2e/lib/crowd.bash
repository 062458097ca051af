# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# One of a crowd: number N prints N on both streams and exits with N modulo 200.
crowd_member()
{
    local out code
    out=$(docker run --rm -l e2e-crowd busybox sh -c "echo out $1; echo err $1 >&2; exit $(($1 % 200))" \
        2>"$CROWD_DIR/err.$1")
    code=$?
    [[ $code == "$(($1 % 200))" && $out == "out $1" && $(<"$CROWD_DIR/err.$1") == "err $1" ]] ||
        echo "$1: code $code, out '$out', err '$(<"$CROWD_DIR/err.$1")'" >>"$CROWD_DIR/wrong"
}

# crowd COUNT AT_ONCE: runs them all; prints those that went wrong.
crowd()
{
    export CROWD_DIR=$BATS_TEST_TMPDIR
    export -f crowd_member
    seq 1 "$1" | xargs -P "$2" -I {} bash -c 'crowd_member {}'
    [[ ! -s $CROWD_DIR/wrong ]] || { cat "$CROWD_DIR/wrong" >&2; return 1; }
}
