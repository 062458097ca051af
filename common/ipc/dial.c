/* SPDX-License-Identifier: Apache-2.0
 * Connecting; see dial.h. The object goes when the owner has let go of it, its timer is closed and
 * nng has told how the dial ended. */
#include "ipc/dial.h"

#include "base/alloc.h"
#include "base/log.h"
#include "ipc/nng_op.h"

#include <stdlib.h>

enum { STOP_PATIENCE_MS = 2000 }; /* how long a dial that was told to end may take for it */

struct dial {
    struct loop *loop;
    nng_stream_dialer *dialer;
    struct nng_op op;
    uv_timer_t timer; /* the time limit, then that of the stop */
    bool timer_closed, freed;
    bool stopping, late; /* late: because of the time limit */
    bool lost;           /* done() was called without a word from nng */
    struct dial *next;   /* in lost_dials */
    dial_done done;
    void *owner;
};

static struct dial *lost_dials;

static void dial_maybe_free(struct dial *d)
{
    if (!d->freed || !d->timer_closed || d->op.pending)
        return;
    nng_op_fini(&d->op);
    nng_stream_dialer_free(d->dialer);
    free(d);
}

static void lost_leave(struct dial *d)
{
    struct dial **at = &lost_dials;
    while (*at != d)
        at = &(*at)->next;
    *at = d->next;
    d->loop->outside++; /* it was not counted any more */
}

static void on_over(struct nng_op *op)
{
    struct dial *d = CONTAINER_OF(op, struct dial, op);
    int rc = nng_aio_result(op->aio);
    nng_stream *stream = rc ? NULL : nng_aio_get_output(op->aio, 0);
    if (!d->lost) {
        uv_timer_stop(&d->timer);
        d->done(d->owner, rc && d->late ? NNG_ETIMEDOUT : rc, stream);
        return;
    }
    lost_leave(d);
    if (stream)
        nng_stream_free(stream);
    dial_maybe_free(d);
}

static void on_stop_ignored(uv_timer_t *timer)
{
    struct dial *d = timer->data;
    log_warn("a connection that was given up does not end");
    d->lost = true;
    d->next = lost_dials;
    lost_dials = d;
    d->loop->outside--;
    d->done(d->owner, NNG_ETIMEDOUT, NULL);
}

static void timer_set(struct dial *d, uv_timer_cb cb, int64_t ms)
{
    uv_update_time(&d->loop->uv);
    uv_timer_start(&d->timer, cb, (uint64_t)ms, 0);
}

void dial_stop(struct dial *d)
{
    if (d->stopping)
        return;
    d->stopping = true;
    timer_set(d, on_stop_ignored, STOP_PATIENCE_MS);
    nng_stream_dialer_close(d->dialer);
}

static void on_late(uv_timer_t *timer)
{
    struct dial *d = timer->data;
    d->late = true;
    dial_stop(d);
}

struct dial *dial_start(struct loop *l, nng_stream_dialer *dialer, int64_t timeout_ms,
                        dial_done done, void *owner)
{
    struct dial *d = NEW(struct dial);
    struct error err;
    d->loop = l;
    d->dialer = dialer;
    d->done = done;
    d->owner = owner;
    if (nng_op_init(&d->op, l, on_over, &err))
        abort(); /* nng_aio_alloc fails only without memory */
    uv_timer_init(&l->uv, &d->timer);
    d->timer.data = d;
    timer_set(d, on_late, timeout_ms);
    nng_stream_dialer_dial(dialer, nng_op_begin(&d->op));
    return d;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct dial *d = handle->data;
    d->timer_closed = true;
    dial_maybe_free(d);
}

void dial_free(struct dial *d)
{
    d->freed = true;
    uv_close((uv_handle_t *)&d->timer, on_timer_closed);
}
