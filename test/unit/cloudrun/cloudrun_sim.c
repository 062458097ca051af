/* SPDX-License-Identifier: Apache-2.0
 *
 * The Cloud Run driver against the simulator, where executions are containers that really run:
 * runs, their logs, refusals. Afterwards nothing is left in the cloud. Faults: cloudrun_faults_*.c.
 */
#include "base/timefmt.h"
#include "loop/co.h"
#include "test/kit/cloudrun_rig.h"

enum { LINES = 400 };

/* ---- runs ---- */

static int co_life(struct error *err)
{
    struct sim_run r;
    bool listed;
    cloudrun_rig_run_init(&r, "exec sleep 100");
    CHECK_OK(co_sim_run_whole(&r, err));
    CHECK_OK(co_sim_run_remove(&r, err)); /* gone: as good */
    CHECK(co_sim_run_is_listed(&r, &listed, err) == 0 && !listed);
    cloudrun_rig_run_init(&r, "exec sleep 100");
    CHECK_OK(co_sim_run_start(&r, err));
    CHECK_OK(co_sim_run_remove(&r, err)); /* while it starts */
    return co_sim_faults_await_nothing(err);
}

static int co_exit_code_and_reason(struct error *err)
{
    struct sim_run r, missing;
    struct workload_status s;
    cloudrun_rig_run_init(&r, "exit 7");
    CHECK_OK(co_sim_run_finish(&r, &s, err));
    CHECK(s.has_exit_code && s.exit_code == 7 && !s.start_failed && !s.needs_agent_layer);
    CHECK_OK(co_sim_run_remove(&r, err));
    cloudrun_rig_run_init(&missing, "true");
    missing.spec.image = "docker.io/library/nothing:1";
    CHECK_OK(co_sim_run_finish(&missing, &s, err));
    CHECK(s.start_failed && !s.has_exit_code && strstr(s.reason, "nothing:1"));
    CHECK(!s.needs_agent_layer);
    return co_sim_faults_end(&missing, err);
}

/* The agent cannot be had from where it should be: the script's exit code says so. Where the image
 * holds the agent, the same exit code is the user's. */
static int co_startup_failure(struct error *err)
{
    struct sim_run bare, layered;
    struct workload_status s;
    cloudrun_rig_config.injection = CLOUDRUN_INJECT_STARTUP_COMMAND;
    cloudrun_rig_run_init(&bare, "true");
    bare.spec.agent_in_image = false;
    CHECK_OK(co_sim_run_finish(&bare, &s, err));
    CHECK(s.exit_code == 122 && !s.needs_agent_layer);
    CHECK(strstr(s.reason, "the agent could not be downloaded"));
    CHECK_OK(co_sim_run_remove(&bare, err));
    cloudrun_rig_run_init(&layered, "exit 121");
    CHECK_OK(co_sim_run_finish(&layered, &s, err));
    CHECK(s.exit_code == 121 && !s.needs_agent_layer);
    CHECK(!strstr(s.reason, "curl"));
    CHECK_OK(co_sim_run_remove(&layered, err));
    cloudrun_rig_config.injection = CLOUDRUN_INJECT_IMAGE_LAYER;
    return co_sim_faults_await_nothing(err);
}

/* ---- errors ---- */

static int co_refusals(struct error *err)
{
    static const struct sim_fault denied = {"access_denied", 0, 0, 1}, bad = {"error", 400, 0, 1};
    struct sim_run r;
    cloudrun_rig_reopen();
    cloudrun_rig_run_init(&r, "true");
    CHECK_OK(co_sim_rig_fault("run.jobs.create", &denied, err));
    CHECK(co_sim_run_start(&r, err) == -1 && err->code == ERROR_FORBIDDEN);
    CHECK(strstr(err->message, "run: create job: PERMISSION_DENIED") && !*r.w.resource);
    CHECK_OK(co_sim_run_remove(&r, err));
    cloudrun_rig_run_init(&r, "true");
    CHECK_OK(co_sim_rig_fault("run.jobs.run", &bad, err));
    CHECK(co_sim_run_start(&r, err) == -1 && err->code == ERROR_INVALID_PARAMETER);
    CHECK(strstr(err->message, SIM_FAULT_MESSAGE) && !*r.w.resource);
    return co_sim_faults_end(&r, err);
}

/* One of several cannot be asked for: the others are known all the same. */
static int co_one_is_unknown(struct error *err)
{
    static const struct sim_fault denied = {"access_denied", 0, 0, 1},
                                  both = {"access_denied", 0, 0, 2};
    struct sim_run a, b;
    struct workload_status s[2];
    const struct workload *list[] = {&a.w, &b.w};
    cloudrun_rig_reopen();
    cloudrun_rig_run_init(&a, "exec sleep 100");
    cloudrun_rig_run_init(&b, "exec sleep 100");
    CHECK(co_sim_run_start(&a, err) == 0 && co_sim_run_start(&b, err) == 0);
    CHECK_OK(co_sim_run_await(&a, WORKLOAD_RUNNING, s, err));
    CHECK_OK(co_sim_run_await(&b, WORKLOAD_RUNNING, s, err));
    CHECK_OK(co_sim_rig_fault("run.executions.get", &denied, err));
    CHECK_OK(sim_rig.driver.workload->co_describe(sim_rig.driver.self, list, 2, s, err));
    size_t bad = s[0].phase == WORKLOAD_UNKNOWN ? 0 : 1; /* they are asked for at the same time */
    CHECK(s[bad].phase == WORKLOAD_UNKNOWN && strstr(s[bad].reason, "PERMISSION_DENIED"));
    CHECK(s[1 - bad].phase == WORKLOAD_RUNNING);
    CHECK_OK(co_sim_rig_fault("run.executions.get", &both, err));
    CHECK(sim_rig.driver.workload->co_describe(sim_rig.driver.self, list, 2, s, err) == -1 &&
          err->code == ERROR_FORBIDDEN);
    CHECK_OK(co_sim_run_remove(&a, err));
    return co_sim_faults_end(&b, err);
}

static int co_revoke_tokens(struct error *err)
{
    return co_sim_rig_ask("DELETE", "/_sim/tokens", NULL, NULL, err);
}

/* Every token that was given out so far becomes invalid while a container runs. */
static int co_token_expires(struct error *err)
{
    static const struct sim_fault busy = {"error", 503, 0, 1};
    struct sim_run r;
    struct workload_status s;
    cloudrun_rig_reopen();
    cloudrun_rig_run_init(&r, "exec sleep 100");
    CHECK_OK(co_sim_run_prepare(&r, err));
    CHECK_OK(co_revoke_tokens(err));
    CHECK_OK(co_sim_run_run(&r, err));
    CHECK_OK(co_revoke_tokens(err));
    CHECK_OK(co_sim_run_await(&r, WORKLOAD_RUNNING, &s, err));
    CHECK_OK(co_revoke_tokens(err));
    CHECK_OK(co_sim_rig_fault("oauth.token", &busy, err)); /* the next one takes a second try */
    CHECK_OK(co_sim_run_stop(&r, err));
    CHECK_OK(co_sim_run_await(&r, WORKLOAD_STOPPED, &s, err));
    CHECK_OK(co_revoke_tokens(err));
    return co_sim_faults_end(&r, err);
}

/* ---- logs ---- */

/* Structured lines as an agent prints them, but that the collector gives them time and insertId:
 * nothing but their numbers says how they follow each other. */
#define PRINTED                                                                                    \
    "for i in $(seq 1 400); do echo '{\"message\":\"'$i'\",\"logging.googleapis.com/labels\":'"    \
    "'{\"sockerless/record\":\"o '$i' 17000000000000'$((10000 + i))'\"}}'; done"

/* Counts every line; false when one comes twice, out of turn or is none of ours. */
static bool take_lines(const struct log_page *page, size_t *lines)
{
    for (size_t i = 0; i < page->count; i++)
        if (atol(page->events[i].text + 2) != (long)++*lines)
            return false;
    return true;
}

/* Follow until all lines have come, each once and in order. */
static int co_follow(struct sim_run *r, struct error *err)
{
    AUTO_FREE char *token = NULL;
    size_t lines = 0;
    int64_t deadline_ms = time_mono_ms() + SIM_RIG_PATIENCE_MS;
    for (bool idle = true; lines < LINES || !idle;) {
        struct log_query query = {.workload = &r->w, .token = token};
        struct log_page page = {0};
        arena_init(&page.arena);
        int rc = sim_rig.driver.logs->co_pages(sim_rig.driver.self, &query, 1, &page, err);
        bool good = rc == 0 && take_lines(&page, &lines);
        idle = page.at_end;
        if (page.next_token) {
            free(token);
            token = xstrdup(page.next_token);
        }
        arena_fini(&page.arena);
        if (rc)
            return -1;
        if (!good || time_mono_ms() > deadline_ms)
            return error_set(err, ERROR_SYSTEM, "wrong after line %zu", lines);
        if (idle && co_sleep(SIM_RIG_POLL_MS, err))
            return -1;
    }
    return 0;
}

static int co_printed(struct sim_run *r, struct error *err)
{
    struct workload_status s;
    cloudrun_rig_run_init(r, PRINTED);
    if (co_sim_run_start(r, err) || co_sim_run_await(r, WORKLOAD_STOPPED, &s, err))
        return -1;
    return s.exit_code ? error_set(err, ERROR_SYSTEM, "exit code %d", s.exit_code) : 0;
}

/* Entries that come twice, late, dated back, and pages that are empty. */
static int co_log_disorder(struct error *err)
{
    struct sim_run r;
    cloudrun_rig_reopen();
    CHECK_OK(
        co_sim_rig_set("{\"log_duplicate\":20,\"log_late\":20,\"log_late_ms\":700,\"log_skew\":10,"
                       "\"log_skew_ms\":500,\"log_empty_pages\":2}",
                       err));
    CHECK_OK(co_printed(&r, err));
    if (co_follow(&r, err))
        return -1;
    return co_sim_faults_end(&r, err);
}

static int co_log_faults(struct error *err)
{
    struct sim_run r;
    cloudrun_rig_reopen();
    CHECK_OK(co_printed(&r, err));
    for (size_t i = 0; i < SIM_FAULTS; i++) {
        CHECK_OK(co_sim_rig_fault("logging.entries.list", &sim_faults_all[i], err));
        if (co_follow(&r, err))
            return -1;
        CHECK_OK(co_sim_rig_heal(err));
    }
    return co_sim_faults_end(&r, err);
}

/* A short tail asks for few entries, and going back from there misses none. */
static int co_log_limit(struct error *err)
{
    struct sim_run r;
    AUTO_FREE char *token = NULL;
    long expected = LINES;
    cloudrun_rig_reopen();
    CHECK_OK(co_printed(&r, err));
    for (bool at_end = false; !at_end;) {
        struct log_query query = {.workload = &r.w, .token = token, .backward = true, .limit = 150};
        struct log_page page = {0};
        arena_init(&page.arena);
        CHECK(sim_rig.driver.logs->co_pages(sim_rig.driver.self, &query, 1, &page, err) == 0);
        CHECK(page.count <= 150);
        for (size_t i = page.count; i-- > 0;)
            CHECK(atol(page.events[i].text + 2) == expected--);
        at_end = page.at_end;
        free(token);
        token = page.next_token ? xstrdup(page.next_token) : NULL;
        arena_fini(&page.arena);
    }
    CHECK(expected == 0);
    return co_sim_faults_end(&r, err);
}

/* One page, in the order in which it is shown. */
static int co_texts(struct sim_run *r, bool backward, struct buf *out, struct error *err)
{
    struct log_query query = {.workload = &r->w, .backward = backward};
    struct log_page page = {0};
    arena_init(&page.arena);
    int rc = sim_rig.driver.logs->co_pages(sim_rig.driver.self, &query, 1, &page, err);
    for (size_t i = 0; i < page.count; i++)
        buf_printf(out, "%s ", page.events[i].text);
    arena_fini(&page.arena);
    return rc;
}

/* Entries of one timestamp come by insertId, in both directions, or down. */
static int co_log_same_time(struct error *err)
{
    for (int down = 0; down < 2; down++) {
        struct sim_run r;
        AUTO(buf) struct buf forward = BUF_INIT, backward = BUF_INIT;
        cloudrun_rig_reopen();
        CHECK(co_sim_rig_set(down ? "{\"log_same_time\":300,\"log_ids_descend\":1}"
                                  : "{\"log_same_time\":300}",
                             err) == 0);
        CHECK_OK(co_printed(&r, err));
        CHECK_OK(co_texts(&r, false, &forward, err));
        CHECK_OK(co_texts(&r, true, &backward, err));
        CHECK_OK(strncmp(forward.data, "\001o1 \001o2 \001o3 ", 12));
        CHECK_OK(strcmp(forward.data, backward.data));
        if (co_follow(&r, err))
            return -1;
        CHECK_OK(co_sim_rig_set("{\"log_same_time\":0,\"log_ids_descend\":0}", err));
        CHECK_OK(sim_rig.driver.workload->co_remove_run(sim_rig.driver.self, &r.w, err));
    }
    return co_sim_faults_await_nothing(err);
}

TEST_GROUP(cloudrun_rig_setup, cloudrun_rig_teardown);
SCENARIO(life)
SCENARIO(exit_code_and_reason)
SCENARIO(startup_failure)
SCENARIO(refusals)
SCENARIO(one_is_unknown)
SCENARIO(token_expires)
SCENARIO(log_disorder)
SCENARIO(log_faults)
SCENARIO(log_limit)
SCENARIO(log_same_time)
