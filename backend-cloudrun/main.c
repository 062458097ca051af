/* SPDX-License-Identifier: Apache-2.0
 *
 * sockerless-backend-cloudrun: the backend daemon for Google Cloud Run jobs. Reads the settings,
 * opens the loop, the HTTP client and the driver, and hands over to the core (backend_run). */
#include "backend/daemon/backend.h"
#include "base/alloc.h"
#include "base/config.h"
#include "base/error.h"
#include "base/log.h"
#include "base/str.h"
#include "cloudrun_config.h"
#include "driver.h"
#include "loop/http_client.h"
#include "loop/loop.h"

#include <stdlib.h>

static int serve(struct loop *loop, const struct backend_config *backend,
                 const struct cloudrun_config *cloudrun, struct error *err)
{
    const struct http_client_options options = {
        .ca_file = backend->registry_ca_file,
        .user_agent = "sockerless-backend-cloudrun",
    };
    struct http_client *http;
    struct cloud_driver driver;
    if (http_client_open(loop, &options, &http, err))
        return -1;
    cloudrun_driver_open(loop, http, cloudrun, &driver);
    int rc = backend_run(loop, http, &driver, backend, err);
    driver.close(driver.self);
    http_client_close(http);
    return rc;
}

/* Images with the agent go where agent.registry says, else to the staging registry. Without a
 * staging registry it serves for that, too. */
static void share_registry(struct backend_config *backend, const struct cloudrun_config *cloudrun)
{
    backend->agent_registry = cloudrun->agent_registry;
    if (!str_empty(backend->staging_registry) || str_empty(cloudrun->agent_registry))
        return;
    free(backend->staging_registry);
    backend->staging_registry = xstrdup(cloudrun->agent_registry);
}

static int open_log(const char *name, struct error *err)
{
    enum log_level level;
    if (!log_level_parse(name, &level))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_LOG_LEVEL: \"%s\" is none of debug, info, warn, error", name);
    log_open("backend-cloudrun", level);
    return 0;
}

static int run(struct backend_config *backend, struct cloudrun_config *cloudrun, struct error *err)
{
    static struct loop loop;
    if (open_log(backend->log_level, err) ||
        cloudrun_config_finish(cloudrun, backend->platform, err) || loop_init(&loop, err))
        return -1;
    share_registry(backend, cloudrun);
    cloudrun->reverse_agent = !str_empty(backend->callback_url);
    int rc = serve(&loop, backend, cloudrun, err);
    loop_fini(&loop);
    return rc;
}

int main(int argc, char **argv)
{
    static struct backend_config backend;
    static struct cloudrun_config cloudrun;
    const struct config_setting settings[] = {
        CLOUDRUN_SETTINGS(cloudrun), BACKEND_SETTINGS(backend), {0}};
    struct error err = {0};
    bool help = false;
    log_open("backend-cloudrun", LOG_INFO);
    int rc = config_load(settings, argc, argv, &help, &err);
    if (rc == 0 && !help)
        rc = run(&backend, &cloudrun, &err);
    if (rc)
        log_error("backend stopped", LOG_STR("error", err.message));
    cloudrun_config_fini(&cloudrun);
    config_unload(settings);
    return rc ? 1 : 0;
}
