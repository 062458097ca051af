/* SPDX-License-Identifier: Apache-2.0
 *
 * Peer queue: whether the program at the other end of a stream socket has read what was sent to it,
 * as far as the kernel tells.
 *
 *   unix socket          SIOCOUTQ counts what the peer has not read: exact.
 *   TCP, same host       SIOCOUTQ counts what is not acknowledged, and the kernel's socket
 *                        diagnostics (sock_diag(7)) tell the receive queue of the peer's socket:
 *                        exact.
 *   TCP, another host    only the acknowledgement, that is the peer's kernel, is known.
 */
#ifndef SOCKERLESS_FRONTEND_PEER_QUEUE_H
#define SOCKERLESS_FRONTEND_PEER_QUEUE_H

#include <stddef.h>

enum peer_queue {
    PEER_QUEUE_UNREAD,
    PEER_QUEUE_READ,
    PEER_QUEUE_RECEIVED, /* by the peer's kernel; whether the program has read it is not known */
};

/* fd: a connected unix or TCP stream socket. Does not block. */
enum peer_queue peer_queue_look(int fd);

/* Bytes that the kernel still holds for the peer (SIOCOUTQ); 0 when unknown. For a unix socket with
 * the kernel's own overhead. */
size_t peer_queue_bytes(int fd);

#endif
