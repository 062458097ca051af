/* SPDX-License-Identifier: Apache-2.0
 * A driver against its simulator; see sim_rig.h. */
#include "test/kit/sim_rig.h"

#include "loop/co.h"

#include <stdio.h>
#include <unistd.h>

struct sim_rig sim_rig;

static struct kit_registry registry;
static pthread_t drain;

int sim_rig_open(const char *variable, const char *name)
{
    struct error err;
    const struct http_client_options options = {.user_agent = "test"};
    const char *binary = kit_sim_binary(test_program, variable, name);
    if (!binary || geteuid() != 0) {
        fprintf(stderr, "skipped: needs root and %s (set %s)\n", name, variable);
        return 0;
    }
    kit_registry_start(&registry);
    if (!kit_sim_start(&sim_rig.sim, binary, registry.mock->port))
        return -1;
    pthread_create(&drain, NULL, kit_sim_drain, &sim_rig.sim);
    snprintf(sim_rig.url, sizeof sim_rig.url, "http://127.0.0.1:%d", sim_rig.sim.port);
    return loop_init(&sim_rig.loop, &err) ||
                   http_client_open(&sim_rig.loop, &options, &sim_rig.http, &err)
               ? -1
               : 0;
}

int sim_rig_close(void)
{
    if (!sim_rig.sim.pid)
        return 0;
    bool orderly = kit_sim_stop(&sim_rig.sim);
    pthread_join(drain, NULL);
    close(sim_rig.sim.output);
    kit_registry_stop(&registry);
    if (!sim_rig.sim.port)
        return -1;
    if (sim_rig.driver.close)
        sim_rig.driver.close(sim_rig.driver.self);
    http_client_close(sim_rig.http);
    loop_fini(&sim_rig.loop);
    return orderly ? 0 : -1;
}

/* ---- administration ---- */

int co_sim_rig_ask(const char *method, const char *path, const char *body, json_t **reply,
                   struct error *err)
{
    AUTO_FREE char *where = xasprintf("%s%s", sim_rig.url, path);
    AUTO(http_response) struct http_response res = {0};
    const struct http_request req = {
        .method = method, .url = where, .body = body, .body_len = body ? strlen(body) : 0};
    if (co_http_do(sim_rig.http, &req, &res, err))
        return -1;
    if (res.status != 200)
        return error_set(err, ERROR_SYSTEM, "%s: status %ld", path, res.status);
    if (reply)
        *reply = json_loadb(res.body.data, res.body.len, 0, NULL);
    return 0;
}

int co_sim_rig_set(const char *settings, struct error *err)
{
    return co_sim_rig_ask("POST", "/_sim/config", settings, NULL, err);
}

int co_sim_rig_fault(const char *operation, const struct sim_fault *f, struct error *err)
{
    AUTO_FREE char *body =
        xasprintf("[{\"operation\":\"%s\",\"kind\":\"%s\",\"count\":%d,\"latency_ms\":%d,"
                  "\"status\":%d,\"message\":\"%s\"}]",
                  operation, f->kind, f->count ? f->count : 1, f->latency_ms, f->status,
                  f->status ? SIM_FAULT_MESSAGE : "");
    return co_sim_rig_ask("POST", "/_sim/faults", body, NULL, err);
}

int co_sim_rig_heal(struct error *err)
{
    return co_sim_rig_ask("DELETE", "/_sim/faults", NULL, NULL, err);
}

/* ---- scenarios ---- */

struct scenario {
    int (*co_fn)(struct error *err);
    const char *settings; /* instead of co_fn */
    int result;
};

static void co_scenario_run(void *arg)
{
    struct scenario *s = arg;
    struct error err = {0};
    s->result = s->co_fn ? s->co_fn(&err) : co_sim_rig_set(s->settings, &err);
    if (s->result && !*sim_rig.problem)
        snprintf(sim_rig.problem, sizeof sim_rig.problem, "%.1000s", err.message);
    loop_stop(&sim_rig.loop);
}

static int scenario_run(struct scenario *s)
{
    struct error err;
    sim_rig.problem[0] = '\0';
    if (co_spawn(&sim_rig.loop, co_scenario_run, s, &err))
        return -1;
    loop_run(&sim_rig.loop);
    return s->result;
}

int sim_rig_set(const char *settings)
{
    struct scenario s = {.settings = settings};
    return scenario_run(&s);
}

void sim_rig_scenario(int (*co_fn)(struct error *err))
{
    struct scenario s = {.co_fn = co_fn};
    if (!sim_rig.sim.port)
        skip();
    if (scenario_run(&s))
        fail_msg("%s", sim_rig.problem);
}
