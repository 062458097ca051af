#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Starts the local cloud (BACKEND=ecs, the default, or cloudrun) and Sockerless in front of it, runs a first container and leaves all of it
# running. State, sockets and logs: $RUN_DIR (./run in the checkout). May be run again at any time:
# what runs and is current stays, what was killed or rebuilt is started anew.
set -euo pipefail

# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

RUN_DIR=${RUN_DIR:-$TOP_DIR/run}
become_root "$@"
stack_up local "$RUN_DIR"

export DOCKER_HOST="unix://$(stack_socket)"
# No credentials, contexts or plugins of the user's own for the first container.
DOCKER_CONFIG=$(mktemp -d)
export DOCKER_CONFIG
trap 'rm -rf "$DOCKER_CONFIG"' EXIT

docker run --rm busybox echo "hello from a container on a local $CLOUD_NAME"
cat <<END

registry (stands in for docker.io: push library/NAME:TAG, run NAME:TAG): ${REGISTRY_URL:-$(stack_registry_url)}
logs: $STACK_DIR/*.log        stop: make stop

export DOCKER_HOST=$DOCKER_HOST
END
