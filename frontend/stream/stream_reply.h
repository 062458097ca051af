/* SPDX-License-Identifier: Apache-2.0
 *
 * A streaming answer fed by a backend session: logs, wait, pull, load. A refusal before the backend
 * says OPENED is a plain error. With takes_body the request's body goes into the session meanwhile.
 */
#ifndef SOCKERLESS_FRONTEND_STREAM_REPLY_H
#define SOCKERLESS_FRONTEND_STREAM_REPLY_H

#include "frontend/stream/body_stream.h"
#include "frontend/http/exchange.h"
#include "ipc/frame.h"

#include <uv.h>

struct stream_reply;

/* The differences between such answers. opened() starts the answer with reply_stream_begin() or
 * leaves that for later; ended() and broken() must lead to stream_reply_finish(), _cut() or
 * _refuse(). */
struct stream_kind {
    void (*opened)(struct stream_reply *r, const Sockerless__StreamOpened *opened);
    void (*frame)(struct stream_reply *r, const struct frame *f);
    void (*ended)(struct stream_reply *r);
    void (*broken)(struct stream_reply *r, const struct error *err); /* after opened() */
    bool takes_body;
};

struct stream_reply {
    struct exchange *x;
    const struct stream_kind *kind;
    struct backend_stream *stream; /* NULL once it ended */
    struct body_stream body;       /* takes_body only */
    bool opened, tty;
    bool lags; /* the client does not read as fast as the session writes */
    bool paused;
};

/* Takes over the exchange: answers it in every case. open: borrowed for the call. */
void stream_reply_start(struct exchange *x, const Sockerless__StreamOpen *open,
                        const struct stream_kind *kind);
/* One chunk; pauses the session while the client lags. While the client is still sending its body
 * the session goes on, up to STREAM_LAG_MAX bytes: many clients write all before they read, and the
 * session may take no more input while it cannot send. */
void stream_reply_write(struct stream_reply *r, const uv_buf_t *bufs, unsigned count);
void stream_reply_puts(struct stream_reply *r, const char *bytes, size_t len);
/* End the answer, and the session if it goes on. r is gone. */
void stream_reply_finish(struct stream_reply *r);
void stream_reply_cut(struct stream_reply *r);
/* A plain error, as long as the answer has not begun. */
void stream_reply_refuse(struct stream_reply *r, const struct error *err);

#endif
