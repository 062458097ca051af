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
    # What the simulated cloud itself issued, from its journal.
    jq -r 'select(.operation == "GetAuthorizationToken") | .response
           | if type == "string" then fromjson else . end | .authorizationData[]?.authorizationToken' \
        "$E2E_RUN/journal.jsonl" >"$left"
    while read -r token; do base64 -d <<<"$token" | cut -d: -f2-; echo; done <"$left" >>"$left.plain"
    cat "$E2E_RUN/secrets" >>"$left"
    cat "$left.plain" "$E2E_RUN/stack/sim.conf" | sed 's/^secret-key = //' | grep -E '.{8}' >>"$left"
    sort -u "$left" | grep -v '^$' >"$left.all"
    echo "# $(wc -l <"$left.all") secrets looked for" >&3
    grep -c '"level":"debug"' "$STACK_DIR/backend.log" "$STACK_DIR/frontend.log" >&2
    run -1 grep -raoF -f "$left.all" "$STACK_DIR/backend.log" "$STACK_DIR/frontend.log" \
        "$STACK_DIR/state/ecs"
    run -1 grep -raoF -f "$left.all" "$STACK_DIR/state/sim" --include='*.log' --include='*.jsonl'
}
