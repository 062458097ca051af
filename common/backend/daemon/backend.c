/* SPDX-License-Identifier: Apache-2.0
 *
 * The backend daemon: opens its parts in the order in which they need each other, serves, closes
 * them in reverse; see backend.h.
 */
#include "backend/daemon/backend.h"

#include "backend/state/backend_internal.h"
#include "backend/state/container_recent.h"
#include "backend/image/credential_store.h"
#include "backend/daemon/dispatch.h"
#include "backend/attach/exec.h"
#include "backend/inject/image_inject.h"
#include "backend/inject/staged_image.h"
#include "backend/transfer/image_intake.h"
#include "backend/logs/log_hub.h"
#include "backend/daemon/reconcile.h"
#include "backend/daemon/run_listeners.h"
#include "backend/agent/reverse_agents.h"
#include "backend/run/run_report.h"
#include "backend/run/watcher.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "oci/registry/registry.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { CLOSING_MS = 5000, INSTANCE_BYTES = 6 };

/* The mark on our cloud resources must stay the same over restarts. */
static int instance_load(struct backend *b, struct error *err)
{
    char *kept AUTO_FREE = store_meta_get(b->store, "instance");
    if (!str_empty(b->config->instance)) {
        snprintf(b->instance, sizeof b->instance, "%s", b->config->instance);
    } else if (kept) {
        snprintf(b->instance, sizeof b->instance, "%s", kept);
    } else {
        unsigned char raw[INSTANCE_BYTES];
        char hex[2 * INSTANCE_BYTES + 1];
        random_bytes(raw, sizeof raw);
        hex_encode(raw, sizeof raw, hex);
        snprintf(b->instance, sizeof b->instance, "sockerless-%s", hex);
    }
    return kept && !strcmp(kept, b->instance)
               ? 0
               : store_meta_put(b->store, "instance", b->instance, err);
}

static int registry_open(struct backend *b, struct error *err)
{
    struct registry_options options = {
        .mirrors = b->config->registry_mirrors,
        .endpoints = b->config->registry_endpoints,
        .insecure = b->config->insecure_registries,
        .ca_file = b->config->registry_ca_file,
        .platform = b->config->platform,
        .timeout_ms = b->config->registry_timeout_s * 1000,
    };
    return registry_client_open(b->http, &options, &b->registry, err);
}

static const struct rpc_server_events server_events = {.request = dispatch_request,
                                                       .session = dispatch_session};

/* The store, and the driver once the store has said which instance this is; both or none. */
static int store_and_driver_open(struct backend *b, const struct driver_source *source,
                                 struct error *err)
{
    const struct driver_env env = {.loop = b->loop, .http = b->http, .instance = b->instance};
    if (store_open(b->config->state_dir, &b->store, err))
        return -1;
    if (instance_load(b, err) == 0 && source->open(source->config, &env, b->driver, err) == 0)
        return 0;
    store_close(b->store);
    return -1;
}

static int parts_open(struct backend *b, struct error *err)
{
    if (image_store_open(b->store, &b->images, err) ||
        credential_store_open(b->store, b->config->state_dir, &b->credentials, err) ||
        registry_open(b, err) || reconcile_load(b, err) ||
        reverse_agents_open(b, &b->reverse, err) || watcher_open(b, run_report_status, err))
        return -1;
    b->log_hub = log_hub_new(b);
    b->intakes = image_intake_pool_new();
    b->injector = image_injector_new();
    b->staged = staged_images_new();
    if (rpc_server_listen(b->loop, b->config->listen, NULL, &server_events, b, &b->server, err))
        return error_wrap(err, "--listen");
    return 0;
}

/* ---- maintenance ---- */

static void co_driver_maintain(struct backend *b, bool closing)
{
    struct cloud_driver *driver = b->driver;
    struct strv in_use AUTO(strv) = STRV_INIT; /* copied: containers may go while we wait */
    struct error err;
    if (!driver->workload->co_maintain)
        return;
    for (struct container *c = b->containers.newest; c; c = c->older) {
        if ((container_alive(c) || c->damaged) && c->current.definition[0])
            strv_push(&in_use, c->current.definition);
        if (c->current.owned[0])
            strv_push(&in_use, c->current.owned);
    }
    if (driver->workload->co_maintain(driver->self, (const char *const *)in_use.items, in_use.count,
                                      closing, &err))
        log_warn("maintenance failed", LOG_STR("error", err.message));
}

static void co_maintain(void *arg)
{
    struct backend *b = arg;
    struct error err;
    while (!b->stopping) {
        if (co_suspend(b->maintain_at_ms, &err) && err.code != ERROR_DEADLINE)
            break;
        if (b->stopping)
            break;
        co_driver_maintain(b, false);
        container_recent_purge(&b->containers);
        execs_purge(b);
        b->maintain_at_ms = time_mono_ms() + b->config->maintain_ms;
    }
    co_driver_maintain(b, true);
    b->maintenance = NULL;
    loop_stop(b->loop);
}

static void co_maintain_entry(void *arg)
{
    struct backend *b = arg;
    b->maintenance = co_current();
    b->maintain_at_ms = time_mono_ms() + b->config->maintain_ms;
    co_maintain(b);
}

/* The cloud does not answer: what is left over there is found again at the next start. */
static void on_patience_over(uv_timer_t *timer)
{
    log_warn("ending without the last clean-up");
    loop_stop(((struct backend *)timer->data)->loop);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct backend *b = handle->data;
    if (b->stopping)
        return;
    log_info("stopping; running containers are left running", LOG_INT("signal", number));
    b->stopping = true;
    uv_timer_start(&b->patience, on_patience_over, CLOSING_MS, 0);
    if (b->maintenance)
        co_wake(b->maintenance);
    else
        loop_stop(b->loop);
}

static void signals_open(struct backend *b)
{
    signal(SIGPIPE, SIG_IGN);
    uv_signal_init(&b->loop->uv, &b->sigterm);
    uv_signal_init(&b->loop->uv, &b->sigint);
    uv_timer_init(&b->loop->uv, &b->patience);
    b->patience.data = b;
    b->sigterm.data = b->sigint.data = b;
    uv_signal_start(&b->sigterm, on_signal, SIGTERM);
    uv_signal_start(&b->sigint, on_signal, SIGINT);
}

/* Sessions end, waiting operations unwind (what they did is continued by the next process), and
 * only then the parts they use are closed. Parts that were not opened are NULL. */
static void parts_close(struct backend *b)
{
    struct loop *l = b->loop;
    b->stopping = true;
    if (b->server)
        rpc_server_close(b->server);
    reverse_agents_close(b->reverse);
    channel_abort_all(l);
    watcher_close(b);
    co_cancel_all(l);
    uv_close((uv_handle_t *)&b->sigterm, NULL);
    uv_close((uv_handle_t *)&b->sigint, NULL);
    uv_close((uv_handle_t *)&b->patience, NULL);
    while (co_live(l) || l->channels)
        uv_run(&l->uv, UV_RUN_ONCE);
    log_hub_free(b->log_hub);
    image_intake_pool_free(b->intakes);
    image_injector_free(b->injector);
    staged_images_free(b->staged);
    execs_close(b);
    container_table_fini(&b->containers);
    image_store_close(b->images);
    registry_client_close(b->registry);
    credential_store_close(b->credentials);
    rpc_server_free(b->server);
}

static int serve(struct backend *b, struct error *err)
{
    if (parts_open(b, err) || co_spawn(b->loop, co_maintain_entry, b, err))
        return -1;
    reconcile_start(b);
    log_info("serving", LOG_STR("listen", b->config->listen), LOG_STR("driver", b->driver->name),
             LOG_STR("instance", b->instance), LOG_INT("containers", (int64_t)b->containers.count));
    loop_run(b->loop);
    return 0;
}

int backend_run(struct loop *l, struct http_client *http, const struct driver_source *source,
                const struct backend_config *config, struct error *err)
{
    struct cloud_driver driver = {0};
    struct backend *b = NEW(struct backend);
    b->loop = l;
    b->http = http;
    b->driver = &driver;
    b->config = config;
    b->run_listeners = run_listeners;
    container_table_init(&b->containers);
    int rc = store_and_driver_open(b, source, err);
    if (rc == 0) {
        signals_open(b);
        rc = serve(b, err);
        parts_close(b);
        store_close(b->store);
        driver.close(driver.self);
    }
    free(b);
    if (rc == 0)
        log_info("stopped");
    return rc;
}
