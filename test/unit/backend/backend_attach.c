/* SPDX-License-Identifier: Apache-2.0
 *
 * attach with logs=1: what was printed before comes from the log service, what follows from the
 * agent, and each byte once and in order, whatever comes first. And an attach with nothing to
 * carry.
 */
#include "test/kit/log_rig.h"

#include "base/timefmt.h"
#include "test/kit/free_port.h"
#include "test/kit/test.h"

enum { LATE_MS = 50 };

/* ---- the agent's side of an attach ---- */

static struct {
    struct channel *channel; /* NULL: none */
    bool keeps_all;          /* else it marks */
    bool replay;             /* as asked */
    char mark[65];
    const char *at_once; /* output that comes with FRAME_OPENED */
    int64_t mark_delay_ms;
    bool mute;  /* it does not answer an attach */
    bool asked; /* to attach */
} agent;

static void agent_print(const char *text)
{
    channel_send(agent.channel, FRAME_STDOUT, text, strlen(text));
}

static void agent_opened(const Sockerless__AgentAttachOpen *open)
{
    Sockerless__StreamOpened opened = SOCKERLESS__STREAM_OPENED__INIT;
    agent.replay = open->replay;
    snprintf(agent.mark, sizeof agent.mark, "%s", open->mark);
    opened.marked = !agent.keeps_all && *open->mark;
    if (opened.marked) {
        log_rig_add("run", time_now_ns(), agent.mark_delay_ms, "\001m%s", open->mark);
        log_rig_add("run", time_now_ns(), agent.mark_delay_ms, "after the mark");
    }
    channel_send_message(agent.channel, FRAME_OPENED, NULL, 0, &opened.base);
    if (agent.at_once)
        agent_print(agent.at_once);
}

static void agent_frame(void *owner, const struct frame *f)
{
    (void)owner;
    if (f->type == FRAME_END)
        channel_finish(agent.channel);
    if (f->type != FRAME_OPEN)
        return;
    Sockerless__StreamOpen *open = sockerless__stream_open__unpack(NULL, f->len, f->payload);
    assert_int_equal(open->kind_case, SOCKERLESS__STREAM_OPEN__KIND_AGENT_ATTACH);
    agent.asked = true;
    if (!agent.mute)
        agent_opened(open->agent_attach);
    sockerless__stream_open__free_unpacked(open, NULL);
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
    log_rig.agent_listener = backend_rig_agent_listen(agent_accept);
}

/* ---- the client ---- */

static struct rig_client client;

#define ATTACH(...)                                                                                \
    attach(&(Sockerless__AttachOpen){                                                              \
        .base = PROTOBUF_C_MESSAGE_INIT(&sockerless__attach_open__descriptor),                     \
        .ref = (char *)"web",                                                                      \
        .detach_keys = (char *)"",                                                                 \
        __VA_ARGS__})

static void attach(Sockerless__AttachOpen *open)
{
    rig_client_open(&client, SOCKERLESS__STREAM_OPEN__KIND_ATTACH, open);
    run_until(client.opened || client.failed);
}

static void expect_output(const char *expected)
{
    run_until(client.both.len >= strlen(expected));
    assert_string_equal(client.both.data, expected);
}

static void expect_end(const char *expected)
{
    run_until(client.ended || client.failed);
    assert_false(client.failed);
    assert_string_equal(rig_client_lines(&client), "");
    assert_string_equal(client.both.len ? client.both.data : "", expected);
}

/* ---- rig ---- */

static int fixture_setup(void **state)
{
    log_rig_setup(state);
    ws_listener_close(log_rig.agent_listener);
    memset(&agent, 0, sizeof agent);
    agent.mark_delay_ms = LATE_MS;
    rig.config.agent_port = free_port();
    agent_listen();
    log_rig_add("past", 1, 0, "past one");
    log_rig_add("past", 2, 0, "\001epast two");
    log_rig_add("past", 3, 0, "\001x0");
    log_rig_add("run", 4, 0, "one");
    log_rig_add("run", 5, 0, "two");
    return 0;
}

static int fixture_teardown(void **state)
{
    if (client.opened || client.failed)
        rig_client_free(&client);
    run_until(!agent.channel);
    return log_rig_teardown(state);
}

#define PAST "past one\npast two\n"

static struct container *container_in(Sockerless__ContainerState state)
{
    struct container *c = log_rig_container(state, time_now_ns());
    log_rig_past_run(c, "past");
    return c;
}

/* ---- tests ---- */

TEST_USING(fixture, all_runs_of_what_has_ended)
{
    container_in(SOCKERLESS__CONTAINER_STATE__EXITED);
    log_rig_add("run", 6, LATE_MS, "\001pthree");
    log_rig_add("run", 7, LATE_MS, "\001x0");
    ATTACH(.logs = 1, .stream = 1, .stdout = 1, .stderr = 1);
    expect_output(PAST "one\ntwo\nthree");
    run_until(co_live(&rig.loop) == 0);
    assert_false(client.ended); /* open for the next run */
}

TEST_USING(fixture, the_agent_has_all_of_the_run)
{
    container_in(SOCKERLESS__CONTAINER_STATE__RUNNING);
    agent.keeps_all = true;
    agent.at_once = "one\ntwo\n";
    ATTACH(.logs = 1, .stream = 1, .stdout = 1, .stderr = 1);
    expect_output(PAST "one\ntwo\n");
    assert_true(agent.replay);
    agent_print("live\n");
    expect_output(PAST "one\ntwo\nlive\n");
    channel_end(agent.channel);
    expect_end(PAST "one\ntwo\nlive\n");
}

/* Output that comes while the log is read waits for it, up to the end of the run. */
TEST_USING(fixture, the_log_is_read_up_to_the_mark)
{
    container_in(SOCKERLESS__CONTAINER_STATE__RUNNING);
    agent.at_once = "live\n";
    ATTACH(.logs = 1, .stream = 1, .stdout = 1, .stderr = 1);
    run_until(agent.channel && agent.mark[0]);
    agent_print("last\n");
    channel_end(agent.channel);
    expect_end(PAST "one\ntwo\nlive\nlast\n");
}

TEST_USING(fixture, one_stream_only)
{
    container_in(SOCKERLESS__CONTAINER_STATE__RUNNING);
    ATTACH(.logs = 1, .stream = 1, .stderr = 1);
    expect_output("past two\n");
    run_until(co_live(&rig.loop) == 0);
    channel_end(agent.channel);
    expect_end("past two\n");
}

/* More than is held: the agent is paused, and nothing is lost or out of order. */
TEST_USING(fixture, much_output_during_the_history)
{
    enum { PIECE = 64 * 1024, PIECES = 64 };
    static char piece[PIECE];
    container_in(SOCKERLESS__CONTAINER_STATE__RUNNING);
    ATTACH(.logs = 1, .stream = 1, .stdout = 1, .stderr = 1);
    run_until(agent.channel && agent.mark[0]);
    for (int i = 0; i < PIECES; i++) {
        memset(piece, 'a' + i % 26, PIECE);
        channel_send(agent.channel, FRAME_STDOUT, piece, PIECE);
    }
    channel_end(agent.channel);
    run_until(client.ended);
    size_t before = strlen(PAST "one\ntwo\n");
    assert_memory_equal(client.both.data, PAST "one\ntwo\n", before);
    assert_int_equal(client.both.len, before + (size_t)PIECE * PIECES);
    for (int i = 0; i < PIECES; i++)
        assert_int_equal(client.both.data[before + (size_t)i * PIECE + 1], 'a' + i % 26);
}

/* A client that does not read holds the reading of the log back, not the backend. */
TEST_USING(fixture, a_client_that_lags)
{
    enum { LINE = 10000, LINES = 500 };
    container_in(SOCKERLESS__CONTAINER_STATE__EXITED);
    log_rig.page_size = 10;
    for (int i = 0; i < LINES; i++)
        log_rig_add("run", 10 + i, 0, "%0*d", LINE, i);
    log_rig_add("run", 10 + LINES, 0, "\001x0");
    ATTACH(.logs = 1, .stream = 1, .stdout = 1);
    channel_pause(client.channel);
    backend_rig_run_for(2 * LATE_MS);
    assert_true(log_rig.delivered < LINES / 2);
    channel_resume(client.channel);
    run_until(client.both.len == strlen("past one\none\ntwo\n") + (size_t)LINES * (LINE + 1));
}

TEST_USING(fixture, the_agent_cannot_be_reached)
{
    container_in(SOCKERLESS__CONTAINER_STATE__RUNNING);
    ws_listener_close(log_rig.agent_listener);
    backend_rig_run_for(1);
    rig.config.agent_port = free_port(); /* nobody is there */
    ATTACH(.logs = 1, .stream = 1, .stdout = 1, .stderr = 1);
    expect_end(PAST "one\ntwo\n");
    agent_listen();
}

TEST_USING(fixture, the_client_leaves_meanwhile)
{
    const struct container *c = container_in(SOCKERLESS__CONTAINER_STATE__RUNNING);
    agent.mark_delay_ms = 3600 * 1000;
    ATTACH(.logs = 1, .stream = 1, .stdout = 1, .stderr = 1);
    expect_output(PAST "one\ntwo\n");
    rig_client_free(&client);
    run_until(!c->attachers && co_live(&rig.loop) == 0);
}

TEST_USING(fixture, the_log_cannot_be_read)
{
    container_in(SOCKERLESS__CONTAINER_STATE__RUNNING);
    log_rig.fail_calls = 1;
    log_rig.fail_code = ERROR_FORBIDDEN;
    ATTACH(.logs = 1, .stream = 1, .stdout = 1, .stderr = 1);
    expect_end("");
}

/* --rm has removed it: its output is still to be had, and then the end. */
TEST_USING(fixture, history_of_what_is_being_removed)
{
    struct container *c = container_in(SOCKERLESS__CONTAINER_STATE__REMOVING);
    log_rig_add("run", 7, 0, "\001x0");
    ATTACH(.stream = 1, .stdout = 1);
    assert_int_equal(client.err.code, ERROR_CONFLICT);
    rig_client_free(&client);
    ATTACH(.logs = 1, .stream = 1, .stdout = 1, .stderr = 1);
    expect_end(PAST "one\ntwo\n");
    run_until(!c->attachers);
}

/* ---- when the client is told that it is attached ---- */

static void attach_to_mute(void)
{
    static Sockerless__AttachOpen open = SOCKERLESS__ATTACH_OPEN__INIT;
    open.ref = (char *)"web";
    open.stream = open.stdout = true;
    container_in(SOCKERLESS__CONTAINER_STATE__RUNNING);
    agent.mute = true;
    rig_client_open(&client, SOCKERLESS__STREAM_OPEN__KIND_ATTACH, &open);
    run_until(agent.asked);
    backend_rig_run_for(LATE_MS);
    assert_false(client.opened);
}

/* As dockerd, which adds it to the receivers of the output first. */
TEST_USING(fixture, answered_when_the_agent_has_opened_it)
{
    attach_to_mute();
    agent_opened(&(Sockerless__AgentAttachOpen)SOCKERLESS__AGENT_ATTACH_OPEN__INIT);
    agent_print("first");
    run_until(client.opened);
    expect_output("first");
}

TEST_USING(fixture, answered_and_ended_when_the_agent_leaves)
{
    attach_to_mute();
    channel_abort(agent.channel);
    expect_end("");
    assert_true(client.opened);
}

TEST_USING(fixture, answered_though_the_agent_stays_mute)
{
    attach_to_mute();
    run_until(client.opened);
    assert_false(client.ended);
    channel_abort(agent.channel);
    expect_end("");
}

TEST_USING(fixture, the_client_leaves_before_the_answer)
{
    attach_to_mute();
    rig_client_free(&client);
    run_until(!agent.channel);
    client.opened = client.failed = false;
}

TEST_USING(fixture, nothing_to_carry)
{
    struct container *c = container_in(SOCKERLESS__CONTAINER_STATE__RUNNING);
    ATTACH(.stream = 1);
    expect_end("");
    rig_client_free(&client);
    ATTACH(.logs = 1);
    expect_end("");
    rig_client_free(&client);
    ATTACH(.logs = 1, .stream = 1);
    expect_end("");
    rig_client_free(&client);
    ATTACH(.stream = 1, .stdin = 1); /* the container has none */
    expect_end("");
    rig_client_free(&client);
    assert_int_equal(log_rig.calls, 0);
    c->view->config->open_stdin = c->view->config->stdin_once = true;
    ATTACH(.stream = 1);
    run_until(agent.channel);
    assert_false(client.ended);
    channel_end(agent.channel);
    expect_end("");
}
