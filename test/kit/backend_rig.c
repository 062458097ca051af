/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kit/backend_rig.h"

#include "backend/agent/reverse_agents.h"
#include "backend/daemon/dispatch.h"
#include "backend/daemon/run_listeners.h"
#include "backend/image/credential_store.h"
#include "backend/inject/image_inject.h"
#include "backend/inject/staged_image.h"
#include "backend/logs/log_hub.h"
#include "backend/run/run_report.h"
#include "backend/run/watcher.h"
#include "backend/transfer/image_intake.h"
#include "base/str.h"
#include "oci/registry/registry.h"
#include "test/kit/ask.h"
#include "test/kit/free_port.h"

#include <signal.h>
#include <stdlib.h>

struct backend_rig rig;

/* ---- the loop ---- */

static void on_guard(uv_timer_t *t)
{
    (void)t;
    rig.guard_fired = true;
}

void backend_rig_guard(int64_t ms)
{
    rig.guard_fired = false;
    uv_update_time(&rig.loop.uv);
    uv_timer_start(&rig.guard, on_guard, (uint64_t)ms, 0);
}

void backend_rig_run_for(int64_t ms)
{
    backend_rig_guard(ms);
    while (!rig.guard_fired)
        uv_run(&rig.loop.uv, UV_RUN_ONCE);
}

void backend_rig_cancel_all(void)
{
    rig.backend.stopping = true;
    co_cancel_all(&rig.loop);
    channel_abort_all(&rig.loop);
}

/* ---- parts ---- */

void backend_rig_open_store(void)
{
    struct error err;
    assert_int_equal(store_open(rig.directory, &rig.backend.store, &err), 0);
    assert_int_equal(image_store_open(rig.backend.store, &rig.backend.images, &err), 0);
}

void backend_rig_close_store(void)
{
    image_store_close(rig.backend.images);
    store_close(rig.backend.store);
}

static void add_store(void)
{
    static const struct rpc_server_events events = {.request = dispatch_request,
                                                    .session = dispatch_session};
    struct error err;
    strcpy(rig.directory, "/tmp/sockerless-test-XXXXXX");
    assert_non_null(mkdtemp(rig.directory));
    snprintf(rig.url, sizeof rig.url, "ipc://%s/rpc.sock", rig.directory);
    backend_rig_open_store();
    assert_int_equal(rpc_server_listen(&rig.loop, rig.url, NULL, &events, &rig.backend,
                                       &rig.backend.server, &err),
                     0);
    rig.client = rpc_client_new(&rig.loop, rig.url, NULL);
}

static void add_credentials(void)
{
    struct error err;
    assert_int_equal(
        credential_store_open(rig.backend.store, rig.directory, &rig.backend.credentials, &err), 0);
}

void backend_rig_reload_images(void)
{
    bool credentials = rig.parts & RIG_CREDENTIALS; /* they are of the store that goes */
    if (credentials)
        credential_store_close(rig.backend.credentials);
    backend_rig_close_store();
    backend_rig_open_store();
    if (credentials)
        add_credentials();
}

static void add_registry(void)
{
    struct error err;
    struct http_client_options http = {.user_agent = "test"};
    assert_int_equal(http_client_open(&rig.loop, &http, &rig.backend.http, &err), 0);
    assert_int_equal(
        registry_client_open(rig.backend.http, &rig.registry, &rig.backend.registry, &err), 0);
}

static void add_reverse_agents(void)
{
    struct error err;
    snprintf(rig.agents_url, sizeof rig.agents_url, "ws://127.0.0.1:%d/agents", free_port());
    rig.config.callback_url = rig.config.callback_listen = rig.agents_url;
    if (reverse_agents_open(&rig.backend, &rig.backend.reverse, &err))
        fail_msg("%s", err.message);
    assert_non_null(rig.backend.reverse);
}

void backend_rig_add(unsigned parts)
{
    struct error err;
    rig.parts |= parts;
    if (parts & RIG_STORE)
        add_store();
    if (parts & RIG_CREDENTIALS)
        add_credentials();
    if (parts & RIG_REGISTRY)
        add_registry();
    if (parts & RIG_TRANSFER) {
        rig.backend.intakes = image_intake_pool_new();
        rig.backend.injector = image_injector_new();
        rig.backend.staged = staged_images_new();
    }
    if (parts & RIG_WATCHER)
        assert_int_equal(watcher_open(&rig.backend, run_report_status, &err), 0);
    if (parts & RIG_LOGS)
        rig.backend.log_hub = log_hub_new(&rig.backend);
    if (parts & RIG_REVERSE_AGENTS)
        add_reverse_agents();
}

void backend_rig_open(unsigned parts)
{
    struct error err;
    memset(&rig, 0, sizeof rig);
    assert_int_equal(loop_init(&rig.loop, &err), 0);
    uv_timer_init(&rig.loop.uv, &rig.guard);
    rig.registry.timeout_ms = 5000;
    rig.config.platform = (char *)"linux/amd64";
    rig.config.start_timeout_s = rig.config.agent_timeout_s = 20;
    rig.backend.loop = &rig.loop;
    rig.backend.driver = fake_driver_open();
    rig.backend.config = &rig.config;
    rig.backend.run_listeners = run_listeners;
    container_table_init(&rig.backend.containers);
    backend_rig_add(parts);
}

static void close_store(void)
{
    AUTO_FREE char *command = xasprintf("rm -rf %s", rig.directory);
    backend_rig_close_store();
    assert_int_equal(system(command), 0);
}

void backend_rig_settle(void)
{
    watcher_close(&rig.backend);
    if (rig.parts & RIG_REVERSE_AGENTS) {
        reverse_agents_close(STEAL(rig.backend.reverse));
        rig.parts &= ~(unsigned)RIG_REVERSE_AGENTS;
        channel_abort_all(&rig.loop);
        run_until(!rig.loop.channels);
    }
    run_until(co_live(&rig.loop) == 0);
}

void backend_rig_close(void)
{
    backend_rig_settle();
    if (rig.agent_listened) {
        /* nng leaves the connection of a dial open that is given up just as it ends. */
        channel_abort_all(&rig.loop);
        run_until(!rig.loop.channels);
    }
    if (rig.parts & RIG_LOGS)
        log_hub_free(rig.backend.log_hub);
    if (rig.parts & RIG_TRANSFER) {
        image_injector_free(rig.backend.injector);
        staged_images_free(rig.backend.staged);
        image_intake_pool_free(rig.backend.intakes);
    }
    credential_store_close(rig.backend.credentials);
    if (rig.parts & RIG_REGISTRY) {
        registry_client_close(rig.backend.registry);
        http_client_close(rig.backend.http);
    }
    ask_forget();
    if (rig.parts & RIG_STORE) {
        rpc_client_free(rig.client);
        rpc_server_close(rig.backend.server);
    }
    container_table_fini(&rig.backend.containers);
    uv_timer_stop(&rig.guard);
    uv_close((uv_handle_t *)&rig.guard, NULL);
    loop_fini(&rig.loop);
    if (rig.parts & RIG_STORE) {
        rpc_server_free(rig.backend.server);
        close_store();
    }
}

int backend_rig_setup(void **state)
{
    (void)state;
    backend_rig_open(RIG_STORE);
    return 0;
}

int backend_rig_teardown(void **state)
{
    (void)state;
    backend_rig_close();
    return 0;
}

struct ws_listener *backend_rig_agent_listen(void (*on_accept)(void *owner, struct channel *c))
{
    struct error err;
    struct ws_listener *listener;
    char url[64];
    rig.agent_listened = true;
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/", (int)rig.config.agent_port);
    if (ws_listen(&rig.loop, url, &(struct ws_listener_options){0}, on_accept, NULL, &listener,
                  &err))
        fail_msg("%s", err.message);
    return listener;
}

/* ---- what it holds ---- */

struct container *rig_container_add(struct rig_container from)
{
    Sockerless__Container view = SOCKERLESS__CONTAINER__INIT;
    Sockerless__ContainerConfig config = SOCKERLESS__CONTAINER_CONFIG__INIT;
    Sockerless__HostOptions host = SOCKERLESS__HOST_OPTIONS__INIT;
    char id[ID_HEX_LEN + 1];
    id_new(id);
    host.auto_remove = from.auto_remove;
    view.id = id;
    view.name = (char *)(from.name ? from.name : "web");
    view.image_id = (char *)str_or_empty(from.image_id);
    view.path = (char *)"true";
    view.state = from.state;
    view.config = &config;
    view.host = &host;
    if (from.state == SOCKERLESS__CONTAINER_STATE__RUNNING) {
        view.ip_address = (char *)"127.0.0.1";
        view.started_at = 1;
        view.pid = 42;
    }
    struct container *c = container_new(&rig.backend, &view);
    c->has_run = from.resource;
    strcpy(c->current.resource, str_or_empty(from.resource));
    strcpy(c->current.log_ref, str_or_empty(from.log_ref));
    container_table_add(&rig.backend.containers, c);
    return c;
}

static size_t list_of(const char *const *from, char ***out)
{
    size_t n = 0;
    while (n < 4 && from[n])
        n++;
    *out = (char **)(uintptr_t)from;
    return n;
}

void rig_image_put(const struct rig_image *from)
{
    struct error err;
    Sockerless__Image image = SOCKERLESS__IMAGE__INIT;
    Sockerless__ImageRecord rec = SOCKERLESS__IMAGE_RECORD__INIT;
    Sockerless__ContainerConfig config = SOCKERLESS__CONTAINER_CONFIG__INIT;
    Sockerless__StringList cmd = SOCKERLESS__STRING_LIST__INIT;
    Sockerless__KeyValue color = SOCKERLESS__KEY_VALUE__INIT, *labels = &color;
    char *sh = (char *)"sh";
    image.id = (char *)from->id;
    image.created = from->created;
    image.n_repo_tags = list_of(from->tags, &image.repo_tags);
    image.n_repo_digests = list_of(from->digests, &image.repo_digests);
    image.n_diff_ids = list_of(from->diffs, &image.diff_ids);
    image.config = &config;
    cmd.items = &sh;
    cmd.n_items = 1;
    config.cmd = from->no_command ? NULL : &cmd;
    color.key = (char *)"color";
    color.value = (char *)from->label;
    config.labels = &labels;
    config.n_labels = from->label ? 1 : 0;
    rec.image = &image;
    rec.pull_reference = (char *)str_or_empty(from->pull_reference);
    rec.config_json.data = (uint8_t *)from->config;
    rec.config_json.len = from->config ? strlen(from->config) : 0;
    rec.manifest_json.data = (uint8_t *)from->manifest;
    rec.manifest_json.len = from->manifest ? strlen(from->manifest) : 0;
    assert_int_equal(image_store_put(rig.backend.images, &rec, &err), 0);
}

const Sockerless__ImageRecord *rig_image(const char *reference)
{
    struct error err;
    const Sockerless__ImageRecord *rec = image_store_find(rig.backend.images, reference, &err);
    if (!rec)
        fail_msg("%s: %s", reference, err.message);
    return rec;
}

void rig_image_expect(const char *reference, const char *id)
{
    assert_string_equal(rig_image(reference)->image->id, id);
}
