/* SPDX-License-Identifier: Apache-2.0
 *
 * sockerless-backend-gcf: the backend daemon for Google Cloud Functions, 2nd generation. */
#include "backend/daemon/backend_main.h"
#include "driver.h"
#include "gcf_config.h"

static int finish(void *config, struct backend_config *backend, struct error *err)
{
    return gcf_config_finish(config, backend->platform, backend->callback_url, err);
}

static void fini(void *config)
{
    (void)config; /* nothing of it is derived on the heap */
}

int main(int argc, char **argv)
{
    static struct gcf_config config;
    const struct config_setting settings[] = {GCF_SETTINGS(config), {0}};
    const struct backend_cloud cloud = {
        .component = "backend-gcf",
        .settings = settings,
        .config = &config,
        .finish = finish,
        .open = gcf_driver_open,
        .fini = fini,
    };
    return backend_main(&cloud, argc, argv);
}
