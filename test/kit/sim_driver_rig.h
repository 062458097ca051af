/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the drivers against their simulators share: the simulator with its own door, a
 * loop, runs, and scenarios that are coroutines.
 */
#ifndef SOCKERLESS_TEST_UNIT_SIM_DRIVER_RIG_H
#define SOCKERLESS_TEST_UNIT_SIM_DRIVER_RIG_H

#include "cloud/driver.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "loop/co.h"
#include "test/kit/ecs_sim_kit.h"
#include "test/kit/test.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { PATIENCE_MS = 30000, POLL_MS = 25 };

static struct kit_registry registry;
static struct kit_sim sim;
static pthread_t drain;
static char url[64];
static struct loop loop;
static struct http_client *http;
static struct cloud_driver driver; /* opened by the test's setup */
static char problem[2048];

/* In coroutines nothing may jump out: a failed check notes itself and returns. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            snprintf(problem, sizeof problem, "line %d: %s: %.1000s", __LINE__, #condition,        \
                     err->message);                                                                \
            return -1;                                                                             \
        }                                                                                          \
    } while (0)

/* ---- the simulator's own door ---- */

static int co_sim(const char *method, const char *path, const char *body, json_t **reply,
                  struct error *err)
{
    AUTO_FREE char *where = xasprintf("%s%s", url, path);
    AUTO(http_response) struct http_response res = {0};
    const struct http_request req = {
        .method = method, .url = where, .body = body, .body_len = body ? strlen(body) : 0};
    if (co_http_do(http, &req, &res, err))
        return -1;
    if (res.status != 200)
        return error_set(err, ERROR_SYSTEM, "%s answers %ld", path, res.status);
    if (reply)
        *reply = json_loadb(res.body.data, res.body.len, 0, NULL);
    return 0;
}

static int co_set(const char *settings, struct error *err)
{
    return co_sim("POST", "/_sim/config", settings, NULL, err);
}

/* ---- runs ---- */

struct run {
    struct workload_spec spec;
    struct workload w;
    char id[65], token[40];
    char *argv[5];
    Sockerless__ContainerConfig config;
    Sockerless__KeyValue label, *labels[1];
};

static void run_prepare(struct run *r, const char *instance, const char *script)
{
    static unsigned number;
    *r = (struct run){0};
    number++;
    snprintf(r->id, sizeof r->id, "%08x%056d", number, 0);
    snprintf(r->token, sizeof r->token, "%08x-run", number);
    r->argv[0] = (char *)"--";
    r->argv[1] = (char *)"/bin/sh";
    r->argv[2] = (char *)"-c";
    r->argv[3] = (char *)script;
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

/* The text outlives the run. */
MOCK_UNUSED static void run_set_label(struct run *r, const char *value)
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

static int co_start(struct run *r, struct error *err)
{
    if (driver.workload->co_prepare(driver.self, &r->spec, &r->w, err))
        return -1;
    return driver.workload->co_run(driver.self, &r->spec, &r->w, err);
}

static int co_reach(struct run *r, enum workload_phase phase, struct workload_status *out,
                    struct error *err)
{
    const struct workload *list[] = {&r->w};
    int64_t deadline_ms = time_mono_ms() + PATIENCE_MS;
    do {
        if (driver.workload->co_describe(driver.self, list, 1, out, err))
            return -1;
        if (out->phase == phase)
            return 0;
        if (out->phase == WORKLOAD_STOPPED)
            return error_set(err, ERROR_SYSTEM, "stopped: %s", out->reason);
        if (co_sleep(POLL_MS, err))
            return -1;
    } while (time_mono_ms() < deadline_ms);
    return error_set(err, ERROR_DEADLINE, "phase %d is not reached, but %d", phase, out->phase);
}

/* ---- scenarios ---- */

static int (*co_scenario)(struct error *err);
static int scenario_result;

static void co_scenario_run(void *arg)
{
    struct error err = {0};
    (void)arg;
    scenario_result = co_scenario(&err);
    if (scenario_result && !*problem)
        snprintf(problem, sizeof problem, "%.1000s", err.message);
    loop_stop(&loop);
}

static void scenario(int (*co_fn)(struct error *err))
{
    struct error err = {0};
    problem[0] = '\0';
    co_scenario = co_fn;
    assert_int_equal(co_spawn(&loop, co_scenario_run, NULL, &err), 0);
    loop_run(&loop);
    if (scenario_result)
        fail_msg("%s", problem);
}

/* A test of the coroutine co_NAME; skipped where there is no simulator. */
#define SCENARIO(name)                                                                             \
    TEST(name)                                                                                     \
    {                                                                                              \
        if (!sim.port)                                                                             \
            skip();                                                                                \
        scenario(co_##name);                                                                       \
    }

/* ---- the frame ---- */

/* The simulator, a loop and a client. 0 with sim.port 0: this machine has none. */
static int rig_open(const char *variable, const char *name)
{
    struct error err;
    const struct http_client_options options = {.user_agent = "test"};
    const char *binary = kit_sim_binary(test_program, variable, name);
    log_open("test", LOG_ERROR);
    if (!binary || geteuid() != 0) {
        fprintf(stderr, "skipped: needs root and %s (set %s)\n", name, variable);
        return 0;
    }
    kit_registry_start(&registry);
    if (!kit_sim_start(&sim, binary, registry.mock->port))
        return -1;
    pthread_create(&drain, NULL, kit_sim_drain, &sim);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", sim.port);
    return loop_init(&loop, &err) || http_client_open(&loop, &options, &http, &err) ? -1 : 0;
}

static int rig_close(void)
{
    if (!sim.pid)
        return 0;
    bool orderly = kit_sim_stop(&sim);
    pthread_join(drain, NULL);
    close(sim.output);
    kit_registry_stop(&registry);
    if (!sim.port)
        return -1;
    driver.close(driver.self);
    http_client_close(http);
    loop_fini(&loop);
    return orderly ? 0 : -1;
}

#endif
