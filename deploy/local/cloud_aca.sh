# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What lib.sh asks about Azure: its simulator, its backend's settings, its registry.

CLOUD_SIM=sockerless-sim-azure
CLOUD_NAME="Azure"
CLOUD_TENANT=6d0ab4f1-3c56-4e0b-9c11-8f6f8b7f2a10
CLOUD_SUBSCRIPTION=0f5b1c9e-7d0b-4f1e-8a53-2f0c6b1d9e42
CLOUD_CLIENT=a6f3e8d2-1b4c-4d7e-9f20-5c8b7a6d3e91
CLOUD_ACCOUNT=sockerlesslocal
CLOUD_SHARE=sockerless

# The password of the registry's admin user, in a file that is also the simulator's configuration, not
# on a command line.
cloud_secret()
{
    sed -n 's/^acr-password = //p' "$STACK_DIR/sim.conf"
}

# The file share with the agent, for INJECTION=azure_files.
cloud_sim_prepare()
{
    local share=$STACK_SIM_STATE/files/$CLOUD_ACCOUNT/$CLOUD_SHARE agent
    agent=$(agent_binary) || return 1
    mkdir -p "$share" && cp "$agent" "$share/sockerless-agent" || return 1
    grep -qs '^acr-password = ' "$STACK_DIR/sim.conf" ||
        (umask 077; printf 'acr-password = %s\n' "$(od -An -N20 -tx1 /dev/urandom | tr -d ' \n')" \
            >"$STACK_DIR/sim.conf")
}

cloud_sim_flags()
{
    printf '%s\n' --config "$STACK_DIR/sim.conf" --tenant "$CLOUD_TENANT" \
        --subscription "$CLOUD_SUBSCRIPTION" --client-id "$CLOUD_CLIENT" --location eastus \
        --resource-group sockerless-local --environment sockerless-local \
        --storage-account "$CLOUD_ACCOUNT" --acr-server "$(cloud_registry_host)" \
        --acr-registry "$(stack_registry_url)"
}

# The subscription's own registry, which the simulator answers for.
cloud_registry_host()
{
    printf 'sockerlesslocal.azurecr.io'
}

# cloud_injection_env METHOD
cloud_injection_env()
{
    printf 'SOCKERLESS_ACA_AGENT_INJECTION=%s' "$1"
    [[ $1 != azure_files ]] || printf ' %s' SOCKERLESS_ACA_STORAGE_ACCOUNT="$CLOUD_ACCOUNT" \
        SOCKERLESS_ACA_SHARE="$CLOUD_SHARE"
}

# The application logs in with its certificate, which the simulator has made. The version of the API is
# one that tells exit codes.
cloud_backend_env()
{
    printf '%s\n' AZURE_TENANT_ID="$CLOUD_TENANT" \
        AZURE_CLIENT_ID="$CLOUD_CLIENT" \
        AZURE_CLIENT_CERTIFICATE_PATH="$STACK_SIM_STATE/client-certificate.pem" \
        SOCKERLESS_ACA_SUBSCRIPTION_ID="$CLOUD_SUBSCRIPTION" \
        SOCKERLESS_ACA_RESOURCE_GROUP=sockerless-local \
        SOCKERLESS_ACA_ENVIRONMENT=sockerless-local \
        SOCKERLESS_ACA_LOCATION=eastus \
        SOCKERLESS_ACA_API_VERSION=2024-02-02-preview \
        SOCKERLESS_ACA_REGISTRY_SERVER="$(cloud_registry_host)" \
        SOCKERLESS_ACA_REGISTRY_USERNAME=sockerlesslocal \
        SOCKERLESS_ACA_REGISTRY_PASSWORD="$(cloud_secret)" \
        SOCKERLESS_ACA_AGENT_IMAGE=sockerless/agent:latest \
        SOCKERLESS_ACA_RATE_PERCENT=10000 \
        SOCKERLESS_ACA_POLL_MS=50 \
        SOCKERLESS_ACA_LOG_POLL_MS=100 \
        SOCKERLESS_ACA_LOG_QUERIES_PER_MIN=60000
    [[ -z ${INJECTION:-} ]] || cloud_injection_env "$INJECTION" | tr ' ' '\n'
}
