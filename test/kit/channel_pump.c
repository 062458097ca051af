/* SPDX-License-Identifier: Apache-2.0
 * A channel's end that sends many bytes; see channel_pump.h. */
#include "test/kit/channel_pump.h"

#include "loop/loop.h"
#include "proto/sockerless.pb-c.h"
#include "test/kit/test.h"

#include <stdio.h>

void channel_pump_more(struct channel_pump *p)
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

static void on_frame(void *owner, const struct frame *f)
{
    struct channel_pump *p = owner;
    if (f->type == FRAME_ERROR) {
        Sockerless__Error *e = sockerless__error__unpack(NULL, f->len, f->payload);
        snprintf(p->error, sizeof p->error, "%d %s", (int)e->code, e->message);
        sockerless__error__free_unpacked(e, NULL);
    }
    if (f->type == FRAME_END || f->type == FRAME_ERROR)
        channel_finish(p->channel); /* the receiver of the last frame closes */
    if (f->type != FRAME_STDIN)
        return;
    for (size_t i = 0; i < f->len; i++)
        p->sum_received = p->sum_received * 33 + f->payload[i];
    p->received += f->len;
}

static void on_drained(void *owner)
{
    channel_pump_more(owner);
}

static void on_closed(void *owner, const struct error *why)
{
    struct channel_pump *p = owner;
    p->ended = true;
    snprintf(p->why, sizeof p->why, "%s", why ? why->message : "");
    if (p->loop)
        loop_stop(p->loop);
}

const struct channel_events channel_pump_events = {on_frame, on_drained, on_closed};

void channel_pump_check(const struct channel_pump *p)
{
    assert_int_equal(p->received, p->to_send);
    assert_int_equal(p->sum_received, p->sum_sent);
}
