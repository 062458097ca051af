/* SPDX-License-Identifier: Apache-2.0
 *
 * The output queue of one stream: small pieces are collected until the owner flushes, big ones try
 * the kernel first. It is independent of HTTP.
 */
#ifndef SOCKERLESS_FRONTEND_HTTP_OUT_H
#define SOCKERLESS_FRONTEND_HTTP_OUT_H

#include "base/buf.h"
#include "frontend/http/peer_queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

enum { HTTP_OUT_HIGH_WATER = 256 * 1024, HTTP_OUT_LOW_WATER = 64 * 1024 };

struct http_out {
    uv_stream_t *stream; /* borrowed */
    /* Something is collected, was written, has drained or broke: the owner looks at the fields and
     * calls http_out_flush() before the loop polls. */
    void (*wake)(void *arg);
    void *arg;
    struct buf queued;
    struct buf writing; /* in libuv's hands */
    uv_write_t request;
    bool busy;    /* a uv_write() is under way */
    bool broken;  /* nothing can be written any more */
    bool is_high; /* above high water, and not yet below low water again */
    bool drained; /* that has just changed; the owner resets it */
};

void http_out_init(struct http_out *o, uv_stream_t *stream, void (*wake)(void *arg), void *arg);
/* After the stream was closed. */
void http_out_fini(struct http_out *o);
/* False: above high water, wait for `drained`. Bytes are accepted in any case. `now`: do not
 * collect. */
bool http_out_write(struct http_out *o, const uv_buf_t *bufs, unsigned count, bool now);
void http_out_flush(struct http_out *o);
/* Bytes that the kernel has not taken. */
size_t http_out_queued(const struct http_out *o);
/* Bytes that the peer has not read yet, as far as the kernel tells; 0 when unknown. */
size_t http_out_unread_by_peer(const struct http_out *o);
/* Whether the peer has read all that was written; a stream that is broken has nothing to wait for.
 */
enum peer_queue http_out_peer_queue(const struct http_out *o);

#endif
