#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Starts the local cloud (BACKEND=ecs, the default, cloudrun, aca or gcf) and Sockerless in front of it, runs a
# first container and leaves all of it running. State, sockets and logs: $RUN_DIR (./run in the checkout).
# May be run again at any time: what runs and is current stays, what was killed or rebuilt is started anew.
# Usage: up.sh [--check]     --check: only whether RUN_DIR and BACKEND can be used; makes nothing
set -euo pipefail

# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

RUN_DIR=${RUN_DIR:-$TOP_DIR/run}
stack_find local "$RUN_DIR"
[[ -x $BIN_DIR/sockerless-frontend || -w $TOP_DIR ]] ||
    die "the checkout $TOP_DIR is read-only and nothing is built in it; copy it to another folder and run make there"
[[ ${1:-} != --check ]] || exit 0
become_root "$@"
stack_open local "$RUN_DIR"
trap stack_own EXIT
stack_lock
trap 'rm -rf "$STACK_DIR/tmp"; stack_own' EXIT
stack_strays_end
stack_up local "$RUN_DIR"
stack_own

DOCKER_HOST="unix://$(stack_socket)"
# No credentials, contexts or plugins of the user's own for the first container.
DOCKER_CONFIG=$(stack_tmp)
export DOCKER_HOST DOCKER_CONFIG
unset DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH DOCKER_API_VERSION

docker run --rm busybox echo "hello from a container on a local $CLOUD_NAME" {STACK_LOCK_FD}>&-

stop="make stop"
[[ $STACK_DIR == "$TOP_DIR/run" ]] || printf -v stop 'RUN_DIR=%q make stop' "$STACK_DIR"
cat <<END

registry (stands in for docker.io: push library/NAME:TAG, run NAME:TAG): ${REGISTRY_URL:-$(stack_registry_url)}
logs: $STACK_DIR/*.log        stop: $stop

export DOCKER_HOST=$(printf '%q' "$DOCKER_HOST")
END
