/* SPDX-License-Identifier: Apache-2.0
 *
 * A container with --rm that was removed a moment ago is still found by those who ask for its code,
 * output or state, as during a real daemon's teardown; for all others it is gone.
 */
#include "test/kit/ask.h"

#include "backend/attach/exec.h"
#include "backend/run/lifecycle.h"
#include "backend/state/container_recent.h"
#include "test/kit/rig_client.h"
#include "test/kit/test.h"

enum { EXIT_CODE = 3 };

static struct rig_client client;
static const struct container *removing;

static struct container *running_container(const char *name)
{
    return rig_container_add((struct rig_container){
        .name = name,
        .state = SOCKERLESS__CONTAINER_STATE__RUNNING,
        .auto_remove = true,
        .resource = "task",
    });
}

/* Its process ran, ended, and --rm has removed it. */
static struct container *removed_container(const char *name)
{
    struct container *c = running_container(name);
    lifecycle_run_over(c, &(struct run_end){.code = EXIT_CODE});
    return c;
}

static void run_until_removed(void)
{
    run_until(rig.backend.containers.count == 0 && co_live(&rig.loop) == 0);
}

static struct container *remove_one(const char *name)
{
    struct container *c = removed_container(name);
    run_until_removed();
    return c;
}

static void wait_open(const char *ref, Sockerless__WaitCondition condition)
{
    Sockerless__WaitOpen wait = SOCKERLESS__WAIT_OPEN__INIT;
    wait.ref = (char *)(uintptr_t)ref;
    wait.condition = condition;
    rig_client_open(&client, SOCKERLESS__STREAM_OPEN__KIND_WAIT, &wait);
    run_until(client.opened || client.failed);
}

static void expect_code(const char *ref, Sockerless__WaitCondition condition)
{
    wait_open(ref, condition);
    run_until(client.ended || client.failed);
    assert_true(client.exited);
    assert_int_equal(client.exit_code, EXIT_CODE);
    rig_client_free(&client);
}

static void expect_unknown(const char *ref)
{
    assert_null(ask_inspect(ref));
    assert_int_equal(rig.err.code, ERROR_NOT_FOUND);
    wait_open(ref, SOCKERLESS__WAIT_CONDITION__NOT_RUNNING);
    run_until(client.failed);
    assert_int_equal(client.err.code, ERROR_NOT_FOUND);
    rig_client_free(&client);
}

TEST_USING(backend_rig, a_waiter_that_comes_late_gets_the_code)
{
    const struct container *c = remove_one("web");
    char prefix[13];
    snprintf(prefix, sizeof prefix, "%s", c->id);
    expect_code(c->id, SOCKERLESS__WAIT_CONDITION__NOT_RUNNING);
    expect_code(prefix, SOCKERLESS__WAIT_CONDITION__NEXT_EXIT);
    expect_code("web", SOCKERLESS__WAIT_CONDITION__REMOVED);
    expect_code("/web", SOCKERLESS__WAIT_CONDITION__NOT_RUNNING);
}

TEST_USING(backend_rig, inspect_shows_the_end_and_lists_do_not)
{
    const struct container *c = remove_one("web");
    const Sockerless__Reply *reply = ask_inspect("web");
    assert_non_null(reply);
    assert_string_equal(reply->container_inspect->container->id, c->id);
    assert_int_equal(reply->container_inspect->container->exit_code, EXIT_CODE);
    assert_int_not_equal(reply->container_inspect->container->state,
                         SOCKERLESS__CONTAINER_STATE__RUNNING);
    reply = ask_list(true, 0, (ask_filters){NULL});
    assert_non_null(reply);
    assert_int_equal(reply->container_list->n_containers, 0);
}

/* As for a container that has ended, not for one that never was. */
TEST_USING(backend_rig, stop_kill_and_exec_say_that_it_does_not_run)
{
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    Sockerless__ContainerKillRequest kill = SOCKERLESS__CONTAINER_KILL_REQUEST__INIT;
    Sockerless__ExecCreateRequest exec = SOCKERLESS__EXEC_CREATE_REQUEST__INIT;
    char *command = (char *)"true";
    remove_one("web");
    assert_null(ask_stop("web"));
    assert_int_equal(rig.err.code, ERROR_NOT_MODIFIED);
    kill.ref = exec.container = (char *)"web";
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_KILL;
    request.container_kill = &kill;
    assert_null(ask(&request));
    assert_int_equal(rig.err.code, ERROR_CONFLICT);
    exec.cmd = &command;
    exec.n_cmd = 1;
    request.op_case = SOCKERLESS__REQUEST__OP_EXEC_CREATE;
    request.exec_create = &exec;
    assert_null(ask(&request));
    assert_int_equal(rig.err.code, ERROR_CONFLICT);
}

/* The command of an exec has ended the container: the client asks for the exec's code next. */
TEST_USING(backend_rig, its_execs_are_found_as_well)
{
    Sockerless__ExecCreateRequest request = SOCKERLESS__EXEC_CREATE_REQUEST__INIT;
    struct error err;
    struct container *c = rig_container_add((struct rig_container){
        .state = SOCKERLESS__CONTAINER_STATE__RUNNING, .auto_remove = true, .resource = "task"});
    struct exec *e = exec_new(c, &request, &err);
    assert_non_null(e);
    e->started = true;
    exec_set_running(e, 42);
    lifecycle_run_over(c, &(struct run_end){.code = EXIT_CODE});
    run_until_removed();
    execs_purge(&rig.backend);
    assert_ptr_equal(exec_find(&rig.backend, e->id, &err), e);
    container_recent_forget(&rig.backend.containers, c);
    assert_null(exec_find(&rig.backend, e->id, &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    execs_purge(&rig.backend);
    assert_int_equal(HASH_COUNT(rig.backend.execs), 0);
}

TEST_USING(backend_rig, the_name_is_free_at_once)
{
    remove_one("web");
    struct container *next = rig_container_add((struct rig_container){.name = "web"});
    const Sockerless__Reply *reply = ask_inspect("web");
    assert_string_equal(reply->container_inspect->container->id, next->id);
}

/* Two of one name: the later one is meant. */
TEST_USING(backend_rig, the_youngest_of_a_name_is_found)
{
    remove_one("web");
    const struct container *second = remove_one("web");
    const Sockerless__Reply *reply = ask_inspect("web");
    assert_string_equal(reply->container_inspect->container->id, second->id);
}

/* The cloud removes the run once somebody else has found the container, too. */
static int co_remove_run(const struct workload *w, struct error *err)
{
    (void)w;
    while (!removing->changed.first) /* until rm waits */
        if (co_sleep(1, err))
            return -1;
    return 0;
}

TEST_USING(backend_rig, who_waits_for_the_removal_by_rm_does_not_find_it_again)
{
    char id[ID_HEX_LEN + 1];
    fake_driver.co_remove_run = co_remove_run;
    struct container *c = running_container("web");
    snprintf(id, sizeof id, "%s", c->id);
    strcpy(c->current.owned, "function"); /* so the removal waits for the run's objects */
    removing = c;
    lifecycle_run_over(c, &(struct run_end){.code = EXIT_CODE});
    assert_non_null(ask_remove("web", true));
    expect_unknown(id);
}

TEST_USING(backend_rig, who_removes_it_too_late_does_not_find_it_again)
{
    char id[ID_HEX_LEN + 1];
    snprintf(id, sizeof id, "%s", remove_one("web")->id);
    assert_null(ask_remove(id, true));
    assert_int_equal(rig.err.code, ERROR_NOT_FOUND);
    expect_unknown(id);
}

/* Registered after the start, so by someone who wants to know when it is gone. */
TEST_USING(backend_rig, who_waits_for_the_removal_does_not_find_it_again)
{
    struct container *c = rig_container_add((struct rig_container){
        .state = SOCKERLESS__CONTAINER_STATE__RUNNING, .auto_remove = true, .resource = "task"});
    char id[ID_HEX_LEN + 1];
    snprintf(id, sizeof id, "%s", c->id);
    wait_open("web", SOCKERLESS__WAIT_CONDITION__REMOVED);
    lifecycle_run_over(c, &(struct run_end){.code = EXIT_CODE});
    run_until(client.ended);
    assert_int_equal(client.exit_code, EXIT_CODE);
    rig_client_free(&client);
    expect_unknown(id);
}

static struct rig_client early;

/* It waits from before the start, as `docker run -d --rm` does. */
static struct container *remove_one_with_early_waiter(void)
{
    struct container *c = rig_container_add((struct rig_container){
        .state = SOCKERLESS__CONTAINER_STATE__STARTING, .auto_remove = true, .resource = "task"});
    Sockerless__WaitOpen wait = SOCKERLESS__WAIT_OPEN__INIT;
    wait.ref = (char *)"web";
    wait.condition = SOCKERLESS__WAIT_CONDITION__REMOVED;
    rig_client_open(&early, SOCKERLESS__STREAM_OPEN__KIND_WAIT, &wait);
    run_until(early.opened);
    c->view->started_at = 1;
    lifecycle_run_over(c, &(struct run_end){.code = EXIT_CODE});
    run_until_removed();
    return c;
}

/* The commands after it must find the container; it is told when they do not any more. */
TEST_USING(backend_rig, a_waiter_from_before_the_start_is_told_last)
{
    remove_one_with_early_waiter();
    assert_false(early.exited);
    expect_code("web", SOCKERLESS__WAIT_CONDITION__NOT_RUNNING);
    run_until(early.ended);
    assert_int_equal(early.exit_code, EXIT_CODE);
    rig_client_free(&early);
    expect_unknown("web");
}

/* Its client has ended. */
TEST_USING(backend_rig, a_waiter_that_leaves_takes_nothing_along)
{
    const struct container *c = remove_one_with_early_waiter();
    rig_client_free(&early);
    run_until(!c->waiters);
    expect_code("web", SOCKERLESS__WAIT_CONDITION__NOT_RUNNING);
}

/* Was attached, too, as `docker run --rm` is: it is told at once. */
TEST_USING(backend_rig, a_waiter_that_was_attached_is_told_at_once)
{
    struct container *c = rig_container_add((struct rig_container){
        .state = SOCKERLESS__CONTAINER_STATE__STARTING, .auto_remove = true, .resource = "task"});
    wait_open("web", SOCKERLESS__WAIT_CONDITION__REMOVED);
    container_ref(c);
    c->was_attached = true;
    c->view->started_at = 1;
    lifecycle_run_over(c, &(struct run_end){.code = EXIT_CODE});
    assert_null(c->waiters);
    container_unref(c);
    run_until(client.ended);
    rig_client_free(&client);
    expect_unknown("web");
}

TEST_USING(backend_rig, a_start_that_failed_leaves_nothing)
{
    struct container *c = rig_container_add((struct rig_container){
        .state = SOCKERLESS__CONTAINER_STATE__STARTING, .auto_remove = true, .resource = "task"});
    lifecycle_run_over(c, &(struct run_end){.code = 127, .start_failed = true});
    run_until_removed();
    expect_unknown("web");
}

TEST_USING(backend_rig, forgotten_when_the_time_is_over)
{
    struct container *c = remove_one("web");
    c->recent_until_ms = 1;
    expect_unknown("web");
    assert_int_equal(rig.backend.containers.recent_count, 0);
}

TEST_USING(backend_rig, bounded_in_number)
{
    char name[16];
    for (int i = 0; i <= CONTAINER_RECENT_MAX; i++) {
        struct container *c = rig_container_add((struct rig_container){
            .name = (snprintf(name, sizeof name, "n%d", i), name), .auto_remove = true});
        container_table_remove(&rig.backend.containers, c);
        container_recent_keep(&rig.backend.containers, c);
        container_unref(c);
    }
    assert_int_equal(rig.backend.containers.recent_count, CONTAINER_RECENT_MAX);
    struct error err;
    assert_null(container_find_recent(&rig.backend.containers, "n0",
                                      &err)); /* nor is it an id's beginning */
    assert_non_null(container_find_recent(&rig.backend.containers, "n1", &err));
}
