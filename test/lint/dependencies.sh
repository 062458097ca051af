#!/usr/bin/env bash
# The layers, as README.md draws them: which folder may include which. Fails with every breach.
set -euo pipefail
cd "$(dirname "$0")/../.."
bad=0

# forbid FOLDER PATTERN: no file of FOLDER includes what matches PATTERN
forbid() {
    local hits
    hits=$(grep -rnE "^#include \"($2)" --include='*.c' --include='*.h' "$1" || true)
    if [ -n "$hits" ]; then
        echo "$1 must not include $2:"
        echo "$hits"
        bad=1
    fi
}

[ -d common/base ] || exit 1
forbid common/base 'loop/|ipc/|oci/|cloud/|gcp/|backend/|proto/|frontend/|agent/|backend-'
forbid common/loop 'ipc/|oci/|cloud/|gcp/|backend/|proto/|frontend/|agent/|backend-'
forbid common/ipc 'oci/|cloud/|gcp/|backend/|frontend/|agent/|backend-'
forbid common/oci 'ipc/|cloud/|gcp/|backend/|frontend/|agent/|backend-'
forbid common/cloud 'ipc/|gcp/|backend/|frontend/|agent/|backend-'
forbid common/gcp 'ipc/|frontend/|agent/|backend-'
forbid common/backend 'gcp/|frontend/|agent/|backend-'
forbid frontend 'oci/|cloud/|gcp/|backend/|agent/|backend-'
forbid agent 'oci/|cloud/|gcp/|backend/|frontend/|backend-|loop/http_client'
for backend in backend-*; do
    forbid "$backend" 'frontend/|agent/'
    for other in backend-*; do
        [ "$other" = "$backend" ] || forbid "$backend" "$other/"
    done
done
# the simulators stand apart: of common they use base only
forbid test/sim 'loop/|ipc/|oci/|cloud/|backend/|frontend/|agent/|backend-'
# nothing common knows a cloud by name
if grep -rniE '\b(ecs|fargate|cloudwatch|cloud run|aca)\b' --include='*.c' common/backend | grep -vE '^\S+:\s*(/\*| \*|//)' | grep -E 'if|strcmp'; then
    echo "common/backend must not tell clouds apart"
    bad=1
fi
exit $bad
