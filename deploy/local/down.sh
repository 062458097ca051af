#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Ends everything that up.sh started: processes, containers, network namespaces, mounts. Pulled
# images and container records in $RUN_DIR/state stay for the next up.sh.
set -euo pipefail

# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

RUN_DIR=${RUN_DIR:-$TOP_DIR/run}
STACK_DIR=$(realpath -ms -- "$RUN_DIR")
[[ -d $STACK_DIR && -n $(ls -A "$STACK_DIR") || -n $(stack_strays) ]] || { say "nothing runs in $STACK_DIR"; exit 0; }
become_root "$@"
unset BACKEND # the folder knows which
stack_open local "$RUN_DIR"
trap stack_own EXIT
stack_lock
stack_strays_end
stack_down
say "stopped"
