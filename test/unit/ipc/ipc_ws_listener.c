/* SPDX-License-Identifier: Apache-2.0
 *
 * A WebSocket listener and connections that are not authenticated: silent ones, slow ones, endless
 * ones, many at once, wrong handshakes; and authorized clients in between.
 */
#include "test/kit/ws_rig.h"

#include "ipc/ws_handshake.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>

enum { CROWD = 300 };

static unsigned descriptors(void)
{
    unsigned n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static const struct ws_listener_options usual = {
    .pending_ms = WS_RIG_PENDING_MS,
    .pending_max = WS_RIG_PENDING_MAX,
};
static const struct ws_listener_options patiently = {
    .pending_ms = 10 * WS_RIG_PATIENCE_MS,
    .pending_max = WS_RIG_PENDING_MAX,
    .channels_max = 2,
};

TEST_RIG(fixture, ws_rig_open("ws", usual), ws_rig_close());
TEST_RIG(patient, ws_rig_open("ws", patiently), ws_rig_close());

/* ---- limits ---- */

TEST_USING(fixture, silent_connections_are_closed)
{
    struct ws_rig_client client;
    ws_rig_client_open(&client);
    int fd = raw_connect(ws_rig.port);
    int64_t began = time_mono_ms();
    ws_rig_until(raw_ended(fd));
    assert_true(time_mono_ms() - began >= WS_RIG_PENDING_MS - 50);
    close(fd);
    ws_rig_client_answers(&client); /* it has been here for longer, and may stay */
    ws_rig_client_close(&client);
}

/* A byte now and then: the time limit ends it, long before there are too many bytes. */
static bool slow_send(int fd, size_t *sent, int64_t began)
{
    static const char head[] = "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: a";
    if (time_mono_ms() - began < (int64_t)*sent * 5)
        return true;
    size_t at = *sent < sizeof head - 2 ? *sent : sizeof head - 2;
    *sent += 1;
    return raw_send(fd, &head[at], 1);
}

TEST_USING(fixture, slow_connections_are_closed)
{
    size_t sent = 0;
    int fd = raw_connect(ws_rig.port);
    int64_t began = time_mono_ms();
    ws_rig_until(!slow_send(fd, &sent, began) || raw_ended(fd));
    assert_true(time_mono_ms() - began >= WS_RIG_PENDING_MS - 50);
    assert_true(time_mono_ms() - began < WS_RIG_PATIENCE_MS / 2);
    assert_true(sent > 50);
    close(fd);
}

/* A request that is not a handshake, answered with 404, buys no time either. */
TEST_USING(fixture, other_requests_buy_no_time)
{
    static const char request[] = "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n";
    int fd = raw_connect(ws_rig.port);
    ws_rig_until(!raw_send(fd, request, sizeof request - 1) || raw_ended(fd));
    close(fd);
}

TEST_USING(patient, endless_heads_are_cut)
{
    enum { FAR_TOO_MUCH = 16 * 1024 * 1024 };
    static char line[4096];
    size_t sent = 0;
    memset(line, 'a', sizeof line);
    memcpy(line, "X-", 2);
    line[100] = ':';
    memcpy(line + sizeof line - 2, "\r\n", 2);
    int fd = raw_connect(ws_rig.port);
    assert_true(raw_send(fd, "GET / HTTP/1.1\r\n", 16));
    ws_rig_until(!raw_send(fd, line, sizeof line) || (sent += sizeof line) > FAR_TOO_MUCH);
    assert_true(sent < FAR_TOO_MUCH);
    close(fd);
}

TEST_USING(patient, many_at_once)
{
    int fds[CROWD];
    unsigned left = CROWD;
    struct ws_rig_client client, second;
    ws_rig_client_open(&client);
    for (int i = 0; i < CROWD; i++)
        fds[i] = raw_connect(ws_rig.port);
    int64_t until = time_mono_ms() + WS_RIG_PATIENCE_MS;
    while (!ws_rig_client_try(
        &second)) /* dials again, as agents do, when its handshake came too late */
        assert_true(time_mono_ms() < until);
    do {
        ws_rig_client_answers(&client);
        left = 0;
        for (int i = 0; i < CROWD; i++)
            left += !raw_ended(fds[i]);
        assert_true(time_mono_ms() < until);
    } while (left > WS_RIG_PENDING_MAX);
    assert_true(left > WS_RIG_PENDING_MAX / 2); /* a client counts too, until it is authorized */
    ws_rig_client_answers(&second);
    for (int i = 0; i < CROWD; i++)
        close(fds[i]);
    ws_rig_client_close(&client);
    ws_rig_client_close(&second);
}

/* Closing the oldest must not hit one whose handshake has arrived and was not looked at yet. */
TEST_USING(patient, first_of_many)
{
    int fds[CROWD];
    for (int i = 0; i < CROWD; i++) {
        fds[i] = raw_connect(ws_rig.port);
        if (i == 0)
            assert_true(raw_request(fds[i], "/", WS_RIG_AUTHORIZED, ""));
    }
    assert_int_equal(raw_answer(&ws_rig.loop.uv, fds[0]), 101);
    for (int i = 0; i < CROWD; i++)
        close(fds[i]);
}

TEST_USING(fixture, nothing_stays)
{
    struct ws_rig_client client;
    ws_rig_client_open(&client);
    ws_rig_client_close(&client);
    unsigned before = descriptors();
    for (int i = 0; i < 50; i++) {
        int fd = raw_connect(ws_rig.port);
        const char *header = i % 2 ? "Bearer wrong" : "";
        assert_int_equal(raw_handshake(&ws_rig.loop.uv, fd, "/", header, ""), 401);
        ws_rig_until(raw_ended(fd));
        close(fd);
    }
    assert_int_equal(ws_rig.accepted, 1);
    ws_rig_until(descriptors() <= before);
}

TEST_USING(patient, channels_are_bounded)
{
    struct ws_rig_client clients[2];
    ws_rig_client_open(&clients[0]);
    ws_rig_client_open(&clients[1]);
    int fd = raw_connect(ws_rig.port);
    assert_int_equal(raw_handshake(&ws_rig.loop.uv, fd, "/", WS_RIG_AUTHORIZED, ""), 503);
    ws_rig_until(raw_ended(fd));
    close(fd);
    ws_rig_client_close(&clients[1]);
    ws_rig_client_open(&clients[1]);
    ws_rig_client_close(&clients[0]);
    ws_rig_client_close(&clients[1]);
}

/* Connections wait in the kernel while there are no descriptors; nothing turns in a circle. */
TEST_USING(fixture, without_descriptors)
{
    enum { WAITING = 3, LOOK_MS = 500, TURNS_MAX = 200 };
    struct rlimit before, none;
    unsigned turns = 0;
    int fds[WAITING];
    for (int i = 0; i < WAITING; i++)
        fds[i] = raw_connect(ws_rig.port);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0; /* every number is taken, or not allowed */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int64_t until = time_mono_ms() + LOOK_MS;
    ws_rig_until(turns++ > TURNS_MAX || time_mono_ms() >= until); /* 50 by the rig's own timer */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(turns < TURNS_MAX);
    for (int i = 0; i < WAITING; i++) {
        assert_int_equal(raw_handshake(&ws_rig.loop.uv, fds[i], "/", WS_RIG_AUTHORIZED, ""), 101);
        close(fds[i]);
    }
}

TEST_USING(fixture, no_child_inherits)
{
    unsigned seen = 0;
    int pending = raw_connect(ws_rig.port), accepted = ws_rig_raw_open();
    for (int fd = 0; fd < 1024; fd++)
        if (ws_rig_is_of_listener(fd)) {
            seen++;
            assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        }
    assert_int_equal(seen, 3); /* and the one that listens */
    close(pending);
    close(accepted);
}

/* ---- handshakes ---- */

#define LINE_GET "GET / HTTP/1.1\r\n"
#define LINES_WS                                                                                   \
    "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"                                    \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define LINES                                                                                      \
    LINES_WS "Host: x\r\nSec-WebSocket-Version: 13\r\nAuthorization: " WS_RIG_AUTHORIZED "\r\n"

static const struct {
    const char *head;
    int status;
} heads[] = {
    {LINE_GET LINES "\r\n", 101},
    {"GET /?a=b HTTP/1.1\r\n" LINES "\r\n", 101},
    {LINE_GET LINES "Content-Length: 0\r\nOrigin: http://elsewhere\r\n\r\n", 101},
    {LINE_GET LINES "X-Very-Long-Name-That-Is-None-Of-Those-That-Matter: 1\r\n\r\n", 101},
    {"GET /nothing HTTP/1.1\r\n" LINES "\r\n", 404},
    {"GET /x?/ HTTP/1.1\r\n" LINES "\r\n", 404},
    {"POST / HTTP/1.1\r\n" LINES "\r\n", 405},
    {"GET / HTTP/1.0\r\n" LINES "\r\n", 505},
    {LINE_GET LINES "Content-Length: 1\r\n\r\n", 413},
    {LINE_GET LINES "Transfer-Encoding: chunked\r\n\r\n", 413},
    {LINE_GET LINES "Sec-WebSocket-Protocol: x\r\n\r\n", 400},
    {LINE_GET LINES "Host: y\r\n\r\n", 400},
    {LINE_GET LINES "Authorization: " WS_RIG_AUTHORIZED "\r\n\r\n", 400},
    {LINE_GET LINES "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", 400},
    {LINE_GET LINES "\r\n\x82", 400}, /* nothing may follow before the answer */
    {LINE_GET LINES_WS "Sec-WebSocket-Version: 13\r\n\r\n", 400}, /* no host */
    {LINE_GET LINES_WS "Host: x\r\n\r\n", 426},
    {LINE_GET LINES_WS "Host: x\r\nSec-WebSocket-Version: 8\r\n\r\n", 426},
    {LINE_GET LINES_WS "Host: x\r\nSec-WebSocket-Version: 13\r\n\r\n", 401},
    {LINE_GET "Host: x\r\n\r\n", 400},
    {LINE_GET
     "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
     "Sec-WebSocket-Key: short\r\n\r\n",
     400},
    {LINE_GET "Host: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
     400},
    {LINE_GET "Host: x\r\nUpgrade: websocket\r\nConnection: close\r\nSec-WebSocket-Version: 13\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
     400},
    {"\x16\x03\x01\x02", 400}, /* TLS */
    {"nonsense\r\n\r\n", 400},
};

TEST_USING(fixture, handshakes)
{
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        int fd = raw_connect(ws_rig.port);
        assert_true(raw_send(fd, heads[i].head, strlen(heads[i].head)));
        int status = raw_answer(&ws_rig.loop.uv, fd);
        if (status != heads[i].status)
            fail_msg("%d instead of %d for %s", status, heads[i].status, heads[i].head);
        if (status != 101)
            ws_rig_until(raw_ended(fd));
        close(fd);
        ws_rig_until(!channel_echoes.last);
    }
    assert_int_equal(ws_rig.accepted, 4);
}

/* The same heads, byte by byte, and what is kept of them. */
TEST_USING(fixture, handshakes_in_pieces)
{
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        struct ws_handshake h;
        enum ws_handshake_result result = WS_HANDSHAKE_MORE;
        ws_handshake_init(&h, "/");
        for (const char *at = heads[i].head; *at && result == WS_HANDSHAKE_MORE; at++)
            result = ws_handshake_feed(&h, at, 1);
        if (result == WS_HANDSHAKE_DONE)
            assert_string_equal(h.authorization, heads[i].status == 401 ? "" : WS_RIG_AUTHORIZED);
        else
            assert_int_equal(h.status, heads[i].status);
    }
}

/* RFC 6455, section 1.3. */
TEST_USING(fixture, answer)
{
    char answer[WS_HANDSHAKE_ANSWER_MAX];
    struct ws_handshake h;
    ws_handshake_init(&h, "/");
    assert_int_equal(ws_handshake_feed(&h, heads[0].head, strlen(heads[0].head)),
                     WS_HANDSHAKE_DONE);
    size_t len = ws_handshake_accept(&h, answer);
    assert_int_equal(len, strlen(answer));
    assert_non_null(strstr(answer, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
}

/* ---- starting ---- */

TEST_USING(fixture, bad_starts)
{
    const struct {
        const char *url, *cert, *why;
    } cases[] = {
        {ws_rig.url, NULL, "Address already in use"},
        {"ws://192.0.2.1:1/", NULL, "Cannot assign requested address"},
        {"ws://host.invalid:1/", NULL, "ws://host.invalid:1/"},
        {"tcp://127.0.0.1:1/", NULL, "not a ws:// or wss:// URL"},
        {"ws://[::1", NULL, "not a ws:// or wss:// URL"},
        {"ws://127.0.0.1:1/", "x", "a certificate is for wss:// only"},
        {"wss://127.0.0.1:1/", NULL, "wss:// needs a certificate and its key"},
        {"wss://127.0.0.1:1/", "x", "the certificate cannot be used"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ws_listener_options options = {.cert_pem = cases[i].cert, .key_pem = cases[i].cert};
        struct ws_listener *l;
        struct error err;
        assert_int_equal(
            ws_listen(&ws_rig.loop, cases[i].url, &options, ws_rig_accept, NULL, &l, &err), -1);
        if (!strstr(err.message, cases[i].why))
            fail_msg("%s", err.message);
    }
}

TEST_USING(fixture, ipv6)
{
    struct ws_listener_options options = {.authorize = ws_rig_authorize};
    struct ws_listener *l;
    struct error err;
    struct ws_rig_client client;
    snprintf(ws_rig.url, sizeof ws_rig.url, "ws://[::1]:%d/", free_port());
    if (ws_listen(&ws_rig.loop, ws_rig.url, &options, ws_rig_accept, NULL, &l, &err))
        fail_msg("%s", err.message);
    ws_rig_client_open(&client);
    ws_rig_client_close(&client);
    ws_listener_close(l);
}
