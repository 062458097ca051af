/* SPDX-License-Identifier: Apache-2.0
 *
 * Channel: frames over one byte stream, on the loop. The stream is nng's (ipc://, tcp://, ws://,
 * wss://) or was accepted by ws_listener.h. Carries RPC connections, sessions between frontend and
 * backend, and sessions with agents.
 *
 * Order: channel_dial() or an accepted channel + channel_start() → frame() … → closed(), exactly
 * once and last; the channel is gone after it returned. channel_finish() ends orderly after the out
 * queue is flushed (the sender of FRAME_END or FRAME_ERROR waits up to 10 s for the peer to close
 * first, so that nothing on the way is lost; the receiver closes at once); channel_abort() at once.
 * Both lead to closed() later, never from inside the call. Backpressure: channel_send() says false
 * when the peer lags: stop until drained(); channel_pause() stops reading, and the kernel then
 * stops the peer.
 */
#ifndef SOCKERLESS_IPC_CHANNEL_H
#define SOCKERLESS_IPC_CHANNEL_H

#include "base/error.h"
#include "ipc/frame.h"
#include "loop/loop.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CHANNEL_HIGH_WATER = 768 * 1024, /* bytes queued at which channel_send() says false */
    CHANNEL_LOW_WATER = 256 * 1024,  /* … and at which drained() is called afterwards */
};

struct channel;

struct channel_events {
    void (*frame)(void *owner, const struct frame *f);    /* f borrowed for the call */
    void (*drained)(void *owner);                         /* may be NULL */
    void (*closed)(void *owner, const struct error *why); /* why NULL: peer or we ended orderly */
};

struct channel_options {
    size_t payload_max;         /* 0: FRAME_SESSION_MAX */
    size_t queue_max;           /* bytes; a sender that ignores false is cut off here; 0: 80 MiB */
    int64_t connect_timeout_ms; /* 0: 5,000 */
    const char *bearer_token;   /* ws dial: Authorization: Bearer … */
    void *tls;                  /* dial: nng_tls_config *, borrowed; NULL: none */
    /* Listening on ws://: the request's Authorization header ("" if none) decides; on_accept
     * follows at once for a connection that it accepts. NULL: all are accepted. */
    bool (*authorize)(void *owner, const char *authorization);
    unsigned channels_max; /* listening: accepted at once, more are refused; 0: 16,384 */
};

/* Connects in the background; frames sent meanwhile are queued; failure arrives as closed(why),
 * ERROR_FORBIDDEN when a WebSocket server has refused the token. -1 only for a malformed url. */
int channel_dial(struct loop *l, const char *url, const struct channel_options *options,
                 const struct channel_events *events, void *owner, struct channel **out,
                 struct error *err) MUST_CHECK;

/* An accepted channel does nothing until it is started. Calling it again hands the channel to
 * another owner; with events NULL nothing is delivered and the end is not reported. */
void channel_start(struct channel *c, const struct channel_events *events, void *owner);

/* Copies the payload. False: above CHANNEL_HIGH_WATER (it is queued nevertheless). */
bool channel_send(struct channel *c, uint8_t type, const void *payload, size_t len);
/* Same for a protobuf message; `prefix` (may be NULL) goes before it in the payload. */
bool channel_send_message(struct channel *c, uint8_t type, const void *prefix, size_t prefix_len,
                          const ProtobufCMessage *message);
/* FRAME_ERROR with err, then channel_finish(). */
void channel_fail(struct channel *c, const struct error *err);
/* FRAME_END, then channel_finish(): a good end, said by either side. All that was sent before it is
 * heard, which a mere close does not promise. */
void channel_end(struct channel *c);

bool channel_writable(const struct channel *c); /* below high water */
void channel_pause(struct channel *c);          /* no frame() until resumed; nestable not */
void channel_resume(struct channel *c);
void channel_finish(struct channel *c);
void channel_abort(struct channel *c);

/* A channel that the peer will bring the stream for: what is sent meanwhile is queued. *slot is the
 * channel until it is adopted, given up or closed, then NULL; it must stay where it is so long. */
void channel_await(struct loop *l, const struct channel_options *options,
                   const struct channel_events *events, void *owner, struct channel **slot);
/* Gives the awaiting channel the stream of one that was accepted and never started; that one is
 * gone then. */
void channel_adopt(struct channel *awaiting, struct channel *accepted);
/* It will not be delivered: closed(why). */
void channel_give_up(struct channel *awaiting, const struct error *why);

/* channel_abort() for every channel of the loop: the end of a daemon. */
void channel_abort_all(struct loop *l);

/* ---- listening ---- */
struct channel_listener;
/* nng listens; for ws:// that is open to a network see ws_listener.h. url with tcp port 0 is
 * allowed. on_accept owns the channel and must start or abort it. For ipc a stale socket file is
 * replaced and the mode set to 0660. */
int channel_listen(struct loop *l, const char *url, const struct channel_options *options,
                   void (*on_accept)(void *owner, struct channel *c), void *owner,
                   struct channel_listener **out, struct error *err) MUST_CHECK;
/* Stops accepting; the listener is freed later on the loop. */
void channel_listener_close(struct channel_listener *l);

#endif
