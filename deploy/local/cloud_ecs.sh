# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What lib.sh asks about AWS: its simulator, its backend's settings, its registry.

CLOUD_SIM=sockerless-sim-aws
CLOUD_NAME="AWS"

# The secret of the key that this stack's cloud accepts; whoever has it can run containers as root
# here. Kept in a file that is also the simulator's configuration, not on a command line.
cloud_secret()
{
    sed -n 's/^secret-key = //p' "$STACK_DIR/sim.conf"
}

cloud_sim_prepare()
{
    [[ -s $STACK_DIR/sim.conf ]] ||
        (umask 077; printf 'secret-key = %s\n' "$(od -An -N20 -tx1 /dev/urandom | tr -d ' \n')" \
            >"$STACK_DIR/sim.conf")
}

cloud_sim_flags()
{
    printf '%s\n' --config "$STACK_DIR/sim.conf" --ecr-registry "$(stack_registry_url)" \
        --region us-east-1 --access-key AKIASOCKERLESSLOCAL
}

# The account's own registry, which the simulator answers for.
cloud_registry_host()
{
    printf '123456789012.dkr.ecr.us-east-1.amazonaws.com'
}

# cloud_injection_env METHOD
cloud_injection_env()
{
    printf 'SOCKERLESS_ECS_AGENT_INJECTION=%s' "$1"
}

cloud_backend_env()
{
    printf '%s\n' AWS_REGION=us-east-1 \
        AWS_ACCESS_KEY_ID=AKIASOCKERLESSLOCAL \
        AWS_SECRET_ACCESS_KEY="$(cloud_secret)" \
        SOCKERLESS_ECS_CLUSTER=default \
        SOCKERLESS_ECS_SUBNETS=subnet-0123456789abcdef0 \
        SOCKERLESS_ECS_SECURITY_GROUPS=sg-0123456789abcdef0 \
        SOCKERLESS_ECS_EXECUTION_ROLE_ARN=arn:aws:iam::000000000000:role/sockerless-local \
        SOCKERLESS_ECS_LOG_GROUP=/sockerless/local \
        SOCKERLESS_ECS_AGENT_IMAGE=sockerless/agent:latest \
        SOCKERLESS_ECS_RATE_PERCENT=10000 \
        SOCKERLESS_ECS_POLL_MS=50 \
        SOCKERLESS_ECS_LOG_POLL_MS=100
    [[ -z ${INJECTION:-} ]] || cloud_injection_env "$INJECTION"
}
