/* SPDX-License-Identifier: Apache-2.0
 *
 * When a start is over: when the agent answers, in both directions, whatever the cloud says; not
 * before, and with what words when it never does. A stop ends the wait. A start that is repeated
 * with the same request id begins no second run.
 */
#include "test/kit/ask.h"
#include "test/kit/reverse_rig.h"

#include "backend/agent/agent_link.h"
#include "backend/daemon/reconcile.h"
#include "backend/run/watcher.h"
#include "base/timefmt.h"
#include "test/kit/free_port.h"
#include "test/kit/test.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SELDOM_MS = 60000 };

/* The cloud, and the agent that the backend dials. */
static struct {
    enum workload_phase phase;
    const char *address, *reason;
    struct ws_listener *listener;
    struct channel *agent;
    bool oom_killed;   /* the run, by the cloud's word; and, by the agent's, its process */
    bool mute;         /* it takes connections and says nothing */
    bool leaves;       /* or closes them */
    bool ends_at_once; /* its process */
    unsigned sessions;
} cloud;

static void describe(const struct workload *w, struct workload_status *out)
{
    (void)w;
    *out = (struct workload_status){.phase = cloud.phase, .oom_killed = cloud.oom_killed};
    snprintf(out->address, sizeof out->address, "%s", cloud.address);
    snprintf(out->reason, sizeof out->reason, "%s", cloud.reason);
}

static int fixture_setup(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    backend_rig_open(RIG_STORE);
    memset(&cloud, 0, sizeof cloud);
    cloud.phase = WORKLOAD_PENDING;
    cloud.address = cloud.reason = "";
    fake_driver_has_addresses(20);
    fake_driver.caps->agent = AGENT_BY_CLOUD;
    fake_driver.describe = describe;
    rig.config.agent_port = free_port();
    backend_rig_add(RIG_WATCHER);
    rig_container =
        rig_container_add((struct rig_container){.state = SOCKERLESS__CONTAINER_STATE__CREATED});
    rig_container->image_reference = (char *)"docker.io/library/app:1";
    return 0;
}

static int fixture_teardown(void **state)
{
    backend_rig_cancel_all();
    for (struct container *c = rig.backend.containers.newest; c; c = c->older)
        agent_link_drop(c);
    if (cloud.listener)
        ws_listener_close(cloud.listener);
    channel_abort_all(&rig.loop);
    return backend_rig_teardown(state);
}

/* ---- the agent ---- */

static void say_started(struct channel *c)
{
    Sockerless__StreamOpened opened = SOCKERLESS__STREAM_OPENED__INIT;
    opened.pid = 42;
    channel_send_message(c, FRAME_OPENED, NULL, 0, &opened.base);
    channel_send_message(c, FRAME_STARTED, NULL, 0, &opened.base);
}

static void say_ended(struct channel *c, int code)
{
    Sockerless__Exit exit = SOCKERLESS__EXIT__INIT;
    exit.code = code;
    exit.oom_killed = cloud.oom_killed;
    channel_send_message(c, FRAME_EXIT, NULL, 0, &exit.base);
}

static void agent_frame(void *owner, const struct frame *f)
{
    (void)owner;
    if (f->type == FRAME_OPEN && cloud.leaves)
        channel_abort(cloud.agent);
    if (f->type != FRAME_OPEN || cloud.mute || cloud.leaves)
        return;
    say_started(cloud.agent);
    if (cloud.ends_at_once)
        say_ended(cloud.agent, 3);
}

static void agent_closed(void *owner, const struct error *why)
{
    (void)owner;
    (void)why;
    cloud.agent = NULL;
}

static void agent_accept(void *owner, struct channel *c)
{
    static const struct channel_events events = {.frame = agent_frame, .closed = agent_closed};
    (void)owner;
    cloud.agent = c;
    cloud.sessions++;
    channel_start(c, &events, NULL);
}

static void agent_listens(void)
{
    cloud.listener = backend_rig_agent_listen(agent_accept);
}

/* ---- the client ---- */

struct answer {
    bool come;
    struct error err; /* ERROR_NONE: it went well */
};

/* What the frontend sends on its connection, so that a test chooses the request's id; the payload
 * begins with a number that the answer has, too: here where the answer goes. */
static struct channel *frontend;

static void frontend_frame(void *owner, const struct frame *f)
{
    struct answer *a;
    (void)owner;
    memcpy(&a, f->payload, sizeof a);
    Sockerless__Reply *reply =
        sockerless__reply__unpack(NULL, f->len - sizeof a, f->payload + sizeof a);
    assert_non_null(reply);
    a->come = true;
    if (reply->error)
        error_set(&a->err, (enum error_code)reply->error->code, "%s", reply->error->message);
    sockerless__reply__free_unpacked(reply, NULL);
}

static void frontend_closed(void *owner, const struct error *why)
{
    (void)owner;
    (void)why;
    frontend = NULL;
}

/* id: 16 bytes; NULL: none. */
static void start(struct answer *a, const char *id)
{
    static const struct channel_events events = {.frame = frontend_frame,
                                                 .closed = frontend_closed};
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    Sockerless__ContainerStartRequest r = SOCKERLESS__CONTAINER_START_REQUEST__INIT;
    struct error err;
    if (!frontend)
        assert_int_equal(channel_dial(&rig.loop, rig.url, NULL, &events, NULL, &frontend, &err), 0);
    r.ref = (char *)"web";
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_START;
    request.container_start = &r;
    request.id.data = (uint8_t *)(uintptr_t)id;
    request.id.len = id ? CONTAINER_REQUEST_ID_LEN : 0;
    *a = (struct answer){0};
    channel_send_message(frontend, FRAME_RPC_REQUEST, &a, sizeof a, &request.base);
}

static Sockerless__ContainerState state_of(void)
{
    return rig_container->view->state;
}

static void expect_running(const struct answer *a)
{
    run_until(a->come);
    assert_string_equal(a->err.message, "");
    assert_int_equal(state_of(), SOCKERLESS__CONTAINER_STATE__RUNNING);
}

/* Each of the words is in why it does not start. */
static void expect_words(const struct answer *a, const char *const *words)
{
    run_until(a->come);
    assert_int_not_equal(a->err.code, ERROR_NONE);
    for (; *words; words++)
        if (!strstr(a->err.message, *words))
            fail_msg("no \"%s\" in: %s", *words, a->err.message);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- forward ---- */

/* The cloud goes on saying that it is pending, and is asked no more once it has told the address.
 */
TEST_USING(fixture, dialled_while_it_is_pending)
{
    struct answer a;
    cloud.address = "127.0.0.1";
    start(&a, NULL);
    run_until(rig_container->address[0]);
    rig_container->next_poll_ms = time_mono_ms() + SELDOM_MS;
    int described = fake_driver.described;
    backend_rig_run_for(50);
    assert_false(a.come);
    agent_listens();
    expect_running(&a);
    assert_int_equal(fake_driver.described, described);
    assert_int_equal(cloud.sessions, 1);
}

/* A port whose queue is full, so that packets to it are dropped, as by an interface that nothing
 * uses yet: the kernel repeats them after a second. */
struct dropping {
    int fd, waiting, peer; /* the peer has begun to connect, as anybody would, and waits */
};

static int connect_begin(const struct sockaddr_in *to)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_true(connect(fd, (const struct sockaddr *)to, sizeof *to) == 0 || errno == EINPROGRESS);
    return fd;
}

static bool is_connected(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, 0) == 1;
}

static void dropping_open(struct dropping *d)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)rig.config.agent_port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    d->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(d->fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(listen(d->fd, 0), 0);
    d->waiting = connect_begin(&to);
    assert_true(is_connected(d->waiting));
    d->peer = connect_begin(&to);
    assert_false(is_connected(d->peer));
}

static int take_connection(const struct dropping *d)
{
    return accept4(d->fd, NULL, NULL, SOCK_CLOEXEC);
}

/* Who connects once, and waits for the kernel to repeat its packet, is later. */
TEST_USING(fixture, dialled_while_packets_are_dropped)
{
    struct answer a;
    struct dropping d;
    int taken = -1;
    dropping_open(&d);
    cloud.address = "127.0.0.1";
    start(&a, NULL);
    run_until(rig_container->address[0]);
    backend_rig_run_for(20); /* into an attempt */
    assert_int_equal(listen(d.fd, 16), 0);
    close(take_connection(&d)); /* the one that waits */
    run_until(taken >= 0 || (taken = take_connection(&d)) >= 0);
    assert_false(is_connected(d.peer));
    close(taken);
    close(d.peer);
    close(d.waiting);
    close(d.fd);
}

/* Seldom asked, but for the address, and never before the first pause is over. */
TEST_USING(fixture, few_questions)
{
    struct answer a;
    enum { AFTER_MS = 1000 };
    cloud.address = "127.0.0.1";
    start(&a, NULL);
    backend_rig_run_for(AFTER_MS);
    assert_false(a.come);
    assert_in_range(fake_driver.described, 1, AFTER_MS / fake_driver.caps->poll_interval_ms / 4);
    agent_listens();
    expect_running(&a);
}

/* Without the address each pause is as long as what has gone by: asked for it first before one
 * interval is over, and yet less often than every interval. */
TEST_USING(fixture, asked_for_the_address)
{
    struct answer a;
    enum { INTERVAL_MS = 100, INTERVALS = 12 };
    fake_driver.caps->poll_interval_ms = INTERVAL_MS;
    start(&a, NULL);
    backend_rig_run_for(INTERVAL_MS);
    assert_in_range(fake_driver.described, 1, 2);
    backend_rig_run_for(INTERVALS * INTERVAL_MS);
    assert_in_range(fake_driver.described, 3, 5);
    cloud.address = "127.0.0.1";
    agent_listens();
    expect_running(&a);
}

TEST_USING(fixture, unreachable)
{
    struct answer a;
    char port[16];
    snprintf(port, sizeof port, "%d", (int)rig.config.agent_port);
    rig.config.start_timeout_s = SELDOM_MS / 1000;
    rig.config.agent_timeout_s = 1;
    cloud.phase = WORKLOAD_RUNNING;
    cloud.address = "127.0.0.1";
    start(&a, NULL);
    expect_words(&a, WORDS(rig_container->id, "127.0.0.1", port, "security group", "firewall",
                           "SOCKERLESS_CALLBACK_URL"));
    assert_int_equal(a.err.code, ERROR_DEADLINE);
    assert_int_equal(state_of(), SOCKERLESS__CONTAINER_STATE__CREATED);
    run_until(fake_driver.removed == 1);
}

/* The agent's time begins when the cloud says that the run runs, the cloud's when it was asked. */
TEST_USING(fixture, two_times)
{
    struct answer a;
    rig.config.start_timeout_s = 1;
    rig.config.agent_timeout_s = SELDOM_MS / 1000;
    cloud.reason = "no capacity";
    start(&a, NULL);
    expect_words(&a, WORDS("did not start the container within 1 s", "no capacity",
                           "SOCKERLESS_START_TIMEOUT"));
    run_until(fake_driver.removed == 1);
    cloud.phase = WORKLOAD_RUNNING;
    cloud.address = "127.0.0.1";
    start(&a, NULL);
    backend_rig_run_for(1500);
    assert_false(a.come);
    agent_listens();
    expect_running(&a);
}

TEST_USING(fixture, runs_without_an_address)
{
    struct answer a;
    rig.config.agent_timeout_s = 1;
    cloud.phase = WORKLOAD_RUNNING;
    cloud.reason = "set the other thing";
    start(&a, NULL);
    expect_words(&a, WORDS("no address", "set the other thing"));
}

/* ---- reverse ---- */

static int reverse_fixture_setup(void **state)
{
    fixture_setup(state);
    fake_driver.caps->has_addresses = false;
    fake_driver.caps->poll_interval_ms = SELDOM_MS;
    backend_rig_add(RIG_REVERSE_AGENTS);
    return 0;
}

static int reverse_fixture_teardown(void **state)
{
    return fixture_teardown(state);
}

TEST_USING(reverse_fixture, over_when_the_agent_comes)
{
    struct answer a;
    struct end line, session;
    start(&a, NULL);
    run_until(rig_container->active);
    end_line(&line);
    run_until(line.calls == 1);
    end_dial(&session, line.asked[0]);
    run_until(session.frames == 1); /* the control session is asked for */
    assert_false(a.come);
    say_started(session.channel);
    expect_running(&a);
    assert_int_equal(fake_driver.described, 0);
    end_close_all(&session, &line);
}

TEST_USING(reverse_fixture, nobody_comes)
{
    struct answer a;
    fake_driver.caps->poll_interval_ms = 20;
    rig.config.agent_timeout_s = 1;
    cloud.phase = WORKLOAD_RUNNING;
    start(&a, NULL);
    expect_words(&a, WORDS(rig_container->id, rig.agents_url, "SOCKERLESS_CALLBACK_URL",
                           "SOCKERLESS_CALLBACK_LISTEN", "security group", "firewall"));
    assert_int_equal(a.err.code, ERROR_DEADLINE);
}

/* ---- a stop during the wait ---- */

static void kill_it_with(const char *name)
{
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    Sockerless__ContainerKillRequest r = SOCKERLESS__CONTAINER_KILL_REQUEST__INIT;
    r.ref = (char *)"web";
    r.signal = (char *)(uintptr_t)name;
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_KILL;
    request.container_kill = &r;
    if (!ask(&request))
        fail_msg("%s", rig.err.message);
}

static void kill_it(void)
{
    kill_it_with("KILL");
}

/* run_until() has half the time of the start's limits: what it waits for is not those. */
static void expect_end_at_once(void (*end)(void))
{
    struct answer a;
    start(&a, NULL);
    run_until(rig_container->last_status.phase == WORKLOAD_RUNNING);
    backend_rig_run_for(20);
    assert_false(a.come);
    end();
    run_until(a.come);
    assert_int_equal(a.err.code, ERROR_CONFLICT);
    assert_int_equal(state_of(), SOCKERLESS__CONTAINER_STATE__CREATED);
}

static void stop_it(void)
{
    if (!ask_stop("web"))
        fail_msg("%s", rig.err.message);
}

static void set_long_times(void)
{
    rig.config.start_timeout_s = rig.config.agent_timeout_s = 2 * PATIENCE_MS / 1000;
    cloud.phase = WORKLOAD_RUNNING;
    cloud.address = "127.0.0.1";
}

TEST_USING(fixture, stopped_while_unreachable)
{
    set_long_times();
    expect_end_at_once(stop_it);
    expect_end_at_once(kill_it);
}

/* It takes the connection and says nothing. */
TEST_USING(fixture, stopped_while_the_agent_is_mute)
{
    set_long_times();
    cloud.mute = true;
    agent_listens();
    expect_end_at_once(stop_it);
    expect_end_at_once(kill_it);
}

TEST_USING(reverse_fixture, stopped_while_nobody_comes)
{
    set_long_times();
    fake_driver.caps->poll_interval_ms = 20;
    expect_end_at_once(stop_it);
    expect_end_at_once(kill_it);
}

/* ---- a stop while a call of the cloud hangs ---- */

static struct {
    bool prepare_hangs, run_hangs;
    int runs;          /* calls of co_run */
    char removed[512]; /* runs, each with a blank behind it */
} hanging;

static int co_prepare_hanging(const struct workload_spec *spec, struct workload *w,
                              struct error *err)
{
    snprintf(w->definition, sizeof w->definition, "for-%.4s", spec->run_token);
    while (hanging.prepare_hangs)
        if (co_sleep(1, err))
            return -1;
    return 0;
}

static int co_run_hanging(const struct workload_spec *spec, struct workload *w, struct error *err)
{
    (void)spec;
    int number = ++hanging.runs;
    while (hanging.run_hangs && number == 1)
        if (co_sleep(1, err))
            return -1;
    snprintf(w->resource, sizeof w->resource, "run-%d", number);
    return 0;
}

static int co_remove_noting(const struct workload *w, struct error *err)
{
    (void)err;
    if (!w->resource[0])
        return 0;
    strcat(hanging.removed, w->resource);
    strcat(hanging.removed, " ");
    return 0;
}

static void hanging_setup(void)
{
    memset(&hanging, 0, sizeof hanging);
    set_long_times();
    fake_driver.co_prepare = co_prepare_hanging;
    fake_driver.co_run = co_run_hanging;
    fake_driver.co_remove_run = co_remove_noting;
    agent_listens();
}

static void expect_stopped(struct answer *a, void (*end)(void))
{
    end();
    run_until(a->come);
    assert_int_equal(a->err.code, ERROR_CONFLICT);
    assert_int_equal(state_of(), SOCKERLESS__CONTAINER_STATE__CREATED);
}

static void kill_with_term(void)
{
    kill_it_with("TERM");
}

/* What the call makes when it returns is removed, and nothing of the next run, which has begun by
 * then. */
TEST_USING(fixture, stopped_while_the_call_hangs)
{
    struct answer a, b;
    hanging_setup();
    hanging.run_hangs = true;
    start(&a, NULL);
    run_until(hanging.runs == 1);
    expect_stopped(&a, stop_it);
    start(&b, NULL);
    expect_running(&b);
    assert_string_equal(rig_container->current.resource, "run-2");
    assert_string_equal(hanging.removed, "");
    hanging.run_hangs = false;
    run_until(hanging.removed[0]);
    assert_string_equal(hanging.removed, "run-1 ");
    assert_int_equal(state_of(), SOCKERLESS__CONTAINER_STATE__RUNNING);
    assert_string_equal(rig_container->current.resource, "run-2");
}

/* Nothing is begun any more. */
TEST_USING(fixture, stopped_while_the_preparation_hangs)
{
    void (*const ends[])(void) = {stop_it, kill_it, kill_with_term};
    hanging_setup();
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct answer a;
        hanging.prepare_hangs = true;
        int prepared = fake_driver.prepared, removed = fake_driver.removed;
        start(&a, NULL);
        run_until(fake_driver.prepared > prepared);
        expect_stopped(&a, ends[i]);
        run_until(fake_driver.removed > removed);
        removed = fake_driver.removed;
        hanging.prepare_hangs = false;
        run_until(fake_driver.removed > removed); /* what has been prepared after all */
    }
    assert_int_equal(hanging.runs, 0);
}

/* The next process goes on with it: nothing is undone, though the session with the agent failed. */
TEST_USING(fixture, daemon_ends_meanwhile)
{
    struct answer a;
    set_long_times();
    cloud.leaves = true;
    agent_listens();
    start(&a, NULL);
    run_until(cloud.sessions >= 6 && !rig_container->link);
    backend_rig_run_for(20); /* into the pause */
    rig.backend.stopping = true;
    channel_abort_all(&rig.loop); /* as backend.c does it, before the coroutines end */
    watcher_close(&rig.backend);
    co_cancel_all(&rig.loop);
    run_until(co_live(&rig.loop) == 0);
    assert_int_equal(state_of(), SOCKERLESS__CONTAINER_STATE__STARTING);
    assert_int_equal(fake_driver.removed, 0);
}

/* ---- out of memory ---- */

static void expect_oom_killed(bool wanted)
{
    const Sockerless__Reply *reply = ask_inspect("web");
    assert_non_null(reply);
    assert_int_equal(reply->container_inspect->container->oom_killed, wanted);
}

/* By the agent's word, by the cloud's where the agent has gone with its process, and for this run
 * only. */
TEST_USING(fixture, out_of_memory)
{
    struct answer a;
    cloud.phase = WORKLOAD_RUNNING;
    cloud.address = "127.0.0.1";
    agent_listens();
    start(&a, NULL);
    expect_running(&a);
    cloud.oom_killed = true;
    say_ended(cloud.agent, 137);
    run_until(state_of() == SOCKERLESS__CONTAINER_STATE__EXITED);
    expect_oom_killed(true);
    cloud.oom_killed = false;
    start(&a, NULL);
    expect_running(&a);
    expect_oom_killed(false);
    cloud.oom_killed = true;
    cloud.phase = WORKLOAD_STOPPED;
    channel_abort(cloud.agent);
    run_until(state_of() == SOCKERLESS__CONTAINER_STATE__EXITED);
    expect_oom_killed(true);
    assert_int_equal(rig_container->view->exit_code, 137); /* though the cloud has told none */
}

/* ---- repeated requests ---- */

static const char first_id[] = "0123456789abcdef", second_id[] = "fedcba9876543210";

/* What a backend that is killed and started again knows. */
static void reload(void)
{
    struct error err;
    struct container *c AUTO(container) = container_ref(rig_container);
    agent_link_drop(c);
    watcher_remove(c);
    container_table_remove(&rig.backend.containers, c);
    container_unref(c);
    assert_int_equal(reconcile_load(&rig.backend, &err), 0);
    rig_container = rig.backend.containers.newest;
    assert_non_null(rig_container);
}

TEST_USING(fixture, repeated_after_the_run)
{
    struct answer a;
    cloud.phase = WORKLOAD_RUNNING;
    cloud.address = "127.0.0.1";
    agent_listens();
    start(&a, first_id);
    expect_running(&a);
    start(&a, first_id);
    expect_running(&a); /* 204, as the first time, not 304 */
    say_ended(cloud.agent, 3);
    run_until(state_of() == SOCKERLESS__CONTAINER_STATE__EXITED);
    reload();
    start(&a, first_id);
    run_until(a.come);
    assert_int_equal(a.err.code, ERROR_NONE);
    assert_int_equal(fake_driver.started, 1);
    assert_int_equal(state_of(), SOCKERLESS__CONTAINER_STATE__EXITED);
    start(&a, second_id);
    expect_running(&a);
    assert_int_equal(fake_driver.started, 2);
}

TEST_USING(fixture, repeated_after_a_failed_start)
{
    struct answer a, again;
    cloud.phase = WORKLOAD_STOPPED;
    cloud.reason = "the image is not there";
    start(&a, first_id);
    expect_words(&a, WORDS("the image is not there"));
    reload();
    start(&again, first_id);
    expect_words(&again, WORDS("the image is not there"));
    assert_int_equal(again.err.code, a.err.code);
    assert_int_equal(fake_driver.started, 1);
}

/* The backend was killed in between: the next one goes on with the start, and the repeated request
 * waits for it. The process has ended by the time that it is answered. */
static bool never_run;

static int co_run_noting(const struct workload_spec *spec, struct workload *w, struct error *err)
{
    (void)w;
    (void)err;
    never_run = spec->never_run;
    return 0;
}

/* A driver need not look for an earlier call's run, but where this process did not prepare it. */
TEST_USING(fixture, told_whether_it_may_have_run)
{
    struct answer a;
    fake_driver.co_run = co_run_noting;
    cloud.address = "127.0.0.1";
    agent_listens();
    start(&a, NULL);
    expect_running(&a);
    assert_true(never_run);
    rig_container = rig_container_add(
        (struct rig_container){.name = "resumed", .state = SOCKERLESS__CONTAINER_STATE__CREATED});
    rig_container->image_reference = (char *)"docker.io/library/app:1";
    container_run_begin(rig_container);
    strcpy(rig_container->current.definition, "definition-0");
    assert_int_equal(
        container_set_state(rig_container, SOCKERLESS__CONTAINER_STATE__STARTING, &a.err), 0);
    reconcile_start(&rig.backend);
    run_until(state_of() == SOCKERLESS__CONTAINER_STATE__RUNNING);
    assert_false(never_run);
}

TEST_USING(fixture, repeated_while_it_is_resumed)
{
    struct answer a;
    struct error err;
    cloud.phase = WORKLOAD_RUNNING;
    cloud.address = "127.0.0.1";
    container_run_begin(rig_container);
    strcpy(rig_container->current.definition, "definition-0");
    strcpy(rig_container->current.resource, "task");
    memcpy(rig_container->start_request_id, first_id, CONTAINER_REQUEST_ID_LEN);
    assert_int_equal(
        container_set_state(rig_container, SOCKERLESS__CONTAINER_STATE__STARTING, &err), 0);
    reload();
    reconcile_start(&rig.backend);
    start(&a, first_id);
    backend_rig_run_for(50);
    assert_false(a.come);
    cloud.ends_at_once = true;
    agent_listens();
    run_until(a.come);
    assert_string_equal(a.err.message, "");
    assert_int_equal(state_of(), SOCKERLESS__CONTAINER_STATE__EXITED);
    assert_int_equal(fake_driver.started, 0);
}
