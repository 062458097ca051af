/* SPDX-License-Identifier: Apache-2.0
 *
 * sockerless-frontend: the Docker Engine API in front of one backend. Configuration, listeners,
 * signals; everything else happens on the loop: http_server.c accepts, the routes answer.
 */
#include "base/config.h"
#include "base/error.h"
#include "base/log.h"
#include "frontend/http/http_server.h"
#include "frontend/json/version.h"
#include "frontend/routes/router.h"
#include "frontend/rpc/backend_client.h"
#include "loop/loop.h"

#include <jansson.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct frontend_config {
    char *listen, *backend, *socket_group, *log_level;
    int64_t max_connections, idle_timeout_s;
};

struct frontend {
    struct loop loop;
    struct backend_client *backend;
    struct http_server *server;
    uv_signal_t signals[2];
};

static int config_read(struct frontend_config *c, int argc, char **argv, bool *help,
                       struct error *err)
{
    const struct config_setting table[] = {
        {"listen", "SOCKERLESS_LISTEN", CONFIG_STRING, "unix:///run/sockerless/docker.sock",
         &c->listen,
         "where Docker clients connect: unix:///path, tcp://address:port, or a comma "
         "list",
         0, 0},
        {"backend", "SOCKERLESS_BACKEND", CONFIG_STRING, "ipc:///run/sockerless/backend.sock",
         &c->backend, "the backend's address: ipc:///path, tcp://host:port", 0, 0},
        {"socket-group", "SOCKERLESS_SOCKET_GROUP", CONFIG_STRING, NULL, &c->socket_group,
         "group that may use the unix socket (mode 0660)", 0, 0},
        {"max-connections", "SOCKERLESS_MAX_CONNECTIONS", CONFIG_INT, "4096", &c->max_connections,
         "client connections at once; more wait", 1, 1000000},
        {"idle-timeout-s", "SOCKERLESS_IDLE_TIMEOUT_S", CONFIG_INT, "300", &c->idle_timeout_s,
         "seconds until a kept-alive connection without request is closed", 1, 86400},
        {"log-level", "SOCKERLESS_LOG_LEVEL", CONFIG_STRING, "info", &c->log_level,
         "debug, info, warn or error", 0, 0},
        {0},
    };
    enum log_level level = LOG_INFO;
    if (config_load(table, argc, argv, help, err))
        return -1;
    if (!log_level_parse(c->log_level, &level))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "--log-level: '%s' is not one of debug, info, warn, error", c->log_level);
    log_open("frontend", level);
    return 0;
}

static void config_free(struct frontend_config *c)
{
    free(c->listen);
    free(c->backend);
    free(c->socket_group);
    free(c->log_level);
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
    return rc;
}

int main(int argc, char **argv)
{
    struct frontend_config config = {0};
    struct frontend frontend = {0};
    struct error err;
    bool help = false;
    log_open("frontend", LOG_INFO);
    json_set_alloc_funcs(malloc, json_wipe);
    if (config_read(&config, argc, argv, &help, &err)) {
        fprintf(stderr, "sockerless-frontend: %s\n", err.message);
        config_free(&config);
        return 2;
    }
    if (help) {
        config_free(&config);
        return 0;
    }
    int rc = loop_init(&frontend.loop, &err);
    if (rc == 0) {
        rc = frontend_run(&frontend, &config, &err);
        backend_client_free(frontend.backend);
        loop_fini(&frontend.loop);
    }
    if (rc)
        fprintf(stderr, "sockerless-frontend: %s\n", err.message);
    config_free(&config);
    return rc ? 1 : 0;
}
