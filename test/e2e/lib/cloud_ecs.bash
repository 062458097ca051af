# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # used by cloud.bash
#
# What the simulated AWS calls its things; see cloud.bash.

# Scenarios wait for unused definitions to go.
CLOUD_TEST_ENV='SOCKERLESS_ECS_DEFINITION_IDLE_S=1 SOCKERLESS_MAINTAIN_MS=1000'
CLOUD_TASKS=.tasks
CLOUD_QUESTIONS=ecs.DescribeTasks # how runs are
CLOUD_EMPTY='(.tasks | length) == 0 and (.taskDefinitions.active | length) == 0
    and .logReadersLast2s == 0 and (.netns | length) == 0'
CLOUD_DEFAULTS='{"provision_ms":50,"stop_ms":50,"log_delay_ms":0,"describe_missing":0}'

CLOUD_LOG_QUESTIONS=logs.GetLogEvents

# cloud_late COUNT MS: so many log entries become visible so much later than the others.
cloud_late()
{
    sim POST logs/late "{\"count\":$1,\"late_ms\":$2}" >/dev/null
}

# What the cloud itself issued, from its journal, and the account's key.
cloud_secrets()
{
    local tokens token
    tokens=$(jq -r 'select(.operation == "GetAuthorizationToken") | .response
        | if type == "string" then fromjson else . end | .authorizationData[]?.authorizationToken' \
        "$E2E_RUN/journal.jsonl")
    while read -r token; do
        [[ -n $token ]] || continue
        printf '%s\n' "$token"
        base64 -d <<<"$token" | cut -d: -f2-
        echo
    done <<<"$tokens"
    cloud_secret
}
