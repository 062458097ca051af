#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# `make check-sdks`: the vendors' own Python clients against the simulated clouds. The clients come
# from PyPI into a virtual environment under build/, once for each content of requirements.txt; the
# simulators run as in `make run`, but without a backend.
# Usage: run.sh [unittest's arguments]      (SDKS_VENV: another place for the environment)
set -euo pipefail

DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../deploy/local/lib.sh
. "$DIR/../../deploy/local/lib.sh"
become_root "$@"
STACK_NAME=check-sdks
VENV=${SDKS_VENV:-$TOP_DIR/build/sdks/venv}
PYTHON=${PYTHON:-/usr/bin/python3} # the one that python3-venv belongs to
export PYTHONDONTWRITEBYTECODE=1

# The stamp is written last: an interrupted installation is done again.
clients_install()
{
    ! cmp -s "$DIR/requirements.txt" "$VENV/requirements.txt" || return 0
    say "installing the clients from PyPI into $VENV"
    rm -rf "$VENV"
    mkdir -p "$(dirname "$VENV")"
    "$PYTHON" -m venv "$VENV" || { die "no virtual environment: install the package python3-venv"; return 1; }
    "$VENV/bin/pip" --disable-pip-version-check --no-input install --quiet --retries 2 --timeout 20 \
        -r "$DIR/requirements.txt" ||
        { die "the clients could not be installed: PyPI is not reachable from here, or refuses them"; return 1; }
    cp "$DIR/requirements.txt" "$VENV/requirements.txt"
}

# cloud_start BACKEND: its simulator alone.
cloud_start()
{
    BACKEND=$1
    stack_open check-sdks "$WORK/$1"
    sim_start
}

cloud_stop()
{
    BACKEND=$1
    stack_open check-sdks "$WORK/$1"
    component_stop sim
    sim_cleanup
}

cleanup()
{
    cloud_stop ecs
    cloud_stop cloudrun
    cloud_stop aca
    BACKEND=ecs
    unset REGISTRY_URL
    stack_open check-sdks "$WORK/registry"
    component_stop registry
    rm -rf "$WORK"
}

clients_install
WORK=$(mktemp -d "${TMPDIR:-/tmp}/sk-sdks.XXXXXX")
trap cleanup EXIT
trap 'exit 130' INT TERM

BACKEND=ecs
stack_open check-sdks "$WORK/registry"
registry_start
images_push
REGISTRY_URL=$(stack_registry_url)
cloud_start ecs
AWS_URL=$(stack_sim_url) AWS_SECRET=$(cloud_secret)
cloud_start cloudrun
GCP_URL=$(stack_sim_url) GCP_STATE=$STACK_SIM_STATE
cloud_start aca
# Nothing of the caller's own accounts or proxies may play a part.
env -i PATH="$PATH" HOME="$WORK" NO_PROXY='*' PYTHONDONTWRITEBYTECODE=1 \
    AWS_EC2_METADATA_DISABLED=true SIM_AWS_URL="$AWS_URL" SIM_AWS_SECRET="$AWS_SECRET" \
    SIM_GCP_URL="$GCP_URL" SIM_GCP_STATE="$GCP_STATE" \
    SIM_AZURE_URL="$(stack_sim_url)" SIM_AZURE_STATE="$STACK_SIM_STATE" \
    SIM_AZURE_SUBSCRIPTION="$CLOUD_SUBSCRIPTION" \
    "$VENV/bin/python" -W ignore -m unittest discover --start-directory "$DIR" "$@"
