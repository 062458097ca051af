/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a run while the store's disk is full: the agent is not told that its report is safe,
 * clients see the container as it is stored, and both change as soon as there is room again. The
 * disk is full by RLIMIT_FSIZE: every write of the store's files fails.
 */
#include "test/kit/backend_rpc_fake.h"

#include "backend/agent/agent_link.h"
#include "backend/daemon/reconcile.h"
#include "backend/run/lifecycle.h"
#include "backend/run/run_report.h"
#include "backend/run/watcher.h"
#include "base/timefmt.h"
#include "test/kit/free_port.h"
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

static void row_read(void *arg, const Sockerless__ContainerRecord *rec)
{
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
    struct channel_listener *listener;
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

static struct {
    unsigned deleted;
    bool fills_disk; /* by the time a run is asked for */
} cloud;

static int co_prepare(void *self, const struct workload_spec *spec, struct workload *w,
                      struct error *err)
{
    (void)self;
    (void)spec;
    (void)err;
    strcpy(w->definition, "definition");
    return 0;
}

static int co_run(void *self, const struct workload_spec *spec, struct workload *w,
                  struct error *err)
{
    (void)self;
    (void)spec;
    (void)err;
    strcpy(w->resource, "task");
    if (cloud.fills_disk)
        disk_full(true);
    return 0;
}

static int co_remove_run(void *self, const struct workload *w, struct error *err)
{
    (void)self;
    (void)err;
    assert_string_equal(w->resource, "task");
    cloud.deleted++;
    if (cloud.fills_disk)
        disk_full(true);
    return 0;
}

static const struct workload_ops workload_ops = {
    .co_prepare = co_prepare, .co_run = co_run, .co_remove_run = co_remove_run};

/* ---- rig ---- */

static int fixture_setup(void **state)
{
    struct error err;
    char url[64];
    rig_setup(state);
    memset(&agent, 0, sizeof agent);
    memset(&cloud, 0, sizeof cloud);
    rig.driver.workload = &workload_ops;
    rig.config.start_timeout_s = 20;
    rig.config.agent_port = free_port();
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/", (int)rig.config.agent_port);
    return channel_listen(&rig.loop, url, NULL, agent_accept, NULL, &agent.listener, &err);
}

static int fixture_teardown(void **state)
{
    disk_full(false);
    rig.backend.stopping = true;
    co_cancel_all(&rig.loop);
    channel_abort_all(&rig.loop);
    run_until(co_live(&rig.loop) == 0 && !rig.loop.channels);
    channel_listener_close(agent.listener);
    return rig_teardown(state);
}

static struct container *add_container(Sockerless__ContainerState state, bool auto_remove)
{
    Sockerless__Container view = SOCKERLESS__CONTAINER__INIT;
    Sockerless__ContainerConfig config = SOCKERLESS__CONTAINER_CONFIG__INIT;
    Sockerless__HostOptions host = SOCKERLESS__HOST_OPTIONS__INIT;
    char id[ID_HEX_LEN + 1];
    struct error err;
    id_new(id);
    host.auto_remove = auto_remove;
    view.id = id;
    view.name = (char *)"web";
    view.path = (char *)"true";
    view.state = state;
    view.config = &config;
    view.host = &host;
    if (state == SOCKERLESS__CONTAINER_STATE__RUNNING) {
        view.ip_address = (char *)"127.0.0.1";
        view.started_at = 1;
        view.pid = 42;
    }
    struct container *c = container_new(&rig.backend, &view);
    c->image_reference = (char *)"app:1";
    if (state == SOCKERLESS__CONTAINER_STATE__RUNNING) {
        c->has_run = true;
        strcpy(c->current.resource, "task");
    }
    assert_int_equal(container_save(c, &err), 0);
    container_table_add(&rig.backend.containers, c);
    return c;
}

/* ---- docker wait ---- */

static struct {
    struct channel *channel;
    bool opened, answered;
    int code;
} waiter;

static void waiter_frame(void *owner, const struct frame *f)
{
    (void)owner;
    if (f->type == FRAME_OPENED)
        waiter.opened = true;
    if (f->type != FRAME_EXIT)
        return;
    Sockerless__Exit *exit = sockerless__exit__unpack(NULL, f->len, f->payload);
    waiter.answered = true;
    waiter.code = exit->code;
    sockerless__exit__free_unpacked(exit, NULL);
    channel_finish(waiter.channel);
}

static void waiter_closed(void *owner, const struct error *why)
{
    (void)owner;
    (void)why;
    waiter.channel = NULL;
}

static void wait_open(Sockerless__WaitCondition condition)
{
    static const struct channel_events events = {.frame = waiter_frame, .closed = waiter_closed};
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    Sockerless__WaitOpen wait = SOCKERLESS__WAIT_OPEN__INIT;
    struct error err;
    memset(&waiter, 0, sizeof waiter);
    assert_int_equal(channel_dial(&rig.loop, rig.url, NULL, &events, NULL, &waiter.channel, &err),
                     0);
    wait.ref = (char *)"web";
    wait.condition = condition;
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_WAIT;
    open.wait = &wait;
    channel_send_message(waiter.channel, FRAME_OPEN, NULL, 0, &open.base);
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
    assert_false(waiter.answered);
    disk_full(false);
    run_until(agent.acknowledged && waiter.answered);
    assert_int_equal(waiter.code, EXIT_CODE);
    assert_int_equal(c->view->exit_code, EXIT_CODE);
    assert_int_equal(stored_state(), SOCKERLESS__CONTAINER_STATE__EXITED);
    assert_int_equal(row_code, EXIT_CODE);
    run_until(cloud.deleted == 1);
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
    run_until(waiter.answered && rig.backend.containers.count == 0);
    assert_int_equal(waiter.code, EXIT_CODE);
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
    next.driver = &rig.driver;
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
    run_until(cloud.deleted == 1 && again->run_deleted);
    container_table_fini(&next.containers);
}

/* stop and rm -f say at once why they cannot be done, and work as soon as there is room. */
TEST_USING(fixture, stop_says_why)
{
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    Sockerless__ContainerStopRequest stop = SOCKERLESS__CONTAINER_STOP_REQUEST__INIT;
    struct container *c = add_container(SOCKERLESS__CONTAINER_STATE__RUNNING, false);
    connect_agent(c);
    disk_full(true);
    process_ends(c);
    stop.ref = (char *)"web";
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_STOP;
    request.container_stop = &stop;
    assert_null(ask(&request));
    assert_non_null(strstr(rig.err.message, "state database"));
    expect_still_running(c);
    disk_full(false);
    if (!ask(&request))
        assert_int_equal(rig.err.code, ERROR_NOT_MODIFIED); /* it was stored just before */
    assert_int_equal(stored_state(), SOCKERLESS__CONTAINER_STATE__EXITED);
    assert_int_equal(c->view->exit_code, EXIT_CODE);
}

/* What a start has left in the cloud goes at once; that it has failed is shown when it is stored.
 */
TEST_USING(fixture, failed_start_leaves_nothing)
{
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    Sockerless__ContainerStartRequest start = SOCKERLESS__CONTAINER_START_REQUEST__INIT;
    const struct container *c = add_container(SOCKERLESS__CONTAINER_STATE__CREATED, false);
    cloud.fills_disk = true;
    start.ref = (char *)"web";
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_START;
    request.container_start = &start;
    assert_null(ask(&request));
    assert_non_null(strstr(rig.err.message, "state database"));
    run_until(cloud.deleted == 1);
    assert_int_equal(c->view->state, SOCKERLESS__CONTAINER_STATE__STARTING);
    assert_int_equal(stored_state(), SOCKERLESS__CONTAINER_STATE__STARTING);
    disk_full(false);
    run_until(c->view->state == SOCKERLESS__CONTAINER_STATE__CREATED);
    assert_int_equal(stored_state(), SOCKERLESS__CONTAINER_STATE__CREATED);
    run_until(co_live(&rig.loop) == 0);
    assert_int_equal(cloud.deleted, 1);
}

/* A removal that the store does not take can be asked for again. */
TEST_USING(fixture, removal_is_repeated)
{
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    Sockerless__ContainerRemoveRequest removal = SOCKERLESS__CONTAINER_REMOVE_REQUEST__INIT;
    struct container *c = add_container(SOCKERLESS__CONTAINER_STATE__RUNNING, false);
    lifecycle_run_over(c, &(struct run_end){.code = EXIT_CODE});
    run_until(c->run_deleted);
    c->run_deleted = false;
    cloud.fills_disk = true;
    removal.ref = (char *)"web";
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_REMOVE;
    request.container_remove = &removal;
    assert_null(ask(&request));
    assert_non_null(strstr(rig.err.message, "state database"));
    removal.force = true; /* waits for no removal that is not at work */
    assert_null(ask(&request));
    assert_non_null(strstr(rig.err.message, "state database"));
    cloud.fills_disk = false;
    disk_full(false);
    removal.force = false;
    assert_non_null(ask(&request));
    assert_int_equal(rig.backend.containers.count, 0);
    assert_int_equal(stored_state(), -1);
}
