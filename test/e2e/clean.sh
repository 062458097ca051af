#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Ends what is left of stacks under DIR, whose run was ended before it could do so: daemons,
# containers, namespaces, mounts. Usage: clean.sh DIR          (environment: BIN_DIR, TARGET, BACKEND)
set -uo pipefail

E2E_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../deploy/local/lib.sh
. "$E2E_DIR/../../deploy/local/lib.sh"
. "$E2E_DIR/lib/dockerd.sh"

for pidfile in "${1:?a folder}"/sk-e2e.*/*/*.pid; do
    [[ -e $pidfile ]] || continue
    stack_open left "${pidfile%/*}"
    name=${pidfile##*/}
    component_kill "${name%.pid}"
done
for dir in "$1"/sk-e2e.*/*/; do
    [[ -e $dir ]] || continue
    stack_open left "$dir"
    [[ ! -d $dir/dockerd ]] || dockerd_down
    sim_cleanup
done
