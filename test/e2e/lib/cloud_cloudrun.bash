# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # used by cloud.bash
#
# What the simulated Google Cloud calls its things; see cloud.bash.

CLOUD_TEST_ENV=
CLOUD_TASKS=.executions
CLOUD_QUESTIONS=run.executions.get # how runs are
CLOUD_STARTS='run.jobs.create run.jobs.run' # what a start calls
CLOUD_EMPTY='(.jobs | length) == 0 and (.executions | length) == 0'
CLOUD_DEFAULTS='{"provision_ms":50,"operation_ms":20,"log_delay_ms":0,"log_late":0,"log_duplicate":0,
    "log_own_ids":0,"log_own_time":0,"log_same_time":0,"token_ttl_s":3600,"throttling":0}'

CLOUD_LOG_QUESTIONS=logging.entries.list

# cloud_late COUNT MS: so many log entries become visible so much later than the others.
cloud_late()
{
    sim_config "{\"log_late\":$1,\"log_late_ms\":$2}"
}

# gcp METHOD PATH [BODY]: a call of Google's API by a client other than the backend.
gcp()
{
    local token
    token=$(sim POST tokens | jq -r .token)
    curl -fsS -X "$1" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
        ${3:+--data-binary "$3"} "$(stack_sim_url)/v2/projects/sockerless-local/locations/us-central1/$2"
}

# The account's private key, in pieces of a line, and the tokens that are in the journal.
cloud_secrets()
{
    jq -r .private_key "$STACK_SIM_STATE/service-account.json" | grep -v -e '-----'
    grep -ohE '"(access_token|token)": ?"[^"]{16,}"' "$E2E_RUN/journal.jsonl" | cut -d'"' -f4
    true
}
