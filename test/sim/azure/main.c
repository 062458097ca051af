/* SPDX-License-Identifier: Apache-2.0
 * sockerless-sim-azure: Azure's Container Apps jobs, Log Analytics, Entra ID, managed identity and
 * Container Registry on one port; executions are containers that really run. Start, wait for a
 * signal, undo everything. */
#include "base/alloc.h"
#include "base/config.h"
#include "base/directory.h"
#include "base/log.h"
#include "base/str.h"
#include "test/sim/azure/admin.h"
#include "test/sim/azure/arm_quota.h"
#include "test/sim/azure/container_registry.h"
#include "test/sim/azure/directory.h"
#include "test/sim/azure/dispatch.h"
#include "test/sim/azure/environment.h"
#include "test/sim/azure/job.h"
#include "test/sim/azure/log_analytics.h"
#include "test/sim/azure/login.h"
#include "test/sim/host/container.h"
#include "test/sim/host/image.h"
#include "test/sim/host/sim_main.h"
#include "test/sim/host/state_dir.h"
#include "test/sim/http/admin_reply.h"
#include "test/sim/http/call_counts.h"
#include "test/sim/http/fault.h"
#include "test/sim/http/journal.h"
#include "test/sim/http/registry_proxy.h"

#include <string.h>
#include <unistd.h>

struct settings {
    char *config, *listen, *state_dir, *registry, *subnet, *bridge, *journal, *log_level;
    char *tenant, *subscription, *group, *environment, *location, *workspace, *files_dir;
    char *client_id, *client_secret, *certificate, *identity, *identity_header;
    char *acr_server, *acr_registry, *acr_password, *account;
    int64_t provision_ms, operation_ms, log_delay_ms;
    bool cleanup, throttling;
};

static struct settings settings;

static const struct config_setting table[] = {
    {"listen", "SOCKERLESS_SIM_LISTEN", CONFIG_LISTEN, "127.0.0.1:4568", &settings.listen,
     "address and port", 0, 0},
    {"state-dir", "SOCKERLESS_SIM_STATE_DIR", CONFIG_DIRECTORY, "/var/tmp/sockerless-sim-azure",
     &settings.state_dir, "images, containers, credential files; one simulator a directory", 0, 0},
    {"registry", "SOCKERLESS_SIM_REGISTRY", CONFIG_STRING, NULL, &settings.registry,
     "where hosts are pulled from: docker.io=http://127.0.0.1:5000,…", 0, 0},
    {"files-dir", NULL, CONFIG_DIRECTORY, NULL, &settings.files_dir,
     "directory of the file shares, ACCOUNT/SHARE in it; STATE-DIR/files when not given", 0, 0},
    {"subnet", NULL, CONFIG_STRING, "198.19.0.0/16", &settings.subnet, "addresses of the replicas",
     0, 0},
    {"bridge-name", NULL, CONFIG_STRING, "skl-az0", &settings.bridge, "network interface to make",
     0, 0},
    {"tenant", NULL, CONFIG_STRING, "11111111-2222-4333-8444-555555555555", &settings.tenant,
     "directory (tenant) id", 0, 0},
    {"subscription", NULL, CONFIG_STRING, "22222222-3333-4444-8555-666666666666",
     &settings.subscription, "subscription id", 0, 0},
    {"resource-group", NULL, CONFIG_STRING, "sockerless-sim", &settings.group, "resource group", 0,
     0},
    {"environment", NULL, CONFIG_STRING, "sockerless-sim", &settings.environment,
     "managed environment", 0, 0},
    {"location", NULL, CONFIG_STRING, "eastus", &settings.location, "region", 0, 0},
    {"workspace", NULL, CONFIG_STRING, "33333333-4444-4555-8666-777777777777", &settings.workspace,
     "id of the Log Analytics workspace", 0, 0},
    {"client-id", NULL, CONFIG_STRING, "44444444-5555-4666-8777-888888888888", &settings.client_id,
     "the application that may log in", 0, 0},
    {"client-secret", NULL, CONFIG_SECRET, NULL, &settings.client_secret,
     "its secret; one is made when not given", 0, 0},
    {"client-certificate", NULL, CONFIG_FILE, NULL, &settings.certificate,
     "its certificate in PEM; one is made when not given", 0, 0},
    {"identity-client-id", NULL, CONFIG_STRING, "55555555-6666-4777-8888-999999999999",
     &settings.identity, "the managed identity", 0, 0},
    {"identity-header", NULL, CONFIG_SECRET, NULL, &settings.identity_header,
     "what X-IDENTITY-HEADER must be; made when not given", 0, 0},
    {"storage-account", NULL, CONFIG_STRING, "sockerlesssim", &settings.account,
     "the storage account with the file shares", 0, 0},
    {"acr-server", NULL, CONFIG_STRING, "sockerlesssim.azurecr.io", &settings.acr_server,
     "name of the container registry", 0, 0},
    {"acr-registry", NULL, CONFIG_STRING, NULL, &settings.acr_registry,
     "registry that holds what is in it: http://127.0.0.1:5000", 0, 0},
    {"acr-password", NULL, CONFIG_SECRET, NULL, &settings.acr_password,
     "password of its admin user; there is none when not given", 0, 0},
    {"provision-ms", NULL, CONFIG_INT, "50", &settings.provision_ms,
     "time before an execution starts", 0, 3600000},
    {"operation-ms", NULL, CONFIG_INT, "20", &settings.operation_ms,
     "time that long-running operations take", 0, 3600000},
    {"log-delay-ms", NULL, CONFIG_INT, "0", &settings.log_delay_ms, "ingestion delay of logs", 0,
     3600000},
    {"throttling", NULL, CONFIG_BOOL, "false", &settings.throttling, "enforce Azure's rates", 0, 0},
    {"journal", NULL, CONFIG_OUTPUT, NULL, &settings.journal, "file for every request and answer",
     0, 0},
    {"log-level", NULL, CONFIG_STRING, "info", &settings.log_level, "debug, info, warn, error", 0,
     0},
    {"cleanup", NULL, CONFIG_BOOL, "false", &settings.cleanup,
     "remove what a killed simulator left, then exit", 0, 0},
    CONFIG_ROW_CONFIG(&settings.config),
    {0}};

/* Executions pull from what is behind the registry's endpoint. */
static struct image_store *images_open(struct azure *azure, struct error *err)
{
    AUTO_FREE char *registries =
        settings.acr_registry
            ? xasprintf("%s=%s%s%s", settings.acr_server, settings.acr_registry,
                        settings.registry ? "," : "", str_or_empty(settings.registry))
        : settings.registry ? xstrdup(settings.registry)
                            : NULL;
    return image_store_open(azure->state_dir, registries, err);
}

static void set_tuning(struct azure_tuning *t)
{
    t->provision_ms = (long)settings.provision_ms;
    t->operation_ms = (long)settings.operation_ms;
    t->log_delay_ms = (long)settings.log_delay_ms;
    t->stop_grace_ms = 30000;
    t->page_size = 100;
    t->operations_late_ms = t->log_late_ms = 1000;
    t->log_rows_max = 30000;
    t->log_bytes_max = 64000000;
    t->token_ttl_s = 3600;
    t->throttling = settings.throttling;
}

static void set_names(struct azure *azure)
{
    char key[65];
    azure->state_dir = settings.state_dir;
    azure->tenant = settings.tenant;
    azure->subscription = settings.subscription;
    azure->group = settings.group;
    azure->location = settings.location;
    azure->workspace = settings.workspace;
    azure->account = settings.account;
    value_random_hex(key, 64);
    azure->account_key = xstrdup(key);
    azure->files_dir =
        settings.files_dir ? xstrdup(settings.files_dir) : xasprintf("%s/files", azure->state_dir);
}

static int azure_open(struct azure *azure, struct error *err)
{
    const struct container_registry_options acr = {settings.acr_server, settings.acr_registry,
                                                   settings.acr_password};
    const struct directory_options directory = {.tenant = settings.tenant,
                                                .client_id = settings.client_id,
                                                .client_secret = settings.client_secret,
                                                .certificate = settings.certificate,
                                                .identity_client_id = settings.identity,
                                                .identity_header = settings.identity_header};
    set_names(azure);
    set_tuning(&azure->tuning);
    azure->faults = fault_list_new();
    azure->counts = call_counts_new();
    azure->quota = arm_quota_new();
    azure->jobs = job_service_open(azure);
    azure->environment = environment_new(azure, settings.environment);
    azure->logs = log_analytics_new(azure, settings.environment);
    azure->registry = container_registry_new(azure, &acr);
    if (directory_make(azure->files_dir, 0755, err))
        return error_wrap(err, "--files-dir");
    if (!(azure->runtime = container_runtime_open(azure->state_dir, err)))
        return -1;
    if (!(azure->network = network_open(settings.bridge, settings.subnet, err)))
        return error_wrap(err, "--bridge-name and --subnet");
    if (!(azure->images = images_open(azure, err)) ||
        !(azure->journal = journal_open(settings.journal, err)) ||
        !(azure->directory = directory_new(&directory, err))) /* last: its keys take a while */
        return -1;
    return directory_write_files(azure->directory, azure->state_dir, err);
}

static void azure_close(struct azure *azure)
{
    operation_free_all(azure->jobs);
    job_service_close(azure->jobs);
    network_close(azure->network);
    container_runtime_close(azure->runtime);
    image_store_close(azure->images);
    container_registry_free(azure->registry);
    log_analytics_free(azure->logs);
    environment_free(azure->environment);
    directory_free(azure->directory);
    journal_close(azure->journal);
    arm_quota_free(azure->quota);
    call_counts_free(azure->counts);
    fault_list_free(azure->faults);
    free(azure->files_dir);
    free(azure->account_key);
}

static void await_signal(const struct http_server *server, const sigset_t *signals)
{
    int got = 0;
    AUTO_FREE char *line = xasprintf("listening on %s", http_server_address(server));
    log_info(line, LOG_STR("state_dir", settings.state_dir), LOG_STR("bridge", settings.bridge));
    sigwait(signals, &got);
    log_info("stopping", LOG_STR("signal", strsignal(got)));
}

static int serve(struct azure *azure, const sigset_t *signals, struct error *err)
{
    const struct http_route routes[] = {
        {"GET", "/_sim/resources", admin_resources, azure, 0},
        {NULL, "/_sim/config", admin_config, azure, 0},
        {"POST", "/_sim/faults", admin_faults_add, azure->faults, 0},
        {"DELETE", "/_sim/faults", admin_faults_clear, azure->faults, 0},
        {NULL, "/_sim/tokens", admin_tokens, azure, 0},
        {"GET", "/_sim/registry", container_registry_admin, azure->registry, 0},
        {NULL, "/_sim/registry/layers/*", container_registry_layer, azure->registry, 0},
        {NULL, "/subscriptions/*", dispatch_request, azure, 0},
        {"GET", "/metadata/identity/oauth2/token", login_metadata, azure, 0},
        {"GET", "/msi/token", login_app_service, azure, 0},
        {NULL, "/v1/workspaces/*", log_analytics_request, azure, 0},
        {"POST", "/oauth2/exchange", container_registry_exchange, azure->registry, 0},
        {NULL, "/oauth2/token", container_registry_token, azure->registry, 0},
        {NULL, "/v2/*", container_registry_request, azure->registry, REGISTRY_PROXY_BODY_MAX},
        {"POST", "/*", login_token, azure, 0},
        {0}};
    struct http_server *server = http_server_open(settings.listen, routes, err);
    if (!server)
        return -1;
    await_signal(server, signals);
    azure->closing = true;
    http_server_close(server);
    return 0;
}

static int run_simulator(const sigset_t *signals, struct error *err)
{
    struct azure azure = {0};
    int rc = azure_open(&azure, err);
    if (rc == 0)
        rc = serve(&azure, signals, err);
    azure.closing = true;
    azure_close(&azure);
    state_dir_clean(settings.state_dir);
    return rc;
}

static int run(const sigset_t *signals, struct error *err)
{
    int lock = state_dir_lock(&settings.state_dir, err);
    if (lock < 0)
        return -1;
    state_dir_clean(settings.state_dir);
    int rc = settings.cleanup ? network_cleanup(settings.bridge, err) : run_simulator(signals, err);
    close(lock);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct program self = {
        .component = "sim-azure",
        .purpose = "A simulated Azure for tests; its containers really run on this machine.",
        .settings = table,
        .log_level = &settings.log_level,
        .daemon = true,
    };
    return sim_main(&self, run, argc, argv);
}
