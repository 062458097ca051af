/* SPDX-License-Identifier: Apache-2.0
 * Unit tests of channels and RPC over real sockets: order, backpressure, orderly ends, lost peers,
 * repetition after a broken connection, sessions on the same listener. */
#include "base/alloc.h"
#include "base/log.h"
#include "ipc/rpc.h"
#include "base/timefmt.h"
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

struct echo {
    struct channel *channel;
    bool slow;
};

static void echo_frame(void *owner, const struct frame *f)
{
    struct echo *e = owner;
    if (f->type == FRAME_END) {
        channel_end(e->channel);
    } else if (!channel_send(e->channel, f->type, f->payload, f->len)) {
        channel_pause(e->channel);
    }
}

static void echo_drained(void *owner)
{
    channel_resume(((struct echo *)owner)->channel);
}

static void echo_closed(void *owner, const struct error *why)
{
    (void)why;
    free(owner);
}

static const struct channel_events echo_events = {echo_frame, echo_drained, echo_closed};

static void on_session(void *owner, struct channel *c, const Sockerless__StreamOpen *open)
{
    struct error err;
    (void)owner;
    if (open->kind_case != SOCKERLESS__STREAM_OPEN__KIND_ATTACH) {
        error_set(&err, ERROR_NOT_IMPLEMENTED, "only attach here");
        channel_fail(c, &err);
        return;
    }
    struct echo *e = NEW(struct echo);
    e->channel = c;
    channel_start(c, &echo_events, e);
    if (!strcmp(open->attach->ref, "brief"))
        channel_end(c);
}

static const struct rpc_server_events server_events = {on_request, on_session};

static void listen_now(void)
{
    struct error err = {0};
    assert_int_equal(rpc_server_listen(&loop, url, NULL, &server_events, NULL, &server, &err), 0);
}

static int fixture_setup(void **state)
{
    struct error err;
    (void)state;
    log_open("test", LOG_ERROR);
    requests_seen = 0;
    parked = NULL;
    snprintf(url, sizeof url, "ipc:///tmp/sockerless-ipc-test-%d.sock", (int)getpid());
    return loop_init(&loop, &err);
}

static int fixture_teardown(void **state)
{
    (void)state;
    rpc_server_close(server);
    loop_fini(&loop);
    rpc_server_free(server);
    unlink(url + 6);
    return 0;
}

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

TEST_USING(fixture, calls)
{
    struct outcome o;
    listen_now();
    struct stat st;
    assert_int_equal(stat(url + 6, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    struct rpc_client *c = rpc_client_new(&loop, url, NULL);
    call(c, SOCKERLESS__REQUEST__OP_INFO, 0, &o);
    assert_int_equal(o.done, 0); /* never from inside */
    loop_run(&loop);
    assert_int_equal(o.code, ERROR_NONE);
    assert_int_equal(o.containers, 1);
    call(c, SOCKERLESS__REQUEST__OP_CONTAINER_START, 0, &o);
    loop_run(&loop);
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
    call(c, SOCKERLESS__REQUEST__OP_INFO, 0, &o);
    loop_run(&loop);
    assert_int_equal(o.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(o.message, url));
    assert_non_null(strstr(o.message, "start it"));
    listen_now();
    call(c, SOCKERLESS__REQUEST__OP_INFO, 0, &o);
    loop_run(&loop);
    assert_int_equal(o.code, ERROR_NONE);
    rpc_client_free(c);
}

/* ---- sessions ---- */

struct pump {
    struct channel *channel;
    size_t to_send, sent, received;
    uint32_t sum_sent, sum_received;
    bool opened_error, brief; /* brief: the server's first word is its last */
    char error[256];
    bool ended;
};

static void pump_more(struct pump *p)
{
    unsigned char block[FRAME_DATA_MAX];
    while (p->sent < p->to_send) {
        size_t n = p->to_send - p->sent < sizeof block ? p->to_send - p->sent : sizeof block;
        for (size_t i = 0; i < n; i++) {
            block[i] = (unsigned char)((p->sent + i) * 31 >> 3);
            p->sum_sent = p->sum_sent * 33 + block[i];
        }
        p->sent += n;
        if (!channel_send(p->channel, FRAME_STDIN, block, n))
            return;
    }
    channel_send(p->channel, FRAME_END, NULL, 0);
}

static void pump_frame(void *owner, const struct frame *f)
{
    struct pump *p = owner;
    if (f->type == FRAME_ERROR) {
        Sockerless__Error *e = sockerless__error__unpack(NULL, f->len, f->payload);
        p->opened_error = true;
        snprintf(p->error, sizeof p->error, "%d %s", (int)e->code, e->message);
        sockerless__error__free_unpacked(e, NULL);
    }
    if (f->type == FRAME_END || f->type == FRAME_ERROR)
        channel_finish(p->channel); /* who hears the last word closes */
    if (f->type != FRAME_STDIN)
        return;
    for (size_t i = 0; i < f->len; i++)
        p->sum_received = p->sum_received * 33 + f->payload[i];
    p->received += f->len;
}

static void pump_drained(void *owner)
{
    pump_more(owner);
}

static void pump_closed(void *owner, const struct error *why)
{
    struct pump *p = owner;
    (void)why;
    p->ended = true;
    loop_stop(&loop);
}

static const struct channel_events pump_events = {pump_frame, pump_drained, pump_closed};

static void pump_open(struct pump *p, Sockerless__StreamOpen__KindCase kind)
{
    struct error err;
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    Sockerless__AttachOpen attach = SOCKERLESS__ATTACH_OPEN__INIT;
    Sockerless__LogsOpen logs = SOCKERLESS__LOGS_OPEN__INIT;
    open.kind_case = kind;
    attach.ref = (char *)(uintptr_t)(p->brief ? "brief" : "");
    if (kind == SOCKERLESS__STREAM_OPEN__KIND_ATTACH)
        open.attach = &attach;
    else
        open.logs = &logs;
    assert_int_equal(channel_dial(&loop, url, NULL, &pump_events, p, &p->channel, &err), 0);
    channel_send_message(p->channel, FRAME_OPEN, NULL, 0, &open.base);
}

TEST_USING(fixture, session_carries_everything)
{
    struct pump p = {.to_send = 20 * 1024 * 1024 + 17};
    listen_now();
    pump_open(&p, SOCKERLESS__STREAM_OPEN__KIND_ATTACH);
    pump_more(&p);
    assert_true(p.sent < p.to_send); /* backpressure held the sender back */
    loop_run(&loop);
    assert_true(p.ended);
    assert_int_equal(p.received, p.to_send);
    assert_int_equal(p.sum_received, p.sum_sent);
}

/* Both have said their last word and wait for the other to close: hearing it is enough. */
TEST_USING(fixture, both_leave)
{
    listen_now();
    for (int round = 0; round < 20; round++) {
        struct pump p = {.brief = true};
        int64_t begin = time_mono_ms();
        pump_open(&p, SOCKERLESS__STREAM_OPEN__KIND_ATTACH);
        channel_end(p.channel);
        loop_run(&loop);
        assert_true(p.ended);
        assert_true(time_mono_ms() - begin < 10000); /* LINGER_MS would have had to pass */
    }
}

TEST_USING(fixture, session_refused)
{
    struct pump p = {0};
    listen_now();
    pump_open(&p, SOCKERLESS__STREAM_OPEN__KIND_LOGS);
    loop_run(&loop);
    assert_true(p.opened_error);
    assert_string_equal(p.error, "10 only attach here");
}

TEST_USING(fixture, peer_aborts)
{
    struct pump p = {.to_send = 1};
    listen_now();
    pump_open(&p, SOCKERLESS__STREAM_OPEN__KIND_ATTACH);
    channel_abort(p.channel);
    assert_false(p.ended); /* closed() comes later, never from inside */
    loop_run(&loop);
    assert_true(p.ended);
}

TEST_USING(fixture, not_a_frame)
{
    struct pump p = {0};
    struct error err;
    listen_now();
    assert_int_equal(channel_dial(&loop, url, NULL, &pump_events, &p, &p.channel, &err), 0);
    channel_send(p.channel, 99, "x", 1);
    loop_run(&loop);
    assert_true(p.ended);
}

TEST_USING(fixture, owner_of_a_closed_channel_is_told_once)
{
    struct pump p = {0};
    struct error err;
    listen_now();
    assert_int_equal(
        channel_dial(&loop, "tcp://127.0.0.1:1", NULL, &pump_events, &p, &p.channel, &err), 0);
    loop_run(&loop);
    assert_true(p.ended);
    assert_int_equal(channel_dial(&loop, "nonsense", NULL, &pump_events, &p, &p.channel, &err), -1);
}

/* ---- dials that end by themselves just as their time is over ---- */

enum { DIALS = 1500, DIALS_AT_ONCE = 60, DIAL_MS = 20 };

static struct {
    uv_tcp_t listener;
    char url[64];
    unsigned begun, ended, failed, breakers;
} dials;

/* Takes a connection, says nothing, and breaks it off at about the dialler's own limit. */
struct breaker {
    uv_tcp_t tcp;
    uv_timer_t timer;
    unsigned handles;
};

static void on_breaker_closed(uv_handle_t *handle)
{
    struct breaker *b = handle->data;
    if (--b->handles)
        return;
    dials.breakers--;
    free(b);
}

static void on_break(uv_timer_t *timer)
{
    struct breaker *b = timer->data;
    uv_tcp_close_reset(&b->tcp, on_breaker_closed);
    uv_close((uv_handle_t *)&b->timer, on_breaker_closed);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct breaker *b = NEW(struct breaker);
    assert_int_equal(status, 0);
    uv_tcp_init(&loop.uv, &b->tcp);
    uv_timer_init(&loop.uv, &b->timer);
    b->tcp.data = b->timer.data = b;
    b->handles = 2;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&b->tcp), 0);
    uv_timer_start(&b->timer, on_break, DIAL_MS - 2 + dials.breakers++ % 4, 0);
}

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

static void breaker_listen(void)
{
    struct sockaddr_in address;
    int len = sizeof address;
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_init(&loop.uv, &dials.listener);
    uv_tcp_bind(&dials.listener, (const struct sockaddr *)&address, 0);
    assert_int_equal(uv_listen((uv_stream_t *)&dials.listener, DIALS_AT_ONCE, on_connection), 0);
    uv_tcp_getsockname(&dials.listener, (struct sockaddr *)&address, &len);
    snprintf(dials.url, sizeof dials.url, "ws://127.0.0.1:%d/", ntohs(address.sin_port));
}

TEST_USING(fixture, dials_end_once)
{
    listen_now();
    memset(&dials, 0, sizeof dials);
    breaker_listen();
    for (int i = 0; i < DIALS_AT_ONCE; i++)
        dial_one();
    while (dials.ended < DIALS || dials.breakers)
        uv_run(&loop.uv, UV_RUN_ONCE);
    assert_int_equal(dials.begun, DIALS);
    assert_int_equal(dials.failed, DIALS);
    uv_close((uv_handle_t *)&dials.listener, NULL);
}
