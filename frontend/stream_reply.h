/* SPDX-License-Identifier: Apache-2.0
 *
 * A streaming answer fed by a backend session: logs, wait, pull. The head leaves when the backend
 * says OPENED; a refusal before that is a plain error.
 */
#ifndef SOCKERLESS_FRONTEND_STREAM_REPLY_H
#define SOCKERLESS_FRONTEND_STREAM_REPLY_H

#include "frontend/exchange.h"
#include "ipc/frame.h"

#include <uv.h>

struct stream_reply;

/* The differences between such answers. opened() starts the answer with reply_stream_begin() or
 * leaves that for later; ended() and broken() must lead to stream_reply_finish() or _cut(). */
struct stream_kind {
    void (*opened)(struct stream_reply *r, const Sockerless__StreamOpened *opened);
    void (*frame)(struct stream_reply *r, const struct frame *f);
    void (*ended)(struct stream_reply *r);
    void (*broken)(struct stream_reply *r, const struct error *err); /* after opened() */
};

struct stream_reply {
    struct exchange *x;
    const struct stream_kind *kind;
    struct backend_stream *stream; /* NULL once it ended */
    bool opened, tty, lags;
};

/* Takes over the exchange: answers it in every case. open: borrowed for the call. */
void stream_reply_start(struct exchange *x, const Sockerless__StreamOpen *open,
                        const struct stream_kind *kind);
/* One chunk; pauses the session while the client lags. */
void stream_reply_write(struct stream_reply *r, const uv_buf_t *bufs, unsigned count);
void stream_reply_puts(struct stream_reply *r, const char *bytes, size_t len);
/* End the answer, and the session if it goes on. r is gone. */
void stream_reply_finish(struct stream_reply *r);
void stream_reply_cut(struct stream_reply *r);

#endif
