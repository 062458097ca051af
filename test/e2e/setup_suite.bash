# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Starts the target of a run once (bats calls setup_suite before the first file). TARGET says which:
# dockerd, the oracle, or sockerless, our daemons before the simulated cloud.

setup_suite()
{
    set +T # bats's trace of every command costs as much as all the rest of this
    IFS=$' \t\n' # bats 1.8 leaves a comma there after --filter-tags
    E2E_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
    export E2E_DIR
    # shellcheck source=../../deploy/local/lib.sh
    . "$E2E_DIR/../../deploy/local/lib.sh"
    . "$E2E_DIR/lib/dockerd.sh"
    . "$E2E_DIR/lib/images.sh"
    . "$E2E_DIR/lib/authority.sh"
    # Short: the sockets' paths go in here.
    E2E_RUN=$(mktemp -d "${E2E_TMP:-/tmp}/sk-e2e.XXXXXX")
    export E2E_RUN
    case ${TARGET:?dockerd or sockerless} in
    dockerd) dockerd_up e2e "$E2E_RUN/stack" ;;
    sockerless)
        ca_make
        stack_open e2e "$E2E_RUN/stack" || return 1
        . "$E2E_DIR/lib/cloud_$STACK_BACKEND.bash"
        # One scenario reads all that daemons log.
        export BACKEND=$STACK_BACKEND
        export BACKEND_ENV="$CLOUD_TEST_ENV ${BACKEND_ENV:-} SOCKERLESS_LOG_LEVEL=debug SOCKERLESS_REGISTRY_CA_FILE=$E2E_CA_DIR/ca.pem"
        export FRONTEND_ENV=SOCKERLESS_LOG_LEVEL=debug
        SIM_FLAGS="${SIM_FLAGS:-} --journal $E2E_RUN/journal.jsonl" \
            stack_up e2e "$E2E_RUN/stack" ;;
    esac || { teardown_suite; return 1; }
    [[ -n ${STACK_SEED:-} ]] || test_images_push || { teardown_suite; return 1; }
    DOCKER_HOST="unix://$(stack_socket)"
    REGISTRY_ADDRESS=$(stack_registry_url)
    REGISTRY_ADDRESS=${REGISTRY_ADDRESS#http://}
    DOCKER_CONFIG=$E2E_RUN/docker-config
    mkdir -p "$DOCKER_CONFIG"
    export DOCKER_HOST DOCKER_CONFIG REGISTRY_ADDRESS
    local image
    for image in busybox test/merge test/scratch; do
        docker pull -q "$image" >/dev/null || { teardown_suite; return 1; }
    done
}

teardown_suite()
{
    set +T
    IFS=$' \t\n'
    . "$E2E_DIR/../../deploy/local/lib.sh"
    . "$E2E_DIR/lib/dockerd.sh"
    stack_open e2e "$E2E_RUN/stack" || return 1
    local status=0
    if [[ $TARGET == dockerd ]]; then dockerd_down; else stack_down; fi
    [[ $TARGET == dockerd ]] || stack_logs_clean >&3 || status=1
    [[ ! -e $E2E_RUN/journal.jsonl || -z ${E2E_JOURNAL:-} ]] || cp "$E2E_RUN/journal.jsonl" "$E2E_JOURNAL"
    if [[ -n ${E2E_KEEP_LOGS:-} ]]; then
        mkdir -p "$E2E_KEEP_LOGS"
        cp "$STACK_DIR"/*.log "$E2E_KEEP_LOGS"/
    fi
    [[ -n ${E2E_KEEP:-} ]] || rm -rf "$E2E_RUN"
    return $status
}
