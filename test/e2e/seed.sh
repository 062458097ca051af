#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Makes what every stack of the scenarios begins with: a registry's folder with the images, and the
# certification authority. With STACK_SEED=DIR stacks copy it instead of making their own.
# Usage: seed.sh DIR          (environment: BIN_DIR)
set -euo pipefail

E2E_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../deploy/local/lib.sh
. "$E2E_DIR/../../deploy/local/lib.sh"
. "$E2E_DIR/lib/images.sh"
. "$E2E_DIR/lib/authority.sh"

DIR=${1:?a folder to make}
mkdir -p "$DIR"
stack_open seed "$DIR/stack"
trap 'component_stop registry; rm -rf "$DIR/stack"' EXIT
E2E_RUN=$DIR
ca_make
registry_start
images_push
test_images_push
component_stop registry
mv "$STACK_DIR/state/registry" "$DIR/registry"
