/* SPDX-License-Identifier: Apache-2.0
 *
 * Listening on ws:// or wss:// where any host may connect. A connection is pending until its
 * opening handshake is over and its Authorization header was accepted; until then its time, its
 * bytes and its number are limited. The process must ignore SIGPIPE. The agent's own listener,
 * which cannot link what this needs, is channel_listen().
 */
#ifndef SOCKERLESS_IPC_WS_LISTENER_H
#define SOCKERLESS_IPC_WS_LISTENER_H

#include "ipc/channel.h"

struct ws_listener;

struct ws_listener_options {
    /* Decides by the request's Authorization header ("" if none); on_accept follows at once for
     * those that it lets in. NULL: all. */
    bool (*authorize)(void *owner, const char *authorization);
    int64_t pending_ms;             /* the longest that a connection may be pending; 0: 10,000 */
    unsigned pending_max;           /* pending at once; then the oldest is closed; 0: 256 */
    unsigned channels_max;          /* accepted at once, more are refused; 0: 16,384 */
    const char *cert_pem, *key_pem; /* wss:// needs both, ws:// has neither; borrowed */
    struct channel_options channel; /* of the accepted ones: payload_max, queue_max */
};

/* on_accept owns the channel and must start, adopt or abort it. */
int ws_listen(struct loop *l, const char *url, const struct ws_listener_options *options,
              void (*on_accept)(void *owner, struct channel *c), void *owner,
              struct ws_listener **out, struct error *err) MUST_CHECK;
/* Stops accepting and closes what is pending; the listener is freed later on the loop, when its
 * channels are gone too. */
void ws_listener_close(struct ws_listener *l);

#endif
