/* SPDX-License-Identifier: Apache-2.0
 * The ECS driver's table of functions; the work is done by ecs_definition_store.c, ecs_task.c,
 * ecs_logs.c and ecr.c. Errors leave here with the cloud's own words. */
#include "driver.h"

#include "aws_client.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "ecr.h"
#include "ecs_definition_store.h"
#include "ecs_logs.h"
#include "ecs_size.h"
#include "ecs_stopped.h"
#include "ecs_task.h"

#include <stdio.h>

enum { LOG_BATCH_MAX = 32 }; /* one call each, one after the other */

struct ecs_driver {
    char *instance;
    const struct ecs_config *config;
    struct aws_client *client;
    struct ecs_definition_store *definitions;
    struct ecs_tasks tasks;
    struct ecr *ecr;
    struct ecs_stopped stopped;
};

static int co_prepare(void *self, const struct workload_spec *spec, struct workload *w,
                      struct error *err)
{
    struct ecs_driver *d = self;
    return co_ecs_definition_prepare(d->definitions, spec, w->definition, sizeof w->definition,
                                     err);
}

static int co_run(void *self, const struct workload_spec *spec, struct workload *w,
                  struct error *err)
{
    struct ecs_driver *d = self;
    bool definition_gone;
    if (co_ecs_task_run(&d->tasks, spec, w, &definition_gone, err) == 0)
        return 0;
    if (!definition_gone)
        return -1;
    /* It was deleted by others: what is cached is wrong. */
    log_info("task definition is gone, preparing again", LOG_STR("definition", w->definition));
    ecs_definition_forget(d->definitions, w->definition);
    if (co_prepare(self, spec, w, err))
        return -1;
    return co_ecs_task_run(&d->tasks, spec, w, &definition_gone, err);
}

static int co_describe(void *self, const struct workload *const *list, size_t count,
                       struct workload_status *out, struct error *err)
{
    struct ecs_driver *d = self;
    if (co_ecs_task_describe(&d->tasks, list, count, out, err))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (out[i].phase == WORKLOAD_STOPPED)
            ecs_stopped_add(&d->stopped, list[i]->resource);
    return 0;
}

static int co_stop(void *self, const struct workload *w, const char *reason, struct error *err)
{
    struct ecs_driver *d = self;
    return *w->resource ? co_ecs_task_stop(&d->tasks, w->resource, reason, err) : 0;
}

/* Definitions are shared; co_maintain drops them when nothing uses them. Containers own nothing. */
static int co_remove_run(void *self, const struct workload *w, struct error *err)
{
    struct ecs_driver *d = self;
    if (!*w->resource || ecs_stopped_has(&d->stopped, w->resource))
        return 0;
    return co_ecs_task_stop(&d->tasks, w->resource, "container removed", err);
}

static int co_list(void *self, struct arena *arena, struct workload_found **out, size_t *count,
                   struct error *err)
{
    struct ecs_driver *d = self;
    return co_ecs_task_list(&d->tasks, d->instance, arena, out, count, err);
}

/* One after the other: GetLogEvents takes one stream a call, and ten calls a second is all that
 * many regions allow, which a single caller reaches. */
static int co_log_pages(void *self, const struct log_query *queries, size_t count,
                        struct log_page *pages, struct error *err)
{
    struct ecs_driver *d = self;
    for (size_t i = 0; i < count; i++)
        if (co_ecs_log_page(co_ecs_log_fetch_aws, d->client, &queries[i], &pages[i], err))
            return -1;
    return 0;
}

static int co_registry_credentials(void *self, const char *host, struct registry_credentials *out,
                                   struct error *err)
{
    struct ecs_driver *d = self;
    return co_ecr_credentials(d->ecr, host, out, err);
}

static int co_maintain(void *self, const char *const *in_use, size_t count, bool closing,
                       struct error *err)
{
    struct ecs_driver *d = self;
    return co_ecs_definition_maintain(d->definitions, in_use, count, closing, err);
}

static const struct workload_ops workload_ops = {
    .co_prepare = co_prepare,
    .co_run = co_run,
    .co_describe = co_describe,
    .co_stop = co_stop,
    .co_remove_run = co_remove_run,
    .co_list = co_list,
    .co_maintain = co_maintain,
};
static const struct log_ops log_ops = {.co_pages = co_log_pages};
static const struct registry_ops registry_ops = {.co_credentials = co_registry_credentials};

static void describe_self(void *self, char *out, size_t size)
{
    const struct ecs_driver *d = self;
    const struct driver_place place = {.product = "AWS ECS on Fargate",
                                       .region = d->config->region,
                                       .scope = "cluster",
                                       .scope_name = d->config->cluster,
                                       .endpoint_url = d->config->endpoint_url};
    driver_settings_describe(&place, out, size);
}

static void driver_close(void *self)
{
    struct ecs_driver *d = self;
    ecs_stopped_fini(&d->stopped);
    ecr_free(d->ecr);
    ecs_definition_store_free(d->definitions);
    aws_client_free(d->client);
    free(d->instance);
    free(d);
}

static struct driver_caps caps_of(const struct ecs_config *config)
{
    struct driver_caps caps = driver_settings_caps(&config->pace, &ecs_size_table);
    caps.agent = config->injection == ECS_INJECT_IMAGE_LAYER ? AGENT_AS_LAYER : AGENT_BY_CLOUD;
    caps.has_addresses = true;
    caps.read_only_root = true;
    caps.describe_batch_max = ECS_DESCRIBE_MAX;
    caps.log_batch_max = LOG_BATCH_MAX;
    return caps;
}

int ecs_driver_open(const void *settings, const struct driver_env *env, struct cloud_driver *out,
                    struct error *err)
{
    const struct ecs_config *config = settings;
    (void)err;
    const struct aws_client_options options = {
        .loop = env->loop,
        .http = env->http,
        .region = config->region,
        .endpoint_url = config->endpoint_url,
        .rate_percent = config->rate_percent,
        .log_events_per_s = config->log_events_per_s,
    };
    struct ecs_driver *d = NEW(struct ecs_driver);
    d->instance = xstrdup(env->instance);
    d->config = config;
    d->client = aws_client_new(&options);
    d->definitions = ecs_definition_store_new(d->client, config, d->instance);
    d->tasks = (struct ecs_tasks){.client = d->client, .config = config};
    d->ecr = ecr_new(d->client);
    *out = (struct cloud_driver){
        .name = "ecs",
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
