/* SPDX-License-Identifier: Apache-2.0
 *
 * An accepted TCP connection on the loop, with TLS if the listener has it: bytes in, bytes out.
 * Belongs to ws_listener.c while it is pending and to ws_transport.c afterwards.
 *
 * Nothing is read unless it was asked for, so that the kernel stops a peer that is too fast. One
 * read and one write at most are under way.
 */
#ifndef SOCKERLESS_IPC_WS_SOCKET_H
#define SOCKERLESS_IPC_WS_SOCKET_H

#include "ipc/tls_server.h"
#include "loop/loop.h"

struct ws_socket;

/* All of them come from the loop. After ws_socket_close() only closed() does. */
struct ws_socket_events {
    void (*read)(void *owner, ssize_t n); /* bytes, or libuv's error: UV_EOF … */
    void (*written)(void *owner, int rc); /* 0 or libuv's error */
    void (*closed)(void *owner);          /* the socket is gone when this has returned */
};

/* Takes the descriptor. tls: NULL, or borrowed for this call. NULL with *err. */
struct ws_socket *ws_socket_open(struct loop *l, int fd, struct tls_server *tls, struct error *err);
void ws_socket_own(struct ws_socket *s, const struct ws_socket_events *events, void *owner);

/* One read() follows. */
void ws_socket_read(struct ws_socket *s, void *to, size_t room);
void ws_socket_read_stop(struct ws_socket *s); /* or none */

enum { WS_SOCKET_BUFS_MAX = 2 };
/* 1: all is written. 0: the bytes stay borrowed until written(). Else libuv's error. */
int ws_socket_write(struct ws_socket *s, const uv_buf_t *bufs, unsigned count);

uint64_t ws_socket_received(const struct ws_socket *s); /* bytes from the network so far */
/* A peer's host that vanishes is noticed after a minute. */
void ws_socket_keep_alive(struct ws_socket *s);
void ws_socket_close(struct ws_socket *s); /* what is written goes out, if the peer reads */

#endif
