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
forbid common/base 'loop/|ipc/|json/|cloud/|oci/|backend/|proto/|frontend/|agent/|backend-'
forbid common/loop 'ipc/|json/|cloud/|oci/|backend/|proto/|frontend/|agent/|backend-'
forbid common/ipc 'json/|cloud/|oci/|backend/|frontend/|agent/|backend-'
forbid common/json 'ipc/|cloud/|oci/|backend/|frontend/|agent/|backend-'
forbid common/oci 'ipc/|cloud/|backend/|frontend/|agent/|backend-'
forbid common/cloud 'ipc/|backend/|frontend/|agent/|backend-'
forbid common/backend 'cloud/gcp/|frontend/|agent/|backend-'
forbid frontend 'json/|cloud/|oci/|backend/|agent/|backend-'
forbid agent 'json/|cloud/|oci/|backend/|frontend/|backend-|loop/http_client'
for backend in backend-*; do
    forbid "$backend" 'frontend/|agent/'
    for other in backend-*; do
        [ "$other" = "$backend" ] || forbid "$backend" "$other/"
    done
done
# the simulators stand apart: of common they use base only
forbid test/sim 'loop/|ipc/|json/|cloud/|oci/|backend/|frontend/|agent/|backend-'
# nothing common knows a cloud by name
if grep -rniE '\b(ecs|fargate|cloudwatch|cloud run|aca)\b' --include='*.c' common/backend | grep -vE '^\S+:\s*(/\*| \*|//)' | grep -E 'if|strcmp'; then
    echo "common/backend must not tell clouds apart"
    bad=1
fi
exit $bad
