#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# `make check-models`: a stack with a journal, driven through all endpoints; then the Docker side is
# checked against Docker's API description and the cloud side against the vendor's API models.
# Usage: run.sh [FOLDER]
#   FOLDER  else the variable API_MODELS, else a folder beside the checkout: has cloud-models/aws (the AWS SDK's
#           service models), cloud-models/gcp (Google's discovery documents), cloud-models/azure (Azure's OpenAPI files) and
#           docker-api/v1.44.json (Docker's OpenAPI)
#   JOURNAL=FILE, GCP_JOURNAL=FILE, AZURE_JOURNAL=FILE add one more journal to check, for example that of the scenarios
set -euo pipefail

DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../deploy/local/lib.sh
. "$DIR/../../deploy/local/lib.sh"
MODELS_PARTS=(cloud-models/aws cloud-models/gcp cloud-models/azure docker-api/v1.44.json)

# models_complete FOLDER
models_complete()
{
    local part
    for part in "${MODELS_PARTS[@]}"; do [[ -e $1/$part ]] || return 1; done
}

models_beside()
{
    local folder
    for folder in "$TOP_DIR"/../*/; do
        ! models_complete "$folder" || { printf '%s' "$folder"; return; }
    done
}

MODELS=${1:-${API_MODELS:-$(models_beside)}}
models_complete "$MODELS" || {
    echo "check-models: ${MODELS:-no folder beside the checkout} has not all of ${MODELS_PARTS[*]}; set API_MODELS to a folder that has them" >&2
    exit 1
}
become_root "$MODELS"
PYTHON=${PYTHON:-/usr/bin/python3}
export PYTHONDONTWRITEBYTECODE=1

WORK=$(mktemp -d "${TMPDIR:-/tmp}/sk-conf.XXXXXX")
cleanup()
{
    stack_open conformance "$WORK/run" && stack_down
    stack_open conformance-gcp "$WORK/gcp" && stack_down
    stack_open conformance-azure "$WORK/azure" && stack_down
    rm -rf "$WORK"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

unset BACKEND # each folder knows its own
SIM_FLAGS="--journal $WORK/journal.jsonl" BACKEND=ecs stack_up conformance "$WORK/run"
status=0
"$PYTHON" "$DIR/check_docker_api.py" "$(stack_socket)" "$MODELS/docker-api/v1.44.json" || status=1
"$PYTHON" "$DIR/check_docker_types.py" "$(stack_socket)" "$MODELS/docker-api/v1.44.json" || status=1
component_stop frontend
component_stop backend
for journal in "$WORK/journal.jsonl" ${JOURNAL:+"$JOURNAL"}; do
    "$PYTHON" "$DIR/check_models.py" "$journal" "$MODELS/cloud-models/aws" || status=1
done
# The simulated Google Cloud, driven by its own tests; GCP_JOURNAL=FILE adds what a backend sent.
for name in gcpsim_run gcpsim_functions; do
    SIM_JOURNAL=$WORK/gcp.jsonl SIM_GCP_BIN=$BIN_DIR/sockerless-sim-gcp \
        "$BIN_DIR/../test/unit/$name" || status=1
done
for backend in cloudrun gcf; do
    SIM_FLAGS="--journal $WORK/$backend.jsonl" BACKEND=$backend stack_up conformance-gcp "$WORK/gcp"
    "$PYTHON" "$DIR/check_docker_api.py" "$(stack_socket)" "$MODELS/docker-api/v1.44.json" || status=1
    component_stop frontend
    component_stop backend
done
for journal in "$WORK"/{gcp,cloudrun,gcf}.jsonl ${GCP_JOURNAL:+"$GCP_JOURNAL"}; do
    "$PYTHON" "$DIR/check_google_models.py" "$journal" "$MODELS/cloud-models/gcp" || status=1
done
# The simulated Azure, driven by its own tests and by the backend; AZURE_JOURNAL=FILE adds another.
for name in azuresim_jobs azuresim_rules azuresim_logs; do
    SIM_JOURNAL=$WORK/azure.jsonl SIM_AZURE_BIN=$BIN_DIR/sockerless-sim-azure \
        "$BIN_DIR/../test/unit/$name" || status=1
done
SIM_FLAGS="--journal $WORK/aca.jsonl" BACKEND=aca stack_up conformance-azure "$WORK/azure"
"$PYTHON" "$DIR/check_docker_api.py" "$(stack_socket)" "$MODELS/docker-api/v1.44.json" || status=1
component_stop frontend
component_stop backend
for journal in "$WORK/azure.jsonl" "$WORK/aca.jsonl" ${AZURE_JOURNAL:+"$AZURE_JOURNAL"}; do
    "$PYTHON" "$DIR/check_azure_models.py" "$journal" "$MODELS/cloud-models/azure" || status=1
done
exit $status
