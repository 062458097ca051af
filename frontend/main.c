/* SPDX-License-Identifier: Apache-2.0
 *
 * sockerless-frontend: the Docker Engine API in front of one backend. Configuration, listeners,
 * signals; everything else happens on the loop: http_server.c accepts, the routes answer.
 */
#include "base/alloc.h"
#include "base/config.h"
#include "base/error.h"
#include "base/listen_address.h"
#include "base/log.h"
#include "base/program.h"
#include "base/str.h"
#include "frontend/http/http_server.h"
#include "frontend/json/version.h"
#include "frontend/routes/router.h"
#include "frontend/rpc/backend_client.h"
#include "loop/loop.h"

#include <jansson.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static struct frontend_config {
    char *config, *listen, *backend, *socket_group, *log_level;
    int64_t max_connections, idle_timeout_s;
    bool insecure_tcp;
} config;

static const struct config_setting settings[] = {
    CONFIG_ROW_TEXT(CONFIG_LISTEN, "listen", "SOCKERLESS_LISTEN",
                    "unix://" LISTEN_DEFAULT_DIRECTORY "/docker.sock", &config.listen,
                    "where Docker clients connect: unix:///path, tcp://address:port, or a comma "
                    "list"),
    CONFIG_ROW_BOOL("insecure-tcp", "SOCKERLESS_INSECURE_TCP", "false", &config.insecure_tcp,
                    "allow tcp:// addresses that other machines reach; nothing protects them"),
    CONFIG_ROW_STRING("backend", "SOCKERLESS_BACKEND",
                      "ipc://" LISTEN_DEFAULT_DIRECTORY "/backend.sock", &config.backend,
                      "the backend's address: ipc:///path, tcp://host:port"),
    CONFIG_ROW_TEXT(CONFIG_GUARD, "socket-group", "SOCKERLESS_SOCKET_GROUP", NULL,
                    &config.socket_group, "group that may use the unix socket (mode 0660)"),
    CONFIG_ROW_INT("max-connections", "SOCKERLESS_MAX_CONNECTIONS", "4096", &config.max_connections,
                   "client connections at once; more wait", 1, 1000000),
    CONFIG_ROW_INT("idle-timeout-s", "SOCKERLESS_IDLE_TIMEOUT_S", "300", &config.idle_timeout_s,
                   "seconds until a kept-alive connection without request is closed", 1, 86400),
    CONFIG_ROW_STRING("log-level", "SOCKERLESS_LOG_LEVEL", "info", &config.log_level,
                      "debug, info, warn or error"),
    CONFIG_ROW_CONFIG(&config.config),
    {0},
};

static const struct program self = {
    .component = "frontend",
    .purpose = "The Docker Engine API in front of one Sockerless backend.",
    .settings = settings,
    .log_level = &config.log_level,
    .daemon = true,
};

struct frontend {
    struct loop loop;
    struct backend_client *backend;
    struct http_server *server;
    uv_signal_t signals[2];
};

/* Addresses that can never work, or should not. */
static int check_addresses(const struct frontend_config *c, struct error *err)
{
    AUTO(strv) struct strv urls = STRV_INIT;
    struct listen_address address;
    strv_push_urls(&urls, c->listen);
    for (size_t i = 0; i < urls.count; i++)
        if (listen_address_parse(urls.items[i], "unix://", &address, err) ||
            listen_address_check_exposure(&address, c->insecure_tcp, err))
            return error_wrap(err, "--listen");
    if (listen_address_parse(c->backend, "ipc://", &address, err))
        return error_wrap(err, "--backend");
    return 0;
}

/* Requests carry passwords and the environments of containers: what jansson made of them is wiped.
 */
static void json_wipe(void *memory)
{
    if (memory)
        explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct frontend *f = handle->data;
    log_info("stopping", LOG_INT("signal", number));
    loop_stop(&f->loop);
}

static void signals_open(struct frontend *f)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        uv_signal_init(&f->loop.uv, &f->signals[i]);
        f->signals[i].data = f;
        uv_signal_start(&f->signals[i], on_signal, numbers[i]);
    }
}

static int frontend_run(struct frontend *f, const struct frontend_config *c, struct error *err)
{
    const struct http_server_options options = {.socket_group = c->socket_group,
                                                .max_connections = c->max_connections,
                                                .idle_timeout_ms = c->idle_timeout_s * 1000};
    f->backend = backend_client_new(&f->loop, c->backend);
    f->server = http_server_new(&f->loop, &options, &router_service, f->backend);
    signals_open(f);
    int rc = http_server_listen(f->server, c->listen, err);
    if (rc == 0) {
        log_info("ready", LOG_STR("listen", c->listen), LOG_STR("backend", c->backend),
                 LOG_STR("version", SOCKERLESS_VERSION));
        loop_run(&f->loop);
    }
    http_server_close(f->server);
    for (size_t i = 0; i < sizeof(f->signals) / sizeof(f->signals[0]); i++)
        uv_close((uv_handle_t *)&f->signals[i], NULL);
    backend_client_free(f->backend);
    return rc;
}

static int run(struct error *err)
{
    static struct frontend frontend;
    if (check_addresses(&config, err) || loop_init(&frontend.loop, err))
        return -1;
    int rc = frontend_run(&frontend, &config, err);
    loop_fini(&frontend.loop);
    return rc;
}

int main(int argc, char **argv)
{
    struct error err;
    json_set_alloc_funcs(malloc, json_wipe);
    int code = program_begin(&self, argc, argv);
    if (code == PROGRAM_RUNS)
        code = run(&err) ? program_fail(&self, &err) : PROGRAM_ENDED;
    config_unload(settings);
    return code;
}
