/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kit/fake_driver.h"

#include "loop/co.h"

#include <stdio.h>
#include <string.h>

struct fake_driver fake_driver;
static struct cloud_driver driver;

static int co_prepare(void *self, const struct workload_spec *spec, struct workload *w,
                      struct error *err)
{
    (void)self;
    snprintf(w->definition, sizeof w->definition, "definition-%d", fake_driver.prepared++);
    return fake_driver.co_prepare ? fake_driver.co_prepare(spec, w, err) : 0;
}

static int co_run(void *self, const struct workload_spec *spec, struct workload *w,
                  struct error *err)
{
    (void)self;
    fake_driver.started++;
    strcpy(w->resource, "task");
    return fake_driver.co_run ? fake_driver.co_run(spec, w, err) : 0;
}

/* Suspends, as a call to a cloud does. */
static int co_describe(void *self, const struct workload *const *list, size_t count,
                       struct workload_status *out, struct error *err)
{
    (void)self;
    fake_driver.described++;
    if (co_sleep(1, err))
        return -1;
    for (size_t i = 0; i < count; i++) {
        out[i] = (struct workload_status){.phase = WORKLOAD_RUNNING};
        if (fake_driver.describe)
            fake_driver.describe(list[i], &out[i]);
    }
    return 0;
}

static int co_stop(void *self, const struct workload *w, const char *reason, struct error *err)
{
    (void)self;
    (void)w;
    (void)reason;
    (void)err;
    fake_driver.stopped++;
    return 0;
}

static int co_remove_run(void *self, const struct workload *w, struct error *err)
{
    (void)self;
    fake_driver.removed++;
    return fake_driver.co_remove_run ? fake_driver.co_remove_run(w, err) : 0;
}

static int co_remove_container(void *self, const struct workload *w, struct error *err)
{
    (void)self;
    return fake_driver.co_remove_container ? fake_driver.co_remove_container(w, err) : 0;
}

static int co_list(void *self, struct arena *arena, struct workload_found **out, size_t *count,
                   struct error *err)
{
    (void)self;
    (void)arena;
    fake_driver.listed++;
    *out = NULL;
    *count = 0;
    return fake_driver.co_list ? fake_driver.co_list(out, count, err) : 0;
}

static int co_log_pages(void *self, const struct log_query *queries, size_t count,
                        struct log_page *pages, struct error *err)
{
    (void)self;
    return fake_driver.co_log_pages(queries, count, pages, err);
}

static int co_registry_credentials(void *self, const char *host, struct registry_credentials *out,
                                   struct error *err)
{
    (void)self;
    return fake_driver.co_credentials ? fake_driver.co_credentials(host, out, err) : 0;
}

static const char *pull_refusal(void *self, const char *host)
{
    (void)self;
    return fake_driver.pull_refusal ? fake_driver.pull_refusal(host) : NULL;
}

static void describe_self(void *self, char *out, size_t size)
{
    (void)self;
    snprintf(out, size, "a cloud of paper");
}

static const struct workload_ops workload_ops = {
    .co_prepare = co_prepare,
    .co_run = co_run,
    .co_describe = co_describe,
    .co_stop = co_stop,
    .co_remove_run = co_remove_run,
    .co_remove_container = co_remove_container,
    .co_list = co_list,
};
static const struct log_ops log_ops = {.co_pages = co_log_pages};
static const struct registry_ops registry_ops = {.co_credentials = co_registry_credentials,
                                                 .pull_refusal = pull_refusal};

struct cloud_driver *fake_driver_open(void)
{
    driver = (struct cloud_driver){
        .name = "fake",
        .caps = {.describe_batch_max = 10, .poll_interval_ms = 10},
        .workload = &workload_ops,
        .logs = &log_ops,
        .registry = &registry_ops,
        .describe_self = describe_self,
    };
    fake_driver = (struct fake_driver){.caps = &driver.caps};
    return &driver;
}

void fake_driver_has_logs(int batch_max)
{
    driver.caps.agent = AGENT_BY_CLOUD;
    driver.caps.log_batch_max = batch_max;
    driver.caps.log_poll_interval_ms = 40;
    driver.caps.log_grace_ms = 1500;
}

void fake_driver_has_addresses(int poll_interval_ms)
{
    driver.caps.has_addresses = true;
    driver.caps.describe_batch_max = 100;
    driver.caps.poll_interval_ms = poll_interval_ms;
}
