# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What lib.sh asks about Google Cloud when containers are Cloud Functions: the cloud of cloud_cloudrun.sh,
# and another backend. Functions take no connections but their own requests: agents always dial.

# shellcheck source=cloud_cloudrun.sh
. "$LOCAL_DIR/cloud_cloudrun.sh"

CLOUD_AGENT=reverse

# cloud_injection_env METHOD: the agent is a layer of the image, whatever is asked for.
cloud_injection_env()
{
    :
}

cloud_backend_env()
{
    printf '%s\n' SOCKERLESS_GCF_PROJECT=sockerless-local \
        SOCKERLESS_GCF_REGION=us-central1 \
        GOOGLE_APPLICATION_CREDENTIALS="$STACK_SIM_STATE/service-account.json" \
        SOCKERLESS_GCF_RATE_PERCENT=10000 \
        SOCKERLESS_GCF_POLL_MS=50 \
        SOCKERLESS_GCF_LOG_POLL_MS=100 \
        SOCKERLESS_GCF_LOG_READS_PER_MIN=6000
}
