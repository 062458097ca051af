/* SPDX-License-Identifier: Apache-2.0
 *
 * The ECS driver against the simulator: every fault that the simulator can inject, refusals, late
 * consistency, cleaning up.
 */
#include "test/kit/ecs_rig.h"

static int co_fault(const char *operation, const char *kind, int count, struct error *err)
{
    const struct sim_fault fault = {.kind = kind, .latency_ms = 50, .count = count};
    return co_sim_rig_fault(operation, &fault, err);
}

static int co_faults(struct error *err)
{
    static const char *const operations[] = {"RunTask", "RegisterTaskDefinition", "DescribeTasks",
                                             "DescribeTaskDefinition"};
    static const char *const kinds[] = {"throttle", "error", "lost_answer", "drop_connection",
                                        "latency"};
    struct ecs_rig_count before, after;
    size_t runs = 0;
    CHECK_OK(co_ecs_rig_count(&before, err));
    for (size_t i = 0; i < ARRAY_LEN(operations); i++)
        for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
            AUTO_FREE char *what = xasprintf("%s %s", operations[i], kinds[k]);
            CHECK_OK(co_fault(operations[i], kinds[k], 2, err));
            if (co_ecs_rig_run_once(what, err))
                return -1;
            CHECK_OK(co_sim_rig_heal(err));
            runs++;
        }
    /* A repeated call made neither a second revision nor a second task. */
    CHECK_OK(co_ecs_rig_count(&after, err));
    CHECK(after.active - before.active == runs && after.tasks == 0);
    return 0;
}

static int co_refusals(struct error *err)
{
    struct sim_run r;
    struct ecs_rig_count alive;
    ecs_rig_run_init(&r, "true");
    CHECK_OK(co_fault("RunTask", "capacity", 1, err));
    CHECK(co_sim_run_start(&r, err) == -1 && err->code == ERROR_UNAVAILABLE);
    CHECK(strstr(err->message, "Capacity is unavailable") && !*r.w.resource);
    CHECK_OK(co_fault("RunTask", "access_denied", 1, err));
    CHECK(co_sim_run_start(&r, err) == -1 && err->code == ERROR_FORBIDDEN);
    CHECK(strstr(err->message, "is not authorized to perform") &&
          strstr(err->message, "request id"));
    CHECK_OK(co_fault("StopTask", "access_denied", 1, err));
    strcpy(r.w.resource, "arn:aws:ecs:us-east-1:123456789012:task/default/0");
    CHECK(co_sim_run_stop(&r, err) == -1 && err->code == ERROR_FORBIDDEN);
    ecs_rig_config.cluster = (char *)"missing";
    int rc = co_sim_run_start(&r, err);
    ecs_rig_config.cluster = (char *)"default";
    CHECK(rc == -1 && strstr(err->message, "SOCKERLESS_ECS_CLUSTER"));
    CHECK(co_ecs_rig_count(&alive, err) == 0 && alive.tasks == 0);
    return 0;
}

static int co_eventual_consistency(struct error *err)
{
    struct sim_run r;
    struct workload_status s;
    const struct workload *list[] = {&r.w};
    ecs_rig_run_init(&r, "true");
    CHECK_OK(co_sim_rig_set("{\"describe_missing\":2}", err));
    CHECK_OK(co_sim_run_start(&r, err));
    CHECK(sim_rig.driver.workload->co_describe(sim_rig.driver.self, list, 1, &s, err) == 0 &&
          s.phase == WORKLOAD_MISSING);
    CHECK(co_sim_run_await(&r, WORKLOAD_STOPPED, &s, err) == 0 && s.has_exit_code);
    return co_sim_rig_set("{\"describe_missing\":0}", err);
}

static int co_maintenance(struct error *err)
{
    struct sim_run used;
    struct workload_status s;
    struct ecs_rig_count alive;
    ecs_rig_run_init(&used, "true");
    sim_run_set_label(&used, "used");
    CHECK_OK(co_sim_run_finish(&used, &s, err));
    CHECK(co_ecs_rig_count(&alive, err) == 0 && alive.active > 1);
    /* A second life: it knows nothing of the first one's definitions but finds them. */
    CHECK_OK(ecs_rig_reopen("ecs-sim", err));
    const char *in_use[] = {used.w.definition};
    CHECK_OK(co_fault("DeleteTaskDefinitions", "lost_answer", 1, err));
    CHECK_OK(co_fault("DeregisterTaskDefinition", "lost_answer", 2, err));
    CHECK(sim_rig.driver.workload->co_maintain(sim_rig.driver.self, in_use, 1, true, err) == 0);
    CHECK(co_ecs_rig_count(&alive, err) == 0 && alive.active == 1 && alive.inactive == 0);
    /* The one in use can still be run, by a run that finds it in the cloud. */
    struct sim_run again;
    ecs_rig_run_init(&again, "true");
    sim_run_set_label(&again, "used");
    CHECK_OK(co_sim_run_finish(&again, &s, err));
    CHECK(strcmp(again.w.definition, used.w.definition) == 0);
    CHECK(sim_rig.driver.workload->co_maintain(sim_rig.driver.self, NULL, 0, true, err) == 0);
    CHECK(co_ecs_rig_count(&alive, err) == 0 && alive.active == 0 && alive.inactive == 0);
    return 0;
}

TEST_GROUP(ecs_rig_setup, ecs_rig_teardown);
SCENARIO(faults)
SCENARIO(refusals)
SCENARIO(eventual_consistency)
SCENARIO(maintenance)
