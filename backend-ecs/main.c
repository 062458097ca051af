/* SPDX-License-Identifier: Apache-2.0
 *
 * sockerless-backend-ecs: the backend daemon for AWS ECS on Fargate. Reads the settings, opens the
 * loop, the HTTP client and the driver, and hands over to the core (backend_run). */
#include "backend/daemon/backend.h"
#include "base/config.h"
#include "base/error.h"
#include "base/log.h"
#include "driver.h"
#include "ecs_config.h"
#include "loop/http_client.h"
#include "loop/loop.h"

#include <stdio.h>

static int serve(struct loop *loop, const struct backend_config *backend,
                 const struct ecs_config *ecs, struct error *err)
{
    const struct http_client_options options = {
        .ca_file = backend->registry_ca_file,
        .user_agent = "sockerless-backend-ecs",
    };
    struct http_client *http;
    struct cloud_driver driver;
    if (http_client_open(loop, &options, &http, err))
        return -1;
    ecs_driver_open(loop, http, ecs, &driver);
    int rc = backend_run(loop, http, &driver, backend, err);
    driver.close(driver.self);
    http_client_close(http);
    return rc;
}

static int open_log(const char *name, struct error *err)
{
    enum log_level level;
    if (!log_level_parse(name, &level))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_LOG_LEVEL: \"%s\" is none of debug, info, warn, error", name);
    log_open("backend-ecs", level);
    return 0;
}

static int run(const struct backend_config *backend, struct ecs_config *ecs, struct error *err)
{
    static struct loop loop;
    if (open_log(backend->log_level, err) || ecs_config_finish(ecs, backend->platform, err) ||
        loop_init(&loop, err))
        return -1;
    int rc = serve(&loop, backend, ecs, err);
    loop_fini(&loop);
    return rc;
}

int main(int argc, char **argv)
{
    static struct backend_config backend;
    static struct ecs_config ecs;
    const struct config_setting settings[] = {ECS_SETTINGS(ecs), BACKEND_SETTINGS(backend), {0}};
    struct error err = {0};
    bool help = false;
    log_open("backend-ecs", LOG_INFO);
    int rc = config_load(settings, argc, argv, &help, &err);
    if (rc == 0 && !help)
        rc = run(&backend, &ecs, &err);
    if (rc)
        log_error("backend stopped", LOG_STR("error", err.message));
    ecs_config_fini(&ecs);
    config_unload(settings);
    return rc ? 1 : 0;
}
