/* SPDX-License-Identifier: Apache-2.0
 * Faults at a driver's calls; see sim_faults.h. */
#include "test/kit/sim_faults.h"

#include "base/timefmt.h"
#include "loop/co.h"

#include <stdio.h>

static const struct sim_faults *rig;

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
int co_sim_faults_await_nothing(struct error *err)
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

int co_sim_faults_end(struct sim_run *r, struct error *err)
{
    return co_sim_run_remove(r, err) || co_sim_faults_await_nothing(err) ? -1 : 0;
}

/* ---- faults ---- */

const struct sim_fault sim_faults_all[SIM_FAULTS] = {
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
    return strcmp(operation, rig->unrepeated) == 0 && err->code == ERROR_UNAVAILABLE &&
           strstr(err->message, rig->words) &&
           (f->status == 0 || strstr(err->message, SIM_FAULT_MESSAGE));
}

/* A fault that no call has met shows nothing. */
static int co_check_met(struct error *err)
{
    json_t *reply = NULL;
    if (co_sim_rig_ask("POST", "/_sim/faults", "[]", &reply, err))
        return -1;
    bool met = json_integer_value(json_object_get(reply, "left")) == 0;
    json_decref(reply);
    return met ? 0 : error_set(err, ERROR_SYSTEM, "no call has met the fault");
}

static int co_check_fault(const char *operation, const struct sim_fault *f, struct error *err)
{
    struct sim_run r;
    rig->reopen();
    rig->run_init(&r, "exec sleep 100");
    CHECK_OK(co_sim_rig_fault(operation, f, err));
    int rc = rig->co_use ? rig->co_use(&r, err) : co_sim_run_whole(&r, err);
    CHECK(rc == 0 || failed_cleanly(operation, f, err));
    CHECK_OK(co_check_met(err));
    CHECK_OK(co_sim_rig_heal(err));
    CHECK(rc == 0 || co_sim_run_remove(&r, err) == 0);
    CHECK_OK(co_sim_faults_await_nothing(err));
    return 0;
}

static const char *faulty_operation;

static int co_check_faults(struct error *err)
{
    for (size_t i = 0; i < SIM_FAULTS; i++)
        if (co_check_fault(faulty_operation, &sim_faults_all[i], err)) {
            print_error("%s: %s %d\n", faulty_operation, sim_faults_all[i].kind,
                        sim_faults_all[i].status);
            return -1;
        }
    return 0;
}

void sim_faults_check(const struct sim_faults *of, const char *operation)
{
    rig = of;
    faulty_operation = operation;
    sim_rig_scenario(co_check_faults);
}
