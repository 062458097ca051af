/* SPDX-License-Identifier: Apache-2.0
 *
 * What listener_guard.c asks the kernel about a TCP connection. Apart because the kernel's header,
 * which knows all of struct tcp_info, does not go together with libuv's.
 */
#ifndef SOCKERLESS_IPC_TCP_SOCKET_H
#define SOCKERLESS_IPC_TCP_SOCKET_H

#include <stdint.h>

/* An integer option, -1 when there is none. */
int tcp_socket_option(int fd, int level, int name);
/* Bytes the peer has sent so far; 0 when the kernel does not say. */
uint64_t tcp_socket_received(int fd);
/* With SO_KEEPALIVE: a peer's host that vanishes is noticed after a minute, not after the hours
 * that are the kernel's own limit. */
void tcp_socket_keep_alive(int fd);

#endif
