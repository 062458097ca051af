/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kit/reverse_rig.h"

#include "backend/agent/agent_channel.h"
#include "backend/agent/agent_link.h"

struct container *rig_container;

struct container *container_make(void)
{
    struct container *c =
        rig_container_add((struct rig_container){.state = SOCKERLESS__CONTAINER_STATE__RUNNING});
    container_run_begin(c);
    return c;
}

static int open_with(unsigned more)
{
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    backend_rig_open(RIG_REVERSE_AGENTS | more);
    rig_container = container_make();
    return 0;
}

int reverse_rig_setup(void **state)
{
    (void)state;
    return open_with(0);
}

int stored_reverse_rig_setup(void **state)
{
    (void)state;
    return open_with(RIG_STORE);
}

int stored_reverse_rig_teardown(void **state)
{
    return reverse_rig_teardown(state);
}

int reverse_rig_teardown(void **state)
{
    agent_link_drop(rig_container);
    return backend_rig_teardown(state);
}

/* ---- ends ---- */

static void end_frame(void *owner, const struct frame *f)
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

static void end_closed(void *owner, const struct error *why)
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

const struct channel_events end_events = {.frame = end_frame, .closed = end_closed};

void end_close(struct end *e)
{
    if (e->channel)
        channel_abort(e->channel);
    run_until(!e->channel);
    buf_free(&e->got);
}

void end_close_list(struct end *const *ends)
{
    for (; *ends; ends++)
        end_close(*ends);
}

void end_dial_as(struct end *e, const char *id, const char *token, const char *session)
{
    char bearer[CALLBACK_TEXT_SIZE];
    struct channel_options options = {.bearer_token = bearer};
    struct error err;
    *e = (struct end){0};
    callback_token_write(bearer, id, token, session);
    assert_int_equal(
        channel_dial(&rig.loop, rig.agents_url, &options, &end_events, e, &e->channel, &err), 0);
}

void end_dial(struct end *e, const char *session)
{
    end_dial_as(e, rig_container->id, rig_container->agent_token, session);
}

void end_line(struct end *e)
{
    end_dial(e, "");
    run_until(e->pinged || e->closed);
    assert_true(e->pinged);
}

void end_call(struct end *e)
{
    struct error err;
    *e = (struct end){0};
    if (agent_channel_open(rig_container, &end_events, e, &e->channel, &err))
        fail_msg("%s", err.message);
}
