# SPDX-License-Identifier: Apache-2.0
# Runs last: no password and no token that any scenario used is in a log or in the state on disk.
# Every daemon logs at debug level here (setup_suite.bash).

bats_require_minimum_version 1.5.0
load lib/common
load lib/registries
load lib/cloud

@test "secrets: none is in a log or in the backend's files" {
    local left=$BATS_TEST_TMPDIR/secrets
    [[ -s $E2E_RUN/secrets ]] || secret_keep "$(secret_new none-was-used)"
    { cat "$E2E_RUN/secrets"; cloud_secrets; } | grep -E '.{8}' >"$left"
    sort -u "$left" | grep -v '^$' >"$left.all"
    echo "# $(wc -l <"$left.all") secrets looked for" >&3
    grep -c '"level":"debug"' "$STACK_DIR/backend.log" "$STACK_DIR/frontend.log" >&2
    run -1 grep -raoF -f "$left.all" "$STACK_DIR/backend.log" "$STACK_DIR/frontend.log" \
        "$STACK_STATE"
    run -1 grep -raoF -f "$left.all" "$STACK_SIM_STATE" --include='*.log' --include='*.jsonl'
}
