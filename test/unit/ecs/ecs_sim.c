/* SPDX-License-Identifier: Apache-2.0
 *
 * The ECS driver against the simulator, where tasks are containers that really run: runs, their
 * logs, many at once, large requests, credentials that expire. Faults: ecs_faults.c.
 */
#include "base/timefmt.h"
#include "loop/co.h"
#include "test/kit/ecs_rig.h"

static int co_life(struct error *err)
{
    struct sim_run r;
    struct workload_status s;
    struct ecs_rig_count alive;
    struct arena arena;
    struct workload_found *found;
    size_t count;
    ecs_rig_run_init(&r, "exec sleep 100");
    CHECK_OK(co_sim_run_start(&r, err));
    CHECK_OK(co_sim_run_await(&r, WORKLOAD_RUNNING, &s, err));
    CHECK(*s.address && s.started_ns && !s.has_exit_code);
    arena_init(&arena);
    CHECK(sim_rig.driver.workload->co_list(sim_rig.driver.self, &arena, &found, &count, err) == 0);
    CHECK(count == 1 && strcmp(found[0].container_id, r.id) == 0);
    CHECK(strcmp(found[0].workload.resource, r.w.resource) == 0);
    CHECK(strcmp(found[0].workload.definition, r.w.definition) == 0);
    CHECK(strcmp(found[0].workload.log_ref, r.w.log_ref) == 0);
    CHECK_OK(ecs_rig_reopen("other", err));
    CHECK(sim_rig.driver.workload->co_list(sim_rig.driver.self, &arena, &found, &count, err) == 0 &&
          count == 0);
    CHECK_OK(ecs_rig_reopen("ecs-sim", err));
    arena_fini(&arena);
    /* The same token again is the same task. */
    CHECK_OK(co_sim_run_check_same(&r, err));
    CHECK_OK(co_sim_run_stop(&r, err));
    CHECK_OK(co_sim_run_await(&r, WORKLOAD_STOPPED, &s, err));
    CHECK(s.has_exit_code && s.stopped_ns && !s.start_failed);
    CHECK_OK(co_sim_run_stop(&r, err));
    CHECK_OK(co_sim_run_remove(&r, err));
    struct workload gone = {.resource = "arn:aws:ecs:us-east-1:123456789012:task/default/"
                                        "00000000000000000000000000000000"};
    CHECK(sim_rig.driver.workload->co_stop(sim_rig.driver.self, &gone, "test", err) == 0);
    CHECK(sim_rig.driver.workload->co_remove_run(sim_rig.driver.self, &gone, err) == 0);
    CHECK(co_ecs_rig_count(&alive, err) == 0 && alive.tasks == 0 && alive.netns == 0);
    return 0;
}

static int co_exit_code_and_reason(struct error *err)
{
    struct sim_run r, missing;
    struct workload_status s;
    ecs_rig_run_init(&r, "exit 7");
    CHECK_OK(co_sim_run_finish(&r, &s, err));
    CHECK(s.has_exit_code && s.exit_code == 7 && !s.start_failed);
    ecs_rig_run_init(&missing, "true");
    missing.spec.image = "docker.io/library/nothing:1";
    CHECK_OK(co_sim_run_finish(&missing, &s, err));
    CHECK(s.start_failed && !s.has_exit_code && strstr(s.reason, "CannotPullContainerError"));
    return 0;
}

/* The image holds the agent: one container, no volume, and as many definitions as content. */
static int co_image_layer(struct error *err)
{
    struct sim_run baked, again, read_only, other;
    struct workload_status s;
    struct ecs_rig_count before, after;
    Sockerless__HostOptions host = SOCKERLESS__HOST_OPTIONS__INIT;
    host.readonly_rootfs = true;
    ecs_rig_run_init(&baked, "test ! -e /sockerless && echo x >/written && exit 5");
    ecs_rig_run_init(&again, "exit 6");
    ecs_rig_run_init(&read_only, "echo x 2>/dev/null >/written || exit 7");
    ecs_rig_run_init(&other, "test -x /sockerless/sockerless-agent && exit 8");
    baked.spec.agent_in_image = again.spec.agent_in_image = true;
    read_only.spec.agent_in_image = true;
    read_only.spec.host = &host;
    struct sim_run *runs[] = {&baked, &again, &read_only, &other};
    CHECK_OK(co_ecs_rig_count(&before, err));
    for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
        CHECK_OK(co_sim_run_finish(runs[i], &s, err));
        if (s.exit_code != 5 + (int)i)
            return error_set(err, ERROR_SYSTEM, "run %zu: exit code %d, %s", i, s.exit_code,
                             s.reason);
        CHECK(sim_rig.driver.workload->co_remove_run(sim_rig.driver.self, &runs[i]->w, err) == 0);
    }
    CHECK(strcmp(baked.w.definition, again.w.definition) == 0);
    CHECK(strcmp(baked.w.definition, read_only.w.definition) != 0);
    CHECK(strcmp(baked.w.definition, other.w.definition) != 0);
    CHECK(co_ecs_rig_count(&after, err) == 0 && after.tasks == before.tasks);
    return 0;
}

/* Read a log in one direction; *sum counts lines, and checks that they are 1, 2, 3 … */
static int co_read_log(struct sim_run *r, bool backward, size_t *lines, struct error *err)
{
    struct arena tokens;
    const char *token = NULL;
    long expected = backward ? 25000 : 1;
    int rc = 0;
    *lines = 0;
    arena_init(&tokens);
    for (bool end = false; !end && rc == 0;) {
        struct log_query query = {.workload = &r->w, .token = token, .backward = backward};
        struct log_page page;
        arena_init(&page.arena);
        rc = sim_rig.driver.logs->co_pages(sim_rig.driver.self, &query, 1, &page, err);
        for (size_t i = 0; rc == 0 && i < page.count; i++) {
            size_t at = backward ? page.count - 1 - i : i;
            if (atol(page.events[at].text) != expected)
                rc = error_set(err, ERROR_SYSTEM, "\"%s\" is not %ld", page.events[at].text,
                               expected);
            expected += backward ? -1 : 1;
            ++*lines;
        }
        token = arena_strdup(&tokens, page.next_token);
        end = page.at_end;
        arena_fini(&page.arena);
    }
    arena_fini(&tokens);
    return rc;
}

static int co_logs(struct error *err)
{
    struct sim_run r;
    struct workload_status s;
    size_t lines = 0;
    ecs_rig_run_init(&r, "seq 1 25000");
    struct log_query early = {.workload = &r.w};
    struct log_page page;
    CHECK_OK(co_sim_run_start(&r, err));
    arena_init(&page.arena);
    CHECK(sim_rig.driver.logs->co_pages(sim_rig.driver.self, &early, 1, &page, err) == 0);
    arena_fini(&page.arena);
    CHECK_OK(co_sim_run_await(&r, WORKLOAD_STOPPED, &s, err));
    CHECK(co_read_log(&r, false, &lines, err) == 0 && lines == 25000);
    CHECK(co_read_log(&r, true, &lines, err) == 0 && lines == 25000);
    CHECK_OK(
        co_sim_rig_fault("GetLogEvents", &(struct sim_fault){.kind = "throttle", .count = 2}, err));
    CHECK_OK(co_sim_rig_fault("GetLogEvents", &(struct sim_fault){.kind = "lost_answer"}, err));
    CHECK(co_read_log(&r, false, &lines, err) == 0 && lines == 25000);
    return 0;
}

/* ---- many ---- */

static int running, failed;

static int reopen_at(int rate_percent, struct error *err)
{
    ecs_rig_config.rate_percent = rate_percent;
    return ecs_rig_reopen("ecs-sim", err);
}

static void co_one_of_many(void *arg)
{
    struct sim_run *r = arg;
    struct error err = {0};
    struct workload_status s;
    if (co_sim_run_finish(r, &s, &err) || s.exit_code != 3) {
        snprintf(sim_rig.problem, sizeof sim_rig.problem, "%.1000s", err.message);
        failed++;
    }
    running--;
}

/* Twenty at once with twenty commands and environments, under the vendor's rates: one registration,
 * no throttling. Each exits with 3 only if it got its own. */
static int co_many(struct error *err)
{
    static struct sim_run runs[20];
    static char scripts[ARRAY_LEN(runs)][80], variables[ARRAY_LEN(runs)][32];
    static char *env[ARRAY_LEN(runs)][2];
    struct ecs_rig_count before, after;
    CHECK_OK(co_ecs_rig_count(&before, err));
    CHECK_OK(co_sim_rig_set("{\"throttling\":true}", err));
    CHECK_OK(reopen_at(80, err));
    for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
        snprintf(scripts[i], sizeof scripts[i], "[ \"$NUMBER\" = %zu ] && exit 3; exit 1", i);
        snprintf(variables[i], sizeof variables[i], "NUMBER=%zu", i);
        env[i][0] = (char *)"PATH=/bin";
        env[i][1] = variables[i];
        ecs_rig_run_init(&runs[i], scripts[i]);
        sim_run_set_label(&runs[i], "many");
        runs[i].spec.env = env[i];
        runs[i].spec.env_count = 2;
        running++;
        CHECK_OK(co_spawn(&sim_rig.loop, co_one_of_many, &runs[i], err));
    }
    while (running)
        CHECK_OK(co_sleep(20, err));
    CHECK(failed == 0);
    CHECK_OK(co_sim_rig_set("{\"throttling\":false}", err));
    CHECK_OK(reopen_at(10000, err));
    CHECK_OK(co_ecs_rig_count(&after, err));
    CHECK(after.active == before.active + 1 && after.tasks == 0);
    return 0;
}

/* ---- large commands and environments ---- */

enum { VARIABLES = 10000 };

static int co_large_command(size_t padding, struct error *err)
{
    struct sim_run r;
    struct workload_status s;
    AUTO_FREE char *script = xasprintf("exit 5 # %0*d", (int)padding, 0);
    ecs_rig_run_init(&r, script);
    CHECK_OK(co_sim_run_finish(&r, &s, err));
    CHECK(s.has_exit_code && s.exit_code == 5);
    /* Repeated, it is still the same request. */
    CHECK_OK(co_sim_run_check_same(&r, err));
    return 0;
}

static int co_large_environment(struct strv *env, struct error *err)
{
    struct sim_run r;
    struct workload_status s;
    ecs_rig_run_init(&r, "[ \"$V999\" = 999 ] && [ \"$V0\" = 0 ] && exit 6; exit 1");
    r.spec.env = env->items;
    r.spec.env_count = env->count;
    CHECK(co_sim_run_start(&r, err) == -1 && err->code == ERROR_INVALID_PARAMETER);
    CHECK(strstr(err->message, "65536") && !*r.w.definition);
    r.spec.env_count = 1001;
    CHECK_OK(co_sim_run_finish(&r, &s, err));
    CHECK(s.has_exit_code && s.exit_code == 6);
    return 0;
}

static int co_large(struct error *err)
{
    static const size_t paddings[] = {7000, 7400, 8192, 60000};
    struct sim_run r;
    for (size_t i = 0; i < ARRAY_LEN(paddings); i++)
        if (co_large_command(paddings[i], err))
            return -1;
    AUTO_FREE char *huge = xasprintf("true # %0*d", 300 * 1024, 0);
    ecs_rig_run_init(&r, huge);
    CHECK(co_sim_run_start(&r, err) == -1 && err->code == ERROR_INVALID_PARAMETER);
    CHECK(strstr(err->message, "65536") && !*r.w.definition);
    AUTO(strv) struct strv env = STRV_INIT;
    strv_push(&env, "PATH=/bin");
    for (int i = 0; i < VARIABLES; i++)
        strv_push_owned(&env, xasprintf("V%d=%d", i, i));
    return co_large_environment(&env, err);
}

/* ---- credentials ---- */

/* Calls succeed while credentials expire several times. */
static int co_short_lived_credentials(struct error *err)
{
    AUTO_FREE char *endpoint = xasprintf("%s/_sim/credentials", sim_rig.url);
    unsetenv("AWS_ACCESS_KEY_ID");
    unsetenv("AWS_SECRET_ACCESS_KEY");
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint, 1);
    CHECK_OK(ecs_rig_reopen("ecs-sim", err));
    CHECK_OK(co_sim_rig_set("{\"credential_ttl_s\":2}", err));
    for (int64_t end = time_mono_ms() + 4500; time_mono_ms() < end;) {
        if (co_ecs_rig_run_once("credentials", err))
            return -1;
        CHECK_OK(co_sleep(100, err));
    }
    unsetenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    unsetenv("AWS_EC2_METADATA_DISABLED");
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", sim_rig.url, 1);
    CHECK_OK(ecs_rig_reopen("ecs-sim", err));
    CHECK_OK(co_ecs_rig_run_once("metadata", err));
    CHECK(sim_rig.driver.workload->co_maintain(sim_rig.driver.self, NULL, 0, true, err) == 0);
    return 0;
}

TEST_GROUP(ecs_rig_setup, ecs_rig_teardown);
SCENARIO(life)
SCENARIO(exit_code_and_reason)
SCENARIO(image_layer)
SCENARIO(logs)
SCENARIO(many)
SCENARIO(large)
SCENARIO(short_lived_credentials)
