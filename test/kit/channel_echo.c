/* SPDX-License-Identifier: Apache-2.0
 * A channel's end that sends back; see channel_echo.h. */
#include "test/kit/channel_echo.h"

#include "base/alloc.h"

struct channel_echoes channel_echoes;

static void on_frame(void *owner, const struct frame *f)
{
    struct channel_echo *e = owner;
    e->received += f->len;
    if (f->type == FRAME_END)
        channel_end(e->channel);
    else if (!channel_send(e->channel, f->type, f->payload, f->len))
        channel_pause(e->channel);
}

static void on_drained(void *owner)
{
    channel_resume(((struct channel_echo *)owner)->channel);
}

static void on_closed(void *owner, const struct error *why)
{
    channel_echoes.closed++;
    channel_echoes.failed += why != NULL;
    if (channel_echoes.last == owner)
        channel_echoes.last = NULL;
    free(owner);
}

void channel_echo_start(struct channel *c)
{
    static const struct channel_events events = {on_frame, on_drained, on_closed};
    struct channel_echo *e = NEW(struct channel_echo);
    e->channel = c;
    channel_echoes.last = e;
    channel_start(c, &events, e);
}
