# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What lib.sh asks about Google Cloud: its simulator, its backend's settings, its registry.

CLOUD_SIM=sockerless-sim-gcp
CLOUD_NAME="Google Cloud"
CLOUD_BUCKET=sockerless-local

# The bucket with the agent, for the start-up command.
cloud_sim_prepare()
{
    local bucket=$STACK_SIM_STATE/gcs/$CLOUD_BUCKET agent
    agent=$(agent_binary) || return 1
    mkdir -p "$bucket" && cp "$agent" "$bucket/sockerless-agent"
}

cloud_sim_flags()
{
    printf '%s\n' --artifact-registry "$(stack_registry_url)" --region us-central1 \
        --project sockerless-local
}

# The project's own registry, which the simulator answers for.
cloud_registry_host()
{
    printf 'us-central1-docker.pkg.dev'
}

# cloud_injection_env METHOD
cloud_injection_env()
{
    printf 'SOCKERLESS_GCR_AGENT_INJECTION_METHOD=%s' "$1"
}

# The local default is image_layer: busybox's static wget does not survive -T, and busybox images are
# what people start with. Buckets are seen by containers at the gateway, not at the backend's endpoint.
cloud_backend_env()
{
    local agent=$STACK_SIM_STATE/gcs/$CLOUD_BUCKET/sockerless-agent port
    port=$(<"$STACK_DIR/sim.port")
    printf '%s\n' SOCKERLESS_GCR_PROJECT=sockerless-local \
        SOCKERLESS_GCR_REGION=us-central1 \
        GOOGLE_APPLICATION_CREDENTIALS="$STACK_SIM_STATE/service-account.json" \
        SOCKERLESS_GCR_AGENT_GCS_BUCKET="$CLOUD_BUCKET" \
        SOCKERLESS_GCR_AGENT_URL="http://$(stack_gateway):$port/$CLOUD_BUCKET/sockerless-agent" \
        SOCKERLESS_GCR_AGENT_SHA256="$(sha256sum "$agent" | cut -d' ' -f1)" \
        SOCKERLESS_GCR_RATE_PERCENT=10000 \
        SOCKERLESS_GCR_POLL_MS=50 \
        SOCKERLESS_GCR_LOG_POLL_MS=100 \
        SOCKERLESS_GCR_LOG_READS_PER_MIN=6000
    cloud_injection_env "${INJECTION:-image_layer}"
}
