/* SPDX-License-Identifier: Apache-2.0
 *
 * One byte session with the backend: attach, exec, logs, wait, pull and the like. Loop thread only.
 */
#ifndef SOCKERLESS_FRONTEND_BACKEND_STREAM_H
#define SOCKERLESS_FRONTEND_BACKEND_STREAM_H

#include "frontend/rpc/backend_client.h"

#include <stdbool.h>

struct backend_stream;

/* opened() at most once, then frame() for everything else; ended() after FRAME_END, or failed()
 * when the backend refused, broke off or could not be reached. ended() or failed() comes exactly
 * once and last, never from inside backend_stream_open(). */
struct backend_stream_events {
    void (*opened)(void *owner, const Sockerless__StreamOpened *opened);
    void (*frame)(void *owner, const struct frame *f);
    void (*drained)(void *owner);
    void (*ended)(void *owner);
    void (*failed)(void *owner, const struct error *err);
};

/* Sends StreamOpen at once. The stream frees itself after its last event. */
int backend_stream_open(struct backend_client *b, const Sockerless__StreamOpen *open,
                        const struct backend_stream_events *events, void *owner,
                        struct backend_stream **out, struct error *err) MUST_CHECK;
/* False: stop until drained(). */
bool backend_stream_send(struct backend_stream *s, uint8_t type, const void *bytes, size_t len);
/* FRAME_STDIN, in as many pieces as it takes. */
bool backend_stream_send_stdin(struct backend_stream *s, const char *bytes, size_t len);
void backend_stream_pause(struct backend_stream *s);
void backend_stream_resume(struct backend_stream *s);
/* The owner is done: no event comes any more. All that it sent is still delivered; then the session
 * ends. The backend's session has to answer FRAME_END, as attach and exec do. */
void backend_stream_leave(struct backend_stream *s);
/* The owner is done: no event comes any more and the session is cut. */
void backend_stream_abandon(struct backend_stream *s);

#endif
