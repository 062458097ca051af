/* SPDX-License-Identifier: Apache-2.0
 *
 * The main function of a backend daemon: settings, log, loop, HTTP client, the cloud's driver,
 * backend_run, and all of it closed again. Each backend-X/main.c calls it with what is its cloud's.
 */
#ifndef SOCKERLESS_BACKEND_BACKEND_MAIN_H
#define SOCKERLESS_BACKEND_BACKEND_MAIN_H

#include "backend/daemon/backend.h"
#include "cloud/driver.h"
#include "base/config.h"
#include "base/error.h"
#include "loop/http_client.h"
#include "loop/loop.h"

struct backend_cloud {
    const char *component;                 /* "backend-ecs", for the log; static text */
    const struct config_setting *settings; /* its own rows; the first without a flag ends them */
    void *config;                          /* what they fill */
    /* Complete and check it, before anything is opened; it may also complete the common part. */
    int (*finish)(void *config, struct backend_config *backend, struct error *err);
    /* driver_source.open */
    int (*open)(const void *config, const struct driver_env *env, struct cloud_driver *out,
                struct error *err);
    /* The derived parts of the configuration, also after finish has failed or was not called. */
    void (*fini)(void *config);
};

/* The exit code (base/program.h). */
int backend_main(const struct backend_cloud *cloud, int argc, char **argv);

#endif
