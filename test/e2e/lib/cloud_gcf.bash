# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # used by cloud.bash
#
# What the simulated Google Cloud calls its things when containers are Cloud Functions; see cloud.bash.
# Functions outlive their containers: those of the pool remain, which have its label.

# shellcheck source=cloud_cloudrun.bash
. "$E2E_DIR/lib/cloud_cloudrun.bash"

CLOUD_TASKS=.invocations
CLOUD_QUESTIONS=cloudfunctions.operations.get
CLOUD_STARTS=run.invoke # what a start calls
CLOUD_EMPTY='(.invocations | length) == 0 and .instanceCount == 0 and (.functions | length) <= 10
    and all(.functions[]; .state == "ACTIVE" and .labels["sockerless-pool"] != null)
    and (.services | length) == (.functions | length)'
CLOUD_DEFAULTS='{"provision_ms":50,"operation_ms":20,"build_ms":50,"build_fails":0,"log_delay_ms":0,
    "log_late":0,"log_duplicate":0,"log_own_ids":0,"log_own_time":0,"log_same_time":0,"token_ttl_s":3600,
    "throttling":0,"startup_timeout_ms":240000,"idle_ms":1000,"queue_ms":10000,"invoke_twice":0,
    "quota_refused":0,"quota_disguise":0,"uri_missing":0,"service_reset":0,"service_reset_ms":100}'
