/* SPDX-License-Identifier: Apache-2.0
 * Unit tests of channels and RPC over real sockets: order, backpressure, orderly ends, lost peers,
 * repetition after a broken connection, sessions on the same listener. */
#include "base/timefmt.h"
#include "ipc/rpc.h"
#include "test/kit/channel_echo.h"
#include "test/kit/channel_pump.h"
#include "test/kit/connection_breaker.h"
#include "test/kit/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct loop loop;
static char url[128];
static struct rpc_server *server;

/* ---- a server that answers info with what it counts, parks stop, and echoes sessions ---- */

static unsigned requests_seen;
static struct rpc_call *parked;

static void reply_count(struct rpc_call *call)
{
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    Sockerless__InfoReply info = SOCKERLESS__INFO_REPLY__INIT;
    info.containers = (int32_t)requests_seen;
    reply.result_case = SOCKERLESS__REPLY__RESULT_INFO;
    reply.info = &info;
    rpc_reply(call, &reply);
}

static void on_request(void *owner, struct rpc_call *call, const Sockerless__Request *request)
{
    struct error err;
    (void)owner;
    requests_seen++;
    assert_int_equal(request->id.len, 16);
    if (request->op_case == SOCKERLESS__REQUEST__OP_INFO) {
        reply_count(call);
    } else if (request->op_case == SOCKERLESS__REQUEST__OP_CONTAINER_STOP) {
        parked = call;
    } else {
        error_set(&err, ERROR_NOT_FOUND, "No such container: x");
        rpc_reply_error(call, &err);
    }
}

static void on_session(void *owner, struct channel *c, const Sockerless__StreamOpen *open)
{
    struct error err;
    (void)owner;
    if (open->kind_case != SOCKERLESS__STREAM_OPEN__KIND_ATTACH) {
        error_set(&err, ERROR_NOT_IMPLEMENTED, "only attach here");
        channel_fail(c, &err);
        return;
    }
    channel_echo_start(c);
    if (!strcmp(open->attach->ref, "brief"))
        channel_end(c);
}

static const struct rpc_server_events server_events = {on_request, on_session};

static void listen_now(void)
{
    struct error err = {0};
    assert_int_equal(rpc_server_listen(&loop, url, NULL, &server_events, NULL, &server, &err), 0);
}

static void fixture_open(void)
{
    struct error err;
    requests_seen = 0;
    parked = NULL;
    snprintf(url, sizeof url, "ipc:///tmp/sockerless-ipc-test-%d.sock", (int)getpid());
    assert_int_equal(loop_init(&loop, &err), 0);
}

static void fixture_close(void)
{
    rpc_server_close(server);
    loop_fini(&loop);
    rpc_server_free(server);
    unlink(url + 6);
}

TEST_RIG(fixture, fixture_open(), fixture_close());

/* ---- RPC ---- */

struct outcome {
    int done;
    enum error_code code;
    char message[256];
    int containers;
};

static void on_done(void *arg, const Sockerless__Reply *reply, const struct error *err)
{
    struct outcome *o = arg;
    o->done++;
    o->code = err ? err->code : ERROR_NONE;
    snprintf(o->message, sizeof o->message, "%s", err ? err->message : "");
    if (reply && reply->result_case == SOCKERLESS__REPLY__RESULT_INFO)
        o->containers = reply->info->containers;
    loop_stop(&loop);
}

static struct rpc_pending *call(struct rpc_client *c, Sockerless__Request__OpCase op,
                                int64_t timeout_ms, struct outcome *o)
{
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    Sockerless__InfoRequest info = SOCKERLESS__INFO_REQUEST__INIT;
    Sockerless__ContainerStopRequest stop = SOCKERLESS__CONTAINER_STOP_REQUEST__INIT;
    Sockerless__ContainerStartRequest start = SOCKERLESS__CONTAINER_START_REQUEST__INIT;
    request.op_case = op;
    if (op == SOCKERLESS__REQUEST__OP_INFO)
        request.info = &info;
    else if (op == SOCKERLESS__REQUEST__OP_CONTAINER_STOP)
        request.container_stop = &stop;
    else
        request.container_start = &start;
    memset(o, 0, sizeof *o);
    return rpc_call(c, &request, timeout_ms, on_done, o);
}

/* The outcome of a call that is answered. */
static struct outcome call_now(struct rpc_client *c, Sockerless__Request__OpCase op)
{
    static struct outcome o;
    call(c, op, 0, &o);
    assert_int_equal(o.done, 0); /* never from inside */
    loop_run(&loop);
    return o;
}

TEST_USING(fixture, calls)
{
    struct outcome o;
    listen_now();
    struct stat st;
    assert_int_equal(stat(url + 6, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    struct rpc_client *c = rpc_client_new(&loop, url, NULL);
    o = call_now(c, SOCKERLESS__REQUEST__OP_INFO);
    assert_int_equal(o.code, ERROR_NONE);
    assert_int_equal(o.containers, 1);
    o = call_now(c, SOCKERLESS__REQUEST__OP_CONTAINER_START);
    assert_int_equal(o.code, ERROR_NOT_FOUND);
    assert_string_equal(o.message, "No such container: x");
    rpc_client_free(c);
}

TEST_USING(fixture, answers_out_of_order)
{
    struct outcome slow, quick;
    listen_now();
    struct rpc_client *c = rpc_client_new(&loop, url, NULL);
    call(c, SOCKERLESS__REQUEST__OP_CONTAINER_STOP, 0, &slow);
    call(c, SOCKERLESS__REQUEST__OP_INFO, 0, &quick);
    loop_run(&loop);
    assert_int_equal(quick.done, 1);
    assert_int_equal(slow.done, 0);
    reply_count(parked);
    loop_run(&loop);
    assert_int_equal(slow.done, 1);
    rpc_client_free(c);
}

TEST_USING(fixture, timeout_and_cancel)
{
    struct outcome late, cancelled;
    listen_now();
    struct rpc_client *c = rpc_client_new(&loop, url, NULL);
    rpc_cancel(call(c, SOCKERLESS__REQUEST__OP_INFO, 0, &cancelled));
    call(c, SOCKERLESS__REQUEST__OP_CONTAINER_STOP, 50, &late);
    loop_run(&loop);
    assert_int_equal(late.code, ERROR_DEADLINE);
    assert_int_equal(cancelled.done, 0);
    reply_count(parked); /* too late: dropped */
    rpc_client_free(c);
}

TEST_USING(fixture, backend_away_and_back)
{
    struct outcome o;
    struct rpc_client *c = rpc_client_new(&loop, url, NULL);
    o = call_now(c, SOCKERLESS__REQUEST__OP_INFO);
    assert_int_equal(o.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(o.message, url));
    assert_non_null(strstr(o.message, "start it"));
    listen_now();
    o = call_now(c, SOCKERLESS__REQUEST__OP_INFO);
    assert_int_equal(o.code, ERROR_NONE);
    rpc_client_free(c);
}

/* ---- sessions ---- */

/* brief: the server's first frame is its last. */
static void pump_open(struct channel_pump *p, Sockerless__StreamOpen__KindCase kind, bool brief)
{
    struct error err;
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    Sockerless__AttachOpen attach = SOCKERLESS__ATTACH_OPEN__INIT;
    Sockerless__LogsOpen logs = SOCKERLESS__LOGS_OPEN__INIT;
    open.kind_case = kind;
    attach.ref = (char *)(uintptr_t)(brief ? "brief" : "");
    if (kind == SOCKERLESS__STREAM_OPEN__KIND_ATTACH)
        open.attach = &attach;
    else
        open.logs = &logs;
    assert_int_equal(channel_dial(&loop, url, NULL, &channel_pump_events, p, &p->channel, &err), 0);
    channel_send_message(p->channel, FRAME_OPEN, NULL, 0, &open.base);
}

TEST_USING(fixture, session_carries_everything)
{
    struct channel_pump p = {.loop = &loop, .to_send = 20 * 1024 * 1024 + 17};
    listen_now();
    pump_open(&p, SOCKERLESS__STREAM_OPEN__KIND_ATTACH, false);
    channel_pump_more(&p);
    assert_true(p.sent < p.to_send); /* backpressure held the sender back */
    loop_run(&loop);
    assert_true(p.ended);
    channel_pump_check(&p);
}

/* Both have said their last word and wait for the other to close: hearing it is enough. */
TEST_USING(fixture, both_leave)
{
    listen_now();
    for (int round = 0; round < 20; round++) {
        struct channel_pump p = {.loop = &loop};
        int64_t begin = time_mono_ms();
        pump_open(&p, SOCKERLESS__STREAM_OPEN__KIND_ATTACH, true);
        channel_end(p.channel);
        loop_run(&loop);
        assert_true(p.ended);
        assert_true(time_mono_ms() - begin < 10000); /* LINGER_MS would have had to pass */
    }
}

TEST_USING(fixture, session_refused)
{
    struct channel_pump p = {.loop = &loop};
    listen_now();
    pump_open(&p, SOCKERLESS__STREAM_OPEN__KIND_LOGS, false);
    loop_run(&loop);
    assert_string_equal(p.error, "10 only attach here");
}

TEST_USING(fixture, peer_aborts)
{
    struct channel_pump p = {.loop = &loop, .to_send = 1};
    listen_now();
    pump_open(&p, SOCKERLESS__STREAM_OPEN__KIND_ATTACH, false);
    channel_abort(p.channel);
    assert_false(p.ended); /* closed() comes later, never from inside */
    loop_run(&loop);
    assert_true(p.ended);
}

TEST_USING(fixture, not_a_frame)
{
    struct channel_pump p = {.loop = &loop};
    struct error err;
    listen_now();
    assert_int_equal(channel_dial(&loop, url, NULL, &channel_pump_events, &p, &p.channel, &err), 0);
    channel_send(p.channel, 99, "x", 1);
    loop_run(&loop);
    assert_true(p.ended);
}

TEST_USING(fixture, owner_of_a_closed_channel_is_told_once)
{
    struct channel_pump p = {.loop = &loop};
    struct error err;
    listen_now();
    assert_int_equal(
        channel_dial(&loop, "tcp://127.0.0.1:1", NULL, &channel_pump_events, &p, &p.channel, &err),
        0);
    loop_run(&loop);
    assert_true(p.ended);
    assert_int_equal(
        channel_dial(&loop, "nonsense", NULL, &channel_pump_events, &p, &p.channel, &err), -1);
}

/* ---- dials that end by themselves just as their time is over ---- */

enum { DIALS = 1500, DIALS_AT_ONCE = 60, DIAL_MS = 20 };

static struct {
    struct connection_breaker breaker;
    char url[64];
    unsigned begun, ended, failed;
} dials;

static void dial_one(void);

static void dial_frame(void *owner, const struct frame *f)
{
    (void)owner;
    (void)f;
}

static void dial_closed(void *owner, const struct error *why)
{
    (void)owner;
    dials.ended++;
    dials.failed += why != NULL;
    if (dials.begun < DIALS)
        dial_one();
}

static void dial_one(void)
{
    static const struct channel_events events = {.frame = dial_frame, .closed = dial_closed};
    const struct channel_options options = {.connect_timeout_ms = DIAL_MS - 1 + dials.begun++ % 3};
    struct channel *c;
    struct error err;
    assert_int_equal(channel_dial(&loop, dials.url, &options, &events, NULL, &c, &err), 0);
}

TEST_USING(fixture, dials_end_once)
{
    listen_now();
    memset(&dials, 0, sizeof dials);
    connection_breaker_listen(&dials.breaker, &loop.uv, DIAL_MS - 2);
    snprintf(dials.url, sizeof dials.url, "ws://127.0.0.1:%d/", dials.breaker.port);
    for (int i = 0; i < DIALS_AT_ONCE; i++)
        dial_one();
    while (dials.ended < DIALS || dials.breaker.open)
        uv_run(&loop.uv, UV_RUN_ONCE);
    assert_int_equal(dials.begun, DIALS);
    assert_int_equal(dials.failed, DIALS);
    uv_close((uv_handle_t *)&dials.breaker.listener, NULL);
}
