/* SPDX-License-Identifier: Apache-2.0
 * The log session; see session_log.h. Sends from the ring of log_tee.c, which is its only buffer.
 */
#include "agent/session_log.h"

#include "agent/workload.h"
#include "base/alloc.h"

struct log_session {
    struct log_ring_cursor at;
    bool lags;
};

static const struct log_ring *ring_of(const struct session *s)
{
    return log_tee_ring(main_process_tee(s->workload->main));
}

static void send_records(struct session *s)
{
    struct log_session *state = s->state;
    const struct log_ring *ring = ring_of(s);
    AUTO(buf) struct buf batch = BUF_INIT;
    if (state->at.number < log_ring_first(ring))
        state->at.number = log_ring_first(ring);
    while (!state->lags && log_ring_batch(ring, &state->at, &batch)) {
        state->lags = !channel_send(s->channel, FRAME_LOG, batch.data, batch.len);
        buf_clear(&batch);
    }
    if (state->at.number == log_ring_end(ring) && main_process_ended_p(s->workload->main))
        session_end(s, NULL);
}

static int log_open(struct session *s, const Sockerless__StreamOpen *open, struct error *err)
{
    const struct log_ring *ring = ring_of(s);
    uint64_t from = open->agent_log->from;
    Sockerless__StreamOpened opened = SOCKERLESS__STREAM_OPENED__INIT;
    if (from > log_ring_end(ring))
        return error_set(err, ERROR_INVALID_PARAMETER, "the log has no record %llu yet",
                         (unsigned long long)from);
    struct log_session *state = NEW(struct log_session);
    state->at.number = from > log_ring_first(ring) ? from : log_ring_first(ring);
    s->state = state;
    opened.log_first = state->at.number;
    opened.log_end = log_ring_end(ring);
    channel_send_message(s->channel, FRAME_OPENED, NULL, 0, &opened.base);
    send_records(s);
    return 0;
}

static void log_frame(struct session *s, const struct frame *f)
{
    (void)s; /* a reader has nothing to say */
    (void)f;
}

static void log_drained(struct session *s)
{
    struct log_session *state = s->state;
    state->lags = false;
    if (!s->finished)
        send_records(s);
}

static void log_closed(struct session *s)
{
    free(STEAL(s->state));
}

const struct session_kind session_log_kind = {
    .opened_by = SOCKERLESS__STREAM_OPEN__KIND_AGENT_LOG,
    .open = log_open,
    .frame = log_frame,
    .drained = log_drained,
    .closed = log_closed,
    .main_ended = send_records,
    .recorded = send_records,
    .holds_end = true,
};
