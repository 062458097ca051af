/* SPDX-License-Identifier: Apache-2.0
 *
 * Strangers at a ws:// listener that is open to a network. nng's HTTP server gives a connection any
 * time, any number of header lines and any number of companions before its handshake is over, and
 * says nothing of it. The guard finds such sockets among the process's own and shuts them: after
 * the time limit, after more bytes than a handshake has, and the oldest when there are too many.
 * nng then sees a peer that has left.
 */
#ifndef SOCKERLESS_IPC_LISTENER_GUARD_H
#define SOCKERLESS_IPC_LISTENER_GUARD_H

#include "base/error.h"
#include "loop/loop.h"

#include <nng/nng.h>

struct listener_guard;

struct listener_guard_limits {
    int64_t handshake_ms;   /* 0: no guard is wanted */
    unsigned strangers_max; /* before their handshake at once */
};

/* `address`: where is listened. */
int listener_guard_open(struct loop *l, const nng_sockaddr *address,
                        const struct listener_guard_limits *limits, struct listener_guard **out,
                        struct error *err) MUST_CHECK;
/* Its handshake is over and it was let in. From now on its host's silence is noticed by TCP. False:
 * it is gone already. */
bool listener_guard_admit(nng_stream *stream) MUST_CHECK;
/* NULL is fine. It goes away by itself, later on the loop. */
void listener_guard_close(struct listener_guard *g);

#endif
