/* SPDX-License-Identifier: Apache-2.0
 *
 * sockerless-backend-cloudrun: the backend daemon for Google Cloud Run jobs. */
#include "backend/daemon/backend_main.h"
#include "base/str.h"
#include "cloud/cloud_setting.h"
#include "cloudrun_config.h"
#include "driver.h"

/* What the core does with the agent: where its layer comes from, and its token. */
static void share_agent(struct backend_config *backend, const struct cloudrun_config *cloudrun)
{
    backend->agent_image = cloudrun->agent_image;
    backend->agent_token = cloudrun->agent_token;
}

/* Images with the agent go where agent.registry says, else to the staging registry. Without a
 * staging registry it serves for that, too. */
static void share_registry(struct backend_config *backend, const struct cloudrun_config *cloudrun)
{
    backend->agent_registry = cloudrun->agent_registry;
    cloud_setting_fall_back(&backend->staging_registry, cloudrun->agent_registry);
}

static int finish(void *config, struct backend_config *backend, struct error *err)
{
    struct cloudrun_config *cloudrun = config;
    if (cloudrun_config_finish(cloudrun, backend->platform, err))
        return -1;
    share_registry(backend, cloudrun);
    share_agent(backend, cloudrun);
    cloudrun->reverse_agent = !str_empty(backend->callback_url);
    return 0;
}

static void fini(void *config)
{
    cloudrun_config_fini(config);
}

int main(int argc, char **argv)
{
    static struct cloudrun_config config;
    const struct config_setting settings[] = {CLOUDRUN_SETTINGS(config), {0}};
    const struct backend_cloud cloud = {
        .component = "backend-cloudrun",
        .settings = settings,
        .config = &config,
        .finish = finish,
        .open = cloudrun_driver_open,
        .fini = fini,
    };
    return backend_main(&cloud, argc, argv);
}
