/* SPDX-License-Identifier: Apache-2.0
 * The Cloud Run driver against its simulator; see cloudrun_rig.h. */
#include "test/kit/cloudrun_rig.h"

#include "test/kit/sim_faults.h"

#include <stdlib.h>

#define INSTANCE "cloudrun-sim"

struct cloudrun_config cloudrun_rig_config;

void cloudrun_rig_reopen(void)
{
    const struct driver_env env = {
        .loop = &sim_rig.loop, .http = sim_rig.http, .instance = INSTANCE};
    struct error err;
    if (sim_rig.driver.self)
        sim_rig.driver.close(sim_rig.driver.self);
    if (cloudrun_driver_open(&cloudrun_rig_config, &env, &sim_rig.driver, &err))
        fail_msg("%s", err.message);
}

int cloudrun_rig_setup(void **state)
{
    (void)state;
    if (sim_rig_open("SIM_GCP_BIN", "sockerless-sim-gcp"))
        return -1;
    if (!sim_rig.sim.port)
        return 0;
    AUTO_FREE char *key = xasprintf("%s/service-account.json", sim_rig.sim.state_dir);
    setenv("GOOGLE_APPLICATION_CREDENTIALS", key, 1);
    setenv("NO_GCE_CHECK", "true", 1);
    cloudrun_rig_config = (struct cloudrun_config){
        .project = (char *)"sockerless-sim",
        .region = (char *)"us-central1",
        .endpoint_url = sim_rig.url,
        .log_id = (char *)"sockerless",
        .gcs_bucket = (char *)"agents",
        .gcs_object = (char *)"agent",
        .task_timeout_s = 600,
        .log_reads_per_min = 60000,
        .rate_percent = 10000,
        .injection = CLOUDRUN_INJECT_IMAGE_LAYER,
    };
    cloudrun_rig_reopen();
    return sim_rig_set("{\"stop_grace_ms\":100,\"provision_ms\":10}");
}

int cloudrun_rig_teardown(void **state)
{
    (void)state;
    return sim_rig_close();
}

void cloudrun_rig_run_init(struct sim_run *r, const char *script)
{
    sim_run_init(r, INSTANCE, script);
    r->spec.agent_in_image = true;
}

void cloudrun_rig_check_faults(const char *operation)
{
    static const struct sim_faults faults = {.reopen = cloudrun_rig_reopen,
                                             .run_init = cloudrun_rig_run_init,
                                             .unrepeated = "run.jobs.run",
                                             .words = "run: run job"};
    sim_faults_check(&faults, operation);
}
