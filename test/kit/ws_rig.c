/* SPDX-License-Identifier: Apache-2.0
 * A WebSocket listener whose channels echo; see ws_rig.h. */
#include "test/kit/ws_rig.h"

#include <signal.h>

struct ws_rig ws_rig;

/* ---- the listener ---- */

bool ws_rig_authorize(void *owner, const char *authorization)
{
    (void)owner;
    return strcmp(authorization, WS_RIG_AUTHORIZED) == 0;
}

void ws_rig_accept(void *owner, struct channel *c)
{
    (void)owner;
    ws_rig.accepted++;
    channel_echo_start(c);
}

void ws_rig_open(const char *scheme, struct ws_listener_options options)
{
    struct error err;
    char listen_url[64];
    ws_rig = (struct ws_rig){.port = free_port()};
    channel_echoes = (struct channel_echoes){0};
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    options.authorize = ws_rig_authorize;
    assert_int_equal(loop_init(&ws_rig.loop, &err), 0);
    uv_timer_init(&ws_rig.loop.uv, &ws_rig.guard);
    uv_timer_init(&ws_rig.loop.uv, &ws_rig.step);
    snprintf(listen_url, sizeof listen_url, "%s://0.0.0.0:%d/", scheme, ws_rig.port);
    snprintf(ws_rig.url, sizeof ws_rig.url, "%s://127.0.0.1:%d/", scheme, ws_rig.port);
    if (ws_listen(&ws_rig.loop, listen_url, &options, ws_rig_accept, NULL, &ws_rig.listener, &err))
        fail_msg("%s", err.message);
}

void ws_rig_close(void)
{
    ws_listener_close(ws_rig.listener);
    channel_abort_all(&ws_rig.loop);
    ws_rig_until(!ws_rig.loop.channels);
    uv_close((uv_handle_t *)&ws_rig.guard, NULL);
    uv_close((uv_handle_t *)&ws_rig.step, NULL);
    loop_fini(&ws_rig.loop);
}

/* ---- waiting ---- */

static void on_guard(uv_timer_t *t)
{
    (void)t;
    ws_rig.guard_fired = true;
}

static void on_step(uv_timer_t *t)
{
    (void)t; /* the loop turns so that conditions about sockets are looked at */
}

void ws_rig_guard_start(void)
{
    ws_rig.guard_fired = false;
    uv_update_time(&ws_rig.loop.uv);
    uv_timer_start(&ws_rig.guard, on_guard, WS_RIG_PATIENCE_MS, 0);
    uv_timer_start(&ws_rig.step, on_step, 10, 10);
}

void ws_rig_guard_stop(void)
{
    uv_timer_stop(&ws_rig.guard);
    uv_timer_stop(&ws_rig.step);
    assert_false(ws_rig.guard_fired);
}

/* ---- clients ---- */

static void on_frame(void *owner, const struct frame *f)
{
    struct ws_rig_client *c = owner;
    (void)f;
    c->answered = true;
}

static void on_closed(void *owner, const struct error *why)
{
    struct ws_rig_client *c = owner;
    (void)why;
    c->channel = NULL;
    c->closed = true;
}

void ws_rig_client_answers(struct ws_rig_client *c)
{
    c->answered = false;
    assert_false(c->closed);
    channel_send(c->channel, FRAME_STDIN, "x", 1);
    ws_rig_until(c->answered || c->closed);
    assert_true(c->answered);
}

bool ws_rig_client_try(struct ws_rig_client *c)
{
    static const struct channel_events events = {.frame = on_frame, .closed = on_closed};
    struct channel_options options = {.bearer_token = "right"};
    struct error err;
    *c = (struct ws_rig_client){0};
    assert_int_equal(
        channel_dial(&ws_rig.loop, ws_rig.url, &options, &events, c, &c->channel, &err), 0);
    channel_send(c->channel, FRAME_STDIN, "x", 1);
    ws_rig_until(c->answered || c->closed);
    return c->answered;
}

void ws_rig_client_open(struct ws_rig_client *c)
{
    assert_true(ws_rig_client_try(c));
}

void ws_rig_client_close(struct ws_rig_client *c)
{
    channel_abort(c->channel);
    ws_rig_until(c->closed);
}

int ws_rig_raw_open(void)
{
    int fd = raw_connect(ws_rig.port);
    assert_int_equal(raw_handshake(&ws_rig.loop.uv, fd, "/", WS_RIG_AUTHORIZED, ""), 101);
    ws_rig_until(channel_echoes.last);
    return fd;
}

bool ws_rig_is_of_listener(int fd)
{
    struct sockaddr_in end = {.sin_family = AF_UNSPEC};
    socklen_t len = sizeof end;
    return getsockname(fd, (struct sockaddr *)&end, &len) == 0 && end.sin_family == AF_INET &&
           end.sin_port == htons((uint16_t)ws_rig.port);
}
