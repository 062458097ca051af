/* SPDX-License-Identifier: Apache-2.0
 *
 * sockerless-backend-ecs: the backend daemon for AWS ECS on Fargate. */
#include "backend/daemon/backend_main.h"
#include "driver.h"
#include "ecs_config.h"

static int finish(void *config, struct backend_config *backend, struct error *err)
{
    return ecs_config_finish(config, backend->platform, err);
}

static void fini(void *config)
{
    ecs_config_fini(config);
}

int main(int argc, char **argv)
{
    static struct ecs_config config;
    const struct config_setting settings[] = {ECS_SETTINGS(config), {0}};
    const struct backend_cloud cloud = {
        .component = "backend-ecs",
        .settings = settings,
        .config = &config,
        .finish = finish,
        .open = ecs_driver_open,
        .fini = fini,
    };
    return backend_main(&cloud, argc, argv);
}
