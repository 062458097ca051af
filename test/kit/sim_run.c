/* SPDX-License-Identifier: Apache-2.0
 * A run of a shell script; see sim_run.h. */
#include "test/kit/sim_run.h"

#include "base/timefmt.h"
#include "loop/co.h"

#include <stdio.h>

void sim_run_init(struct sim_run *r, const char *instance, const char *script)
{
    static unsigned number;
    *r = (struct sim_run){.argv = {(char *)"--", (char *)"/bin/sh", (char *)"-c", (char *)script}};
    number++;
    snprintf(r->id, sizeof r->id, "%08x%056d", number, 0);
    snprintf(r->token, sizeof r->token, "%08x-run", number);
    r->spec = (struct workload_spec){
        .container_id = r->id,
        .container_name = "test",
        .instance = instance,
        .run_token = r->token,
        .image = "docker.io/library/tool:1",
        .agent_argv = r->argv,
        .agent_argc = 4,
        .stop_timeout_s = 2,
    };
}

void sim_run_set_label(struct sim_run *r, const char *value)
{
    sockerless__container_config__init(&r->config);
    sockerless__key_value__init(&r->label);
    r->label.key = (char *)"test";
    r->label.value = (char *)value;
    r->labels[0] = &r->label;
    r->config.labels = r->labels;
    r->config.n_labels = 1;
    r->spec.config = &r->config;
}

static const struct workload_ops *ops(void)
{
    return sim_rig.driver.workload;
}

int co_sim_run_prepare(struct sim_run *r, struct error *err)
{
    return ops()->co_prepare(sim_rig.driver.self, &r->spec, &r->w, err);
}

int co_sim_run_run(struct sim_run *r, struct error *err)
{
    return ops()->co_run(sim_rig.driver.self, &r->spec, &r->w, err);
}

int co_sim_run_start(struct sim_run *r, struct error *err)
{
    return co_sim_run_prepare(r, err) || co_sim_run_run(r, err) ? -1 : 0;
}

int co_sim_run_stop(struct sim_run *r, struct error *err)
{
    return ops()->co_stop(sim_rig.driver.self, &r->w, "test", err);
}

int co_sim_run_remove(struct sim_run *r, struct error *err)
{
    return ops()->co_remove_run(sim_rig.driver.self, &r->w, err);
}

int co_sim_run_await(struct sim_run *r, enum workload_phase phase, struct workload_status *out,
                     struct error *err)
{
    const struct workload *list[] = {&r->w};
    int64_t deadline_ms = time_mono_ms() + SIM_RIG_PATIENCE_MS;
    do {
        if (ops()->co_describe(sim_rig.driver.self, list, 1, out, err))
            return -1;
        if (out->phase == phase)
            return 0;
        if (out->phase == WORKLOAD_STOPPED)
            return error_set(err, ERROR_SYSTEM, "stopped: %s", out->reason);
        if (co_sleep(SIM_RIG_POLL_MS, err))
            return -1;
    } while (time_mono_ms() < deadline_ms);
    return error_set(err, ERROR_DEADLINE, "phase %d is not reached, but %d", phase, out->phase);
}

int co_sim_run_finish(struct sim_run *r, struct workload_status *out, struct error *err)
{
    return co_sim_run_start(r, err) || co_sim_run_await(r, WORKLOAD_STOPPED, out, err) ? -1 : 0;
}

int co_sim_run_check_same(struct sim_run *r, struct error *err)
{
    struct workload again = r->w;
    if (ops()->co_run(sim_rig.driver.self, &r->spec, &again, err))
        return -1;
    return strcmp(again.resource, r->w.resource) == 0
               ? 0
               : error_set(err, ERROR_SYSTEM, "%s and %s run", r->w.resource, again.resource);
}

int co_sim_run_is_listed(struct sim_run *r, bool *listed, struct error *err)
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

int co_sim_run_whole(struct sim_run *r, struct error *err)
{
    struct workload_status s;
    bool listed;
    if (co_sim_run_start(r, err) || co_sim_run_await(r, WORKLOAD_RUNNING, &s, err) ||
        co_sim_run_is_listed(r, &listed, err))
        return -1;
    if (!listed)
        return error_set(err, ERROR_SYSTEM, "the run is not listed");
    if (co_sim_run_check_same(r, err) || co_sim_run_stop(r, err) ||
        co_sim_run_await(r, WORKLOAD_STOPPED, &s, err) || co_sim_run_stop(r, err))
        return -1;
    return co_sim_run_remove(r, err);
}
