/* SPDX-License-Identifier: Apache-2.0
 *
 * A WebSocket client that does what none should: for tests of listeners that anybody may connect
 * to. Plain sockets, no library; every mask is zero, so that payloads are sent as they are.
 */
#ifndef SOCKERLESS_TEST_RAW_WS_H
#define SOCKERLESS_TEST_RAW_WS_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <uv.h>

#include "test/kit/free_port.h"

enum { WS_CONTINUED = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_FIN = 0x80 };

static inline int raw_connect(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                            .sin_port = htons((uint16_t)port)};
    struct timeval limit = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return fd;
}

/* False: the other side has closed. */
static inline bool raw_send(int fd, const void *bytes, size_t len)
{
    return send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* What there is to read is read and forgotten; true at the connection's end. */
static inline bool raw_ended(int fd)
{
    char buf[4096];
    ssize_t n;
    do
        n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
    while (n > 0);
    return n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

/* The handshake as `authorization` and `more` (header lines) have it. */
static inline bool raw_request(int fd, const char *path, const char *authorization,
                               const char *more)
{
    char head[4096];
    int n = snprintf(
        head, sizeof head,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Authorization: %s\r\n%s\r\n",
        path, authorization, more);
    return raw_send(fd, head, (size_t)n);
}

/* The head of the answer, read while the listener's loop turns; its status, 0: there was none. */
static inline int raw_answer(uv_loop_t *loop, int fd)
{
    char answer[4096] = "";
    int status = 0;
    uint64_t until = uv_hrtime() + 10ULL * 1000 * 1000 * 1000;
    for (size_t got = 0; got < sizeof answer - 1 && !strstr(answer, "\r\n\r\n");) {
        assert_true(uv_hrtime() < until);
        uv_run(loop, UV_RUN_NOWAIT);
        ssize_t one = recv(fd, answer + got, 1, MSG_DONTWAIT); /* not the frames that follow */
        if (one == 0 || (one < 0 && errno != EAGAIN && errno != EWOULDBLOCK))
            return 0;
        got += one > 0 ? (size_t)one : 0;
    }
    return sscanf(answer, "HTTP/1.1 %d", &status) == 1 ? status : 0;
}

static inline int raw_handshake(uv_loop_t *loop, int fd, const char *path,
                                const char *authorization, const char *more)
{
    return raw_request(fd, path, authorization, more) ? raw_answer(loop, fd) : 0;
}

/* A frame that says it has `claimed` bytes and has `len`. */
static inline bool raw_frame(int fd, unsigned first, uint64_t claimed, const void *payload,
                             size_t len)
{
    unsigned char head[14] = {(unsigned char)first};
    size_t n = 2;
    if (claimed < 126) {
        head[1] = (unsigned char)(0x80 | claimed);
    } else if (claimed <= UINT16_MAX) {
        head[1] = 0x80 | 126;
        head[2] = (unsigned char)(claimed >> 8);
        head[3] = (unsigned char)claimed;
        n = 4;
    } else {
        head[1] = 0x80 | 127;
        for (int i = 0; i < 8; i++)
            head[2 + i] = (unsigned char)(claimed >> (56 - 8 * i));
        n = 10;
    }
    return raw_send(fd, head, n + 4) && (len == 0 || raw_send(fd, payload, len));
}

#endif
