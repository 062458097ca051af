/* SPDX-License-Identifier: Apache-2.0
 * The Cloud Functions driver's table of functions; the work is done by gcf_pool.c, gcf_run.c,
 * gcf_logs.c and artifact_registry.c. Errors leave here with the cloud's own words. */
#include "driver.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloud/describe_each.h"
#include "cloud/gcp/artifact_registry.h"
#include "cloud/gcp/gcp_credentials.h"
#include "gcf_logs.h"
#include "gcf_names.h"
#include "gcf_pool.h"
#include "gcf_run.h"
#include "loop/http_client.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

enum {
    DESCRIBE_MAX = 100, /* no call, but after a restart */
    DESCRIBE_AT_ONCE = 4,
    LOG_BATCH_MAX = 512, /* as many as fit into a filter share a call */
    RUNS_AT_ONCE = 1024, /* each is a request that stays open */
};

/* Per second and at once. Functions: 60 changes and 1,200 reads a minute; Cloud Run: 180 and 3,000.
 */
static const struct driver_quota read_quota = {20, 40}, write_quota = {1, 10},
                                 service_read_quota = {50, 100}, service_write_quota = {3, 30};

struct gcf_driver {
    char *instance;
    struct artifact_registry *registry;
    struct gcf_api api;
};

/* ---- preparing ---- */

/* All that a function depends on: another of it, another function. */
static void hash_content(const struct gcf_config *config, const struct gcf_shape *shape,
                         char out[2 * SHA256_DIGEST_LENGTH + 1])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    AUTO_FREE char *text =
        xasprintf("%s\n%d\n%d\n%lld\n%s\n%lld\n", shape->image, shape->size.cpu_units,
                  shape->size.memory_mib, (long long)config->timeout_s,
                  str_or_empty(config->service_account), (long long)config->max_instances);
    SHA256((const unsigned char *)text, strlen(text), digest);
    hex_encode(digest, sizeof digest, out);
    out[GCF_CONTENT_CHARS] = '\0';
}

static int co_prepare(void *self, const struct workload_spec *spec, struct workload *w,
                      struct error *err)
{
    struct gcf_driver *d = self;
    const struct gcf_config *config = d->api.config;
    const struct cloud_size_wish wish = cloud_size_wish_of(spec->host);
    struct gcf_deployment wanted = {.name = w->definition, .shape = {.image = spec->image}};
    char content[2 * SHA256_DIGEST_LENGTH + 1], id[GCF_ID_MAX + 1];
    if (!spec->agent_in_image)
        return error_set(err, ERROR_SYSTEM, "the image %s was not given the agent", spec->image);
    if (cloud_size_choose(&config->sizes, &wish, &wanted.shape.size, err))
        return -1;
    hash_content(config, &wanted.shape, content);
    wanted.content = content;
    gcf_function_id(spec->instance, content, id);
    /* Before the calls: what is left after a failure may exist all the same. */
    snprintf(w->definition, sizeof w->definition, "projects/%s/locations/%s/functions/%s",
             config->project, config->region, id);
    if (!*spec->container_id) /* for the pool */
        return co_gcf_pool_claim(&d->api, &wanted, NULL, err);
    char before[sizeof w->owned];
    memcpy(before, w->owned, sizeof before);
    snprintf(w->owned, sizeof w->owned, "%.300s#%s", w->definition, spec->container_id);
    if (*before && strcmp(before, w->owned) != 0) /* settings have changed since */
        gcf_pool_release(&d->api, before);
    return co_gcf_pool_claim(&d->api, &wanted, w->owned, err);
}

/* ---- runs ---- */

static int co_run(void *self, const struct workload_spec *spec, struct workload *w,
                  struct error *err)
{
    struct gcf_driver *d = self;
    return gcf_run_begin(&d->api, spec, w, err);
}

static int co_describe_one(void *arg, const struct workload *w, struct workload_status *out,
                           struct error *err)
{
    return co_gcf_run_describe(arg, w, out, err);
}

static int co_describe(void *self, const struct workload *const *list, size_t count,
                       struct workload_status *out, struct error *err)
{
    struct gcf_driver *d = self;
    const struct describe_each how = {
        .loop = d->api.loop, .width = DESCRIBE_AT_ONCE, .co_one = co_describe_one, .arg = &d->api};
    return co_describe_each(&how, list, count, out, err);
}

/* The function stays: other runs may be in it, and it is the container's. */
static int co_remove_run(void *self, const struct workload *w, struct error *err)
{
    struct gcf_driver *d = self;
    (void)err;
    gcf_run_remove(&d->api, w);
    return 0;
}

static int co_remove_container(void *self, const struct workload *w, struct error *err)
{
    struct gcf_driver *d = self;
    (void)err;
    gcf_pool_release(&d->api, w->owned);
    return 0;
}

/* Runs cannot be listed, and a function belongs to no single container: what there is comes into
 * the pool, where what no container owns grows old. */
static int co_list(void *self, struct arena *arena, struct workload_found **out, size_t *count,
                   struct error *err)
{
    struct gcf_driver *d = self;
    (void)arena;
    *out = NULL;
    *count = 0;
    return co_gcf_pool_load(&d->api, err);
}

static int co_maintain(void *self, const char *const *in_use, size_t count, bool closing,
                       struct error *err)
{
    struct gcf_driver *d = self;
    return co_gcf_pool_maintain(&d->api, in_use, count, closing, err);
}

static const struct workload_ops workload_ops = {
    .co_prepare = co_prepare,
    .co_run = co_run,
    .co_describe = co_describe,
    .co_remove_run = co_remove_run,
    .co_remove_container = co_remove_container,
    .co_list = co_list,
    .co_maintain = co_maintain,
};

/* ---- logs and registry ---- */

static int co_log_pages(void *self, const struct log_query *queries, size_t count,
                        struct log_page *pages, struct error *err)
{
    struct gcf_driver *d = self;
    const struct gcf_config *config = d->api.config;
    struct gcp_log_reader reader = {
        .client = d->api.client, .project = config->project, .bucket = &d->api.log_reads};
    const struct gcp_log_source source = {
        .kind = &gcf_log_kind,
        .project = config->project,
        .region = config->region,
        .co_fetch = co_gcp_log_fetch_google,
        .arg = &reader,
    };
    return co_gcp_log_pages(&source, queries, count, pages, err);
}

static int co_registry_credentials(void *self, const char *host, struct registry_credentials *out,
                                   struct error *err)
{
    struct gcf_driver *d = self;
    return co_artifact_registry_credentials(d->registry, host, out, err);
}

static const struct log_ops log_ops = {.co_pages = co_log_pages};
/* Where the cloud pulls from is never asked: every image is a copy, with the agent in it. */
static const struct registry_ops registry_ops = {.co_credentials = co_registry_credentials};

/* ---- the driver ---- */

static void describe_self(void *self, char *out, size_t size)
{
    const struct gcf_driver *d = self;
    const struct gcf_config *config = d->api.config;
    const struct driver_place place = {.product = "Google Cloud Functions",
                                       .region = config->region,
                                       .scope = "project",
                                       .scope_name = config->project,
                                       .endpoint_url = config->endpoint_url};
    driver_settings_describe(&place, out, size);
}

static void driver_close(void *self)
{
    struct gcf_driver *d = self;
    gcf_runs_free(d->api.runs);
    gcf_pool_free(d->api.pool);
    http_client_close(d->api.waiting);
    artifact_registry_free(d->registry);
    gcp_client_free(d->api.client);
    gcp_credential_chain_free(d->api.credentials);
    free(d->instance);
    free(d);
}

static struct driver_caps caps_of(const struct gcf_config *config)
{
    struct driver_caps caps = driver_settings_caps(&config->pace, &config->sizes);
    caps.agent = AGENT_AS_LAYER;
    caps.prepare = config->prepare_at_pull ? PREPARE_AT_PULL : PREPARE_AT_CREATE;
    caps.stop = STOP_NONE;
    caps.runs_as_image_user = true;
    caps.describe_batch_max = DESCRIBE_MAX;
    caps.log_batch_max = LOG_BATCH_MAX;
    caps.log_batch_is_one = true;
    caps.log_lines = LOG_LINES_STRUCTURED;
    return caps;
}

static void init_quotas(struct gcf_api *api)
{
    int64_t now = time_mono_ms(), percent = api->config->rate_percent;
    driver_settings_quota(&api->reads, &read_quota, percent);
    driver_settings_quota(&api->writes, &write_quota, percent);
    driver_settings_quota(&api->service_reads, &service_read_quota, percent);
    driver_settings_quota(&api->service_writes, &service_write_quota, percent);
    /* Never two within one interval: the quota is small, and the whole project shares it. */
    token_bucket_init(&api->log_reads, (double)api->config->log_reads_per_min / 60, 1, now);
}

int gcf_driver_open(const void *settings, const struct driver_env *env, struct cloud_driver *out,
                    struct error *err)
{
    const struct gcf_config *config = settings;
    const struct http_client_options waiting = {.user_agent = "sockerless-backend-gcf",
                                                .max_connections = RUNS_AT_ONCE};
    struct http_client *requests;
    if (http_client_open(env->loop, &waiting, &requests, err))
        return -1;
    struct gcf_driver *d = NEW(struct gcf_driver);
    d->instance = xstrdup(env->instance);
    d->api = (struct gcf_api){
        .loop = env->loop,
        .http = env->http,
        .waiting = requests,
        .credentials = gcp_credential_chain_new(env->http, NULL),
        .config = config,
        .instance = d->instance,
        .pool = gcf_pool_new(),
        .runs = gcf_runs_new(),
    };
    const struct gcp_client_options options = {
        .loop = env->loop,
        .http = env->http,
        .credentials = d->api.credentials,
        .endpoint_url = config->endpoint_url,
    };
    d->api.client = gcp_client_new(&options);
    d->registry = artifact_registry_new(co_gcp_access_token, d->api.credentials);
    init_quotas(&d->api);
    *out = (struct cloud_driver){
        .name = "gcf",
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
