/* SPDX-License-Identifier: Apache-2.0
 *
 * A transport (transport.h) over a stream of nng's: ipc://, tcp://, and ws:// as its client or as
 * the agent's server.
 */
#ifndef SOCKERLESS_IPC_NNG_TRANSPORT_H
#define SOCKERLESS_IPC_NNG_TRANSPORT_H

#include "ipc/transport.h"
#include "loop/loop.h"

#include <nng/nng.h>

/* Takes the stream. `websocket`: it is one of nng's WebSocket streams. `freed` (may be NULL) is
 * called with `arg` when the transport and its stream are gone. */
struct transport *nng_transport_new(struct loop *l, nng_stream *stream, bool websocket,
                                    void (*freed)(void *arg), void *arg);

#endif
