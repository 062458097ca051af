# SPDX-License-Identifier: Apache-2.0
# Every command of every page, as it is written; test/lint/docs_blocks.py says which blocks those are.

bats_require_minimum_version 1.5.0
load lib/common
load lib/images
load lib/cloud
load lib/checkout
load lib/docs
. "$BATS_TEST_DIRNAME/lib/images.sh"

# The images that the pages name.
setup_file()
{
    local root=$BATS_FILE_TMPDIR/root
    programs_copy "$root" dash sha256sum chmod rm cat env sleep tail touch echo curl
    ln -s dash "$root/bin/sh"
    test_image_push --cmd curl "$REGISTRY_URL_HERE" "$root" curlimages/curl:latest
    mkdir -p "$root/usr/sbin"
    printf '%s\n' '#!/bin/sh' '[ "$1" != -v ] || { echo "nginx version: nginx/1"; exit; }' 'echo started' \
        'exec tail -f /dev/null' >"$root/usr/sbin/nginx"
    chmod 755 "$root/usr/sbin/nginx"
    test_image_push --cmd nginx "$REGISTRY_URL_HERE" "$root" library/nginx:latest
}

setup()
{
    checkout_copy "$BATS_TEST_TMPDIR/checkout"
}

teardown()
{
    RUN_DIR=$BATS_TEST_TMPDIR/checkout/run "$TOP/deploy/local/down.sh" >/dev/null 2>&1
    [[ -z ${OTHER_CLOUD:-} ]] || in_other_cloud sim_end
}

# in_other_cloud COMMAND…: with a simulated OTHER_CLOUD of its own.
in_other_cloud()
{
    (
        export BACKEND=$OTHER_CLOUD REGISTRY_URL=http://$REGISTRY_ADDRESS
        stack_open other "$E2E_RUN/$OTHER_CLOUD"
        "$@"
    )
}

sim_end()
{
    component_stop sim
    sim_cleanup
}

# cloud_account: what a backend has that is in the account. Variables, one per line.
cloud_account()
{
    component_alive sim || sim_start >&2 || return 1
    port_choose callback >/dev/null
    printf '%s\n' "SOCKERLESS_ENDPOINT_URL=$(stack_sim_url)" \
        "SOCKERLESS_REGISTRY_ENDPOINTS=docker.io=$REGISTRY_URL,$(cloud_registry_host)=$(stack_sim_url)" \
        "SOCKERLESS_CALLBACK_LISTEN=ws://$(stack_gateway):$(<"$STACK_DIR/callback.port")/" \
        "GATEWAY=$(stack_gateway)" "OTHER_SIM_STATE=$STACK_SIM_STATE"
    cloud_backend_env | grep -E '^(GOOGLE|AZURE)_|AGENT_URL=|POLL_MS=|PERCENT=|PER_MIN='
}

# with_cloud BACKEND: the account's variables are set.
with_cloud()
{
    local line
    OTHER_CLOUD=$1
    while IFS= read -r line; do export "${line?}"; done < <(in_other_cloud cloud_account)
    CALLBACK=${SOCKERLESS_CALLBACK_LISTEN#ws://} CALLBACK=${CALLBACK%/}
    [[ -n $CALLBACK ]]
}

with_google()
{
    with_cloud cloudrun
    curl -fsS -X POST -H 'Content-Type: application/json' -d '{"create":"sockerless-local/sockerless"}' \
        "$SOCKERLESS_ENDPOINT_URL/_sim/registry"
}

# terraform_outputs NAME=VALUE…: what `terraform output` says, of the outputs that the example has; `hostname -I`, the
# gateway of the cloud's network.
terraform_outputs()
{
    export TERRAFORM_OUTPUTS="$BATS_TEST_TMPDIR/outputs"
    printf '%s\n' "$@" >"$TERRAFORM_OUTPUTS"
    # shellcheck disable=SC2016 # the stand-in's own
    stand_in terraform <<<'[[ $1 == output && $2 == -raw ]] && grep -q "^output \"$3\"" outputs.tf &&
        grep -q "^$3=" "$TERRAFORM_OUTPUTS" && sed -n "s/^$3=//p" "$TERRAFORM_OUTPUTS" | tr -d "\n"'
    # shellcheck disable=SC2016
    stand_in hostname <<<'[[ $1 == -I ]] && echo "$GATEWAY fe80::1 "'
}

# arm METHOD PATH VERSION [BODY]: a call of Azure Resource Manager in the resource group.
arm()
{
    local token
    token=$(curl -fsS -X POST -d '{}' "$SOCKERLESS_ENDPOINT_URL/_sim/tokens" | jq -r .token)
    curl -fsS -X "$1" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' -d "${4:-}" \
        "$SOCKERLESS_ENDPOINT_URL/subscriptions/$AZURE_SUBSCRIPTION/resourceGroups/sockerless-local/providers/$(
            )$2?api-version=$3"
}

# The share is linked to the environment, as Terraform does it.
arm_link_share()
{
    local key
    key=$(arm POST Microsoft.Storage/storageAccounts/sockerlesslocal/listKeys 2023-05-01 | jq -r '.keys[0].value')
    arm PUT "Microsoft.App/managedEnvironments/sockerless-local/storages/$1" 2024-03-01 '{"properties":{"azureFile":
        {"accountName":"sockerlesslocal","accountKey":"'"$key"'","shareName":"sockerless","accessMode":"ReadOnly"}}}'
}

@test "docs: README and CONTRIBUTING" {
    page README.md
    contains "$output" "hello from a container on a local AWS"
    contains "$output" "from the local registry"
    contains "$output" "local: stopped"
    page CONTRIBUTING.md
    contains "$output" "hello from a container on a local AWS"
    contains "$output" "local: stopped"
}

@test "docs: the start on ECS" {
    for repository in sockerless/agent sockerless/staging; do
        sim POST ecr "{\"create\":\"$repository\"}" >/dev/null
    done
    export SOCKERLESS_ENDPOINT_URL AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID=AKIASOCKERLESSLOCAL
    export SOCKERLESS_REGISTRY_ENDPOINTS SOCKERLESS_ECS_POLL_MS=50 SOCKERLESS_ECS_RATE_PERCENT=10000
    SOCKERLESS_ENDPOINT_URL=$(stack_sim_url) AWS_SECRET_ACCESS_KEY=$(cloud_secret)
    SOCKERLESS_REGISTRY_ENDPOINTS="docker.io=http://$REGISTRY_ADDRESS,$(cloud_registry_host)=$(stack_sim_url)"
    other_run
    page backend-ecs/README.md
    contains "$output" "hello from Fargate"
}

@test "docs: the start on Cloud Run" {
    with_google
    other_run
    page backend-cloudrun/README.md "s/10.0.0.2:9112/${CALLBACK}/; s/my-project/sockerless-local/; s/my-bucket/sockerless-local/"
    contains "$output" "hello from Cloud Run"
}

@test "docs: Cloud Run with Terraform" {
    with_google
    terraform_outputs project_id=sockerless-local region=us-central1 vpc_connector_name=sockerless \
        service_account_email=containers@sockerless-local.iam.gserviceaccount.com agent_bucket=sockerless-local \
        "agent_sha256=$(sha256sum "$OTHER_SIM_STATE/gcs/sockerless-local/sockerless-agent" | cut -d' ' -f1)" \
        artifact_registry_repository_url=us-central1-docker.pkg.dev/sockerless-local/sockerless
    make install PREFIX="$BATS_TEST_TMPDIR/prefix"
    cd backend-cloudrun/examples/terraform
    other_run
    page backend-cloudrun/examples/terraform/README.md "s/:9112/:${CALLBACK#*:}/"
    contains "$output" "hello from Cloud Run"
    contains "$output" "nginx version: nginx/"
    contains "$output" started
}

AZURE_SUBSCRIPTION=0f5b1c9e-7d0b-4f1e-8a53-2f0c6b1d9e42

@test "docs: the start on Container Apps" {
    with_cloud aca
    other_run
    page backend-aca/README.md "s/10.0.0.2:9112/${CALLBACK}/; s/my-tenant/$AZURE_TENANT_ID/
        s/my-application/$AZURE_CLIENT_ID/; s,my-certificate.pem,$AZURE_CLIENT_CERTIFICATE_PATH,
        s/my-subscription/$AZURE_SUBSCRIPTION/; s/my-group/sockerless-local/; s/my-environment/sockerless-local/
        s/westeurope/eastus/; s/mystorage/sockerlesslocal/"
    contains "$output" "hello from Container Apps"
}

# The backend has a managed identity, and the share is linked.
@test "docs: Container Apps with Terraform" {
    with_cloud aca
    unset AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_CLIENT_CERTIFICATE_PATH
    arm_link_share agent
    terraform_outputs "subscription_id=$AZURE_SUBSCRIPTION" resource_group=sockerless-local environment=sockerless-local \
        location=eastus log_analytics_workspace=33333333-4444-4555-8666-777777777777 storage_name=agent \
        registry_server=sockerlesslocal.azurecr.io backend_client_id=55555555-6666-4777-8888-999999999999 \
        "jobs_identity=/subscriptions/$AZURE_SUBSCRIPTION/resourceGroups/sockerless-local/providers/$(
            )Microsoft.ManagedIdentity/userAssignedIdentities/jobs"
    make install PREFIX="$BATS_TEST_TMPDIR/prefix"
    cd backend-aca/examples/terraform
    other_run
    page backend-aca/examples/terraform/README.md "s/:9112/:${CALLBACK#*:}/"
    contains "$output" "hello from Container Apps"
}

@test "docs: every variable that a page names is one of a program, with the flag and the default of its table" {
    local known name unknown=
    known=$(grep -aohE 'SOCKERLESS_[A-Z0-9_]+' "$BIN_DIR"/sockerless-* | sort -u)
    while read -r name; do
        grep -q "^$name" <<<"$known" || unknown+="$name "
    done < <(cd "$TOP" && git ls-files '*.md' | xargs grep -ohE 'SOCKERLESS_[A-Z0-9_]+' | sed 's/_$//' | sort -u)
    equal "$unknown" ""
    cd "$TOP"
    # shellcheck disable=SC2046 # a list of files
    "$PYTHON" test/e2e/lib/docs_settings.py "$BIN_DIR" $(git ls-files '*.md')
}
