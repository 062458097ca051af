/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kit/raw_ws.h"

#include "test/kit/test.h"

#include <arpa/inet.h>
#include <sys/time.h>

int raw_connect(int port)
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

bool raw_send(int fd, const void *bytes, size_t len)
{
    return send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

bool raw_ended(int fd)
{
    char buf[4096];
    ssize_t n;
    do
        n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
    while (n > 0);
    return n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

bool raw_request(int fd, const char *path, const char *authorization, const char *more)
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

int raw_answer(uv_loop_t *loop, int fd)
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

int raw_handshake(uv_loop_t *loop, int fd, const char *path, const char *authorization,
                  const char *more)
{
    return raw_request(fd, path, authorization, more) ? raw_answer(loop, fd) : 0;
}

bool raw_frame(int fd, unsigned first, uint64_t claimed, const void *payload, size_t len)
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
