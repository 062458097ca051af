/* SPDX-License-Identifier: Apache-2.0
 *
 * start on a fake cloud: an image that cannot bring the agent is started again with the agent
 * as a layer, once, and straight so the next time; a run that cannot be asked for is asked again.
 */
#include "test/kit/ask.h"
#include "test/kit/transfer_rig.h"

#include "backend/daemon/reconcile.h"
#include "backend/inject/image_inject.h"
#include "backend/run/workload_spec.h"
#include "test/kit/test.h"

enum { STARTS_MAX = 8 };

/* What the cloud saw, and how it behaves. */
static struct {
    int deleted;
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
    int unlisted;      /* lists still to refuse */
    const char *owned; /* what containers own; NULL: nothing */
    bool slow;         /* preparations wait until this is false … */
    int preparing;     /* … and so many do */
    int refused;       /* preparations still to refuse */
    int kept;          /* preparations that found what the container owns */
    int owned_removed;
    int unremoved; /* removals of what containers own, still to refuse */
    struct workload_found found[2];
} cloud;

static int co_prepare(const struct workload_spec *spec, struct workload *w, struct error *err)
{
    int n = fake_driver.prepared - 1;
    if (n == STARTS_MAX)
        return error_set(err, ERROR_SYSTEM, "too many starts");
    snprintf(cloud.images[n], sizeof cloud.images[n], "%s", spec->image);
    snprintf(cloud.tokens[n], sizeof cloud.tokens[n], "%s", spec->run_token);
    cloud.layered[n] = spec->agent_in_image;
    if (cloud.owned) {
        cloud.kept += w->owned[0] != '\0';
        snprintf(w->owned, sizeof w->owned, "%s", cloud.owned);
    }
    cloud.preparing++;
    while (cloud.slow)
        if (co_sleep(1, err))
            return -1;
    cloud.preparing--;
    if (cloud.refused > 0) {
        cloud.refused--;
        return error_set(err, ERROR_UNAVAILABLE, "no room for a function");
    }
    return 0;
}

static int co_run(const struct workload_spec *spec, struct workload *w, struct error *err)
{
    (void)err;
    snprintf(w->resource, sizeof w->resource, "%s-%s", spec->agent_in_image ? "layered" : "bare",
             spec->run_token);
    strcpy(w->log_ref, w->resource);
    return 0;
}

static void describe(const struct workload *w, struct workload_status *out)
{
    bool layered = strncmp(w->resource, "layered", 7) == 0;
    int number = atoi(w->definition + strlen("definition-"));
    bool runs = layered ? !cloud.layer_fails : !cloud.needs_layer;
    runs = runs && number >= cloud.failing && !cloud.ended;
    out->phase = runs ? WORKLOAD_RUNNING : WORKLOAD_STOPPED;
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

static int co_remove_run(const struct workload *w, struct error *err)
{
    cloud.held++;
    while (cloud.holds)
        if (co_sleep(1, err))
            return -1;
    cloud.held--;
    if (*w->definition && cloud.deleted < STARTS_MAX)
        strcpy(cloud.deletions[cloud.deleted++], w->definition);
    return 0;
}

static int co_list(struct workload_found **out, size_t *count, struct error *err)
{
    if (cloud.unlisted > 0) {
        cloud.unlisted--;
        return error_set(err, ERROR_UNAVAILABLE, "not now");
    }
    *out = cloud.found;
    *count = ARRAY_LEN(cloud.found);
    return 0;
}

static int co_remove_container(const struct workload *w, struct error *err)
{
    assert_string_equal(w->owned, cloud.owned);
    assert_int_equal(cloud.held, 0); /* its runs are gone */
    if (cloud.unremoved > 0) {
        cloud.unremoved--;
        return error_set(err, ERROR_UNAVAILABLE, "not now");
    }
    cloud.owned_removed++;
    return 0;
}

static int fixture_setup(void **state)
{
    transfer_rig_setup(state);
    backend_rig_add(RIG_WATCHER);
    memset(&cloud, 0, sizeof cloud);
    fake_driver.co_prepare = co_prepare;
    fake_driver.co_run = co_run;
    fake_driver.describe = describe;
    fake_driver.co_remove_run = co_remove_run;
    fake_driver.co_remove_container = co_remove_container;
    fake_driver.co_list = co_list;
    rig.config.start_timeout_s = 15;
    rig.config.agent_port = 1;
    agent_binary_write("the agent");
    return 0;
}

static int fixture_teardown(void **state)
{
    return transfer_rig_teardown(state);
}

static struct container *create_with(const char *name, bool auto_remove)
{
    Sockerless__ContainerConfig config = SOCKERLESS__CONTAINER_CONFIG__INIT;
    Sockerless__HostOptions host = SOCKERLESS__HOST_OPTIONS__INIT;
    config.image = (char *)"app:1";
    host.auto_remove = auto_remove;
    if (!ask_create(name, &config, &host))
        fail_msg("%s", rig.err.message);
    return rig.backend.containers.newest;
}

static struct container *create(const char *name)
{
    return create_with(name, false);
}

static void expect_started(const char *name)
{
    if (!ask_start(name))
        fail_msg("%s", rig.err.message);
}

/* Those words are in why it does not start. */
static void expect_start_fails(const char *name, const char *words)
{
    assert_null(ask_start(name));
    assert_non_null(strstr(rig.err.message, words));
}

static void load(void)
{
    struct test_image image;
    load_small(&image, "start", "[\"app:1\"]");
    test_image_free(&image);
}

TEST_USING(fixture, layer_when_needed)
{
    load();
    cloud.needs_layer = true;
    struct container *c = create("first");
    expect_started("first");
    assert_int_equal(c->view->state, SOCKERLESS__CONTAINER_STATE__RUNNING);
    assert_int_equal(fake_driver.prepared, 2);
    assert_false(cloud.layered[0]);
    assert_true(cloud.layered[1]);
    assert_memory_equal(cloud.images[1], staging_name, strlen(staging_name));
    assert_string_not_equal(cloud.images[0], cloud.images[1]);
    assert_string_not_equal(cloud.tokens[0], cloud.tokens[1]);
    assert_int_equal(cloud.deleted, 1);
    assert_int_equal(c->past_count, 0); /* what the first try printed does not belong to the log */
    create("second");
    expect_started("second"); /* it is known by now */
    assert_int_equal(fake_driver.prepared, 3);
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
    expect_start_fails("alone", "the image has no curl");
    assert_int_equal(fake_driver.prepared, 1);
    run_until(cloud.deleted == 1);
}

TEST_USING(fixture, not_twice)
{
    load();
    cloud.needs_layer = cloud.layer_fails = true;
    struct container *c = create("twice");
    expect_start_fails("twice", "the image has no curl");
    assert_int_equal(fake_driver.prepared, 2);
    assert_int_equal(c->view->state, SOCKERLESS__CONTAINER_STATE__CREATED);
    run_until(cloud.deleted == 2);
}

TEST_USING(fixture, layer_cannot_be_made)
{
    load();
    cloud.needs_layer = true;
    rig.config.agent_binary = (char *)"/nowhere/agent";
    struct container *c = create("bad");
    expect_start_fails("bad", "SOCKERLESS_AGENT_BINARY");
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
    assert_int_equal(fake_driver.prepared, 1);
    assert_true(fake_driver.described >= 2);
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

static int co_prepare_in_vain(const struct workload_spec *spec, struct workload *w,
                              struct error *err)
{
    (void)spec;
    assert_string_not_equal(w->definition, ""); /* it has been made, and cannot be used */
    return error_set(err, ERROR_UNAVAILABLE, "accepted, and not completed");
}

TEST_USING(fixture, what_a_failed_preparation_has_made_is_removed)
{
    load();
    fake_driver.co_prepare = co_prepare_in_vain;
    create("vain");
    assert_null(ask_start("vain"));
    assert_non_null(strstr(rig.err.message, "accepted, and not completed"));
    run_until(cloud.deleted == 1);
    assert_string_equal(cloud.deletions[0], "definition-0");
}

/* rm -f ends the first start; the second, which waited, begins no other run. */
TEST_USING(fixture, removed_while_starts_wait)
{
    struct error first, second;
    load();
    cloud.pending = true;
    const struct container *c = create("gone");
    start_two("gone", &first, &second);
    run_until(c->active); /* the first waits for the cloud */
    assert_non_null(ask_remove("gone", true));
    run_until(answers == 2 && co_live(&rig.loop) == 1); /* the watcher */
    assert_int_equal(first.code, ERROR_CONFLICT);
    assert_int_equal(second.code, ERROR_CONFLICT);
    assert_int_equal(rig.backend.containers.count, 0);
    assert_int_equal(fake_driver.prepared, 1);
}

/* --rm: from the end on it is on its way out, and its removal takes no other run with it. */
TEST_USING(fixture, no_start_while_removing)
{
    load();
    cloud.owned = "function"; /* goes after the run, and with the container */
    struct container *c = create_with("once", true);
    expect_started("once");
    cloud.holds = cloud.ended = true;
    run_until(cloud.held == 1);
    cloud.ended = false;
    assert_int_equal(c->view->state, SOCKERLESS__CONTAINER_STATE__REMOVING);
    expect_start_fails("once", "marked for removal");
    cloud.holds = false;
    run_until(rig.backend.containers.count == 0);
    assert_int_equal(fake_driver.prepared, 1);
    assert_int_equal(cloud.deleted, 1);
}

/* --rm: its client waits for the removal of the container, not for the cloud's. */
TEST_USING(fixture, removed_before_its_run_is)
{
    load();
    create_with("quick", true);
    expect_started("quick");
    cloud.holds = cloud.ended = true;
    run_until(rig.backend.containers.count == 0);
    assert_int_equal(cloud.deleted, 0);
    run_until(cloud.held == 1);
    cloud.holds = false;
    run_until(cloud.deleted == 1);
    assert_string_equal(cloud.deletions[0], "definition-0");
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

/* ---- what a container owns ---- */

static bool ask_for(Sockerless__Request *request)
{
    return ask(request) != NULL;
}

static bool remove_it(const char *name, bool force)
{
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    Sockerless__ContainerRemoveRequest r = SOCKERLESS__CONTAINER_REMOVE_REQUEST__INIT;
    r.ref = (char *)(uintptr_t)name;
    r.force = force;
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_REMOVE;
    request.container_remove = &r;
    return ask_for(&request);
}

static bool stop_it(const char *name)
{
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    Sockerless__ContainerStopRequest r = SOCKERLESS__CONTAINER_STOP_REQUEST__INIT;
    r.ref = (char *)(uintptr_t)name;
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_STOP;
    request.container_stop = &r;
    return ask_for(&request);
}

static void at_create(const char *owned)
{
    load();
    cloud.owned = owned;
    fake_driver.caps->prepare = PREPARE_AT_CREATE;
}

static char stored[512];

static void row_read(void *arg, const struct stored_container *row)
{
    const Sockerless__ContainerRecord *rec = row->record;
    (void)arg;
    snprintf(stored, sizeof stored, "%s", rec->cloud_owned);
}

static const char *stored_owned(void)
{
    struct error err;
    stored[0] = '\0';
    assert_int_equal(store_container_each(rig.backend.store, row_read, NULL, &err), 0);
    return stored;
}

TEST_USING(fixture, prepared_behind_the_create)
{
    struct error first, second;
    at_create("function-1");
    cloud.slow = true;
    const struct container *c = create("fn"); /* answered, although nothing is ready */
    run_until(cloud.preparing == 1);
    unsigned live = co_live(&rig.loop);
    start_two("fn", &first, &second);
    run_until(co_live(&rig.loop) == live + 2); /* both wait for it */
    assert_int_equal(c->view->state, SOCKERLESS__CONTAINER_STATE__CREATED);
    assert_int_equal(fake_driver.prepared, 1);
    cloud.slow = false;
    run_until(answers == 2);
    const struct error *late = first.code == ERROR_NONE ? &second : &first;
    assert_int_equal(late == &first ? second.code : first.code, ERROR_NONE);
    assert_int_equal(late->code, ERROR_NOT_MODIFIED);
    assert_string_equal(cloud.tokens[0], ""); /* there was no run yet */
    assert_string_equal(c->current.definition, "definition-1");
    assert_int_equal(cloud.kept, 1); /* the run's preparation found the function */
    assert_string_equal(stored_owned(), "function-1");
}

/* It outlives a run, and goes with the container, after its last run. */
TEST_USING(fixture, owned_until_the_container_goes)
{
    at_create("function-2");
    struct container *c = create("fn");
    run_until(!c->preparing);
    assert_string_equal(stored_owned(), "function-2");
    expect_started("fn");
    cloud.ended = true;
    run_until(c->run_deleted);
    assert_int_equal(cloud.owned_removed, 0);
    cloud.ended = false;
    expect_started("fn");
    assert_int_equal(cloud.kept, 2);
    cloud.ended = true;
    run_until(c->run_deleted);
    cloud.unremoved = 1; /* tried again */
    assert_true(remove_it("fn", false));
    assert_int_equal(cloud.owned_removed, 1);
    assert_int_equal(rig.backend.containers.count, 0);
}

TEST_USING(fixture, a_failed_preparation_is_told_by_the_start)
{
    at_create("function-3");
    cloud.refused = 2;
    struct container *c = create("fn");
    run_until(!c->preparing);
    assert_string_equal(stored_owned(), "function-3"); /* it may exist, half made */
    assert_null(ask_start("fn"));
    assert_non_null(strstr(rig.err.message, "no room for a function"));
    assert_int_equal(c->view->state, SOCKERLESS__CONTAINER_STATE__CREATED);
    expect_started("fn");
}

TEST_USING(fixture, removed_while_it_is_prepared)
{
    at_create("function-4");
    cloud.slow = true;
    create("fn");
    run_until(cloud.preparing == 1);
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    Sockerless__ContainerRemoveRequest r = SOCKERLESS__CONTAINER_REMOVE_REQUEST__INIT;
    struct error err;
    r.ref = (char *)"fn";
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_REMOVE;
    request.container_remove = &r;
    answers = 0;
    rpc_call(rig.client, &request, 0, on_start_answer, &err);
    run_until(rig.backend.containers.state_counts[SOCKERLESS__CONTAINER_STATE__REMOVING] == 1);
    assert_int_equal(cloud.owned_removed, 0);
    cloud.slow = false;
    run_until(answers == 1);
    assert_int_equal(err.code, ERROR_NONE);
    assert_int_equal(cloud.owned_removed, 1);
    assert_int_equal(cloud.deleted, 0); /* there never was a run */
}

/* Found in the cloud at a restart: what a row owns stays although nothing of it runs, what no row
 * owns goes. */
TEST_USING(fixture, owned_by_nobody)
{
    at_create("function-5");
    struct container *c = create("fn");
    run_until(!c->preparing);
    for (size_t i = 0; i < ARRAY_LEN(cloud.found); i++)
        strcpy(cloud.found[i].workload.owned, "function-5");
    strcpy(cloud.found[0].container_id, c->id);
    strcpy(cloud.found[1].container_id,
           "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff");
    reconcile_start(&rig.backend);
    run_until(co_live(&rig.loop) == 1); /* the watcher */
    assert_int_equal(cloud.owned_removed, 1);
    assert_int_equal(cloud.deleted, 0);
}

/* ---- a cloud that cannot stop ---- */

TEST_USING(fixture, no_stop)
{
    load();
    struct container *c = create("web");
    expect_started("web");
    fake_driver.caps->stop = STOP_NONE;
    assert_true(stop_it("web"));
    assert_int_equal(c->view->state, SOCKERLESS__CONTAINER_STATE__RUNNING);
    assert_true(remove_it("web", true));
    assert_int_equal(fake_driver.stopped, 0);
    assert_true(cloud.deleted >= 1); /* the removal of the run is what ends it */
    assert_int_equal(rig.backend.containers.count, 0);
}

/* ---- keep-alive commands ---- */

TEST(keep_alive_commands)
{
    static const struct {
        const char *const argv[4];
        bool keep_alive;
    } cases[] = {
        {{"tail", "-f", "/dev/null"}, true},
        {{"/usr/bin/tail", "-F", "/dev/null"}, true},
        {{"sleep", "infinity"}, true},
        {{"/bin/sleep", "inf"}, true},
        {{"/pause"}, true},
        {{"sh", "-c", "tail -f /dev/null"}, true},
        {{"/bin/bash", "-c", "exec  sleep infinity"}, true},
        {{"tail", "-f", "/dev/zero"}, false},
        {{"tail", "-n", "/dev/null"}, false},
        {{"sleep", "10"}, false},
        {{"sh", "-c", "tail -f /dev/null; echo"}, false},
        {{"sh", "-c", "tail -f /dev/null and more words"}, false},
        {{"sh", "-c", ""}, false},
        {{"sh", "-e", "tail -f /dev/null"}, false},
        {{"sh"}, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *const *argv = (char *const *)(uintptr_t)cases[i].argv;
        size_t argc = 0;
        while (argc < ARRAY_LEN(cases[i].argv) && argv[argc])
            argc++;
        if (argv_is_keep_alive(argv, argc) != cases[i].keep_alive)
            fail_msg("case %zu: %s", i, argv[argc - 1]);
    }
}
