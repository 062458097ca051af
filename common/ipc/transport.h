/* SPDX-License-Identifier: Apache-2.0
 *
 * Transport: the byte stream under a channel. Two kinds: a stream of nng's (nng_transport.h) and a
 * WebSocket connection that our own listener has accepted (ws_transport.h). Used by channel.c only.
 *
 * At most one receive and one send are under way. Each ends exactly once: by received() or sent(),
 * which come from the loop and never from inside a call, or, a send only, by collect(). close()
 * ends both soon; free() is allowed when neither is under way, and is the last call.
 */
#ifndef SOCKERLESS_IPC_TRANSPORT_H
#define SOCKERLESS_IPC_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct transport;

enum transport_status {
    TRANSPORT_OK,
    TRANSPORT_CLOSED,  /* by the peer, or by close() */
    TRANSPORT_STOPPED, /* by receive_stop() */
    TRANSPORT_TIMED_OUT,
    TRANSPORT_FAILED,
};

struct transport_result {
    enum transport_status status;
    size_t count;    /* bytes moved; a send may move fewer than it was given */
    bool more;       /* receive: the room was too small for what had arrived */
    const char *why; /* TRANSPORT_TIMED_OUT and TRANSPORT_FAILED; borrowed for the call */
};

enum { TRANSPORT_NO_TIMEOUT = -1 };

struct transport_send {
    const void *bytes; /* borrowed until the send has ended */
    size_t len;
    int64_t timeout_ms;
    bool quiet; /* success need not be told: it is found by collect(), or asked for by watch() */
};

struct transport_ops {
    void (*receive)(struct transport *t, void *to, size_t room, int64_t timeout_ms);
    void (*receive_stop)(struct transport *t); /* harmless when it has ended already */
    void (*send)(struct transport *t, const struct transport_send *send);
    /* True: the send has ended, sent() will not be called for it. */
    bool (*collect)(struct transport *t, struct transport_result *result);
    void (*watch)(struct transport *t); /* sent() shall be called after all */
    void (*close)(struct transport *t);
    void (*free)(struct transport *t);
};

struct transport {
    const struct transport_ops *ops;
    bool receiving, sending; /* under way */
    void *owner;
    void (*received)(void *owner, const struct transport_result *result);
    void (*sent)(void *owner, const struct transport_result *result);
};

#endif
