/* SPDX-License-Identifier: Apache-2.0
 * Output behind a head that was not read yet; see held_output.h. Owned by hijack.c. */
#include "frontend/stream/held_output.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/timefmt.h"
#include "frontend/http/http_out.h"

struct held_output {
    struct http_conn *conn;
    void (*released)(void *owner, bool room);
    void *owner;
    struct buf bytes;
    uv_timer_t timer;
    int64_t head_ms;     /* when the head was written */
    int64_t received_ms; /* the peer's kernel has it since then; 0: not yet */
    bool head_taken;
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void held_output_free(struct held_output *o)
{
    if (!o)
        return;
    buf_free(&o->bytes);
    uv_close((uv_handle_t *)&o->timer, on_closed);
}

struct held_output *held_output_new(struct http_conn *conn,
                                    void (*released)(void *owner, bool room), void *owner)
{
    struct held_output *o = NEW(struct held_output);
    *o = (struct held_output){
        .conn = conn, .released = released, .owner = owner, .head_ms = time_mono_ms()};
    uv_timer_init(&http_conn_loop(conn)->uv, &o->timer);
    o->timer.data = o;
    return o;
}

static bool head_is_taken(struct held_output *o, int64_t now_ms)
{
    switch (http_conn_peer_queue(o->conn)) {
    case PEER_QUEUE_READ: return true;
    case PEER_QUEUE_RECEIVED:
        if (!o->received_ms)
            o->received_ms = now_ms;
        return now_ms - o->received_ms >= HELD_OUTPUT_RECEIVED_MS;
    case PEER_QUEUE_UNREAD: break;
    }
    return false;
}

static void look_again_later(struct held_output *o, int64_t now_ms);

static void on_timer(uv_timer_t *timer)
{
    struct held_output *o = timer->data;
    int64_t now_ms = time_mono_ms();
    if (now_ms - o->head_ms < HELD_OUTPUT_MAX_MS && !head_is_taken(o, now_ms)) {
        look_again_later(o, now_ms);
        return;
    }
    o->head_taken = true;
    uv_buf_t piece = uv_buf_init(o->bytes.data, (unsigned)o->bytes.len);
    bool room = http_conn_write(o->conn, &piece, 1, true);
    buf_free(&o->bytes);
    o->released(o->owner, room); /* may free it */
}

static void look_again_later(struct held_output *o, int64_t now_ms)
{
    int64_t pause_ms = (now_ms - o->head_ms) / 8;
    if (o->received_ms && pause_ms > HELD_OUTPUT_RECEIVED_MS)
        pause_ms = HELD_OUTPUT_RECEIVED_MS;
    uv_timer_start(&o->timer, on_timer, (uint64_t)(pause_ms > 1 ? pause_ms : 1), 0);
}

bool held_output_waits(struct held_output *o)
{
    if (!o->head_taken && !o->bytes.len)
        o->head_taken = head_is_taken(o, time_mono_ms());
    return !o->head_taken;
}

bool held_output_any(const struct held_output *o)
{
    return o->bytes.len > 0;
}

bool held_output_add(struct held_output *o, const uv_buf_t *bufs, unsigned count)
{
    if (!o->bytes.len)
        look_again_later(o, time_mono_ms());
    for (unsigned i = 0; i < count; i++)
        buf_append(&o->bytes, bufs[i].base, bufs[i].len);
    return o->bytes.len < HTTP_OUT_HIGH_WATER;
}
