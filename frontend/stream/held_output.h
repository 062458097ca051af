/* SPDX-License-Identifier: Apache-2.0
 *
 * Held output: what a hijacked stream sends first waits here until the client has read the answer's
 * head. Some clients (docker-py among them) read the head through a buffer and then use the socket
 * itself: stream bytes that share a read with the head are lost for them.
 *
 * The wait is asked of the kernel (http/peer_queue.h) after 1 ms and then in steps of an eighth of
 * the time that the client has taken so far, so a fast client loses a millisecond and a slow one an
 * eighth. It ends after HELD_OUTPUT_MAX_MS in any case. Of a client on another host only the
 * acknowledgement is seen; its program gets HELD_OUTPUT_RECEIVED_MS to read what arrived.
 *
 * TLS would not need this: a read of a TLS stream returns bytes of one record.
 */
#ifndef SOCKERLESS_FRONTEND_HELD_OUTPUT_H
#define SOCKERLESS_FRONTEND_HELD_OUTPUT_H

#include "frontend/http/http_conn.h"

#include <stdbool.h>
#include <uv.h>

enum { HELD_OUTPUT_MAX_MS = 30 * 1000, HELD_OUTPUT_RECEIVED_MS = 20 };

struct held_output;

/* Call when the head was written. released: the client has read it, and what was held has been
 * written; room as http_conn_write() says. conn: borrowed. */
struct held_output *held_output_new(struct http_conn *conn,
                                    void (*released)(void *owner, bool room), void *owner);
/* Drops what is held. NULL is fine. */
void held_output_free(struct held_output *o);

/* False: nothing has to wait (any more), and the caller writes by itself. */
bool held_output_waits(struct held_output *o);
/* Something is held. */
bool held_output_any(const struct held_output *o);
/* Takes a copy. False: that is enough for now, pause until released(). */
bool held_output_add(struct held_output *o, const uv_buf_t *bufs, unsigned count);

#endif
