/* SPDX-License-Identifier: Apache-2.0
 * The Cloud Run driver against its simulator; see cloudrun_rig.h. */
#include "test/kit/cloudrun_rig.h"

#include "base/timefmt.h"
#include "loop/co.h"

#include <stdio.h>
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

int co_cloudrun_rig_is_listed(struct sim_run *r, bool *listed, struct error *err)
{
    AUTO(arena) struct arena arena;
    struct workload_found *found;
    size_t count;
    arena_init(&arena);
    *listed = false;
    if (sim_rig.driver.workload->co_list(sim_rig.driver.self, &arena, &found, &count, err))
        return -1;
    for (size_t i = 0; i < count; i++)
        *listed = *listed || (strcmp(found[i].container_id, r->id) == 0 &&
                              strcmp(found[i].workload.definition, r->w.definition) == 0);
    return 0;
}

int co_cloudrun_rig_run_whole(struct sim_run *r, struct error *err)
{
    struct workload_status s;
    bool listed;
    if (co_sim_run_start(r, err) || co_sim_run_await(r, WORKLOAD_RUNNING, &s, err) ||
        co_cloudrun_rig_is_listed(r, &listed, err))
        return -1;
    if (!listed)
        return error_set(err, ERROR_SYSTEM, "the run is not listed");
    if (co_sim_run_check_same(r, err) || co_sim_run_stop(r, err) ||
        co_sim_run_await(r, WORKLOAD_STOPPED, &s, err) || co_sim_run_stop(r, err))
        return -1;
    return co_sim_run_remove(r, err);
}

static int co_left(size_t *jobs, size_t *executions, struct error *err)
{
    json_t *reply = NULL;
    if (co_sim_rig_ask("GET", "/_sim/resources", NULL, &reply, err))
        return -1;
    *jobs = json_array_size(json_object_get(reply, "jobs"));
    *executions = json_array_size(json_object_get(reply, "executions"));
    json_decref(reply);
    return 0;
}

/* What was deleted still takes its time to end. */
int co_cloudrun_rig_await_nothing(struct error *err)
{
    int64_t deadline_ms = time_mono_ms() + SIM_RIG_PATIENCE_MS;
    size_t jobs, executions;
    for (;;) {
        if (co_left(&jobs, &executions, err))
            return -1;
        if (jobs + executions == 0)
            return 0;
        if (time_mono_ms() >= deadline_ms)
            return error_set(err, ERROR_DEADLINE, "%zu jobs and %zu executions are left", jobs,
                             executions);
        if (co_sleep(SIM_RIG_POLL_MS, err))
            return -1;
    }
}

int co_cloudrun_rig_end(struct sim_run *r, struct error *err)
{
    return co_sim_run_remove(r, err) || co_cloudrun_rig_await_nothing(err) ? -1 : 0;
}

/* ---- faults ---- */

const struct sim_fault cloudrun_rig_faults[CLOUDRUN_RIG_FAULTS] = {
    {"throttle", 0, 0, 2},    /* without Retry-After */
    {"throttle", 0, 1000, 1}, /* with it */
    {"error", 500, 0, 1},     /* not carried out */
    {"error", 503, 0, 1},     /* ditto */
    {"timeout", 0, 200, 1},   /* ditto, without an answer */
    {"lost_answer", 0, 0, 1}, /* carried out */
};

/* Only what may run a container twice is not repeated: it fails with the service's message. */
static bool failed_cleanly(const char *operation, const struct sim_fault *f,
                           const struct error *err)
{
    return strcmp(operation, "run.jobs.run") == 0 && err->code == ERROR_UNAVAILABLE &&
           strstr(err->message, "run: run job") &&
           (f->status == 0 || strstr(err->message, SIM_FAULT_MESSAGE));
}

static int co_check_fault(const char *operation, const struct sim_fault *f, struct error *err)
{
    struct sim_run r;
    cloudrun_rig_reopen();
    cloudrun_rig_run_init(&r, "exec sleep 100");
    CHECK_OK(co_sim_rig_fault(operation, f, err));
    int rc = co_cloudrun_rig_run_whole(&r, err);
    CHECK(rc == 0 || failed_cleanly(operation, f, err));
    CHECK_OK(co_sim_rig_heal(err));
    CHECK(rc == 0 || co_sim_run_remove(&r, err) == 0);
    CHECK_OK(co_cloudrun_rig_await_nothing(err));
    return 0;
}

static const char *faulty_operation;

static int co_check_faults(struct error *err)
{
    for (size_t i = 0; i < CLOUDRUN_RIG_FAULTS; i++)
        if (co_check_fault(faulty_operation, &cloudrun_rig_faults[i], err)) {
            print_error("%s: %s %d\n", faulty_operation, cloudrun_rig_faults[i].kind,
                        cloudrun_rig_faults[i].status);
            return -1;
        }
    return 0;
}

void cloudrun_rig_check_faults(const char *operation)
{
    faulty_operation = operation;
    sim_rig_scenario(co_check_faults);
}
