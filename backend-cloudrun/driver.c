/* SPDX-License-Identifier: Apache-2.0
 * The Cloud Run driver's table of functions; the work is done by cloudrun_run.c, cloudrun_end.c,
 * cloudrun_logs.c and artifact_registry.c. Errors leave here with the cloud's own words. */
#include "driver.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloud/describe_each.h"
#include "cloudrun_logs.h"
#include "cloudrun_run.h"
#include "cloudrun_size.h"
#include "cloud/gcp/artifact_registry.h"
#include "cloud/gcp/gcp_credentials.h"

#include <stdio.h>
#include <string.h>

enum {
    DESCRIBE_MAX = 40,    /* one call each … */
    DESCRIBE_AT_ONCE = 4, /* … so that a slow one holds up few */
    LOG_BATCH_MAX = 512,  /* as many as fit into a filter share a call */
};

/* Per second and at once: jobs.run 180 a minute, other writes ditto, reads 3,000 a minute. */
static const struct driver_quota read_quota = {50, 100}, write_quota = {3, 30}, run_quota = {3, 30};

struct cloudrun_driver {
    char *instance;
    struct loop *loop;
    struct gcp_credential_chain *credentials;
    struct artifact_registry *registry;
    struct cloudrun_api api;
};

static int co_prepare(void *self, const struct workload_spec *spec, struct workload *w,
                      struct error *err)
{
    struct cloudrun_driver *d = self;
    return co_cloudrun_prepare(&d->api, spec, w, err);
}

static int co_run(void *self, const struct workload_spec *spec, struct workload *w,
                  struct error *err)
{
    struct cloudrun_driver *d = self;
    return co_cloudrun_run(&d->api, spec, w, err);
}

static int co_describe_one(void *arg, const struct workload *w, struct workload_status *out,
                           struct error *err)
{
    return co_cloudrun_describe(arg, w, out, err);
}

/* Execution by execution: the API's lists take one job each. */
static int co_describe(void *self, const struct workload *const *list, size_t count,
                       struct workload_status *out, struct error *err)
{
    struct cloudrun_driver *d = self;
    const struct describe_each how = {
        .loop = d->loop, .width = DESCRIBE_AT_ONCE, .co_one = co_describe_one, .arg = &d->api};
    return co_describe_each(&how, list, count, out, err);
}

/* Cloud Run takes no reason. */
static int co_stop(void *self, const struct workload *w, const char *reason, struct error *err)
{
    struct cloudrun_driver *d = self;
    (void)reason;
    return co_cloudrun_stop(&d->api, w, err);
}

static int co_remove_run(void *self, const struct workload *w, struct error *err)
{
    struct cloudrun_driver *d = self;
    return co_cloudrun_delete(&d->api, w, err);
}

static int co_list(void *self, struct arena *arena, struct workload_found **out, size_t *count,
                   struct error *err)
{
    struct cloudrun_driver *d = self;
    *out = NULL;
    *count = 0;
    return co_cloudrun_list(&d->api, d->instance, arena, out, count, err);
}

static int co_log_pages(void *self, const struct log_query *queries, size_t count,
                        struct log_page *pages, struct error *err)
{
    struct cloudrun_driver *d = self;
    const struct cloudrun_config *config = d->api.config;
    struct gcp_log_reader reader = {
        .client = d->api.client, .project = config->project, .bucket = &d->api.log_reads};
    const struct gcp_log_source source = {
        .kind = &cloudrun_log_kind,
        .project = config->project,
        .region = config->region,
        .log_id = config->log_id,
        .co_fetch = co_gcp_log_fetch_google,
        .arg = &reader,
    };
    return co_gcp_log_pages(&source, queries, count, pages, err);
}

static int co_registry_credentials(void *self, const char *host, struct registry_credentials *out,
                                   struct error *err)
{
    struct cloudrun_driver *d = self;
    return co_artifact_registry_credentials(d->registry, host, out, err);
}

/* "Deploying container images": supported container registries. */
static const char *pull_refusal(void *self, const char *host)
{
    (void)self;
    return artifact_registry_has_host(host) || !strcmp(host, "docker.io")
               ? NULL
               : "Cloud Run pulls from Artifact Registry, gcr.io and Docker Hub only";
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
static const struct registry_ops registry_ops = {.co_credentials = co_registry_credentials,
                                                 .pull_refusal = pull_refusal};

static void describe_self(void *self, char *out, size_t size)
{
    const struct cloudrun_driver *d = self;
    const struct cloudrun_config *config = d->api.config;
    const struct driver_place place = {.product = "Google Cloud Run jobs",
                                       .region = config->region,
                                       .scope = "project",
                                       .scope_name = config->project,
                                       .endpoint_url = config->endpoint_url};
    driver_settings_describe(&place, out, size);
}

static void driver_close(void *self)
{
    struct cloudrun_driver *d = self;
    artifact_registry_free(d->registry);
    gcp_client_free(d->api.client);
    gcp_credential_chain_free(d->credentials);
    free(d->instance);
    free(d);
}

static struct driver_caps caps_of(const struct cloudrun_config *config)
{
    struct driver_caps caps = driver_settings_caps(&config->pace, &cloudrun_size_table);
    caps.agent = config->injection == CLOUDRUN_INJECT_IMAGE_LAYER ? AGENT_AS_LAYER
                                                                  : AGENT_AS_LAYER_IF_NEEDED;
    caps.runs_as_image_user = true;
    caps.has_addresses = !config->reverse_agent;
    caps.describe_batch_max = DESCRIBE_MAX;
    caps.log_batch_max = LOG_BATCH_MAX;
    caps.log_batch_is_one = true;
    caps.log_lines = LOG_LINES_STRUCTURED;
    return caps;
}

static void init_quotas(struct cloudrun_api *api)
{
    int64_t now = time_mono_ms(), percent = api->config->rate_percent;
    driver_settings_quota(&api->reads, &read_quota, percent);
    driver_settings_quota(&api->writes, &write_quota, percent);
    driver_settings_quota(&api->runs, &run_quota, percent);
    /* Never two within one interval: the quota is small, and the whole project shares it. */
    token_bucket_init(&api->log_reads, (double)api->config->log_reads_per_min / 60, 1, now);
}

int cloudrun_driver_open(const void *settings, const struct driver_env *env,
                         struct cloud_driver *out, struct error *err)
{
    const struct cloudrun_config *config = settings;
    struct cloudrun_driver *d = NEW(struct cloudrun_driver);
    (void)err;
    d->instance = xstrdup(env->instance);
    d->loop = env->loop;
    d->credentials = gcp_credential_chain_new(env->http, NULL);
    d->registry = artifact_registry_new(co_gcp_access_token, d->credentials);
    const struct gcp_client_options options = {
        .loop = env->loop,
        .http = env->http,
        .credentials = d->credentials,
        .endpoint_url = config->endpoint_url,
    };
    d->api.client = gcp_client_new(&options);
    d->api.config = config;
    init_quotas(&d->api);
    *out = (struct cloud_driver){
        .name = "cloudrun",
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
