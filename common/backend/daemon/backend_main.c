/* SPDX-License-Identifier: Apache-2.0
 * The main function of a backend daemon; see backend_main.h. */
#include "backend/daemon/backend_main.h"

#include "base/alloc.h"
#include "base/log.h"

#include <string.h>

static int serve(const struct backend_cloud *cloud, struct loop *loop,
                 const struct backend_config *backend, struct error *err)
{
    AUTO_FREE char *user_agent = xasprintf("sockerless-%s", cloud->component);
    const struct http_client_options options = {
        .ca_file = backend->registry_ca_file,
        .user_agent = user_agent,
    };
    struct http_client *http;
    const struct driver_source source = {.open = cloud->open, .config = cloud->config};
    if (http_client_open(loop, &options, &http, err))
        return -1;
    int rc = backend_run(loop, http, &source, backend, err);
    http_client_close(http);
    return rc;
}

static int open_log(const char *component, const char *name, struct error *err)
{
    enum log_level level;
    if (!log_level_parse(name, &level))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "SOCKERLESS_LOG_LEVEL: \"%s\" is not one of debug, info, warn, error",
                         name);
    log_open(component, level);
    return 0;
}

static int run(const struct backend_cloud *cloud, struct backend_config *backend, struct error *err)
{
    static struct loop loop;
    if (open_log(cloud->component, backend->log_level, err) ||
        cloud->finish(cloud->config, backend, err) || loop_init(&loop, err))
        return -1;
    int rc = serve(cloud, &loop, backend, err);
    loop_fini(&loop);
    return rc;
}

static size_t row_count(const struct config_setting *rows)
{
    size_t n = 0;
    while (rows[n].flag)
        n++;
    return n;
}

/* The cloud's rows, then the common ones: one table, for one --help. */
static struct config_setting *join(const struct config_setting *own,
                                   const struct config_setting *common)
{
    size_t n = row_count(own), all = n + row_count(common) + 1;
    struct config_setting *rows = xcalloc(all, sizeof *rows);
    memcpy(rows, own, n * sizeof *rows);
    memcpy(rows + n, common, (all - n) * sizeof *rows);
    return rows;
}

int backend_main(const struct backend_cloud *cloud, int argc, char **argv)
{
    static struct backend_config backend;
    const struct config_setting common[] = {BACKEND_SETTINGS(backend), {0}};
    AUTO_FREE struct config_setting *settings = join(cloud->settings, common);
    struct error err = {0};
    bool help = false;
    log_open(cloud->component, LOG_INFO);
    int rc = config_load(settings, argc, argv, &help, &err);
    if (rc == 0 && !help)
        rc = run(cloud, &backend, &err);
    if (rc)
        log_error("backend stopped", LOG_STR("error", err.message));
    cloud->fini(cloud->config);
    config_unload(settings);
    return rc ? 1 : 0;
}
