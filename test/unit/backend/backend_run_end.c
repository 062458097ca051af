/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a run that the cloud has forgotten. The end of a run while the store's disk is full:
 * the agent is not told that its report is safe, clients see the container as it is stored, and
 * both change as soon as there is room again. The disk is full by RLIMIT_FSIZE: every write of the
 * store's files fails.
 */
#include "test/kit/ask.h"

#include "backend/agent/agent_link.h"
#include "backend/daemon/reconcile.h"
#include "backend/daemon/run_listeners.h"
#include "backend/run/lifecycle.h"
#include "backend/run/run_report.h"
#include "backend/run/watcher.h"
#include "base/timefmt.h"
#include "test/kit/free_port.h"
#include "test/kit/rig_client.h"
#include "test/kit/test.h"

#include <signal.h>
#include <sys/resource.h>

enum { EXIT_CODE = 7 };

/* ---- the disk ---- */

static void disk_full(bool full)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = full ? 0 : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int row_state, row_code;

static void row_read(void *arg, const struct stored_container *row)
{
    const Sockerless__ContainerRecord *rec = row->record;
    (void)arg;
    row_state = (int)rec->container->state;
    row_code = rec->container->exit_code;
}

/* Of the only container. */
static int stored_state(void)
{
    struct error err;
    row_state = -1;
    assert_int_equal(store_container_each(rig.backend.store, row_read, NULL, &err), 0);
    return row_state;
}

/* ---- the agent ---- */

static struct {
    struct ws_listener *listener;
    struct channel *channel;
    bool over; /* its process: it tells so at once */
    unsigned acknowledged;
} agent;

static void agent_tell_exit(void)
{
    Sockerless__Exit exit = SOCKERLESS__EXIT__INIT;
    exit.code = EXIT_CODE;
    agent.over = true;
    channel_send_message(agent.channel, FRAME_EXIT, NULL, 0, &exit.base);
}

static void agent_frame(void *owner, const struct frame *f)
{
    (void)owner;
    if (f->type == FRAME_OPEN) {
        Sockerless__StreamOpened opened = SOCKERLESS__STREAM_OPENED__INIT;
        opened.pid = 42;
        channel_send_message(agent.channel, FRAME_OPENED, NULL, 0, &opened.base);
        channel_send_message(agent.channel, FRAME_STARTED, NULL, 0, &opened.base);
        if (agent.over)
            agent_tell_exit();
    } else if (f->type == FRAME_ACK) {
        agent.acknowledged++;
    }
}

static void agent_closed(void *owner, const struct error *why)
{
    (void)owner;
    (void)why;
    agent.channel = NULL;
}

static void agent_accept(void *owner, struct channel *c)
{
    static const struct channel_events events = {.frame = agent_frame, .closed = agent_closed};
    (void)owner;
    agent.channel = c;
    channel_start(c, &events, NULL);
}

static void agent_listen(void)
{
    agent.listener = backend_rig_agent_listen(agent_accept);
}

static void co_connect(void *arg)
{
    struct container *c = arg;
    struct error err;
    if (co_agent_link_open(c, &run_report_link_events, time_mono_ms() + PATIENCE_MS, &err))
        fail_msg("%s", err.message);
    if (agent_link_exit(c))
        run_report_exit(c);
}

static void connect_agent(struct container *c)
{
    struct error err;
    assert_int_equal(co_spawn(&rig.loop, co_connect, c, &err), 0);
    run_until(agent_link_ready(c) || agent.acknowledged);
}

/* The report has arrived. */
static void process_ends(struct container *c)
{
    agent_tell_exit();
    run_until(agent_link_exit(c) || agent.acknowledged);
}

/* ---- the cloud ---- */

static bool fills_disk; /* by the time a run is asked for */

static int co_run(const struct workload_spec *spec, struct workload *w, struct error *err)
{
    (void)spec;
    (void)w;
    (void)err;
    if (fills_disk)
        disk_full(true);
    return 0;
}

static int co_remove_run(const struct workload *w, struct error *err)
{
    (void)err;
    assert_string_equal(w->resource, "task");
    if (fills_disk)
        disk_full(true);
    return 0;
}

/* ---- rig ---- */

static int fixture_setup(void **state)
{
    backend_rig_setup(state);
    memset(&agent, 0, sizeof agent);
    fills_disk = false;
    fake_driver.co_run = co_run;
    fake_driver.co_remove_run = co_remove_run;
    rig.config.agent_port = free_port();
    agent_listen();
    return 0;
}

static int fixture_teardown(void **state)
{
    disk_full(false);
    backend_rig_cancel_all();
    run_until(co_live(&rig.loop) == 0 && !rig.loop.channels);
    ws_listener_close(agent.listener);
    return backend_rig_teardown(state);
}

static struct container *add_container(Sockerless__ContainerState state, bool auto_remove)
{
    struct error err;
    struct container *c = rig_container_add((struct rig_container){
        .state = state,
        .auto_remove = auto_remove,
        .resource = state == SOCKERLESS__CONTAINER_STATE__RUNNING ? "task" : NULL,
    });
    c->image_reference = (char *)"app:1";
    assert_int_equal(container_save(c, &err), 0);
    return c;
}

/* ---- docker wait ---- */

static struct rig_client waiter;

static void wait_open(Sockerless__WaitCondition condition)
{
    Sockerless__WaitOpen wait = SOCKERLESS__WAIT_OPEN__INIT;
    wait.ref = (char *)"web";
    wait.condition = condition;
    rig_client_open(&waiter, SOCKERLESS__STREAM_OPEN__KIND_WAIT, &wait);
    run_until(waiter.opened);
}

/* ---- tests ---- */

static void expect_still_running(const struct container *c)
{
    assert_int_equal(agent.acknowledged, 0);
    assert_int_equal(c->view->state, SOCKERLESS__CONTAINER_STATE__RUNNING);
    assert_int_equal(c->view->exit_code, 0);
    assert_int_equal(c->view->finished_at, 0);
    assert_int_equal(c->view->pid, 42);
    assert_string_equal(c->address, "127.0.0.1");
    assert_int_equal(stored_state(), SOCKERLESS__CONTAINER_STATE__RUNNING);
}

TEST_USING(fixture, acknowledged_when_stored)
{
    struct container *c = add_container(SOCKERLESS__CONTAINER_STATE__RUNNING, false);
    connect_agent(c);
    wait_open(SOCKERLESS__WAIT_CONDITION__NOT_RUNNING);
    disk_full(true);
    process_ends(c);
    expect_still_running(c);
    assert_false(waiter.exited);
    disk_full(false);
    run_until(agent.acknowledged && waiter.exited);
    assert_int_equal(waiter.exit_code, EXIT_CODE);
    assert_int_equal(c->view->exit_code, EXIT_CODE);
    assert_int_equal(stored_state(), SOCKERLESS__CONTAINER_STATE__EXITED);
    assert_int_equal(row_code, EXIT_CODE);
    run_until(fake_driver.removed == 1);
}

/* --rm: removed once the end is stored, and its waiter gets the code. */
TEST_USING(fixture, removed_when_stored)
{
    struct container *c = add_container(SOCKERLESS__CONTAINER_STATE__RUNNING, true);
    connect_agent(c);
    wait_open(SOCKERLESS__WAIT_CONDITION__REMOVED);
    disk_full(true);
    process_ends(c);
    expect_still_running(c);
    disk_full(false);
    run_until(waiter.exited && rig.backend.containers.count == 0);
    assert_int_equal(waiter.exit_code, EXIT_CODE);
    assert_int_equal(agent.acknowledged, 1);
    assert_int_equal(stored_state(), -1);
}

/* The backend ends before there is room: the next one is given the report again. */
TEST_USING(fixture, restart_gets_it_again)
{
    struct backend next;
    struct error err;
    struct container *c = add_container(SOCKERLESS__CONTAINER_STATE__RUNNING, false);
    connect_agent(c);
    disk_full(true);
    process_ends(c);
    expect_still_running(c);
    agent_link_drop(c);
    run_until(!agent.channel);
    memset(&next, 0, sizeof next);
    next.loop = &rig.loop;
    next.driver = rig.backend.driver;
    next.config = &rig.config;
    next.store = rig.backend.store;
    next.run_listeners = run_listeners;
    container_table_init(&next.containers);
    assert_int_equal(reconcile_load(&next, &err), 0);
    struct container *again = next.containers.newest;
    assert_int_equal(again->view->state, SOCKERLESS__CONTAINER_STATE__RUNNING);
    /* the first one has died */
    container_table_remove(&rig.backend.containers, c);
    container_unref(c);
    disk_full(false);
    connect_agent(again);
    run_until(agent.acknowledged == 1);
    assert_int_equal(stored_state(), SOCKERLESS__CONTAINER_STATE__EXITED);
    assert_int_equal(row_code, EXIT_CODE);
    run_until(fake_driver.removed == 1 && again->run_deleted);
    container_table_fini(&next.containers);
}

/* stop and rm -f say at once why they cannot be done, and work as soon as there is room. */
TEST_USING(fixture, stop_says_why)
{
    struct container *c = add_container(SOCKERLESS__CONTAINER_STATE__RUNNING, false);
    connect_agent(c);
    disk_full(true);
    process_ends(c);
    assert_null(ask_stop("web"));
    assert_non_null(strstr(rig.err.message, "state database"));
    expect_still_running(c);
    disk_full(false);
    if (!ask_stop("web"))
        assert_int_equal(rig.err.code, ERROR_NOT_MODIFIED); /* it was stored just before */
    assert_int_equal(stored_state(), SOCKERLESS__CONTAINER_STATE__EXITED);
    assert_int_equal(c->view->exit_code, EXIT_CODE);
}

/* What a start has left in the cloud goes at once; that it has failed is shown when it is stored.
 */
TEST_USING(fixture, failed_start_leaves_nothing)
{
    const struct container *c = add_container(SOCKERLESS__CONTAINER_STATE__CREATED, false);
    fills_disk = true;
    assert_null(ask_start("web"));
    assert_non_null(strstr(rig.err.message, "state database"));
    run_until(fake_driver.removed == 1);
    assert_int_equal(c->view->state, SOCKERLESS__CONTAINER_STATE__STARTING);
    assert_int_equal(stored_state(), SOCKERLESS__CONTAINER_STATE__STARTING);
    disk_full(false);
    run_until(c->view->state == SOCKERLESS__CONTAINER_STATE__CREATED);
    assert_int_equal(stored_state(), SOCKERLESS__CONTAINER_STATE__CREATED);
    run_until(co_live(&rig.loop) == 0);
    assert_int_equal(fake_driver.removed, 1);
}

/* A removal that the store does not take can be asked for again. */
TEST_USING(fixture, removal_is_repeated)
{
    struct container *c = add_container(SOCKERLESS__CONTAINER_STATE__RUNNING, false);
    lifecycle_run_over(c, &(struct run_end){.code = EXIT_CODE});
    run_until(c->run_deleted);
    c->run_deleted = false;
    fills_disk = true;
    assert_null(ask_remove("web", false));
    assert_non_null(strstr(rig.err.message, "state database"));
    /* force: waits for no removal that is not under way */
    assert_null(ask_remove("web", true));
    assert_non_null(strstr(rig.err.message, "state database"));
    fills_disk = false;
    disk_full(false);
    assert_non_null(ask_remove("web", false));
    assert_int_equal(rig.backend.containers.count, 0);
    assert_int_equal(stored_state(), -1);
}

/* ---- a cloud that has forgotten its runs ---- */

static struct {
    unsigned missing; /* answers to come */
    bool for_ever;
} forgetful;

static void describe_forgetful(const struct workload *w, struct workload_status *out)
{
    (void)w;
    bool forgotten = forgetful.for_ever || forgetful.missing;
    out->phase = forgotten ? WORKLOAD_MISSING : WORKLOAD_RUNNING;
    forgetful.missing -= forgetful.missing > 0;
}

/* A young run of an agent that does not answer any more. */
static struct container *add_orphaned(void)
{
    memset(&forgetful, 0, sizeof forgetful);
    backend_rig_add(RIG_WATCHER);
    fake_driver.describe = describe_forgetful;
    struct container *c = add_container(SOCKERLESS__CONTAINER_STATE__RUNNING, false);
    c->run_started_at = time_now_ns();
    connect_agent(c);
    watcher_add(c);
    return c;
}

TEST_USING(fixture, a_forgotten_run_is_over_since_its_agent_was_lost)
{
    struct container *c = add_orphaned();
    run_until(fake_driver.described > 0); /* it is seen once */
    forgetful.for_ever = true;
    ws_listener_close(agent.listener); /* the agent is gone for good */
    channel_abort(agent.channel);
    run_until(!agent_link_ready(c));
    int64_t lost_ns = time_now_ns();
    int64_t begun_ms = time_mono_ms();
    run_until(c->view->state == SOCKERLESS__CONTAINER_STATE__EXITED);
    assert_true(time_mono_ms() - begun_ms < 10000); /* before, 30 s of grace */
    assert_true(c->view->finished_at <= lost_ns);
    assert_true(c->view->finished_at >= c->run_started_at);
    assert_int_equal(c->view->exit_code, 255);
    agent_listen();
}

/* One answer may come from a part of the cloud that lags behind. */
TEST_USING(fixture, one_missing_answer_is_not_the_end)
{
    struct container *c = add_orphaned();
    int before = fake_driver.described;
    ws_listener_close(agent.listener);
    channel_abort(agent.channel);
    run_until(!agent_link_ready(c));
    forgetful.missing = 1;
    watcher_hurry(c);
    run_until(!forgetful.missing && fake_driver.described > before + 3);
    assert_int_equal(c->view->state, SOCKERLESS__CONTAINER_STATE__RUNNING);
    agent_listen();
    run_until(agent_link_ready(c)); /* it is found again */
    agent_link_drop(c);
    watcher_remove(c);
    run_until(!agent.channel);
}
