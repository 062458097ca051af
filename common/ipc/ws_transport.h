/* SPDX-License-Identifier: Apache-2.0
 *
 * A transport (transport.h) over a WebSocket connection that ws_listener.c has accepted: the
 * server's end, whose client is an agent. Binary messages carry the byte stream.
 */
#ifndef SOCKERLESS_IPC_WS_TRANSPORT_H
#define SOCKERLESS_IPC_WS_TRANSPORT_H

#include "ipc/transport.h"
#include "ipc/ws_socket.h"

/* Takes the socket, on which the opening handshake is over. `freed` is called with `arg` when both
 * are gone. */
struct transport *ws_transport_new(struct loop *l, struct ws_socket *s, void (*freed)(void *arg),
                                   void *arg);

#endif
