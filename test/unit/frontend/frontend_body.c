/* SPDX-License-Identifier: Apache-2.0
 *
 * Request bodies that are streamed to the backend, with `docker load` as the example: lengths and
 * chunks, both sides slow, both sides leaving early, what comes after.
 */
#include "test/kit/frontend_harness.h"
#include "test/kit/test.h"

#include <poll.h>

static struct harness h;

enum { HUGE = 64 * 1024 * 1024, BIG = 8 * 1024 * 1024, IDLE_MS = 3000, CHECK_MS = 500 };

#define HOST " HTTP/1.1\r\nHost: x\r\n"
#define LOAD "POST /v1.44/images/load?quiet=1" HOST
#define IMPORT "POST /v1.44/images/create?fromSrc=-&repo=r" HOST
#define CHUNKED "Transfer-Encoding: chunked\r\n"

static int setup(void **state)
{
    (void)state;
    h.options =
        (struct http_server_options){.idle_timeout_ms = IDLE_MS, .half_closed_check_ms = CHECK_MS};
    harness_start(&h, true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_stop(&h);
    return 0;
}

static void wait_for_count(atomic_int *what, int want)
{
    for (int i = 0; *what != want && i < 20000; i++)
        usleep(1000);
    assert_int_equal(*what, want);
}

/* ---- a body with a pattern, and what the fake makes of it ---- */

static const char *pattern(void)
{
    static char block[256 * 1024];
    for (size_t i = 0; !block[1] && i < sizeof(block); i++)
        block[i] = (char)(i * 7 + i / 251 + 1);
    return block;
}

static uint64_t checksum(size_t len)
{
    const char *block = pattern();
    uint64_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum = sum * 31 + (unsigned char)block[i % (256 * 1024)];
    return sum;
}

static void send_pattern(struct client *c, size_t len)
{
    while (len) {
        size_t piece = len < 256 * 1024 ? len : 256 * 1024;
        client_send_bytes(c, pattern(), piece);
        len -= piece;
    }
}

static void send_length(struct client *c, const char *head, size_t len)
{
    char text[512];
    snprintf(text, sizeof(text), "%sContent-Length: %zu\r\n\r\n", head, len);
    client_send(c, text);
}

static void expect_loaded(struct client *c, size_t len)
{
    char text[128];
    snprintf(text, sizeof(text), "{\"stream\":\"Loaded image: %zu bytes, %016llx\\n\"}\r\n", len,
             (unsigned long long)checksum(len));
    client_expect(c, text);
    client_expect(c, "\r\n0\r\n\r\n");
    assert_contains(c->in.data, "HTTP/1.1 200 OK\r\n");
    assert_contains(c->in.data, "Content-Type: application/json\r\n");
    buf_clear(&c->in);
}

static void expect_ping(struct client *c)
{
    client_send(c, "GET /_ping" HOST "\r\n");
    AUTO_FREE char *answer = client_answer(c);
    assert_contains(answer, "\r\n\r\nOK");
}

/* ---- what goes well ---- */

TEST(lengths)
{
    static const size_t sizes[] = {1, 1000, 65535, 65536, 65537, 200 * 1000, 1 << 20, BIG};
    struct client c;
    h.fake.body = BODY_COUNT;
    client_open(&c, &h);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        send_length(&c, LOAD, sizes[i]);
        send_pattern(&c, sizes[i]);
        expect_loaded(&c, sizes[i]);
        assert_string_equal(h.fake.opened, "load quiet=1");
    }
    expect_ping(&c);
    client_close(&c);
}

TEST(no_body)
{
    struct client c;
    h.fake.body = BODY_COUNT;
    client_open(&c, &h);
    client_send(&c, LOAD "\r\n");
    expect_loaded(&c, 0);
    send_length(&c, LOAD, 0);
    expect_loaded(&c, 0);
    client_send(&c, LOAD CHUNKED "\r\n0\r\n\r\n");
    expect_loaded(&c, 0);
    expect_ping(&c);
    client_close(&c);
}

TEST(chunks)
{
    static const size_t sizes[] = {1, 3, 4096, 32768, 65536, 100000, 262144};
    struct client c;
    char line[32];
    client_open(&c, &h);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        size_t count = sizes[i] < 100 ? 500 : 5, offset = 0, total = sizes[i] * count;
        client_send(&c, LOAD CHUNKED "\r\n");
        while (offset < total) {
            size_t at = offset % (256 * 1024), room = 256 * 1024 - at;
            size_t piece = total - offset < sizes[i] ? total - offset : sizes[i];
            piece = piece < room ? piece : room;
            snprintf(line, sizeof(line), "%zx;ext=1\r\n", piece);
            client_send(&c, line);
            client_send_bytes(&c, pattern() + at, piece);
            client_send(&c, "\r\n");
            offset += piece;
        }
        client_send(&c, "0\r\nX-Registry-Auth: trailer\r\n\r\n");
        expect_loaded(&c, total);
    }
    expect_ping(&c);
    client_close(&c);
}

/* One write with a body and the next two requests behind it. */
TEST(pipelined)
{
    struct client c;
    client_open(&c, &h);
    client_send(&c, LOAD "Content-Length: 3\r\n\r\nabcGET /_ping" HOST "\r\n" LOAD CHUNKED
                         "\r\n2\r\nab\r\n0\r\n\r\nGET /_ping" HOST "\r\n");
    client_expect(&c, "Loaded image: 3 bytes");
    client_expect(&c, "\r\n\r\nOK");
    client_expect(&c, "Loaded image: 2 bytes");
    char *first = strstr(c.in.data, "\r\n\r\nOK");
    while (!strstr(first + 6, "\r\n\r\nOK")) {
        size_t at = (size_t)(first - c.in.data);
        assert_true(client_more(&c));
        first = c.in.data + at;
    }
    client_close(&c);
}

TEST(half_close)
{
    struct client c;
    client_open(&c, &h);
    send_length(&c, LOAD, 100000);
    send_pattern(&c, 100000);
    shutdown(c.fd, SHUT_WR);
    expect_loaded(&c, 100000);
    assert_false(client_more(&c));
    client_close(&c);
}

TEST(expect_continue)
{
    struct client c;
    client_open(&c, &h);
    send_length(&c, LOAD "Expect: 100-continue\r\n", 5);
    client_expect(&c, "HTTP/1.1 100 Continue\r\n\r\n");
    buf_clear(&c.in);
    send_pattern(&c, 5);
    expect_loaded(&c, 5);
    h.fake.body = BODY_REFUSE; /* nobody asks for a body that is not wanted */
    send_length(&c, LOAD "Expect: 100-continue\r\n", HUGE);
    client_read_all(&c);
    assert_contains(c.in.data, "HTTP/1.1 503 ");
    assert_null(strstr(c.in.data, "100 Continue"));
    h.fake.body = BODY_COUNT;
    client_close(&c);
}

struct feeder {
    struct client *c;
    size_t len;
    pthread_t thread;
};

static void *feed(void *arg)
{
    struct feeder *f = arg;
    send_pattern(f->c, f->len);
    return NULL;
}

TEST(huge)
{
    struct client c;
    client_open(&c, &h);
    send_length(&c, LOAD, HUGE);
    send_pattern(&c, HUGE);
    expect_loaded(&c, HUGE);
    client_close(&c);
}

/* ---- slow sides ---- */

/* How much a client gets rid of before it has to wait. */
static size_t push_until_full(struct client *c, size_t most)
{
    struct pollfd p = {.fd = c->fd, .events = POLLOUT};
    size_t sent = 0;
    while (sent < most && poll(&p, 1, 500) > 0) {
        size_t at = sent % (256 * 1024), room = 256 * 1024 - at;
        ssize_t n = send(c->fd, pattern() + at, room < most - sent ? room : most - sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            continue;
        assert_true(n > 0);
        sent += (size_t)n;
    }
    return sent;
}

static void unstall(struct harness *of)
{
    fake_unstall(&of->fake);
}

TEST(slow_backend)
{
    struct client c;
    h.fake.body = BODY_STALL;
    client_open(&c, &h);
    send_length(&c, LOAD, HUGE);
    size_t sent = push_until_full(&c, HUGE);
    /* The channel's mark, one read, the sockets, and what the fake itself had read. */
    assert_in_range(sent, CHANNEL_HIGH_WATER, 3 * 1024 * 1024);
    assert_int_equal(h.fake.body_bytes, 0);
    harness_do(&h, unstall);
    while (sent < HUGE) {
        size_t at = sent % (256 * 1024), piece = 256 * 1024 - at;
        piece = piece < HUGE - sent ? piece : HUGE - sent;
        client_send_bytes(&c, pattern() + at, piece);
        sent += piece;
    }
    expect_loaded(&c, HUGE);
    expect_ping(&c);
    h.fake.body = BODY_COUNT;
    client_close(&c);
}

/* A client that writes all before it reads, and a backend that does not read while it cannot write:
 * steps of a bar are left out rather than that both wait for ever. */
TEST(talkative_backend)
{
    struct client c;
    h.fake.body = BODY_TALK;
    client_open(&c, &h);
    send_length(&c, LOAD, BIG);
    send_pattern(&c, BIG);
    client_expect(&c, "Loaded image: 8388608 bytes");
    client_expect(&c, "\r\n0\r\n\r\n");
    assert_contains(c.in.data,
                    "{\"status\":\"Loading layer\",\"progressDetail\":{\"current\":1,"
                    "\"total\":1073741824},\"progress\":\"[>                              "
                    "                    ]       1B/1.074GB\",\"id\":\"b3768bb74ce2\"}");
    buf_clear(&c.in);
    expect_ping(&c);
    h.fake.body = BODY_COUNT;
    client_close(&c);
}

/* ---- early ends ---- */

TEST(refused_unread)
{
    struct client c;
    h.fake.body = BODY_REFUSE;
    client_open(&c, &h);
    send_length(&c, LOAD, BIG);
    send_pattern(&c, BIG); /* as clients do that write before they read */
    client_read_all(&c);
    assert_contains(c.in.data, "HTTP/1.1 503 ");
    assert_contains(c.in.data, "Connection: close\r\n");
    assert_contains(c.in.data, "{\"message\":\"no room\"}\n");
    client_close(&c);
    h.fake.body = BODY_COUNT;
}

TEST(fails_in_mid_body)
{
    struct client c;
    h.fake.body = BODY_FAIL;
    client_open(&c, &h);
    send_length(&c, LOAD, HUGE);
    send_pattern(&c, HUGE);
    client_read_all(&c);
    assert_contains(c.in.data, "HTTP/1.1 200 OK\r\n");
    assert_contains(c.in.data, "{\"errorDetail\":{\"message\":\"unexpected EOF\"},"
                               "\"error\":\"unexpected EOF\"}\r\n\r\n0\r\n\r\n");
    client_close(&c);
    client_open(&c, &h); /* an import has said nothing yet: a plain error */
    send_length(&c, IMPORT, BIG);
    send_pattern(&c, BIG);
    client_read_all(&c);
    assert_contains(c.in.data, "HTTP/1.1 500 Internal Server Error\r\n");
    assert_contains(c.in.data, "{\"message\":\"unexpected EOF\"}\n");
    client_close(&c);
    h.fake.body = BODY_COUNT;
}

TEST(ends_in_mid_body)
{
    struct client c;
    h.fake.body = BODY_EARLY;
    client_open(&c, &h);
    client_send(&c, LOAD CHUNKED "\r\n10000\r\n");
    send_pattern(&c, 65536);
    client_send(&c, "\r\n0\r\n\r\n");
    client_read_all(&c);
    assert_contains(c.in.data, "HTTP/1.1 200 OK\r\n");
    assert_contains(c.in.data, "\r\n\r\n0\r\n\r\n");
    client_close(&c);
    h.fake.body = BODY_COUNT;
}

TEST(client_leaves)
{
    struct client c;
    wait_for_count(&h.fake.sessions, 0);
    int lost = h.fake.lost;
    client_open(&c, &h);
    send_length(&c, LOAD, BIG);
    send_pattern(&c, BIG / 2);
    client_close(&c);
    wait_for_count(&h.fake.lost, lost + 1);
    client_open(&c, &h);
    send_length(&c, LOAD, BIG);
    send_pattern(&c, BIG / 2);
    shutdown(c.fd, SHUT_WR); /* still there to hear about it */
    client_read_all(&c);
    assert_contains(c.in.data, "HTTP/1.1 400 Bad Request\r\n");
    wait_for_count(&h.fake.lost, lost + 2);
    client_close(&c);
    wait_for_count(&h.fake.sessions, 0);
}

/* Nobody reads from it when it vanishes: the periodic look at held connections notices. */
TEST(held_client_leaves)
{
    struct client c;
    int lost = h.fake.lost;
    h.fake.body = BODY_STALL;
    client_open(&c, &h);
    send_length(&c, LOAD, HUGE);
    push_until_full(&c, HUGE);
    client_close(&c);
    for (int i = 0; http_server_connections(h.server) && i < 20000; i++)
        usleep(1000);
    assert_int_equal(http_server_connections(h.server), 0);
    harness_do(&h, unstall);
    wait_for_count(&h.fake.lost, lost + 1);
    wait_for_count(&h.fake.sessions, 0);
    h.fake.body = BODY_COUNT;
}

TEST(client_stalls)
{
    struct client c;
    int lost = h.fake.lost;
    client_open(&c, &h);
    send_length(&c, LOAD, BIG);
    send_pattern(&c, 1000);
    client_read_all(&c); /* after the idle timeout */
    assert_contains(c.in.data, "HTTP/1.1 408 Request Timeout\r\n");
    wait_for_count(&h.fake.lost, lost + 1);
    client_close(&c);
}

TEST(bad_chunks)
{
    static const char *const bad[] = {"zz\r\n", "5\r\nabcdefgh\r\n", "-1\r\n",
                                      "fffffffffffffffff\r\n"};
    struct client c;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int lost = h.fake.lost;
        client_open(&c, &h);
        client_send(&c, LOAD CHUNKED "\r\n2\r\nab\r\n");
        client_send(&c, bad[i]);
        client_read_all(&c);
        assert_contains(c.in.data, "HTTP/1.1 400 Bad Request\r\n");
        wait_for_count(&h.fake.lost, lost + 1);
        client_close(&c);
    }
}

/* Several at once, some of which leave. */
TEST(many)
{
    enum { COUNT = 8 };
    struct client clients[COUNT];
    struct feeder feeders[COUNT];
    int lost = h.fake.lost;
    for (int i = 0; i < COUNT; i++) {
        client_open(&clients[i], &h);
        send_length(&clients[i], LOAD, BIG);
        feeders[i] = (struct feeder){.c = &clients[i], .len = i % 2 ? BIG : BIG / 3};
        pthread_create(&feeders[i].thread, NULL, feed, &feeders[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        pthread_join(feeders[i].thread, NULL);
        if (i % 2)
            expect_loaded(&clients[i], BIG);
        client_close(&clients[i]);
    }
    wait_for_count(&h.fake.lost, lost + COUNT / 2);
    wait_for_count(&h.fake.sessions, 0);
}

TEST_GROUP(setup, teardown);
