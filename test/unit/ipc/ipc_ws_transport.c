/* SPDX-License-Identifier: Apache-2.0
 *
 * Channels over accepted WebSocket connections: large transfers both ways, ends, pings, masks, and
 * the same with TLS.
 */
#include "test/kit/ws_rig.h"

#include "test/kit/certificate.h"
#include "test/kit/channel_pump.h"
#include "ipc/ws_frames.h"

#include <fcntl.h>
#include <malloc.h>
#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>
#include <openssl/ssl.h>

static char *cert, *key, *other_cert, *other_key;
static nng_tls_config *client_tls;

static void open_tls(void)
{
    const struct ws_listener_options options = {
        .pending_ms = 5 * WS_RIG_PENDING_MS, /* several handshakes at once take their time */
        .cert_pem = cert,
        .key_pem = key,
    };
    assert_int_equal(nng_tls_config_alloc(&client_tls, NNG_TLS_MODE_CLIENT), 0);
    assert_int_equal(nng_tls_config_ca_chain(client_tls, cert, NULL), 0);
    assert_int_equal(nng_tls_config_server_name(client_tls, "127.0.0.1"), 0);
    ws_rig_open("wss", options);
}

static void close_tls(void)
{
    ws_rig_close();
    nng_tls_config_free(client_tls);
    client_tls = NULL;
}

TEST_RIG(fixture, ws_rig_open("ws", (struct ws_listener_options){0}), ws_rig_close());
TEST_RIG(tls, open_tls(), close_tls());

static void make_certificates(void)
{
    certificate_make(&cert, &key);
    certificate_make(&other_cert, &other_key);
}

static void free_certificates(void)
{
    free(cert);
    free(key);
    free(other_cert);
    free(other_key);
}

/* ---- large transfers ---- */

static void pump_open(struct channel_pump *p)
{
    struct channel_options options = {.bearer_token = "right", .tls = client_tls};
    struct error err;
    if (channel_dial(&ws_rig.loop, ws_rig.url, &options, &channel_pump_events, p, &p->channel,
                     &err))
        fail_msg("%s", err.message);
    channel_pump_more(p);
}

TEST_USING(fixture, everything_is_carried)
{
    struct channel_pump p = {.to_send = 20 * 1024 * 1024 + 17};
    pump_open(&p);
    assert_true(p.sent < p.to_send); /* backpressure held the sender back */
    ws_rig_until(p.ended && channel_echoes.closed == 1);
    assert_string_equal(p.why, "");
    assert_int_equal(channel_echoes.failed, 0);
    channel_pump_check(&p);
}

TEST_USING(fixture, many_small_transfers)
{
    enum { MANY = 40 };
    struct channel_pump p[MANY] = {{0}};
    const size_t many = client_tls ? 8 : MANY; /* nng gives a handshake with TLS 2 s */
    for (size_t i = 0; i < many; i++) {
        p[i].to_send = 1 + i * i * 97;
        pump_open(&p[i]);
    }
    for (size_t i = 0; i < many; i++) {
        ws_rig_until(p[i].ended);
        assert_string_equal(p[i].why, "");
        channel_pump_check(&p[i]);
    }
}

/* A client that does not read stops the sender, and what waits for it is bounded. */
TEST_USING(fixture, client_that_does_not_read)
{
    static const unsigned char block[FRAME_DATA_MAX];
    size_t sent = 0;
    int fd = ws_rig_raw_open();
    while (channel_send(channel_echoes.last->channel, FRAME_STDOUT, block, sizeof block)) {
        sent += sizeof block;
        uv_run(&ws_rig.loop.uv, UV_RUN_NOWAIT);
        assert_true(sent < 256 * 1024 * 1024);
    }
    for (int i = 0; i < 100; i++)
        uv_run(&ws_rig.loop.uv, UV_RUN_NOWAIT);
    assert_false(channel_writable(channel_echoes.last->channel));
    ws_rig_until(raw_ended(fd) ||
                 channel_writable(channel_echoes.last->channel)); /* it reads now */
    assert_true(channel_writable(channel_echoes.last->channel));
    close(fd);
    ws_rig_until(!channel_echoes.last);
}

/* ---- ends ---- */

/* Reads what comes until the connection's end; the last two bytes before it. */
static unsigned code_at_end(int fd)
{
    unsigned char last[4096] = {0};
    ssize_t n = 0, all = 0;
    int64_t until = time_mono_ms() + WS_RIG_PATIENCE_MS;
    do {
        assert_true(time_mono_ms() < until);
        uv_run(&ws_rig.loop.uv, UV_RUN_NOWAIT);
        n = recv(fd, last + all, sizeof last - (size_t)all, MSG_DONTWAIT);
        all += n > 0 ? n : 0;
    } while (n > 0 || (n < 0 && errno == EAGAIN));
    assert_true(all >= 4);
    assert_int_equal(last[all - 4], WS_FIN | WS_CLOSE);
    assert_int_equal(last[all - 3], 2);
    return (unsigned)last[all - 2] << 8 | last[all - 1];
}

TEST_USING(fixture, client_closes)
{
    static const unsigned char normal[] = {1000 >> 8, 1000 & 0xff};
    int fd = ws_rig_raw_open();
    assert_true(raw_frame(fd, WS_FIN | WS_CLOSE, 2, normal, 2));
    assert_int_equal(code_at_end(fd), 1000);
    ws_rig_until(channel_echoes.closed == 1);
    assert_int_equal(channel_echoes.failed, 0);
    close(fd);
    fd = ws_rig_raw_open();
    assert_true(raw_frame(fd, WS_FIN | WS_CLOSE, 0, NULL, 0)); /* a code is not required */
    assert_int_equal(code_at_end(fd), 1000);
    close(fd);
}

TEST_USING(fixture, we_close)
{
    int fd = ws_rig_raw_open();
    channel_abort(channel_echoes.last->channel);
    assert_int_equal(code_at_end(fd), 1000);
    close(fd);
}

/* What was sent before the close is delivered. */
TEST_USING(fixture, data_then_close)
{
    unsigned char message[FRAME_HEADER_SIZE + 3] = {0};
    frame_header_encode(message, FRAME_STDIN, 3);
    int fd = ws_rig_raw_open();
    assert_true(raw_frame(fd, WS_FIN | WS_BINARY, sizeof message, message, sizeof message));
    assert_true(raw_frame(fd, WS_FIN | WS_CLOSE, 0, NULL, 0));
    struct channel_echo *echo = channel_echoes.last;
    ws_rig_until(!channel_echoes.last || echo->received == 3);
    assert_non_null(channel_echoes.last);
    ws_rig_until(!channel_echoes.last);
    close(fd);
}

TEST_USING(fixture, faults_are_named)
{
    static const unsigned char zero[16] = {0};
    static const struct {
        unsigned first;
        uint64_t claimed;
        size_t len;
        unsigned code;
    } cases[] = {
        {WS_FIN | WS_TEXT, 8, 8, 1003},
        {WS_FIN | WS_BINARY, 2 << 20, 16, 1009},
        {WS_FIN | WS_CONTINUED, 8, 8, 1002},
        {WS_PING, 8, 8, 1002},
        {WS_FIN | WS_PING, 126, 16, 1002},
        {WS_FIN | 0x40 | WS_BINARY, 8, 8, 1002},
        {WS_FIN | WS_BINARY, 1ULL << 63, 16, 1009},
        {WS_FIN | 0x0b, 8, 8, 1002},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int fd = ws_rig_raw_open();
        assert_true(raw_frame(fd, cases[i].first, cases[i].claimed, zero, cases[i].len));
        assert_int_equal(code_at_end(fd), cases[i].code);
        ws_rig_until(!channel_echoes.last);
        close(fd);
    }
    assert_int_equal(channel_echoes.failed, ARRAY_LEN(cases));
}

TEST_USING(fixture, frames_without_mask)
{
    static const unsigned char frame[] = {WS_FIN | WS_BINARY, 8, FRAME_STDIN, 0, 0, 0, 0, 0, 0, 0};
    int fd = ws_rig_raw_open();
    assert_true(raw_send(fd, frame, sizeof frame));
    assert_int_equal(code_at_end(fd), 1002);
    close(fd);
}

/* ---- pings ---- */

TEST_USING(fixture, pings)
{
    unsigned char answer[64];
    size_t got = 0;
    int fd = ws_rig_raw_open();
    assert_true(raw_frame(fd, WS_FIN | WS_PING, 5, "first", 5));
    while (got < 7) {
        uv_run(&ws_rig.loop.uv, UV_RUN_NOWAIT);
        ssize_t n = recv(fd, answer + got, sizeof answer - got, MSG_DONTWAIT);
        got += n > 0 ? (size_t)n : 0;
    }
    assert_int_equal(got, 7);
    assert_memory_equal(answer,
                        "\x8a\x05"
                        "first",
                        7);
    assert_true(raw_frame(fd, WS_FIN | 0x0a, 2, "hi", 2)); /* a pong nobody asked for */
    assert_true(raw_frame(fd, WS_FIN | WS_CLOSE, 0, NULL, 0));
    assert_int_equal(code_at_end(fd), 1000);
    close(fd);
}

/* Reads pongs of WS_CONTROL_MAX zeros each, then a message; true when it was there. Fails on
 * anything else. */
static bool message_after_pongs(int fd)
{
    static const unsigned char pong[2 + WS_CONTROL_MAX] = {0x8a, WS_CONTROL_MAX};
    static const unsigned char message[] = {WS_FIN | WS_BINARY, FRAME_HEADER_SIZE, FRAME_PING};
    unsigned char frame[sizeof pong];
    int64_t until = time_mono_ms() + WS_RIG_PATIENCE_MS;
    size_t got = 0;
    while (time_mono_ms() < until) {
        uv_run(&ws_rig.loop.uv, UV_RUN_NOWAIT);
        size_t whole = got && frame[0] == message[0] ? 2 + FRAME_HEADER_SIZE : sizeof frame;
        ssize_t n = recv(fd, frame + got, got ? whole - got : 1, MSG_DONTWAIT);
        got += n > 0 ? (size_t)n : 0;
        if (got == 2 + FRAME_HEADER_SIZE && frame[0] == message[0])
            return memcmp(frame, message, sizeof message) == 0;
        if (got == sizeof frame) {
            assert_memory_equal(frame, pong, sizeof pong);
            got = 0;
        }
    }
    return false;
}

/* A client that pings and does not read costs neither memory nor the connection, and a message does
 * not get into the middle of a pong. */
TEST_USING(fixture, pings_without_reading)
{
    enum { PINGS = 20000, LEAK = 1024 * 1024 };
    static const unsigned char ping[6 + WS_CONTROL_MAX] = {WS_FIN | WS_PING, 0x80 | WS_CONTROL_MAX};
    size_t before = mallinfo2().uordblks;
    int fd = ws_rig_raw_open();
    for (int i = 0; i < PINGS; i++) { /* one by one, so that each would get its pong */
        assert_true(raw_send(fd, ping, sizeof ping));
        uv_run(&ws_rig.loop.uv, UV_RUN_NOWAIT);
    }
    assert_non_null(channel_echoes.last);
    assert_true(mallinfo2().uordblks < before + LEAK);
    channel_send(channel_echoes.last->channel, FRAME_PING, NULL, 0);
    assert_true(message_after_pongs(fd));
    close(fd);
    ws_rig_until(!channel_echoes.last);
}

/* ---- TLS ---- */

TEST_USING(tls, no_tls)
{
    int fd = raw_connect(ws_rig.port);
    assert_true(raw_request(fd, "/", WS_RIG_AUTHORIZED, ""));
    ws_rig_until(raw_ended(fd));
    assert_int_equal(ws_rig.accepted, 0);
    close(fd);
}

/* A client of OpenSSL's, driven by hand. Its version at most; "" when it got through, else where it
 * ended. */
static const char *tls_client(int version_max, const char *request)
{
    char answer[512];
    const char *result = "handshake";
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_max_proto_version(ctx, version_max);
    SSL_CTX_set_mode(ctx, SSL_MODE_AUTO_RETRY);
    SSL *ssl = SSL_new(ctx);
    int fd = raw_connect(ws_rig.port), rc;
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    SSL_set_fd(ssl, fd);
    while ((rc = SSL_connect(ssl)) != 1 && SSL_get_error(ssl, rc) == SSL_ERROR_WANT_READ)
        uv_run(&ws_rig.loop.uv, UV_RUN_NOWAIT);
    if (rc == 1) {
        if (*request)
            SSL_write(ssl, request, (int)strlen(request));
        while ((rc = SSL_read(ssl, answer, sizeof answer)) <= 0 &&
               SSL_get_error(ssl, rc) == SSL_ERROR_WANT_READ)
            uv_run(&ws_rig.loop.uv, UV_RUN_NOWAIT);
        result = rc > 12 && memcmp(answer, "HTTP/1.1 101", 12) == 0 ? "" : "request";
    }
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(fd);
    return result;
}

#define REQUEST                                                                                    \
    "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                   \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nAuthorization: "

TEST_USING(tls, tls_versions)
{
    assert_string_equal(tls_client(TLS1_3_VERSION, REQUEST WS_RIG_AUTHORIZED "\r\n\r\n"), "");
    assert_string_equal(tls_client(TLS1_2_VERSION, REQUEST WS_RIG_AUTHORIZED "\r\n\r\n"), "");
    assert_string_equal(tls_client(TLS1_2_VERSION, REQUEST "wrong\r\n\r\n"), "request");
    assert_string_equal(tls_client(TLS1_1_VERSION, REQUEST WS_RIG_AUTHORIZED "\r\n\r\n"),
                        "handshake");
    assert_int_equal(ws_rig.accepted, 2);
    ws_rig_until(!channel_echoes.last);
}

/* Neither half a handshake nor a whole one buys time. */
TEST_USING(tls, silent_tls_clients)
{
    static const unsigned char hello[] = {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3};
    int fd = raw_connect(ws_rig.port);
    assert_true(raw_send(fd, hello, sizeof hello));
    ws_rig_until(raw_ended(fd));
    close(fd);
    assert_string_equal(tls_client(TLS1_3_VERSION, ""), "request");
    assert_string_equal(tls_client(TLS1_2_VERSION, REQUEST), "request");
    assert_int_equal(ws_rig.accepted, 0);
}

TEST_USING(tls, bytes_that_are_not_tls)
{
    static const unsigned char record[] = {0x17, 3, 3, 0x40, 0};
    static unsigned char much[128 * 1024];
    int fd = raw_connect(ws_rig.port);
    assert_true(raw_send(fd, record, sizeof record));
    size_t sent = 0;
    ws_rig_until(!raw_send(fd, much, 1024) || (sent += 1024) > 8 * sizeof much || raw_ended(fd));
    assert_true(sent <= 8 * sizeof much);
    close(fd);
}

TEST_USING(tls, bad_certificates)
{
    AUTO_FREE char *cut = xstrndup(cert, strlen(cert) / 2);
    const struct {
        const char *cert, *key, *why;
    } cases[] = {
        {"", key, "the certificate cannot be used"},
        {cut, key, "the certificate cannot be used"},
        {key, key, "the certificate cannot be used"},
        {cert, cert, "the key cannot be used"},
        {cert, "", "the key cannot be used"},
        {cert, other_key, "the key cannot be used"}, /* it is another one's */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ws_listener_options options = {.cert_pem = cases[i].cert, .key_pem = cases[i].key};
        struct ws_listener *l;
        struct error err;
        assert_int_equal(
            ws_listen(&ws_rig.loop, "wss://127.0.0.1:1/", &options, ws_rig_accept, NULL, &l, &err),
            -1);
        if (!strstr(err.message, cases[i].why))
            fail_msg("%zu: %s", i, err.message);
        assert_null(strstr(err.message, "PRIVATE"));
    }
}

TEST_USING(tls, everything_is_carried_over_tls)
{
    test_everything_is_carried(state);
}

TEST_USING(tls, many_small_transfers_over_tls)
{
    test_many_small_transfers(state);
}

TEST_RIG(certificates, make_certificates(), free_certificates());
TEST_GROUP(certificates_setup, certificates_teardown);
