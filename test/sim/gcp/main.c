/* SPDX-License-Identifier: Apache-2.0
 * sockerless-sim-gcp: Google's Cloud Run, Cloud Functions, Cloud Logging, tokens, Artifact Registry
 * and storage downloads on one port; tasks are containers that really run. Start, wait for a
 * signal, undo everything. Storage and the metadata server answer on the tasks' gateway, too. */
#include "base/alloc.h"
#include "base/config.h"
#include "base/directory.h"
#include "base/log.h"
#include "base/str.h"
#include "test/sim/gcp/admin.h"
#include "test/sim/gcp/artifact_registry.h"
#include "test/sim/gcp/cloud_logging.h"
#include "test/sim/gcp/dispatch.h"
#include "test/sim/gcp/function.h"
#include "test/sim/gcp/id_token.h"
#include "test/sim/gcp/oauth.h"
#include "test/sim/gcp/storage.h"
#include "test/sim/gcp/token_store.h"
#include "test/sim/host/files.h"
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

enum { UPLOAD_MAX = 100 * 1024 * 1024, INVOCATION_MAX = 32 * 1024 * 1024 };

struct settings {
    char *config, *listen, *state_dir, *registry, *subnet, *bridge, *region, *project, *journal,
        *log_level, *artifact_registry, *gcs_dir;
    int64_t provision_ms, operation_ms, log_delay_ms;
    bool cleanup, throttling;
};

static struct settings settings;

static const struct config_setting table[] = {
    {"listen", "SOCKERLESS_SIM_LISTEN", CONFIG_LISTEN, "127.0.0.1:4567", &settings.listen,
     "address and port", 0, 0},
    {"state-dir", "SOCKERLESS_SIM_STATE_DIR", CONFIG_DIRECTORY, "/var/tmp/sockerless-sim-gcp",
     &settings.state_dir, "images, containers, credential files; one simulator a directory", 0, 0},
    {"registry", "SOCKERLESS_SIM_REGISTRY", CONFIG_STRING, NULL, &settings.registry,
     "where hosts are pulled from: docker.io=http://127.0.0.1:5000,…", 0, 0},
    {"artifact-registry", NULL, CONFIG_STRING, NULL, &settings.artifact_registry,
     "registry that holds what is in Artifact Registry: http://127.0.0.1:5000", 0, 0},
    {"gcs-dir", NULL, CONFIG_DIRECTORY, NULL, &settings.gcs_dir,
     "directory of the buckets; STATE-DIR/gcs when not given", 0, 0},
    {"subnet", NULL, CONFIG_STRING, "198.19.0.0/16", &settings.subnet, "addresses of the tasks", 0,
     0},
    {"bridge-name", NULL, CONFIG_STRING, "skl-gcp0", &settings.bridge, "network interface to make",
     0, 0},
    {"region", NULL, CONFIG_STRING, "us-central1", &settings.region, "location", 0, 0},
    {"project", NULL, CONFIG_STRING, "sockerless-sim", &settings.project, "project id", 0, 0},
    {"provision-ms", NULL, CONFIG_INT, "50", &settings.provision_ms, "time before a task starts", 0,
     3600000},
    {"operation-ms", NULL, CONFIG_INT, "20", &settings.operation_ms,
     "time that create, update and delete take", 0, 3600000},
    {"log-delay-ms", NULL, CONFIG_INT, "0", &settings.log_delay_ms, "ingestion delay of logs", 0,
     3600000},
    {"throttling", NULL, CONFIG_BOOL, "false", &settings.throttling, "enforce Google's quotas", 0,
     0},
    {"journal", NULL, CONFIG_OUTPUT, NULL, &settings.journal, "file for every request and answer",
     0, 0},
    {"log-level", NULL, CONFIG_STRING, "info", &settings.log_level, "debug, info, warn, error", 0,
     0},
    {"cleanup", NULL, CONFIG_BOOL, "false", &settings.cleanup,
     "remove what a killed simulator left, then exit", 0, 0},
    CONFIG_ROW_CONFIG(&settings.config),
    {0}};

/* Executions pull from what is behind the registry endpoint. */
static struct image_store *images_open(struct gcp *gcp, struct error *err)
{
    AUTO_FREE char *registries =
        settings.artifact_registry
            ? xasprintf("%s-docker.pkg.dev=%s%s%s", gcp->region, settings.artifact_registry,
                        settings.registry ? "," : "", str_or_empty(settings.registry))
        : settings.registry ? xstrdup(settings.registry)
                            : NULL;
    return image_store_open(gcp->state_dir, registries, err);
}

static void set_tuning(struct gcp_tuning *t)
{
    t->provision_ms = (long)settings.provision_ms;
    t->operation_ms = (long)settings.operation_ms;
    t->log_delay_ms = (long)settings.log_delay_ms;
    t->stop_grace_ms = 10000;
    t->token_ttl_s = 3600;
    t->log_late_ms = t->log_skew_ms = 1000;
    t->throttling = settings.throttling;
    t->build_ms = (long)settings.provision_ms;
    t->startup_timeout_ms = 240000;
    t->idle_ms = 1000;
    t->queue_ms = 10000;
    t->service_reset_ms = 100;
}

static int gcp_open(struct gcp *gcp, struct error *err)
{
    gcp->state_dir = settings.state_dir;
    gcp->project = settings.project;
    gcp->region = settings.region;
    gcp->gcs_dir =
        settings.gcs_dir ? xstrdup(settings.gcs_dir) : xasprintf("%s/gcs", gcp->state_dir);
    set_tuning(&gcp->tuning);
    gcp->faults = fault_list_new();
    gcp->counts = call_counts_new();
    gcp->id_tokens = id_token_signer_new();
    gcp->run = run_open(gcp);
    gcp->uploads = source_uploads_new();
    gcp->logging = cloud_logging_new(gcp);
    if (directory_make(gcp->gcs_dir, 0755, err))
        return error_wrap(err, "--gcs-dir");
    if (!(gcp->runtime = container_runtime_open(gcp->state_dir, err)))
        return -1;
    if (!(gcp->network = network_open(settings.bridge, settings.subnet, err)))
        return error_wrap(err, "--bridge-name and --subnet");
    if (!(gcp->images = images_open(gcp, err)) ||
        !(gcp->journal = journal_open(settings.journal, err)) ||
        !(gcp->tokens = token_store_new(gcp->project, err))) /* last: its key takes a while */
        return -1;
    return 0;
}

static void gcp_close(struct gcp *gcp)
{
    run_close(gcp->run);
    source_uploads_free(gcp->uploads);
    network_close(gcp->network);
    container_runtime_close(gcp->runtime);
    image_store_close(gcp->images);
    cloud_logging_free(gcp->logging);
    token_store_free(gcp->tokens);
    id_token_signer_free(gcp->id_tokens);
    journal_close(gcp->journal);
    call_counts_free(gcp->counts);
    fault_list_free(gcp->faults);
    free(gcp->gcs_dir);
    free(gcp->address);
}

static int await_signal(struct gcp *gcp, const struct http_server *server,
                        const struct http_server *inner, const sigset_t *signals, struct error *err)
{
    int got = 0;
    if (token_store_write_files(gcp->tokens, gcp->state_dir, gcp->project,
                                http_server_address(server), err))
        return -1;
    AUTO_FREE char *line = xasprintf("listening on %s", http_server_address(server));
    log_info(line, LOG_STR("state_dir", settings.state_dir), LOG_STR("bridge", settings.bridge),
             LOG_STR("for_tasks", http_server_address(inner)));
    sigwait(signals, &got);
    log_info("stopping", LOG_STR("signal", strsignal(got)));
    return 0;
}

static int serve(struct gcp *gcp, struct artifact_registry *registry, const sigset_t *signals,
                 struct error *err)
{
    const struct http_route outer[] = {
        {"GET", "/_sim/resources", admin_resources, gcp, 0},
        {NULL, "/_sim/config", admin_config, gcp, 0},
        {"POST", "/_sim/faults", admin_faults_add, gcp->faults, 0},
        {"DELETE", "/_sim/faults", admin_faults_clear, gcp->faults, 0},
        {NULL, "/_sim/tokens", admin_tokens, gcp, 0},
        {NULL, "/_sim/registry", artifact_registry_admin, registry, 0},
        {NULL, "/_sim/registry/layers/*", artifact_registry_layer, registry, 0},
        {"POST", "/token", oauth_token, gcp, 0},
        {"POST", "/v1/token", oauth_exchange, gcp, 0},
        {"GET", "/computeMetadata/v1/*", oauth_metadata, gcp, 0},
        {"GET", "/storage/v1/*", storage_api, gcp, 0},
        {"PUT", UPLOAD_PATH_PREFIX "*", source_upload_put, gcp, UPLOAD_MAX},
        {NULL, SERVICE_URL_PREFIX "*", invocation_request, gcp, INVOCATION_MAX},
        {NULL, FUNCTION_URL_PREFIX "*", invocation_request, gcp, INVOCATION_MAX},
        {NULL, "/v1/*", dispatch_request, gcp, 0},
        {NULL, "/v2/projects/*", dispatch_request, gcp, 0},
        {NULL, "/v2/entries:*", dispatch_request, gcp, 0},
        {"GET", "/v2/token", artifact_registry_token, registry, 0},
        {NULL, "/v2/*", artifact_registry_request, registry, REGISTRY_PROXY_BODY_MAX},
        {"GET", "/*", storage_public, gcp, 0},
        {0}};
    const struct http_route inner[] = {{"GET", "/computeMetadata/v1/*", oauth_metadata, gcp, 0},
                                       {"GET", "/storage/v1/*", storage_api, gcp, 0},
                                       {"GET", "/*", storage_public, gcp, 0},
                                       {0}};
    struct http_server *servers[2] = {http_server_open(settings.listen, outer, err), NULL};
    if (!servers[0])
        return -1;
    gcp->address = xstrdup(http_server_address(servers[0]));
    AUTO_FREE char *gateway = xasprintf("%s%s", network_gateway(gcp->network),
                                        strrchr(http_server_address(servers[0]), ':'));
    servers[1] = http_server_open(gateway, inner, err);
    int rc = servers[1] ? await_signal(gcp, servers[0], servers[1], signals, err) : -1;
    gcp->closing = true;
    http_server_close(servers[1]);
    http_server_close(servers[0]);
    return rc;
}

static int run_simulator(const sigset_t *signals, struct error *err)
{
    struct gcp gcp = {0};
    int rc = gcp_open(&gcp, err);
    gcp.registry = artifact_registry_new(&gcp, settings.artifact_registry);
    if (rc == 0)
        rc = serve(&gcp, gcp.registry, signals, err);
    gcp.closing = true;
    gcp_close(&gcp);
    artifact_registry_free(gcp.registry); /* threads of Cloud Run have asked it */
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
        .component = "sim-gcp",
        .purpose = "A simulated Google Cloud for tests; its containers really run on this machine.",
        .settings = table,
        .log_level = &settings.log_level,
        .daemon = true,
    };
    return sim_main(&self, run, argc, argv);
}
