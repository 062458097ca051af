/* SPDX-License-Identifier: Apache-2.0
 *
 * The Cloud Run driver against the simulator, where executions are containers that really run: the
 * life of a run, its log, and every fault the simulator can inject at every call in turn. After
 * each the simulator must list nothing that was left behind.
 */
#include "backend-cloudrun/driver.h"

#include "test/kit/sim_driver_rig.h"
#include "test/kit/test.h"

enum { LINES = 400 };

static struct cloudrun_config config;

/* ---- the simulator's own door ---- */

struct fault {
    const char *kind;
    int status, latency_ms, count;
};

static int co_fault(const char *operation, const struct fault *f, struct error *err)
{
    AUTO_FREE char *body =
        xasprintf("[{\"operation\":\"%s\",\"kind\":\"%s\",\"count\":%d,\"latency_ms\":%d,"
                  "\"status\":%d,\"message\":\"the service's own words\"}]",
                  operation, f->kind, f->count ? f->count : 1, f->latency_ms, f->status);
    return co_sim("POST", "/_sim/faults", body, NULL, err);
}

static int co_left(size_t *jobs, size_t *executions, struct error *err)
{
    json_t *reply = NULL;
    if (co_sim("GET", "/_sim/resources", NULL, &reply, err))
        return -1;
    *jobs = json_array_size(json_object_get(reply, "jobs"));
    *executions = json_array_size(json_object_get(reply, "executions"));
    json_decref(reply);
    return 0;
}

/* What was deleted still takes its time to end. */
static int co_await_nothing(struct error *err)
{
    int64_t deadline_ms = time_mono_ms() + PATIENCE_MS;
    size_t jobs, executions;
    for (;;) {
        if (co_left(&jobs, &executions, err))
            return -1;
        if (jobs + executions == 0)
            return 0;
        if (time_mono_ms() >= deadline_ms)
            return error_set(err, ERROR_DEADLINE, "%zu jobs and %zu executions are left", jobs,
                             executions);
        if (co_sleep(POLL_MS, err))
            return -1;
    }
}

/* ---- runs ---- */

static void run_init(struct run *r, const char *script)
{
    run_prepare(r, "cloudrun-sim", script);
    r->spec.agent_in_image = true;
}

/* A new life of the driver: nothing is known, no quota is used up. */
static void driver_reopen(void)
{
    if (driver.self)
        driver.close(driver.self);
    const struct driver_env env = {.loop = &loop, .http = http, .instance = "cloudrun-sim"};
    struct error err;
    if (cloudrun_driver_open(&config, &env, &driver, &err))
        fail_msg("%s", err.message);
}

static int co_is_listed(struct run *r, bool *listed, struct error *err)
{
    AUTO(arena) struct arena arena;
    struct workload_found *found;
    size_t count;
    arena_init(&arena);
    *listed = false;
    if (driver.workload->co_list(driver.self, &arena, &found, &count, err))
        return -1;
    for (size_t i = 0; i < count; i++)
        *listed = *listed || (strcmp(found[i].container_id, r->id) == 0 &&
                              strcmp(found[i].workload.definition, r->w.definition) == 0);
    return 0;
}

/* Every call of the API that the driver makes, but for logs. */
static int co_whole_life(struct run *r, struct error *err)
{
    struct workload_status s;
    bool listed;
    if (co_start(r, err) || co_reach(r, WORKLOAD_RUNNING, &s, err) || co_is_listed(r, &listed, err))
        return -1;
    if (!listed)
        return error_set(err, ERROR_SYSTEM, "the run is not listed");
    struct workload again = r->w; /* the same run again is the same execution */
    if (driver.workload->co_run(driver.self, &r->spec, &again, err))
        return -1;
    if (strcmp(again.resource, r->w.resource) != 0)
        return error_set(err, ERROR_SYSTEM, "it runs twice");
    if (driver.workload->co_stop(driver.self, &r->w, "test", err) ||
        co_reach(r, WORKLOAD_STOPPED, &s, err) ||
        driver.workload->co_stop(driver.self, &r->w, "test", err))
        return -1;
    return driver.workload->co_remove_run(driver.self, &r->w, err);
}

static int co_life(struct error *err)
{
    struct run r;
    bool listed;
    run_init(&r, "exec sleep 100");
    CHECK(co_whole_life(&r, err) == 0);
    CHECK(driver.workload->co_remove_run(driver.self, &r.w, err) == 0); /* gone: as good */
    CHECK(co_is_listed(&r, &listed, err) == 0 && !listed);
    run_init(&r, "exec sleep 100");
    CHECK(co_start(&r, err) == 0);
    CHECK(driver.workload->co_remove_run(driver.self, &r.w, err) == 0); /* while it starts */
    CHECK(co_await_nothing(err) == 0);
    return 0;
}

static int co_exit_code_and_reason(struct error *err)
{
    struct run r, missing;
    struct workload_status s;
    run_init(&r, "exit 7");
    CHECK(co_start(&r, err) == 0);
    CHECK(co_reach(&r, WORKLOAD_STOPPED, &s, err) == 0);
    CHECK(s.has_exit_code && s.exit_code == 7 && !s.start_failed && !s.needs_agent_layer);
    CHECK(driver.workload->co_remove_run(driver.self, &r.w, err) == 0);
    run_init(&missing, "true");
    missing.spec.image = "docker.io/library/nothing:1";
    CHECK(co_start(&missing, err) == 0);
    CHECK(co_reach(&missing, WORKLOAD_STOPPED, &s, err) == 0);
    CHECK(s.start_failed && !s.has_exit_code && strstr(s.reason, "nothing:1"));
    CHECK(!s.needs_agent_layer);
    CHECK(driver.workload->co_remove_run(driver.self, &missing.w, err) == 0);
    CHECK(co_await_nothing(err) == 0);
    return 0;
}

/* The agent cannot be had from where it should be: the script's exit code says so. Where the image
 * holds the agent, the same exit code is the user's. */
static int co_startup_failure(struct error *err)
{
    struct run bare, layered;
    struct workload_status s;
    config.injection = CLOUDRUN_INJECT_STARTUP_COMMAND;
    run_init(&bare, "true");
    bare.spec.agent_in_image = false;
    CHECK(co_start(&bare, err) == 0);
    CHECK(co_reach(&bare, WORKLOAD_STOPPED, &s, err) == 0);
    CHECK(s.exit_code == 122 && !s.needs_agent_layer);
    CHECK(strstr(s.reason, "the agent could not be downloaded"));
    CHECK(driver.workload->co_remove_run(driver.self, &bare.w, err) == 0);
    run_init(&layered, "exit 121");
    CHECK(co_start(&layered, err) == 0);
    CHECK(co_reach(&layered, WORKLOAD_STOPPED, &s, err) == 0);
    CHECK(s.exit_code == 121 && !s.needs_agent_layer);
    CHECK(!strstr(s.reason, "curl"));
    CHECK(driver.workload->co_remove_run(driver.self, &layered.w, err) == 0);
    config.injection = CLOUDRUN_INJECT_IMAGE_LAYER;
    return co_await_nothing(err);
}

/* ---- faults ---- */

static const struct fault faults[] = {
    {"throttle", 0, 0, 2},    /* without Retry-After */
    {"throttle", 0, 1000, 1}, /* with it */
    {"error", 500, 0, 1},     /* not carried out */
    {"error", 503, 0, 1},     /* ditto */
    {"timeout", 0, 200, 1},   /* ditto, and nobody says so */
    {"lost_answer", 0, 0, 1}, /* carried out */
};

/* Only what may run a container twice is not repeated: then it fails, in the service's words. */
static bool failed_cleanly(const char *operation, const struct fault *f, const struct error *err)
{
    if (strcmp(operation, "run.jobs.run") != 0 || err->code != ERROR_UNAVAILABLE)
        return false;
    return strstr(err->message, "run: run job") &&
           (f->status == 0 || strstr(err->message, "the service's own words"));
}

static int co_fault_case(const char *operation, const struct fault *f, struct error *err)
{
    struct run r;
    driver_reopen();
    run_init(&r, "exec sleep 100");
    CHECK(co_fault(operation, f, err) == 0);
    int rc = co_whole_life(&r, err);
    if (rc && !failed_cleanly(operation, f, err)) {
        snprintf(problem, sizeof problem, "%s %s %d: %.1000s", operation, f->kind, f->status,
                 err->message);
        return -1;
    }
    CHECK(co_sim("DELETE", "/_sim/faults", NULL, NULL, err) == 0);
    CHECK(rc == 0 || driver.workload->co_remove_run(driver.self, &r.w, err) == 0);
    if (co_await_nothing(err) == 0)
        return 0;
    snprintf(problem, sizeof problem, "%s %s: %.1000s", operation, f->kind, err->message);
    return -1;
}

static int co_faults_at(const char *operation, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(faults); i++)
        if (co_fault_case(operation, &faults[i], err))
            return -1;
    return 0;
}

static int co_faults_of_starting(struct error *err)
{
    return co_faults_at("run.jobs.create", err) || co_faults_at("run.operations.get", err) ||
                   co_faults_at("run.jobs.get", err) || co_faults_at("run.jobs.run", err)
               ? -1
               : 0;
}

static int co_faults_of_watching(struct error *err)
{
    return co_faults_at("run.executions.get", err) || co_faults_at("run.tasks.list", err) ||
                   co_faults_at("run.jobs.list", err)
               ? -1
               : 0;
}

static int co_faults_of_ending(struct error *err)
{
    return co_faults_at("run.executions.cancel", err) || co_faults_at("run.jobs.delete", err) ||
                   co_faults_at("oauth.token", err)
               ? -1
               : 0;
}

static int co_refusals(struct error *err)
{
    static const struct fault denied = {"access_denied", 0, 0, 1}, bad = {"error", 400, 0, 1};
    struct run r;
    driver_reopen();
    run_init(&r, "true");
    CHECK(co_fault("run.jobs.create", &denied, err) == 0);
    CHECK(co_start(&r, err) == -1 && err->code == ERROR_FORBIDDEN);
    CHECK(strstr(err->message, "run: create job: PERMISSION_DENIED") && !*r.w.resource);
    CHECK(driver.workload->co_remove_run(driver.self, &r.w, err) == 0);
    run_init(&r, "true");
    CHECK(co_fault("run.jobs.run", &bad, err) == 0);
    CHECK(co_start(&r, err) == -1 && err->code == ERROR_INVALID_PARAMETER);
    CHECK(strstr(err->message, "the service's own words") && !*r.w.resource);
    CHECK(driver.workload->co_remove_run(driver.self, &r.w, err) == 0);
    return co_await_nothing(err);
}

/* One of several cannot be asked for: the others are known all the same. */
static int co_one_is_unknown(struct error *err)
{
    static const struct fault denied = {"access_denied", 0, 0, 1},
                              both = {"access_denied", 0, 0, 2};
    struct run a, b;
    struct workload_status s[2];
    const struct workload *list[] = {&a.w, &b.w};
    driver_reopen();
    run_init(&a, "exec sleep 100");
    run_init(&b, "exec sleep 100");
    CHECK(co_start(&a, err) == 0 && co_start(&b, err) == 0);
    CHECK(co_reach(&a, WORKLOAD_RUNNING, s, err) == 0);
    CHECK(co_reach(&b, WORKLOAD_RUNNING, s, err) == 0);
    CHECK(co_fault("run.executions.get", &denied, err) == 0);
    CHECK(driver.workload->co_describe(driver.self, list, 2, s, err) == 0);
    size_t bad = s[0].phase == WORKLOAD_UNKNOWN ? 0 : 1; /* they are asked for at the same time */
    CHECK(s[bad].phase == WORKLOAD_UNKNOWN && strstr(s[bad].reason, "PERMISSION_DENIED"));
    CHECK(s[1 - bad].phase == WORKLOAD_RUNNING);
    CHECK(co_fault("run.executions.get", &both, err) == 0);
    CHECK(driver.workload->co_describe(driver.self, list, 2, s, err) == -1 &&
          err->code == ERROR_FORBIDDEN);
    CHECK(driver.workload->co_remove_run(driver.self, &a.w, err) == 0);
    CHECK(driver.workload->co_remove_run(driver.self, &b.w, err) == 0);
    return co_await_nothing(err);
}

/* Every token that was given out so far is worth nothing any more, while a container runs. */
static int co_token_expires(struct error *err)
{
    static const struct fault busy = {"error", 503, 0, 1};
    struct run r;
    struct workload_status s;
    driver_reopen();
    run_init(&r, "exec sleep 100");
    CHECK(driver.workload->co_prepare(driver.self, &r.spec, &r.w, err) == 0);
    CHECK(co_sim("DELETE", "/_sim/tokens", NULL, NULL, err) == 0);
    CHECK(driver.workload->co_run(driver.self, &r.spec, &r.w, err) == 0);
    CHECK(co_sim("DELETE", "/_sim/tokens", NULL, NULL, err) == 0);
    CHECK(co_reach(&r, WORKLOAD_RUNNING, &s, err) == 0);
    CHECK(co_sim("DELETE", "/_sim/tokens", NULL, NULL, err) == 0);
    CHECK(co_fault("oauth.token", &busy, err) == 0); /* nor comes the next one at once */
    CHECK(driver.workload->co_stop(driver.self, &r.w, "test", err) == 0);
    CHECK(co_reach(&r, WORKLOAD_STOPPED, &s, err) == 0);
    CHECK(co_sim("DELETE", "/_sim/tokens", NULL, NULL, err) == 0);
    CHECK(driver.workload->co_remove_run(driver.self, &r.w, err) == 0);
    return co_await_nothing(err);
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
static int co_follow(struct run *r, struct error *err)
{
    AUTO_FREE char *token = NULL;
    size_t lines = 0;
    int64_t deadline_ms = time_mono_ms() + PATIENCE_MS;
    for (bool idle = true; lines < LINES || !idle;) {
        struct log_query query = {.workload = &r->w, .token = token};
        struct log_page page = {0};
        arena_init(&page.arena);
        int rc = driver.logs->co_pages(driver.self, &query, 1, &page, err);
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
        if (idle && co_sleep(POLL_MS, err))
            return -1;
    }
    return 0;
}

static int co_printed(struct run *r, struct error *err)
{
    struct workload_status s;
    run_init(r, PRINTED);
    if (co_start(r, err) || co_reach(r, WORKLOAD_STOPPED, &s, err))
        return -1;
    return s.exit_code ? error_set(err, ERROR_SYSTEM, "exit code %d", s.exit_code) : 0;
}

/* Entries that come twice, late, dated back, and pages that are empty. */
static int co_log_disorder(struct error *err)
{
    struct run r;
    driver_reopen();
    CHECK(co_set("{\"log_duplicate\":20,\"log_late\":20,\"log_late_ms\":700,\"log_skew\":10,"
                 "\"log_skew_ms\":500,\"log_empty_pages\":2}",
                 err) == 0);
    CHECK(co_printed(&r, err) == 0);
    if (co_follow(&r, err))
        return -1;
    CHECK(driver.workload->co_remove_run(driver.self, &r.w, err) == 0);
    return co_await_nothing(err);
}

static int co_log_faults(struct error *err)
{
    struct run r;
    driver_reopen();
    CHECK(co_printed(&r, err) == 0);
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        CHECK(co_fault("logging.entries.list", &faults[i], err) == 0);
        if (co_follow(&r, err))
            return -1;
        CHECK(co_sim("DELETE", "/_sim/faults", NULL, NULL, err) == 0);
    }
    CHECK(driver.workload->co_remove_run(driver.self, &r.w, err) == 0);
    return co_await_nothing(err);
}

/* A short tail asks for few entries, and going back from there misses none. */
static int co_log_limit(struct error *err)
{
    struct run r;
    AUTO_FREE char *token = NULL;
    long expected = LINES;
    driver_reopen();
    CHECK(co_printed(&r, err) == 0);
    for (bool at_end = false; !at_end;) {
        struct log_query query = {.workload = &r.w, .token = token, .backward = true, .limit = 150};
        struct log_page page = {0};
        arena_init(&page.arena);
        CHECK(driver.logs->co_pages(driver.self, &query, 1, &page, err) == 0);
        CHECK(page.count <= 150);
        for (size_t i = page.count; i-- > 0;)
            CHECK(atol(page.events[i].text + 2) == expected--);
        at_end = page.at_end;
        free(token);
        token = page.next_token ? xstrdup(page.next_token) : NULL;
        arena_fini(&page.arena);
    }
    CHECK(expected == 0);
    CHECK(driver.workload->co_remove_run(driver.self, &r.w, err) == 0);
    return co_await_nothing(err);
}

/* One page, in the order in which it is shown. */
static int co_texts(struct run *r, bool backward, struct buf *out, struct error *err)
{
    struct log_query query = {.workload = &r->w, .backward = backward};
    struct log_page page = {0};
    arena_init(&page.arena);
    int rc = driver.logs->co_pages(driver.self, &query, 1, &page, err);
    for (size_t i = 0; i < page.count; i++)
        buf_printf(out, "%s ", page.events[i].text);
    arena_fini(&page.arena);
    return rc;
}

/* Entries of one timestamp come by insertId, in both directions, or down. */
static int co_log_same_time(struct error *err)
{
    for (int down = 0; down < 2; down++) {
        struct run r;
        AUTO(buf) struct buf forward = BUF_INIT, backward = BUF_INIT;
        driver_reopen();
        CHECK(co_set(down ? "{\"log_same_time\":300,\"log_ids_descend\":1}"
                          : "{\"log_same_time\":300}",
                     err) == 0);
        CHECK(co_printed(&r, err) == 0);
        CHECK(co_texts(&r, false, &forward, err) == 0);
        CHECK(co_texts(&r, true, &backward, err) == 0);
        CHECK(strncmp(forward.data, "\001o1 \001o2 \001o3 ", 12) == 0);
        CHECK(strcmp(forward.data, backward.data) == 0);
        if (co_follow(&r, err))
            return -1;
        CHECK(co_set("{\"log_same_time\":0,\"log_ids_descend\":0}", err) == 0);
        CHECK(driver.workload->co_remove_run(driver.self, &r.w, err) == 0);
    }
    return co_await_nothing(err);
}

/* ---- frame ---- */

SCENARIO(life)
SCENARIO(exit_code_and_reason)
SCENARIO(startup_failure)
SCENARIO(faults_of_starting)
SCENARIO(faults_of_watching)
SCENARIO(faults_of_ending)
SCENARIO(refusals)
SCENARIO(one_is_unknown)
SCENARIO(token_expires)
SCENARIO(log_disorder)
SCENARIO(log_faults)
SCENARIO(log_limit)
SCENARIO(log_same_time)

static void co_settings(void *arg)
{
    struct error *err = arg;
    if (co_set("{\"stop_grace_ms\":100,\"provision_ms\":10}", err))
        fprintf(stderr, "%s\n", err->message);
    loop_stop(&loop);
}

static int open_driver(void)
{
    struct error err = {0};
    AUTO_FREE char *key = xasprintf("%s/service-account.json", sim.state_dir);
    setenv("GOOGLE_APPLICATION_CREDENTIALS", key, 1);
    setenv("NO_GCE_CHECK", "true", 1);
    config = (struct cloudrun_config){
        .project = (char *)"sockerless-sim",
        .region = (char *)"us-central1",
        .endpoint_url = url,
        .log_id = (char *)"sockerless",
        .gcs_bucket = (char *)"agents",
        .gcs_object = (char *)"agent",
        .task_timeout_s = 600,
        .log_reads_per_min = 60000,
        .rate_percent = 10000,
        .injection = CLOUDRUN_INJECT_IMAGE_LAYER,
    };
    if (co_spawn(&loop, co_settings, &err, &err))
        return -1;
    loop_run(&loop);
    driver_reopen();
    return *err.message ? -1 : 0;
}

static int setup(void **state)
{
    (void)state;
    if (rig_open("SIM_GCP_BIN", "sockerless-sim-gcp"))
        return -1;
    return sim.port ? open_driver() : 0;
}

static int teardown(void **state)
{
    (void)state;
    return rig_close();
}

TEST_GROUP(setup, teardown);
