/* SPDX-License-Identifier: Apache-2.0
 * sockerless-sim-aws: AWS's ECS, CloudWatch Logs, STS and parts of ECR and EC2 on one loopback
 * port; tasks are containers that really run. Start, wait for a signal, undo everything. */
#include "base/alloc.h"
#include "base/config.h"
#include "base/log.h"
#include "base/str.h"
#include "test/sim/aws/admin.h"
#include "test/sim/aws/aws.h"
#include "test/sim/aws/cloud_logs.h"
#include "test/sim/aws/credentials.h"
#include "test/sim/aws/dispatch.h"
#include "test/sim/aws/ecr_registry.h"
#include "test/sim/aws/ecs.h"
#include "test/sim/aws/metadata.h"
#include "test/sim/host/image.h"
#include "test/sim/host/sim_main.h"
#include "test/sim/host/state_dir.h"
#include "test/sim/http/admin_reply.h"
#include "test/sim/http/call_counts.h"
#include "test/sim/http/fault.h"
#include "test/sim/http/journal.h"
#include "test/sim/http/registry_proxy.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct settings {
    char *config, *listen, *state_dir, *registry, *subnet, *bridge, *region, *account, *access_key,
        *secret_key, *journal, *log_level, *ecr_registry;
    int64_t provision_ms, stop_ms, log_delay_ms;
    bool cleanup, throttling;
};

static struct settings settings;

static const struct config_setting table[] = {
    {"listen", "SOCKERLESS_SIM_LISTEN", CONFIG_LISTEN, "127.0.0.1:4566", &settings.listen,
     "address and port", 0, 0},
    {"state-dir", "SOCKERLESS_SIM_STATE_DIR", CONFIG_DIRECTORY, "/var/tmp/sockerless-sim-aws",
     &settings.state_dir, "images, containers and logs; one simulator a directory", 0, 0},
    {"registry", "SOCKERLESS_SIM_REGISTRY", CONFIG_STRING, NULL, &settings.registry,
     "where hosts are pulled from: docker.io=http://127.0.0.1:5000,…", 0, 0},
    {"ecr-registry", NULL, CONFIG_STRING, NULL, &settings.ecr_registry,
     "registry that holds what is in ECR: http://127.0.0.1:5000", 0, 0},
    {"subnet", NULL, CONFIG_STRING, "198.18.0.0/16", &settings.subnet, "addresses of the tasks", 0,
     0},
    {"bridge-name", NULL, CONFIG_STRING, "skl-aws0", &settings.bridge, "network interface to make",
     0, 0},
    {"region", NULL, CONFIG_STRING, "us-east-1", &settings.region, "AWS region", 0, 0},
    {"account", NULL, CONFIG_STRING, "123456789012", &settings.account, "AWS account id", 0, 0},
    {"access-key", NULL, CONFIG_STRING, "AKIASOCKERLESSSIM000", &settings.access_key,
     "the key that may call", 0, 0},
    {"secret-key", NULL, CONFIG_SECRET, "sockerless-sim-secret-key", &settings.secret_key,
     "and its secret", 0, 0},
    {"provision-ms", NULL, CONFIG_INT, "50", &settings.provision_ms,
     "time in PROVISIONING and PENDING", 0, 3600000},
    {"stop-ms", NULL, CONFIG_INT, "50", &settings.stop_ms, "time in DEPROVISIONING", 0, 3600000},
    {"log-delay-ms", NULL, CONFIG_INT, "0", &settings.log_delay_ms, "ingestion delay of logs", 0,
     3600000},
    {"throttling", NULL, CONFIG_BOOL, "false", &settings.throttling,
     "enforce the vendor's request rates", 0, 0},
    {"journal", NULL, CONFIG_OUTPUT, NULL, &settings.journal, "file for every request and answer",
     0, 0},
    {"log-level", NULL, CONFIG_STRING, "info", &settings.log_level, "debug, info, warn, error", 0,
     0},
    {"cleanup", NULL, CONFIG_BOOL, "false", &settings.cleanup,
     "remove what a killed simulator left, then exit", 0, 0},
    CONFIG_ROW_CONFIG(&settings.config),
    {0}};

/* Tasks pull from what is behind the registry endpoint. */
static struct image_store *images_open(struct aws *aws, struct error *err)
{
    AUTO_FREE char *registries =
        settings.ecr_registry
            ? xasprintf("%s.dkr.ecr.%s.amazonaws.com=%s%s%s", aws->account, aws->region,
                        settings.ecr_registry, settings.registry ? "," : "",
                        str_or_empty(settings.registry))
        : settings.registry ? xstrdup(settings.registry)
                            : NULL;
    return image_store_open(aws->state_dir, registries, err);
}

static int aws_open(struct aws *aws, struct error *err)
{
    aws->state_dir = settings.state_dir;
    aws->region = settings.region;
    aws->account = settings.account;
    aws->tuning.provision_ms = (long)settings.provision_ms;
    aws->tuning.stop_ms = (long)settings.stop_ms;
    aws->tuning.log_delay_ms = (long)settings.log_delay_ms;
    aws->tuning.credential_ttl_s = 3600;
    aws->tuning.ecr_token_ttl_s = 12 * 3600L;
    aws->tuning.throttling = settings.throttling;
    aws->credentials =
        credential_store_new(settings.access_key, settings.secret_key, settings.account);
    aws->faults = fault_list_new();
    aws->counts = call_counts_new();
    aws->ecs = ecs_open(aws);
    aws->ecr = ecr_registry_new(settings.ecr_registry, aws->account, aws->region);
    if (!(aws->runtime = container_runtime_open(aws->state_dir, err)))
        return -1;
    if (!(aws->network = network_open(settings.bridge, settings.subnet, err)))
        return error_wrap(err, "--bridge-name and --subnet");
    if (!(aws->images = images_open(aws, err)) ||
        !(aws->logs =
              cloud_logs_open(aws->state_dir, aws->region, aws->account, &aws->tuning, err)) ||
        !(aws->journal = journal_open(settings.journal, err)))
        return -1;
    return 0;
}

static void aws_close(struct aws *aws)
{
    ecs_close(aws->ecs);
    network_close(aws->network);
    container_runtime_close(aws->runtime);
    image_store_close(aws->images);
    cloud_logs_close(aws->logs);
    ecr_registry_free(aws->ecr);
    journal_close(aws->journal);
    call_counts_free(aws->counts);
    fault_list_free(aws->faults);
    credential_store_free(aws->credentials);
}

static int serve(struct aws *aws, const sigset_t *signals, struct error *err)
{
    const struct http_route routes[] = {
        {"GET", "/_sim/resources", admin_resources, aws, 0},
        {NULL, "/_sim/config", admin_config, aws, 0},
        {"POST", "/_sim/faults", admin_faults_add, aws->faults, 0},
        {"DELETE", "/_sim/faults", admin_faults_clear, aws->faults, 0},
        {"POST", "/_sim/logs/duplicate", admin_logs_duplicate, aws, 0},
        {"POST", "/_sim/logs/late", admin_logs_late, aws, 0},
        {"GET", "/_sim/credentials", metadata_container, aws, 0},
        {NULL, "/_sim/ecr", ecr_registry_admin, aws->ecr, 0},
        {NULL, "/_sim/ecr/layers/*", ecr_registry_layer, aws->ecr, 0},
        {NULL, "/v2/*", ecr_registry_request, aws->ecr, REGISTRY_PROXY_BODY_MAX},
        {NULL, "/latest/*", metadata_instance, aws, 0},
        {NULL, "/", dispatch_request, aws, 0},
        {0}};
    struct http_server *server = http_server_open(settings.listen, routes, err);
    if (!server)
        return -1;
    AUTO_FREE char *line = xasprintf("listening on %s", http_server_address(server));
    log_info(line, LOG_STR("state_dir", settings.state_dir), LOG_STR("bridge", settings.bridge),
             LOG_STR("subnet", settings.subnet));
    int got = 0;
    sigwait(signals, &got);
    log_info("stopping", LOG_STR("signal", strsignal(got)));
    aws->closing = true;
    http_server_close(server);
    return 0;
}

static int run(const sigset_t *signals, struct error *err)
{
    int lock = state_dir_lock(&settings.state_dir, err);
    if (lock < 0)
        return -1;
    state_dir_clean(settings.state_dir);
    int rc;
    if (settings.cleanup) {
        rc = network_cleanup(settings.bridge, err);
    } else {
        struct aws aws = {0};
        rc = aws_open(&aws, err);
        if (rc == 0)
            rc = serve(&aws, signals, err);
        aws_close(&aws);
        state_dir_clean(settings.state_dir);
    }
    close(lock);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct program self = {
        .component = "sim-aws",
        .purpose = "A simulated AWS for tests; its containers really run on this machine.",
        .settings = table,
        .log_level = &settings.log_level,
        .daemon = true,
    };
    return sim_main(&self, run, argc, argv);
}
