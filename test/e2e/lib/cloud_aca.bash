# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # used by cloud.bash
#
# What the simulated Azure calls its things; see cloud.bash.

CLOUD_TEST_ENV=
CLOUD_TASKS=.executions
CLOUD_QUESTIONS=arm.executions.get # how runs are
CLOUD_EMPTY='(.jobs | length) == 0 and (.executions | length) == 0'
CLOUD_DEFAULTS='{"provision_ms":50,"operation_ms":20,"operations_late":0,"start_at_once":0,
    "status_unknown":0,"stop_grace_ms":30000,"log_delay_ms":0,"log_delay_percent":0,"log_late":0,
    "log_same_time":0,"log_plain":0,"log_no_stream":0,"log_partial":0,"token_ttl_s":3600,
    "throttling":0}'

CLOUD_STARTS='arm.jobs.put arm.jobs.start' # what a start calls
CLOUD_LOG_QUESTIONS=logs.query

# cloud_late COUNT MS: so many log entries become visible so much later than the others.
cloud_late()
{
    sim_config "{\"log_late\":$1,\"log_late_ms\":$2}"
}

# The application's private key, in pieces of a line, the registry's password, and the tokens that are
# in the journal.
cloud_secrets()
{
    sed -n '/PRIVATE KEY/,/PRIVATE KEY/p' "$STACK_SIM_STATE/client-certificate.pem" | grep -v -e '-----'
    grep -ohE '"(access_token|refresh_token)": ?"[^"]{16,}"' "$E2E_RUN/journal.jsonl" | cut -d'"' -f4
    cloud_secret
}
