/* SPDX-License-Identifier: Apache-2.0
 *
 * start on a cloud of paper: an image that cannot bring the agent is started again with the agent
 * as a layer, once, and straight so the next time; a run that cannot be asked for is asked again.
 */
#include "backend_transfer_rig.h"

#include "backend/watcher.h"
#include "base/timefmt.h"

enum { STARTS_MAX = 8 };

/* What the cloud saw, and how it behaves. */
static struct {
    int prepared, deleted, described;
    char images[STARTS_MAX][256], tokens[STARTS_MAX][40];
    bool layered[STARTS_MAX];
    bool needs_layer; /* without the layer nothing runs */
    bool layer_fails; /* nor with it */
    int unknown;      /* answers still to give that nothing is known */
    bool ended;       /* what ran has ended */
    bool holds;       /* deleting takes until it is let go */
    struct co_cond let_go;
} cloud;

static int co_prepare(void *self, const struct workload_spec *spec, struct workload *w,
                      struct error *err)
{
    int n = cloud.prepared++;
    (void)self;
    if (n == STARTS_MAX)
        return error_set(err, ERROR_SYSTEM, "too many starts");
    snprintf(cloud.images[n], sizeof cloud.images[n], "%s", spec->image);
    snprintf(cloud.tokens[n], sizeof cloud.tokens[n], "%s", spec->run_token);
    cloud.layered[n] = spec->agent_in_image;
    snprintf(w->definition, sizeof w->definition, "definition-%d", n);
    return 0;
}

static int co_run(void *self, const struct workload_spec *spec, struct workload *w,
                  struct error *err)
{
    (void)self;
    (void)err;
    snprintf(w->resource, sizeof w->resource, "%s-%s", spec->agent_in_image ? "layered" : "bare",
             spec->run_token);
    snprintf(w->log_ref, sizeof w->log_ref, "%s", w->resource);
    return 0;
}

static void describe_one(const struct workload *w, struct workload_status *out)
{
    bool layered = strncmp(w->resource, "layered", 7) == 0;
    bool runs = layered ? !cloud.layer_fails : !cloud.needs_layer;
    *out = (struct workload_status){.phase = runs ? WORKLOAD_RUNNING : WORKLOAD_STOPPED};
    if (cloud.unknown > 0) {
        cloud.unknown--;
        *out = (struct workload_status){.phase = WORKLOAD_UNKNOWN, .reason = "it does not say"};
    } else if (!runs) {
        out->needs_agent_layer = true;
        strcpy(out->reason, "the image has no curl");
    } else if (cloud.ended) {
        *out = (struct workload_status){.phase = WORKLOAD_STOPPED, .has_exit_code = true};
    }
}

static int co_describe(void *self, const struct workload *const *list, size_t count,
                       struct workload_status *out, struct error *err)
{
    (void)self;
    cloud.described++;
    if (co_sleep(1, err))
        return -1;
    for (size_t i = 0; i < count; i++)
        describe_one(list[i], &out[i]);
    return 0;
}

static int co_delete(void *self, const struct workload *w, struct error *err)
{
    (void)self;
    while (cloud.holds)
        if (co_cond_wait(&cloud.let_go, time_mono_ms() + PATIENCE_MS, err))
            return -1;
    cloud.deleted += *w->definition != '\0';
    return 0;
}

static char agent_path[128];

static int setup(void **state)
{
    struct error err;
    if (transfer_setup(state))
        return -1;
    memset(&cloud, 0, sizeof cloud);
    rig.driver.caps = (struct driver_caps){.describe_batch_max = 10, .poll_interval_ms = 10};
    rig.driver.co_prepare = co_prepare;
    rig.driver.co_run = co_run;
    rig.driver.co_describe = co_describe;
    rig.driver.co_delete = co_delete;
    rig.config.start_timeout_s = 15;
    rig.config.agent_port = 1;
    snprintf(agent_path, sizeof agent_path, "%s/agent", rig.directory);
    FILE *f = fopen(agent_path, "w");
    assert_non_null(f);
    fputs("the agent", f);
    fclose(f);
    rig.config.agent_binary = agent_path;
    return watcher_open(&rig.backend, &err);
}

static int teardown(void **state)
{
    watcher_close(&rig.backend);
    return transfer_teardown(state);
}

static struct container *create_with(const char *name, bool auto_remove)
{
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    Sockerless__HostOptions host = SOCKERLESS__HOST_OPTIONS__INIT;
    Sockerless__ContainerCreateRequest r = SOCKERLESS__CONTAINER_CREATE_REQUEST__INIT;
    Sockerless__ContainerConfig config = SOCKERLESS__CONTAINER_CONFIG__INIT;
    config.image = (char *)"app:1";
    r.name = (char *)name;
    r.config = &config;
    host.auto_remove = auto_remove;
    r.host = &host;
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_CREATE;
    request.container_create = &r;
    if (!ask(&request))
        fail_msg("%s", rig.err.message);
    return rig.backend.containers.newest;
}

static struct container *create(const char *name)
{
    return create_with(name, false);
}

/* NULL: it went well. */
static const char *start(const char *name)
{
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    Sockerless__ContainerStartRequest r = SOCKERLESS__CONTAINER_START_REQUEST__INIT;
    r.ref = (char *)name;
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_START;
    request.container_start = &r;
    return ask(&request) ? NULL : rig.err.message;
}

static void expect_started(const char *name)
{
    const char *problem = start(name);
    if (problem)
        fail_msg("%s", problem);
}

static void load(void)
{
    struct test_image image;
    image_make_small(&image, "start");
    load_image(&image, "[\"app:1\"]");
    image_free(&image);
}

static void test_layer_when_needed(void **state)
{
    (void)state;
    load();
    cloud.needs_layer = true;
    struct container *c = create("first");
    expect_started("first");
    assert_int_equal(c->view->state, SOCKERLESS__CONTAINER_STATE__RUNNING);
    assert_int_equal(cloud.prepared, 2);
    assert_false(cloud.layered[0]);
    assert_true(cloud.layered[1]);
    assert_memory_equal(cloud.images[1], staging_name, strlen(staging_name));
    assert_string_not_equal(cloud.images[0], cloud.images[1]);
    assert_string_not_equal(cloud.tokens[0], cloud.tokens[1]);
    assert_int_equal(cloud.deleted, 1);
    assert_int_equal(c->past_count, 0); /* what the first try printed is no log of the container */
    create("second");
    expect_started("second"); /* it is known by now */
    assert_int_equal(cloud.prepared, 3);
    assert_true(cloud.layered[2]);
    assert_string_equal(cloud.images[2], cloud.images[1]);
    assert_true(image_needs_agent(&rig.backend, c->view->image_id));
}

static void test_not_without_a_registry(void **state)
{
    (void)state;
    load();
    cloud.needs_layer = true;
    rig.config.staging_registry = NULL;
    create("alone");
    const char *problem = start("alone");
    assert_non_null(problem);
    assert_non_null(strstr(problem, "the image has no curl"));
    assert_int_equal(cloud.prepared, 1);
    run_until(cloud.deleted == 1);
}

static void test_not_twice(void **state)
{
    (void)state;
    load();
    cloud.needs_layer = cloud.layer_fails = true;
    struct container *c = create("twice");
    const char *problem = start("twice");
    assert_non_null(problem);
    assert_non_null(strstr(problem, "the image has no curl"));
    assert_int_equal(cloud.prepared, 2);
    assert_int_equal(c->view->state, SOCKERLESS__CONTAINER_STATE__CREATED);
    run_until(cloud.deleted == 2);
}

static void test_layer_cannot_be_made(void **state)
{
    (void)state;
    load();
    cloud.needs_layer = true;
    rig.config.agent_binary = (char *)"/nowhere/agent";
    struct container *c = create("bad");
    const char *problem = start("bad");
    assert_non_null(problem);
    assert_non_null(strstr(problem, "SOCKERLESS_AGENT_BINARY"));
    assert_int_equal(c->view->state, SOCKERLESS__CONTAINER_STATE__CREATED);
    assert_int_equal(cloud.deleted, 1); /* there was nothing else to delete */
}

static void test_unknown_is_asked_again(void **state)
{
    (void)state;
    load();
    cloud.unknown = 1;
    struct container *c = create("shy");
    expect_started("shy");
    assert_int_equal(c->view->state, SOCKERLESS__CONTAINER_STATE__RUNNING);
    assert_int_equal(cloud.prepared, 1);
    assert_true(cloud.described >= 2);
}

/* Once its run is over it goes: a start that comes while the cloud still cleans up is too late, and
 * leaves nothing behind. */
static void test_not_while_it_goes(void **state)
{
    (void)state;
    load();
    struct container *c AUTO(container) = container_ref(create_with("brief", true));
    expect_started("brief");
    cloud.holds = true;
    cloud.ended = true;
    watcher_hurry(c);
    run_until(!container_alive(c));
    const char *problem = start("brief");
    cloud.holds = false;
    co_cond_broadcast(&cloud.let_go);
    assert_non_null(problem);
    assert_non_null(strstr(problem, "is marked for removal and cannot be started"));
    run_until(c->removed);
    assert_int_equal(cloud.prepared, 1);
    assert_int_equal(cloud.deleted, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_layer_when_needed),
        TEST(test_not_without_a_registry),
        TEST(test_not_twice),
        TEST(test_layer_cannot_be_made),
        TEST(test_unknown_is_asked_again),
        TEST(test_not_while_it_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
