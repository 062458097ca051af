/* SPDX-License-Identifier: Apache-2.0
 * The ECS driver against its simulator; see ecs_rig.h. */
#include "test/kit/ecs_rig.h"

#include <stdio.h>
#include <stdlib.h>

struct ecs_config ecs_rig_config;

int ecs_rig_reopen(const char *instance, struct error *err)
{
    const struct driver_env env = {
        .loop = &sim_rig.loop, .http = sim_rig.http, .instance = instance};
    if (sim_rig.driver.self)
        sim_rig.driver.close(sim_rig.driver.self);
    return ecs_driver_open(&ecs_rig_config, &env, &sim_rig.driver, err);
}

static void set_environment(void)
{
    setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials", 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    setenv("AWS_ACCESS_KEY_ID", "AKIASOCKERLESSSIM000", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "sockerless-sim-secret-key", 1);
}

int ecs_rig_setup(void **state)
{
    struct error err;
    (void)state;
    if (sim_rig_open("SIM_AWS_BIN", "sockerless-sim-aws"))
        return -1;
    if (!sim_rig.sim.port)
        return 0;
    set_environment();
    ecs_rig_config = (struct ecs_config){
        .region = (char *)"us-east-1",
        .endpoint_url = sim_rig.url,
        .cluster = (char *)"default",
        .log_group = (char *)"/sockerless",
        .agent_image = (char *)"docker.io/agent:1",
        .execution_role_arn = (char *)"arn:aws:iam::123456789012:role/execution",
        .cpu_architecture = "X86_64",
        .rate_percent = 10000,
        .definition_idle_s = 30,
    };
    strv_push(&ecs_rig_config.subnet_list, "subnet-1");
    return ecs_rig_reopen("ecs-sim", &err);
}

int ecs_rig_teardown(void **state)
{
    (void)state;
    int rc = sim_rig_close();
    ecs_config_fini(&ecs_rig_config);
    return rc;
}

void ecs_rig_run_init(struct sim_run *r, const char *script)
{
    sim_run_init(r, "ecs-sim", script);
}

int co_ecs_rig_run_once(const char *label, struct error *err)
{
    struct sim_run r;
    struct workload_status s;
    ecs_rig_run_init(&r, "true");
    sim_run_set_label(&r, label); /* overrides cannot hold labels */
    CHECK_OK(co_sim_run_finish(&r, &s, err));
    CHECK(s.has_exit_code && s.exit_code == 0);
    return 0;
}

int co_ecs_rig_count(struct ecs_rig_count *out, struct error *err)
{
    json_t *reply = NULL;
    if (co_sim_rig_ask("GET", "/_sim/resources", NULL, &reply, err))
        return -1;
    const json_t *definitions = json_object_get(reply, "taskDefinitions");
    *out = (struct ecs_rig_count){
        .tasks = json_array_size(json_object_get(reply, "tasks")),
        .netns = json_array_size(json_object_get(reply, "netns")),
        .active = json_array_size(json_object_get(definitions, "active")),
        .inactive = json_array_size(json_object_get(definitions, "inactive")),
    };
    json_decref(reply);
    return 0;
}
