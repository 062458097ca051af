/* SPDX-License-Identifier: Apache-2.0
 *
 * sockerless-backend-aca: the backend daemon for Azure Container Apps jobs. */
#include "aca_config.h"
#include "backend/daemon/backend_main.h"
#include "base/str.h"
#include "driver.h"

/* Jobs have no address that could be dialled; a simulator's have. */
static int find_direction(struct aca_config *aca, const struct backend_config *backend,
                          struct error *err)
{
    aca->reverse_agent = !str_empty(backend->callback_url);
    if (aca->reverse_agent || !str_empty(aca->endpoint_url))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "SOCKERLESS_CALLBACK_URL is not set; Container Apps jobs take no connections "
                     "from outside, so their agents dial the backend: give the ws:// or wss:// "
                     "URL at which the containers reach it");
}

static int finish(void *config, struct backend_config *backend, struct error *err)
{
    struct aca_config *aca = config;
    if (aca_config_finish(aca, backend->platform, err) || find_direction(aca, backend, err))
        return -1;
    backend->agent_token = aca->agent_token;
    return 0;
}

static void fini(void *config)
{
    aca_config_fini(config);
}

int main(int argc, char **argv)
{
    static struct aca_config config;
    const struct config_setting settings[] = {ACA_SETTINGS(config), {0}};
    const struct backend_cloud cloud = {
        .component = "backend-aca",
        .settings = settings,
        .config = &config,
        .finish = finish,
        .open = aca_driver_open,
        .fini = fini,
    };
    return backend_main(&cloud, argc, argv);
}
