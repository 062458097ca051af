/* SPDX-License-Identifier: Apache-2.0
 *
 * start on a cloud of paper: an image that cannot bring the agent is started again with the agent
 * as a layer, once, and straight so the next time; a run that cannot be asked for is asked again.
 */
#include "test/kit/backend_transfer_rig.h"

#include "backend/daemon/reconcile.h"
#include "backend/run/run_report.h"
#include "backend/run/watcher.h"
#include "test/kit/test.h"

enum { STARTS_MAX = 8 };

/* What the cloud saw, and how it behaves. */
static struct {
    int prepared, deleted, described;
    char images[STARTS_MAX][256], tokens[STARTS_MAX][40];
    bool layered[STARTS_MAX];
    bool needs_layer; /* without the layer nothing runs */
    bool layer_fails; /* nor with it */
    int unknown;      /* answers still to give that nothing is known */
    bool pending;     /* nothing gets up */
    int failing;      /* so many of the first runs stop at once */
    bool ended;       /* all have stopped */
    bool holds;       /* deletions wait until this is false … */
    int held;         /* … and so many do */
    char deletions[STARTS_MAX][256];
    int unlisted; /* lists still to refuse */
    struct workload_found found[2];
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
    int number = atoi(w->definition + strlen("definition-"));
    bool runs = layered ? !cloud.layer_fails : !cloud.needs_layer;
    runs = runs && number >= cloud.failing && !cloud.ended;
    *out = (struct workload_status){.phase = runs ? WORKLOAD_RUNNING : WORKLOAD_STOPPED};
    if (cloud.unknown > 0) {
        cloud.unknown--;
        *out = (struct workload_status){.phase = WORKLOAD_UNKNOWN, .reason = "it does not say"};
    } else if (cloud.pending) {
        out->phase = WORKLOAD_PENDING;
    } else if (!runs) {
        out->needs_agent_layer = cloud.needs_layer;
        strcpy(out->reason, "the image has no curl");
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

static int co_remove_run(void *self, const struct workload *w, struct error *err)
{
    (void)self;
    cloud.held++;
    while (cloud.holds)
        if (co_sleep(1, err))
            return -1;
    cloud.held--;
    if (*w->definition && cloud.deleted < STARTS_MAX)
        strcpy(cloud.deletions[cloud.deleted++], w->definition);
    return 0;
}

static int co_list(void *self, const char *instance, struct arena *arena,
                   struct workload_found **out, size_t *count, struct error *err)
{
    (void)self;
    (void)instance;
    (void)arena;
    if (cloud.unlisted > 0) {
        cloud.unlisted--;
        return error_set(err, ERROR_UNAVAILABLE, "not now");
    }
    *out = cloud.found;
    *count = ARRAY_LEN(cloud.found);
    return 0;
}

static const struct workload_ops workload_ops = {
    .co_prepare = co_prepare,
    .co_run = co_run,
    .co_describe = co_describe,
    .co_remove_run = co_remove_run,
    .co_list = co_list,
};

static char agent_path[128];

static int fixture_setup(void **state)
{
    struct error err;
    if (transfer_setup(state))
        return -1;
    memset(&cloud, 0, sizeof cloud);
    rig.driver.caps = (struct driver_caps){.describe_batch_max = 10, .poll_interval_ms = 10};
    rig.driver.workload = &workload_ops;
    rig.config.start_timeout_s = 15;
    rig.config.agent_port = 1;
    snprintf(agent_path, sizeof agent_path, "%s/agent", rig.directory);
    FILE *f = fopen(agent_path, "w");
    assert_non_null(f);
    fputs("the agent", f);
    fclose(f);
    rig.config.agent_binary = agent_path;
    return watcher_open(&rig.backend, run_report_status, &err);
}

static int fixture_teardown(void **state)
{
    watcher_close(&rig.backend);
    return transfer_teardown(state);
}

static struct container *create_with(const char *name, bool auto_remove)
{
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    Sockerless__ContainerCreateRequest r = SOCKERLESS__CONTAINER_CREATE_REQUEST__INIT;
    Sockerless__ContainerConfig config = SOCKERLESS__CONTAINER_CONFIG__INIT;
    Sockerless__HostOptions host = SOCKERLESS__HOST_OPTIONS__INIT;
    config.image = (char *)"app:1";
    host.auto_remove = auto_remove;
    r.name = (char *)name;
    r.config = &config;
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

TEST_USING(fixture, layer_when_needed)
{
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

TEST_USING(fixture, not_without_a_registry)
{
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

TEST_USING(fixture, not_twice)
{
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

TEST_USING(fixture, layer_cannot_be_made)
{
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

TEST_USING(fixture, unknown_is_asked_again)
{
    load();
    cloud.unknown = 1;
    struct container *c = create("shy");
    expect_started("shy");
    assert_int_equal(c->view->state, SOCKERLESS__CONTAINER_STATE__RUNNING);
    assert_int_equal(cloud.prepared, 1);
    assert_true(cloud.described >= 2);
}

/* The cloud of paper brings no agent. */
TEST_USING(fixture, no_exec_without_an_agent)
{
    static char *words[] = {"true"};
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    Sockerless__ExecCreateRequest r = SOCKERLESS__EXEC_CREATE_REQUEST__INIT;
    load();
    create("bare");
    expect_started("bare");
    r.container = (char *)"bare";
    r.cmd = words;
    r.n_cmd = ARRAY_LEN(words);
    request.op_case = SOCKERLESS__REQUEST__OP_EXEC_CREATE;
    request.exec_create = &r;
    assert_null(ask(&request));
    assert_int_equal(rig.err.code, ERROR_NOT_IMPLEMENTED);
    assert_string_equal(rig.err.message,
                        "exec needs the agent, which the backend fake does not have");
}

static int answers;

static void on_start_answer(void *arg, const Sockerless__Reply *reply, const struct error *err)
{
    struct error *out = arg;
    (void)reply;
    answers++;
    *out = err ? *err : (struct error){0};
}

static void start_two(const char *name, struct error *first, struct error *second)
{
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    Sockerless__ContainerStartRequest r = SOCKERLESS__CONTAINER_START_REQUEST__INIT;
    r.ref = (char *)(uintptr_t)name;
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_START;
    request.container_start = &r;
    answers = 0;
    rpc_call(rig.client, &request, 0, on_start_answer, first);
    rpc_call(rig.client, &request, 0, on_start_answer, second);
}

/* The second waits for the first, which fails: what the first left is removed, not the second. */
TEST_USING(fixture, start_after_a_failed_one)
{
    struct error first, second;
    (void)state;
    load();
    cloud.failing = 1;
    struct container *c = create("twin");
    start_two("twin", &first, &second);
    run_until(answers == 2);
    assert_int_not_equal(first.code, ERROR_NONE);
    assert_int_equal(second.code, ERROR_NONE);
    assert_int_equal(c->view->state, SOCKERLESS__CONTAINER_STATE__RUNNING);
    run_until(cloud.deleted == 1);
    assert_string_equal(cloud.deletions[0], "definition-0");
    assert_string_equal(c->current.definition, "definition-1");
    assert_false(c->run_deleted);
}

/* rm -f ends the first start; the second, which waited, begins no other run. */
TEST_USING(fixture, removed_while_starts_wait)
{
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    Sockerless__ContainerRemoveRequest r = SOCKERLESS__CONTAINER_REMOVE_REQUEST__INIT;
    struct error first, second;
    (void)state;
    load();
    cloud.pending = true;
    const struct container *c = create("gone");
    start_two("gone", &first, &second);
    run_until(c->active); /* the first waits for the cloud */
    r.ref = (char *)"gone";
    r.force = true;
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_REMOVE;
    request.container_remove = &r;
    assert_non_null(ask(&request));
    run_until(answers == 2 && co_live(&rig.loop) == 1); /* the watcher */
    assert_int_equal(first.code, ERROR_CONFLICT);
    assert_int_equal(second.code, ERROR_CONFLICT);
    assert_int_equal(rig.backend.containers.count, 0);
    assert_int_equal(cloud.prepared, 1);
}

/* --rm: from the end on it is on its way out, and its removal takes no other run with it. */
TEST_USING(fixture, no_start_while_removing)
{
    load();
    struct container *c = create_with("once", true);
    expect_started("once");
    cloud.holds = cloud.ended = true;
    run_until(cloud.held == 1);
    cloud.ended = false;
    assert_int_equal(c->view->state, SOCKERLESS__CONTAINER_STATE__REMOVING);
    const char *problem = start("once");
    assert_non_null(problem);
    assert_non_null(strstr(problem, "marked for removal"));
    cloud.holds = false;
    run_until(rig.backend.containers.count == 0);
    assert_int_equal(cloud.prepared, 1);
    assert_int_equal(cloud.deleted, 1);
}

/* A crash after the next run had begun: the earlier one is still in the cloud. */
TEST_USING(fixture, earlier_run_is_ended)
{
    load();
    struct container *c = create("twice");
    expect_started("twice");
    for (size_t i = 0; i < ARRAY_LEN(cloud.found); i++) {
        cloud.found[i].workload = c->current;
        strcpy(cloud.found[i].container_id, c->id);
    }
    strcpy(cloud.found[1].workload.definition, "earlier");
    strcpy(cloud.found[1].workload.resource, "bare-earlier");
    cloud.unlisted = 1;
    reconcile_start(&rig.backend);
    run_until(cloud.deleted == 1 && co_live(&rig.loop) == 1); /* the watcher */
    assert_string_equal(cloud.deletions[0], "earlier");
    assert_int_equal(c->view->state, SOCKERLESS__CONTAINER_STATE__RUNNING);
}
