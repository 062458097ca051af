# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What every scenario file loads: the daemon is named by DOCKER_HOST (setup_suite.bash), containers
# are named by `name`, and whatever a test leaves is removed after it.

export PYTHONDONTWRITEBYTECODE=1
PYTHON=${PYTHON:-/usr/bin/python3}

# name WORD: a container name of this test only.
name()
{
    printf 'e2e-%s-%s' "$BATS_SUITE_TEST_NUMBER" "$1"
}

teardown()
{
    local left
    left=$(docker ps -aq --no-trunc --filter "name=^/e2e-$BATS_SUITE_TEST_NUMBER-")
    # shellcheck disable=SC2086 # a list of ids
    [[ -z $left ]] || docker rm -f $left >/dev/null 2>&1 || true
}

# sized COUNT: what is large only to be large is a tenth of it for instrumented daemons, which are ten times
# as slow and run for their memory errors, and, where slow tests are left out, with agents that dial on the
# further clouds (`make check-all` has the whole there as well).
sized()
{
    case ${BIN_DIR:-}:${E2E_LEAVE_OUT-}:${AGENT:-}:${BACKEND:-} in
        */asan/*) echo $(($1 / 10)) ;;
        *:*slow*:reverse:ecs) echo "$1" ;;
        *:*slow*:reverse:*) echo $(($1 / 10)) ;;
        *) echo "$1" ;;
    esac
}

# raw FILE SCENARIO: a scenario of lib/FILE.py.
raw()
{
    "$PYTHON" "$E2E_DIR/lib/$1.py" "$2"
}

api()
{
    curl -sS --max-time 60 --unix-socket "${DOCKER_HOST#unix://}" "$@"
}

# api_status METHOD TARGET [BODY]: status to $status, body to $output.
api_call()
{
    local body=$BATS_TEST_TMPDIR/body args=(-X "$1" -o "$BATS_TEST_TMPDIR/body" -w '%{http_code}')
    [[ $# -lt 3 ]] || args+=(-H 'Content-Type: application/json' --data-binary "$3")
    : >"$body"
    status=$(api "${args[@]}" "http://docker$2")
    output=$(cat "$body")
}

# until_true SECONDS COMMAND…: polls, bounded.
until_true()
{
    local deadline=$((SECONDS + $1)) pause_ms=50
    shift
    until "$@"; do
        [[ $SECONDS -lt $deadline ]] || { echo "not in time: $*" >&2; return 1; }
        sleep "0.${pause_ms/#50/050}"
        [[ $pause_ms -ge 200 ]] || pause_ms=$((pause_ms + 50))
    done
}

equal()
{
    [[ $1 == "$2" ]] || { printf 'got:  %q\nwant: %q\n' "$1" "$2" >&2; return 1; }
}

# contains TEXT PART
contains()
{
    [[ $1 == *"$2"* ]] || { printf 'no %q in: %q\n' "$2" "$1" >&2; return 1; }
}

# field CONTAINER TEMPLATE
field()
{
    docker inspect -f "{{$2}}" "$1"
}

# running NAME [docker run options]: a keep-alive container.
running()
{
    docker run -d --name "$1" "${@:2}" busybox tail -f /dev/null >/dev/null
}

# Lets a container go on that waits for /tmp/open. It may end, and take the exec with it, before that
# has ended by itself.
gate_open()
{
    local code=0
    docker exec "$1" touch /tmp/open || code=$?
    [[ $code == 0 || $code == 137 ]]
}
