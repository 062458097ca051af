/* SPDX-License-Identifier: Apache-2.0
 *
 * A WebSocket listener whose channels echo, and clients of it: authorized ones by nng, others by
 * plain sockets; for ipc_ws_listener.c and ipc_ws_transport.c.
 */
#ifndef SOCKERLESS_TEST_IPC_WS_RIG_H
#define SOCKERLESS_TEST_IPC_WS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "ipc/ws_listener.h"

#include "raw_ws.h"

#include <signal.h>

enum { PATIENCE_MS = 30000, PENDING_MS = 600, PENDING_MAX = 8 };

#define AUTHORIZED "Bearer right"

static struct {
    struct loop loop;
    struct ws_listener *listener;
    int port;
    char url[64];
    uv_timer_t guard, step;
    bool guard_fired;
    unsigned accepted;
    struct echo *last; /* the newest one that is open */
} rig;

static inline void guard_fired(uv_timer_t *t)
{
    (void)t;
    rig.guard_fired = true;
}

static inline void stepped(uv_timer_t *t)
{
    (void)t; /* the loop turns so that conditions about sockets are looked at */
}

#define run_until(condition)                                                                       \
    do {                                                                                           \
        rig.guard_fired = false;                                                                   \
        uv_update_time(&rig.loop.uv);                                                              \
        uv_timer_start(&rig.guard, guard_fired, PATIENCE_MS, 0);                                   \
        uv_timer_start(&rig.step, stepped, 10, 10);                                                \
        while (!(condition) && !rig.guard_fired)                                                   \
            uv_run(&rig.loop.uv, UV_RUN_ONCE);                                                     \
        uv_timer_stop(&rig.guard);                                                                 \
        uv_timer_stop(&rig.step);                                                                  \
        assert_false(rig.guard_fired);                                                             \
    } while (0)

/* ---- the listener's end: it echoes ---- */

struct echo {
    struct channel *channel;
    size_t received;
};

static unsigned echoes_failed, echoes_closed;

static inline void echo_frame(void *owner, const struct frame *f)
{
    struct echo *e = owner;
    e->received += f->len;
    if (f->type == FRAME_END)
        channel_end(e->channel);
    else if (!channel_send(e->channel, f->type, f->payload, f->len))
        channel_pause(e->channel);
}

static inline void echo_drained(void *owner)
{
    channel_resume(((struct echo *)owner)->channel);
}

static inline void echo_closed(void *owner, const struct error *why)
{
    echoes_closed++;
    echoes_failed += why != NULL;
    if (rig.last == owner)
        rig.last = NULL;
    free(owner);
}

static inline bool on_authorize(void *owner, const char *authorization)
{
    (void)owner;
    return strcmp(authorization, AUTHORIZED) == 0;
}

static inline void on_accept(void *owner, struct channel *c)
{
    static const struct channel_events events = {echo_frame, echo_drained, echo_closed};
    (void)owner;
    rig.last = NEW(struct echo);
    rig.last->channel = c;
    rig.accepted++;
    channel_start(c, &events, rig.last);
}

/* ---- authorized clients ---- */

struct end {
    struct channel *channel;
    bool closed, answered;
};

static inline void end_frame(void *owner, const struct frame *f)
{
    struct end *e = owner;
    (void)f;
    e->answered = true;
}

static inline void end_closed(void *owner, const struct error *why)
{
    struct end *e = owner;
    (void)why;
    e->channel = NULL;
    e->closed = true;
}

static const struct channel_events end_events = {.frame = end_frame, .closed = end_closed};

static inline void client_answers(struct end *e)
{
    e->answered = false;
    assert_false(e->closed);
    channel_send(e->channel, FRAME_STDIN, "x", 1);
    run_until(e->answered || e->closed);
    assert_true(e->answered);
}

/* False: closed before it was answered. */
static inline bool client_try(struct end *e)
{
    struct channel_options options = {.bearer_token = "right"};
    struct error err;
    *e = (struct end){0};
    assert_int_equal(channel_dial(&rig.loop, rig.url, &options, &end_events, e, &e->channel, &err),
                     0);
    channel_send(e->channel, FRAME_STDIN, "x", 1);
    run_until(e->answered || e->closed);
    return e->answered;
}

static inline void client_open(struct end *e)
{
    assert_true(client_try(e));
}

static inline void client_close(struct end *e)
{
    channel_abort(e->channel);
    run_until(e->closed);
}

/* A plain socket on which the handshake is over. */
static inline int raw_open(void)
{
    int fd = raw_connect(rig.port);
    assert_int_equal(raw_handshake(&rig.loop.uv, fd, "/", AUTHORIZED, ""), 101);
    run_until(rig.last);
    return fd;
}

/* The listening socket, or one that it has accepted. */
static inline bool is_of_listener(int fd)
{
    struct sockaddr_in end = {.sin_family = AF_UNSPEC};
    socklen_t len = sizeof end;
    return getsockname(fd, (struct sockaddr *)&end, &len) == 0 && end.sin_family == AF_INET &&
           end.sin_port == htons((uint16_t)rig.port);
}

/* ---- life ---- */

static inline int rig_open(const char *scheme, const struct ws_listener_options *options)
{
    struct error err;
    memset(&rig, 0, sizeof rig);
    echoes_failed = echoes_closed = 0;
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    log_open("test", LOG_ERROR);
    assert_int_equal(loop_init(&rig.loop, &err), 0);
    uv_timer_init(&rig.loop.uv, &rig.guard);
    uv_timer_init(&rig.loop.uv, &rig.step);
    rig.port = free_port();
    char listen_url[64];
    snprintf(listen_url, sizeof listen_url, "%s://0.0.0.0:%d/", scheme, rig.port);
    snprintf(rig.url, sizeof rig.url, "%s://127.0.0.1:%d/", scheme, rig.port);
    if (ws_listen(&rig.loop, listen_url, options, on_accept, NULL, &rig.listener, &err))
        fail_msg("%s", err.message);
    return 0;
}

static inline int fixture_teardown(void **state)
{
    (void)state;
    ws_listener_close(rig.listener);
    channel_abort_all(&rig.loop);
    run_until(!rig.loop.channels);
    uv_close((uv_handle_t *)&rig.guard, NULL);
    uv_close((uv_handle_t *)&rig.step, NULL);
    loop_fini(&rig.loop);
    return 0;
}

#endif
