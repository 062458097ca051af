/* SPDX-License-Identifier: Apache-2.0
 * The main function of a backend daemon; see backend_main.h. */
#include "backend/daemon/backend_main.h"

#include "base/alloc.h"
#include "base/program.h"

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

static int run(const struct backend_cloud *cloud, struct backend_config *backend, struct error *err)
{
    static struct loop loop;
    if (cloud->finish(cloud->config, backend, err) || backend_config_check(backend, err) ||
        loop_init(&loop, err))
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
    const struct program self = {
        .component = cloud->component,
        .purpose = "A Sockerless backend: runs the containers of Docker clients in a cloud.",
        .settings = settings,
        .log_level = &backend.log_level,
        .daemon = true,
    };
    struct error err = {0};
    int code = program_begin(&self, argc, argv);
    if (code == PROGRAM_RUNS)
        code = run(cloud, &backend, &err) ? program_fail(&self, &err) : PROGRAM_ENDED;
    cloud->fini(cloud->config);
    config_unload(settings);
    return code;
}
