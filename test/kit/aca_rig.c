/* SPDX-License-Identifier: Apache-2.0
 * The Container Apps driver against its simulator; see aca_rig.h. */
#include "test/kit/aca_rig.h"

#include "test/kit/azuresim_rig.h"

#include <stdlib.h>

#define INSTANCE "aca-sim"

struct aca_config aca_rig_config;

void aca_rig_reopen(void)
{
    const struct driver_env env = {
        .loop = &sim_rig.loop, .http = sim_rig.http, .instance = INSTANCE};
    struct error err;
    if (sim_rig.driver.self)
        sim_rig.driver.close(sim_rig.driver.self);
    if (aca_driver_open(&aca_rig_config, &env, &sim_rig.driver, &err))
        fail_msg("%s", err.message);
}

int aca_rig_setup(void **state)
{
    struct error err;
    (void)state;
    if (sim_rig_open("SIM_AZURE_BIN", "sockerless-sim-azure"))
        return -1;
    if (!sim_rig.sim.port)
        return 0;
    AUTO_FREE char *certificate = xasprintf("%s/client-certificate.pem", sim_rig.sim.state_dir);
    setenv("AZURE_TENANT_ID", AZURESIM_TENANT, 1);
    setenv("AZURE_CLIENT_ID", AZURESIM_CLIENT, 1);
    setenv("AZURE_CLIENT_CERTIFICATE_PATH", certificate, 1);
    aca_rig_config = (struct aca_config){
        .subscription_id = (char *)"22222222-3333-4444-8555-666666666666",
        .resource_group = (char *)"sockerless-sim",
        .environment = (char *)"sockerless-sim",
        .location = (char *)"eastus",
        .endpoint_url = sim_rig.url,
        .log_table = (char *)"auto",
        .api_version = (char *)"2026-07-01",
        .storage_share = (char *)"sockerless",
        .agent_path = (char *)"sockerless-agent",
        .agent_injection = (char *)"image_layer",
        .replica_timeout_s = 600,
        .log_queries_per_min = 60000,
        .rate_percent = 10000,
    };
    if (aca_config_finish(&aca_rig_config, "linux/amd64", &err))
        fail_msg("%s", err.message);
    aca_rig_reopen();
    return sim_rig_set("{\"stop_grace_ms\":100,\"provision_ms\":10}");
}

int aca_rig_teardown(void **state)
{
    (void)state;
    aca_config_fini(&aca_rig_config);
    return sim_rig_close();
}

void aca_rig_run_init(struct sim_run *r, const char *script)
{
    sim_run_init(r, INSTANCE, script);
    r->spec.agent_in_image = true;
}

static const struct sim_faults faults = {.reopen = aca_rig_reopen,
                                         .run_init = aca_rig_run_init,
                                         .unrepeated = "arm.jobs.start",
                                         .words = "aca: start job"};

void aca_rig_check_faults(const char *operation)
{
    sim_faults_check(&faults, operation);
}

void aca_rig_check_faults_in(int (*co_use)(struct sim_run *r, struct error *err),
                             const char *operation)
{
    struct sim_faults other = faults;
    other.co_use = co_use;
    sim_faults_check(&other, operation);
}
