/* SPDX-License-Identifier: Apache-2.0
 *
 * A backend's half that is called by agents, with one container, and the agents' ends of the
 * connections; for backend_reverse*.c.
 */
#ifndef SOCKERLESS_TEST_BACKEND_REVERSE_RIG_H
#define SOCKERLESS_TEST_BACKEND_REVERSE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backend/agent/agent_channel.h"
#include "backend/agent/agent_link.h"
#include "backend/state/backend_internal.h"
#include "backend/agent/reverse_agents.h"
#include "backend/run/run_report.h"
#include "backend/run/workload_spec.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "ipc/callback_token.h"
#include "loop/co.h"
#include "test/kit/free_port.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000, LINES_KEPT = 8 };

static struct {
    struct loop loop;
    struct backend backend;
    struct backend_config config;
    struct cloud_driver driver;
    struct container *container;
    char url[64];
    uv_timer_t guard;
    bool guard_fired;
} rig;

/* One end of a connection, on either side. */
struct end {
    struct channel *channel;
    bool closed, failed, lost, pinged;
    unsigned frames;
    char asked[LINES_KEPT][CALLBACK_SESSION_LEN + 1]; /* FRAME_CALL_BACK's, in order */
    unsigned calls;
    struct buf got;
    char why[ERROR_MESSAGE_MAX];
    enum error_code code;
};

static inline void guard_fired(uv_timer_t *t)
{
    (void)t;
    rig.guard_fired = true;
}

#define run_until(condition)                                                                       \
    do {                                                                                           \
        rig.guard_fired = false;                                                                   \
        uv_update_time(&rig.loop.uv);                                                              \
        uv_timer_start(&rig.guard, guard_fired, PATIENCE_MS, 0);                                   \
        while (!(condition) && !rig.guard_fired)                                                   \
            uv_run(&rig.loop.uv, UV_RUN_ONCE);                                                     \
        uv_timer_stop(&rig.guard);                                                                 \
        assert_true(condition);                                                                    \
    } while (0)

/* ---- ends ---- */

static inline void end_frame(void *owner, const struct frame *f)
{
    struct end *e = owner;
    e->frames++;
    if (f->type == FRAME_PING)
        e->pinged = true;
    else if (f->type == FRAME_CALL_BACK && e->calls < LINES_KEPT)
        memcpy(e->asked[e->calls++], f->payload, CALLBACK_SESSION_LEN);
    else
        buf_append(&e->got, f->payload, f->len);
}

static inline void end_closed(void *owner, const struct error *why)
{
    struct end *e = owner;
    e->channel = NULL;
    e->closed = true;
    e->failed = why;
    if (why) {
        e->code = why->code;
        snprintf(e->why, sizeof e->why, "%s", why->message);
    }
}

static const struct channel_events end_events = {.frame = end_frame, .closed = end_closed};

static inline void end_close(struct end *e)
{
    if (e->channel)
        channel_abort(e->channel);
    run_until(!e->channel);
    buf_free(&e->got);
}

/* An agent's connection; session "": its line. */
static inline void agent_dial_as(struct end *e, const char *id, const char *token,
                                 const char *session)
{
    char bearer[CALLBACK_TEXT_SIZE];
    struct channel_options options = {.bearer_token = bearer};
    struct error err;
    *e = (struct end){0};
    callback_token_write(bearer, id, token, session);
    assert_int_equal(channel_dial(&rig.loop, rig.url, &options, &end_events, e, &e->channel, &err),
                     0);
}

static inline void agent_dial(struct end *e, const char *session)
{
    agent_dial_as(e, rig.container->id, rig.container->agent_token, session);
}

static inline void agent_line(struct end *e)
{
    agent_dial(e, "");
    run_until(e->pinged || e->closed);
    assert_true(e->pinged);
}

static inline void backend_call(struct end *e)
{
    struct error err;
    *e = (struct end){0};
    if (agent_channel_open(rig.container, &end_events, e, &e->channel, &err))
        fail_msg("%s", err.message);
}

/* ---- rig ---- */

static inline struct container *container_make(void)
{
    Sockerless__Container view = SOCKERLESS__CONTAINER__INIT;
    Sockerless__ContainerConfig config = SOCKERLESS__CONTAINER_CONFIG__INIT;
    Sockerless__HostOptions host = SOCKERLESS__HOST_OPTIONS__INIT;
    char id[ID_HEX_LEN + 1];
    id_new(id);
    view.id = id;
    view.name = (char *)"web";
    view.path = (char *)"true";
    view.state = SOCKERLESS__CONTAINER_STATE__RUNNING;
    view.config = &config;
    view.host = &host;
    struct container *c = container_new(&rig.backend, &view);
    container_run_begin(c);
    container_table_add(&rig.backend.containers, c);
    return c;
}

static inline int fixture_setup(void **state)
{
    struct error err;
    (void)state;
    memset(&rig, 0, sizeof rig);
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    log_open("test", LOG_ERROR);
    assert_int_equal(loop_init(&rig.loop, &err), 0);
    uv_timer_init(&rig.loop.uv, &rig.guard);
    snprintf(rig.url, sizeof rig.url, "ws://127.0.0.1:%d/agents", free_port());
    rig.config.callback_url = rig.config.callback_listen = rig.url;
    rig.driver.name = "fake";
    rig.backend.loop = &rig.loop;
    rig.backend.driver = &rig.driver;
    rig.backend.config = &rig.config;
    container_table_init(&rig.backend.containers);
    if (reverse_agents_open(&rig.backend, &rig.backend.reverse, &err))
        fail_msg("%s", err.message);
    assert_non_null(rig.backend.reverse);
    rig.container = container_make();
    return 0;
}

static inline int fixture_teardown(void **state)
{
    (void)state;
    agent_link_drop(rig.container);
    reverse_agents_close(rig.backend.reverse);
    channel_abort_all(&rig.loop);
    run_until(!rig.loop.channels && co_live(&rig.loop) == 0);
    container_table_fini(&rig.backend.containers);
    uv_close((uv_handle_t *)&rig.guard, NULL);
    loop_fini(&rig.loop);
    return 0;
}

#endif
