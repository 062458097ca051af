#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Ends everything that up.sh started: processes, containers, network namespaces, mounts. Pulled
# images and container records in $RUN_DIR/state stay for the next up.sh.
set -euo pipefail

# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

RUN_DIR=${RUN_DIR:-$TOP_DIR/run}
[[ -d $RUN_DIR && -n $(ls -A "$RUN_DIR") ]] || { say "nothing runs in $RUN_DIR"; exit 0; }
become_root "$@"
unset BACKEND # the folder knows which
stack_open local "$RUN_DIR"
trap stack_own EXIT
stack_lock
stack_down
say "stopped"
