/* SPDX-License-Identifier: Apache-2.0
 * The Azure Container Apps driver's table of functions; the work is done by aca_run.c, aca_end.c,
 * aca_logs.c and acr.c. Errors leave here with the cloud's own words. */
#include "driver.h"

#include "aca_logs.h"
#include "aca_run.h"
#include "aca_size.h"
#include "aca_storage.h"
#include "acr.h"
#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloud/describe_each.h"
#include "cloud/azure/azure_credentials.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DESCRIBE_MAX = 40,    /* one call each … */
    DESCRIBE_AT_ONCE = 4, /* … so that a slow one holds up few */
    LOG_BATCH_MAX = 512,  /* as many as fit into a query share a call */
    LOG_BURST = 20,
};

/* Per second and at once, of a subscription and identity ("Throttling Resource Manager requests").
 */
static const struct driver_quota read_quota = {25, 250}, write_quota = {10, 200},
                                 delete_quota = {10, 200};

struct aca_driver {
    char *instance;
    struct loop *loop;
    struct azure_credential_chain *credentials;
    struct acr *registry;
    struct aca_api api;
    struct aca_storage storage;
    struct aca_workspace workspace;
    struct aca_log_source logs;
};

static int co_prepare(void *self, const struct workload_spec *spec, struct workload *w,
                      struct error *err)
{
    struct aca_driver *d = self;
    if (!spec->agent_in_image && co_aca_storage_ensure(&d->storage, err))
        return -1;
    return co_aca_prepare(&d->api, spec, w, err);
}

static int co_run(void *self, const struct workload_spec *spec, struct workload *w,
                  struct error *err)
{
    struct aca_driver *d = self;
    return co_aca_run(&d->api, spec, w, err);
}

static int co_describe_one(void *arg, const struct workload *w, struct workload_status *out,
                           struct error *err)
{
    return co_aca_describe(arg, w, out, err);
}

/* Execution by execution: the API's lists take one job each. */
static int co_describe(void *self, const struct workload *const *list, size_t count,
                       struct workload_status *out, struct error *err)
{
    struct aca_driver *d = self;
    const struct describe_each how = {
        .loop = d->loop, .width = DESCRIBE_AT_ONCE, .co_one = co_describe_one, .arg = &d->api};
    return co_describe_each(&how, list, count, out, err);
}

/* Container Apps takes no reason. */
static int co_stop(void *self, const struct workload *w, const char *reason, struct error *err)
{
    struct aca_driver *d = self;
    (void)reason;
    return co_aca_stop(&d->api, w, err);
}

static int co_remove_run(void *self, const struct workload *w, struct error *err)
{
    struct aca_driver *d = self;
    return co_aca_delete(&d->api, w, err);
}

static int co_list(void *self, struct arena *arena, struct workload_found **out, size_t *count,
                   struct error *err)
{
    struct aca_driver *d = self;
    *out = NULL;
    *count = 0;
    return co_aca_list(&d->api, d->instance, arena, out, count, err);
}

static int co_log_pages(void *self, const struct log_query *queries, size_t count,
                        struct log_page *pages, struct error *err)
{
    struct aca_driver *d = self;
    return co_aca_log_pages(&d->logs, queries, count, pages, err);
}

static int co_registry_credentials(void *self, const char *host, struct registry_credentials *out,
                                   struct error *err)
{
    struct aca_driver *d = self;
    return co_acr_credentials(d->registry, host, out, err);
}

/* A job serves one run and goes with it: nothing stays behind unused, and containers own nothing.
 */
static const struct workload_ops workload_ops = {
    .co_prepare = co_prepare,
    .co_run = co_run,
    .co_describe = co_describe,
    .co_stop = co_stop,
    .co_remove_run = co_remove_run,
    .co_list = co_list,
};
static const struct log_ops log_ops = {.co_pages = co_log_pages};
static const struct registry_ops registry_ops = {.co_credentials = co_registry_credentials};

static void describe_self(void *self, char *out, size_t size)
{
    const struct aca_driver *d = self;
    const struct aca_config *config = d->api.config;
    const char *slash = strrchr(config->environment, '/');
    const struct driver_place place = {.product = "Azure Container Apps jobs",
                                       .region = config->location,
                                       .scope = "environment",
                                       .scope_name = slash ? slash + 1 : config->environment,
                                       .endpoint_url = config->endpoint_url};
    driver_settings_describe(&place, out, size);
}

static void driver_close(void *self)
{
    struct aca_driver *d = self;
    acr_free(d->registry);
    azure_client_free(d->api.client);
    azure_credential_chain_free(d->credentials);
    free(d->instance);
    free(d);
}

static struct driver_caps caps_of(const struct aca_config *config)
{
    struct driver_caps caps = driver_settings_caps(&config->pace, &aca_size_table);
    caps.agent =
        config->injection == ACA_INJECT_IMAGE_LAYER ? AGENT_AS_LAYER : AGENT_AS_LAYER_IF_NEEDED;
    caps.runs_as_image_user = true;
    caps.has_addresses = !config->reverse_agent;
    caps.describe_batch_max = DESCRIBE_MAX;
    caps.log_batch_max = LOG_BATCH_MAX;
    caps.log_batch_is_one = true;
    caps.log_lines = LOG_LINES_STRUCTURED;
    return caps;
}

static void init_quotas(struct aca_api *api)
{
    int64_t percent = api->config->rate_percent;
    driver_settings_quota(&api->reads, &read_quota, percent);
    driver_settings_quota(&api->writes, &write_quota, percent);
    driver_settings_quota(&api->deletes, &delete_quota, percent);
    token_bucket_init(&api->log_queries, (double)api->config->log_queries_per_min / 60, LOG_BURST,
                      time_mono_ms());
}

static enum aca_log_table find_table(const char *name, bool *known)
{
    *known = true;
    for (int i = 0; i < ACA_LOG_TABLES; i++)
        if (strcmp(aca_log_table_name((enum aca_log_table)i), str_or_empty(name)) == 0)
            return (enum aca_log_table)i;
    *known = false;
    return ACA_LOG_CUSTOM;
}

static void open_registry(struct aca_driver *d, const struct driver_env *env)
{
    const struct aca_config *config = d->api.config;
    const struct acr_options options = {.http = env->http,
                                        .login_server = config->registry_server,
                                        .username = config->registry_username,
                                        .password = config->registry_password,
                                        .tenant = getenv("AZURE_TENANT_ID"),
                                        .co_token = co_azure_registry_token,
                                        .token_arg = d->credentials,
                                        .endpoint_url = config->endpoint_url};
    d->registry = acr_new(&options);
}

int aca_driver_open(const void *settings, const struct driver_env *env, struct cloud_driver *out,
                    struct error *err)
{
    const struct aca_config *config = settings;
    struct aca_driver *d = NEW(struct aca_driver);
    (void)err;
    d->instance = xstrdup(env->instance);
    d->loop = env->loop;
    d->credentials = azure_credential_chain_new(env->http, config->endpoint_url);
    const struct azure_client_options options = {.loop = env->loop,
                                                 .http = env->http,
                                                 .credentials = d->credentials,
                                                 .endpoint_url = config->endpoint_url};
    d->api.client = azure_client_new(&options);
    d->api.config = config;
    init_quotas(&d->api);
    open_registry(d, env);
    d->storage.api = &d->api;
    d->workspace.api = &d->api;
    d->logs.co_fetch = co_aca_log_fetch_azure;
    d->logs.arg = &d->workspace;
    d->logs.table = find_table(config->log_table, &d->logs.table_known);
    *out = (struct cloud_driver){
        .name = "aca",
        .caps = caps_of(config),
        .self = d,
        .workload = &workload_ops,
        .logs = &log_ops,
        .registry = &registry_ops,
        .describe_self = describe_self,
        .close = driver_close,
    };
    return 0;
}
