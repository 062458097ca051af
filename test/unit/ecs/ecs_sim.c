/* SPDX-License-Identifier: Apache-2.0
 *
 * The ECS driver against the simulator, where tasks are containers that really run: the life of a
 * run, its log, and every fault the simulator can inject.
 */
#include "backend-ecs/driver.h"

#include "test/kit/sim_driver_rig.h"
#include "test/kit/test.h"

static struct ecs_config config;

static int open_as(const char *instance, struct error *err)
{
    const struct driver_env env = {.loop = &loop, .http = http, .instance = instance};
    return ecs_driver_open(&config, &env, &driver, err);
}

/* ---- the simulator's own door ---- */

static int co_fault(const char *operation, const char *kind, int count, struct error *err)
{
    AUTO_FREE char *body =
        xasprintf("[{\"operation\":\"%s\",\"kind\":\"%s\",\"count\":%d,\"latency_ms\":50}]",
                  operation, kind, count);
    return co_sim("POST", "/_sim/faults", body, NULL, err);
}

struct alive {
    size_t tasks, active, inactive, netns;
};

static int co_alive(struct alive *out, struct error *err)
{
    json_t *reply = NULL;
    if (co_sim("GET", "/_sim/resources", NULL, &reply, err))
        return -1;
    const json_t *definitions = json_object_get(reply, "taskDefinitions");
    *out = (struct alive){
        .tasks = json_array_size(json_object_get(reply, "tasks")),
        .active = json_array_size(json_object_get(definitions, "active")),
        .inactive = json_array_size(json_object_get(definitions, "inactive")),
        .netns = json_array_size(json_object_get(reply, "netns")),
    };
    json_decref(reply);
    return 0;
}

/* ---- runs ---- */

static void run_init(struct run *r, const char *script)
{
    run_prepare(r, "ecs-sim", script);
}

static int co_life(struct error *err)
{
    struct run r;
    struct workload_status s;
    struct alive alive;
    struct arena arena;
    struct workload_found *found;
    size_t count;
    run_init(&r, "exec sleep 100");
    CHECK(co_start(&r, err) == 0);
    CHECK(co_reach(&r, WORKLOAD_RUNNING, &s, err) == 0);
    CHECK(*s.address && s.started_ns && !s.has_exit_code);
    arena_init(&arena);
    CHECK(driver.workload->co_list(driver.self, &arena, &found, &count, err) == 0);
    CHECK(count == 1 && strcmp(found[0].container_id, r.id) == 0);
    CHECK(strcmp(found[0].workload.resource, r.w.resource) == 0);
    CHECK(strcmp(found[0].workload.definition, r.w.definition) == 0);
    CHECK(strcmp(found[0].workload.log_ref, r.w.log_ref) == 0);
    driver.close(driver.self);
    CHECK(open_as("other", err) == 0);
    CHECK(driver.workload->co_list(driver.self, &arena, &found, &count, err) == 0 && count == 0);
    driver.close(driver.self);
    CHECK(open_as("ecs-sim", err) == 0);
    arena_fini(&arena);
    /* The same token again is the same task. */
    struct workload again = r.w;
    CHECK(driver.workload->co_run(driver.self, &r.spec, &again, err) == 0);
    CHECK(strcmp(again.resource, r.w.resource) == 0);
    CHECK(driver.workload->co_stop(driver.self, &r.w, "test", err) == 0);
    CHECK(co_reach(&r, WORKLOAD_STOPPED, &s, err) == 0);
    CHECK(s.has_exit_code && s.stopped_ns && !s.start_failed);
    CHECK(driver.workload->co_stop(driver.self, &r.w, "test", err) == 0);
    CHECK(driver.workload->co_remove_run(driver.self, &r.w, err) == 0);
    struct workload gone = {.resource = "arn:aws:ecs:us-east-1:123456789012:task/default/"
                                        "00000000000000000000000000000000"};
    CHECK(driver.workload->co_stop(driver.self, &gone, "test", err) == 0);
    CHECK(driver.workload->co_remove_run(driver.self, &gone, err) == 0);
    CHECK(co_alive(&alive, err) == 0 && alive.tasks == 0 && alive.netns == 0);
    return 0;
}

static int co_exit_code_and_reason(struct error *err)
{
    struct run r, missing;
    struct workload_status s;
    run_init(&r, "exit 7");
    CHECK(co_start(&r, err) == 0);
    CHECK(co_reach(&r, WORKLOAD_STOPPED, &s, err) == 0);
    CHECK(s.has_exit_code && s.exit_code == 7 && !s.start_failed);
    run_init(&missing, "true");
    missing.spec.image = "docker.io/library/nothing:1";
    CHECK(co_start(&missing, err) == 0);
    CHECK(co_reach(&missing, WORKLOAD_STOPPED, &s, err) == 0);
    CHECK(s.start_failed && !s.has_exit_code && strstr(s.reason, "CannotPullContainerError"));
    return 0;
}

/* The image holds the agent: one container, no volume, and as many definitions as content. */
static int co_image_layer(struct error *err)
{
    struct run baked, again, read_only, other;
    struct workload_status s;
    struct alive before, after;
    Sockerless__HostOptions host = SOCKERLESS__HOST_OPTIONS__INIT;
    host.readonly_rootfs = true;
    run_init(&baked, "test ! -e /sockerless && echo x >/written && exit 5");
    run_init(&again, "exit 6");
    run_init(&read_only, "echo x 2>/dev/null >/written || exit 7");
    run_init(&other, "test -x /sockerless/sockerless-agent && exit 8");
    baked.spec.agent_in_image = again.spec.agent_in_image = true;
    read_only.spec.agent_in_image = true;
    read_only.spec.host = &host;
    struct run *runs[] = {&baked, &again, &read_only, &other};
    CHECK(co_alive(&before, err) == 0);
    for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
        CHECK(co_start(runs[i], err) == 0);
        CHECK(co_reach(runs[i], WORKLOAD_STOPPED, &s, err) == 0);
        if (s.exit_code != 5 + (int)i)
            return error_set(err, ERROR_SYSTEM, "run %zu: exit code %d, %s", i, s.exit_code,
                             s.reason);
        CHECK(driver.workload->co_remove_run(driver.self, &runs[i]->w, err) == 0);
    }
    CHECK(strcmp(baked.w.definition, again.w.definition) == 0);
    CHECK(strcmp(baked.w.definition, read_only.w.definition) != 0);
    CHECK(strcmp(baked.w.definition, other.w.definition) != 0);
    CHECK(co_alive(&after, err) == 0 && after.tasks == before.tasks);
    return 0;
}

/* Read a log in one direction; *sum counts lines, and checks that they are 1, 2, 3 … */
static int co_read_log(struct run *r, bool backward, size_t *lines, struct error *err)
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
        rc = driver.logs->co_pages(driver.self, &query, 1, &page, err);
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
    struct run r;
    struct workload_status s;
    size_t lines = 0;
    run_init(&r, "seq 1 25000");
    struct log_query early = {.workload = &r.w};
    struct log_page page;
    CHECK(co_start(&r, err) == 0);
    arena_init(&page.arena);
    CHECK(driver.logs->co_pages(driver.self, &early, 1, &page, err) == 0);
    arena_fini(&page.arena);
    CHECK(co_reach(&r, WORKLOAD_STOPPED, &s, err) == 0);
    CHECK(co_read_log(&r, false, &lines, err) == 0 && lines == 25000);
    CHECK(co_read_log(&r, true, &lines, err) == 0 && lines == 25000);
    CHECK(
        co_sim("POST", "/_sim/faults",
               "[{\"operation\":\"GetLogEvents\",\"kind\":\"throttle\",\"count\":2},{\"operation\":"
               "\"GetLogEvents\",\"kind\":\"lost_answer\",\"count\":1}]",
               NULL, err) == 0);
    CHECK(co_read_log(&r, false, &lines, err) == 0 && lines == 25000);
    return 0;
}

/* ---- faults ---- */

static int co_run_once(const char *what, struct error *err)
{
    struct run r;
    struct workload_status s;
    run_init(&r, "true");
    run_set_label(&r, what); /* a definition of its own: labels are in no overrides */
    CHECK(co_start(&r, err) == 0);
    CHECK(co_reach(&r, WORKLOAD_STOPPED, &s, err) == 0);
    CHECK(s.has_exit_code && s.exit_code == 0);
    return 0;
}

static int co_faults(struct error *err)
{
    static const char *const operations[] = {"RunTask", "RegisterTaskDefinition", "DescribeTasks",
                                             "DescribeTaskDefinition"};
    static const char *const kinds[] = {"throttle", "error", "lost_answer", "drop_connection",
                                        "latency"};
    struct alive before, after;
    size_t runs = 0;
    CHECK(co_alive(&before, err) == 0);
    for (size_t i = 0; i < ARRAY_LEN(operations); i++)
        for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
            AUTO_FREE char *what = xasprintf("%s %s", operations[i], kinds[k]);
            CHECK(co_fault(operations[i], kinds[k], 2, err) == 0);
            if (co_run_once(what, err))
                return -1;
            CHECK(co_sim("DELETE", "/_sim/faults", NULL, NULL, err) == 0);
            runs++;
        }
    /* A repeated call made neither a second revision nor a second task. */
    CHECK(co_alive(&after, err) == 0);
    CHECK(after.active - before.active == runs && after.tasks == 0);
    return 0;
}

static int co_refusals(struct error *err)
{
    struct run r;
    struct alive alive;
    run_init(&r, "true");
    CHECK(co_fault("RunTask", "capacity", 1, err) == 0);
    CHECK(co_start(&r, err) == -1 && err->code == ERROR_UNAVAILABLE);
    CHECK(strstr(err->message, "Capacity is unavailable") && !*r.w.resource);
    CHECK(co_fault("RunTask", "access_denied", 1, err) == 0);
    CHECK(co_start(&r, err) == -1 && err->code == ERROR_FORBIDDEN);
    CHECK(strstr(err->message, "is not authorized to perform") &&
          strstr(err->message, "request id"));
    CHECK(co_fault("StopTask", "access_denied", 1, err) == 0);
    strcpy(r.w.resource, "arn:aws:ecs:us-east-1:123456789012:task/default/0");
    CHECK(driver.workload->co_stop(driver.self, &r.w, "x", err) == -1 &&
          err->code == ERROR_FORBIDDEN);
    config.cluster = (char *)"missing";
    int rc = co_start(&r, err);
    config.cluster = (char *)"default";
    CHECK(rc == -1 && strstr(err->message, "SOCKERLESS_ECS_CLUSTER"));
    CHECK(co_alive(&alive, err) == 0 && alive.tasks == 0);
    return 0;
}

static int co_eventual_consistency(struct error *err)
{
    struct run r;
    struct workload_status s;
    const struct workload *list[] = {&r.w};
    run_init(&r, "true");
    CHECK(co_set("{\"describe_missing\":2}", err) == 0);
    CHECK(co_start(&r, err) == 0);
    CHECK(driver.workload->co_describe(driver.self, list, 1, &s, err) == 0 &&
          s.phase == WORKLOAD_MISSING);
    CHECK(co_reach(&r, WORKLOAD_STOPPED, &s, err) == 0 && s.has_exit_code);
    return co_set("{\"describe_missing\":0}", err);
}

/* ---- many ---- */

static int running, failed;

static void driver_reopen(int rate_percent)
{
    struct error err;
    config.rate_percent = rate_percent;
    driver.close(driver.self);
    if (open_as("ecs-sim", &err))
        abort();
}

static void co_one_of_many(void *arg)
{
    struct run *r = arg;
    struct error err = {0};
    struct workload_status s;
    if (co_start(r, &err) || co_reach(r, WORKLOAD_STOPPED, &s, &err) || s.exit_code != 3) {
        snprintf(problem, sizeof problem, "%.1000s", err.message);
        failed++;
    }
    running--;
}

/* Twenty at once with twenty commands and environments, under the vendor's rates: one registration,
 * no throttling. Each exits with 3 only if it got its own. */
static int co_many(struct error *err)
{
    static struct run runs[20];
    static char scripts[ARRAY_LEN(runs)][80], variables[ARRAY_LEN(runs)][32];
    static char *env[ARRAY_LEN(runs)][2];
    struct alive before, after;
    CHECK(co_alive(&before, err) == 0);
    CHECK(co_set("{\"throttling\":true}", err) == 0);
    driver_reopen(80);
    for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
        snprintf(scripts[i], sizeof scripts[i], "[ \"$NUMBER\" = %zu ] && exit 3; exit 1", i);
        snprintf(variables[i], sizeof variables[i], "NUMBER=%zu", i);
        env[i][0] = (char *)"PATH=/bin";
        env[i][1] = variables[i];
        run_init(&runs[i], scripts[i]);
        run_set_label(&runs[i], "many");
        runs[i].spec.env = env[i];
        runs[i].spec.env_count = 2;
        running++;
        CHECK(co_spawn(&loop, co_one_of_many, &runs[i], err) == 0);
    }
    while (running)
        CHECK(co_sleep(20, err) == 0);
    CHECK(failed == 0);
    CHECK(co_set("{\"throttling\":false}", err) == 0);
    driver_reopen(10000);
    CHECK(co_alive(&after, err) == 0);
    CHECK(after.active == before.active + 1 && after.tasks == 0);
    return 0;
}

/* ---- large commands and environments ---- */

enum { VARIABLES = 10000 };

static int co_large_command(size_t padding, struct error *err)
{
    struct run r;
    struct workload_status s;
    AUTO_FREE char *script = xasprintf("exit 5 # %0*d", (int)padding, 0);
    run_init(&r, script);
    CHECK(co_start(&r, err) == 0);
    CHECK(co_reach(&r, WORKLOAD_STOPPED, &s, err) == 0);
    CHECK(s.has_exit_code && s.exit_code == 5);
    /* Repeated, it is still the same request. */
    struct workload again = r.w;
    CHECK(driver.workload->co_run(driver.self, &r.spec, &again, err) == 0);
    CHECK(strcmp(again.resource, r.w.resource) == 0);
    return 0;
}

static int co_large_environment(struct strv *env, struct error *err)
{
    struct run r;
    struct workload_status s;
    run_init(&r, "[ \"$V999\" = 999 ] && [ \"$V0\" = 0 ] && exit 6; exit 1");
    r.spec.env = env->items;
    r.spec.env_count = env->count;
    CHECK(co_start(&r, err) == -1 && err->code == ERROR_INVALID_PARAMETER);
    CHECK(strstr(err->message, "65536") && !*r.w.definition);
    r.spec.env_count = 1001;
    CHECK(co_start(&r, err) == 0);
    CHECK(co_reach(&r, WORKLOAD_STOPPED, &s, err) == 0);
    CHECK(s.has_exit_code && s.exit_code == 6);
    return 0;
}

static int co_large(struct error *err)
{
    static const size_t paddings[] = {7000, 7400, 8192, 60000};
    struct run r;
    for (size_t i = 0; i < ARRAY_LEN(paddings); i++)
        if (co_large_command(paddings[i], err))
            return -1;
    AUTO_FREE char *huge = xasprintf("true # %0*d", 300 * 1024, 0);
    run_init(&r, huge);
    CHECK(co_start(&r, err) == -1 && err->code == ERROR_INVALID_PARAMETER);
    CHECK(strstr(err->message, "65536") && !*r.w.definition);
    AUTO(strv) struct strv env = STRV_INIT;
    strv_push(&env, "PATH=/bin");
    for (int i = 0; i < VARIABLES; i++)
        strv_push_owned(&env, xasprintf("V%d=%d", i, i));
    return co_large_environment(&env, err);
}

/* ---- maintenance and credentials ---- */

static int co_maintenance(struct error *err)
{
    struct run used;
    struct workload_status s;
    struct alive alive;
    run_init(&used, "true");
    run_set_label(&used, "used");
    CHECK(co_start(&used, err) == 0 && co_reach(&used, WORKLOAD_STOPPED, &s, err) == 0);
    CHECK(co_alive(&alive, err) == 0 && alive.active > 1);
    /* A second life: it knows nothing of the first one's definitions but finds them. */
    driver.close(driver.self);
    CHECK(open_as("ecs-sim", err) == 0);
    const char *in_use[] = {used.w.definition};
    CHECK(co_fault("DeleteTaskDefinitions", "lost_answer", 1, err) == 0);
    CHECK(co_fault("DeregisterTaskDefinition", "lost_answer", 2, err) == 0);
    CHECK(driver.workload->co_maintain(driver.self, in_use, 1, true, err) == 0);
    CHECK(co_alive(&alive, err) == 0 && alive.active == 1 && alive.inactive == 0);
    /* The one in use can still be run, by a run that finds it in the cloud. */
    struct run again;
    run_init(&again, "true");
    run_set_label(&again, "used");
    CHECK(co_start(&again, err) == 0 && co_reach(&again, WORKLOAD_STOPPED, &s, err) == 0);
    CHECK(strcmp(again.w.definition, used.w.definition) == 0);
    CHECK(driver.workload->co_maintain(driver.self, NULL, 0, true, err) == 0);
    CHECK(co_alive(&alive, err) == 0 && alive.active == 0 && alive.inactive == 0);
    return 0;
}

/* Calls go on across several lives of credentials. */
static int co_short_lived_credentials(struct error *err)
{
    AUTO_FREE char *endpoint = xasprintf("%s/_sim/credentials", url);
    unsetenv("AWS_ACCESS_KEY_ID");
    unsetenv("AWS_SECRET_ACCESS_KEY");
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint, 1);
    driver.close(driver.self);
    CHECK(open_as("ecs-sim", err) == 0);
    CHECK(co_set("{\"credential_ttl_s\":3}", err) == 0);
    for (int64_t end = time_mono_ms() + 7000; time_mono_ms() < end;) {
        if (co_run_once("credentials", err))
            return -1;
        CHECK(co_sleep(100, err) == 0);
    }
    unsetenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    unsetenv("AWS_EC2_METADATA_DISABLED");
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url, 1);
    driver.close(driver.self);
    CHECK(open_as("ecs-sim", err) == 0);
    CHECK(co_run_once("metadata", err) == 0);
    CHECK(driver.workload->co_maintain(driver.self, NULL, 0, true, err) == 0);
    return 0;
}

/* ---- frame ---- */

SCENARIO(life)
SCENARIO(exit_code_and_reason)
SCENARIO(image_layer)
SCENARIO(logs)
SCENARIO(faults)
SCENARIO(refusals)
SCENARIO(eventual_consistency)
SCENARIO(many)
SCENARIO(large)
SCENARIO(maintenance)
SCENARIO(short_lived_credentials)

static void set_environment(void)
{
    setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials", 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    setenv("AWS_ACCESS_KEY_ID", "AKIASOCKERLESSSIM000", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "sockerless-sim-secret-key", 1);
}

static int setup(void **state)
{
    struct error err;
    (void)state;
    if (rig_open("SIM_AWS_BIN", "sockerless-sim-aws"))
        return -1;
    if (!sim.port)
        return 0;
    set_environment();
    config = (struct ecs_config){
        .region = (char *)"us-east-1",
        .endpoint_url = url,
        .cluster = (char *)"default",
        .log_group = (char *)"/sockerless",
        .agent_image = (char *)"docker.io/agent:1",
        .execution_role_arn = (char *)"arn:aws:iam::123456789012:role/execution",
        .cpu_architecture = "X86_64",
        .rate_percent = 10000,
        .definition_idle_s = 30,
    };
    strv_push(&config.subnet_list, "subnet-1");
    return open_as("ecs-sim", &err);
}

static int teardown(void **state)
{
    (void)state;
    int rc = rig_close();
    ecs_config_fini(&config);
    return rc;
}

TEST_GROUP(setup, teardown);
