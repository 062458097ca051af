/* SPDX-License-Identifier: Apache-2.0
 *
 * A WebSocket client that does what none should: for tests of listeners that anybody may connect
 * to. Plain sockets, no library; every mask is zero, so that payloads are sent as they are.
 */
#ifndef SOCKERLESS_TEST_KIT_RAW_WS_H
#define SOCKERLESS_TEST_KIT_RAW_WS_H

#include "test/kit/free_port.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

enum { WS_CONTINUED = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_FIN = 0x80 };
int raw_connect(int port);

/* False: the other side has closed. */
bool raw_send(int fd, const void *bytes, size_t len);

/* What there is to read is read and forgotten; true at the connection's end. */
bool raw_ended(int fd);

/* The handshake as `authorization` and `more` (header lines) have it. */
bool raw_request(int fd, const char *path, const char *authorization, const char *more);

/* The head of the answer, read while the listener's loop turns; its status, 0: there was none. */
int raw_answer(uv_loop_t *loop, int fd);
int raw_handshake(uv_loop_t *loop, int fd, const char *path, const char *authorization,
                  const char *more);

/* A frame that says it has `claimed` bytes and has `len`. */
bool raw_frame(int fd, unsigned first, uint64_t claimed, const void *payload, size_t len);

#endif
