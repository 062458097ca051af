/* SPDX-License-Identifier: Apache-2.0
 *
 * Request bodies that are streamed to the backend, with `docker load` as the example: lengths and
 * chunks, both sides slow, both sides leaving early, what comes after.
 */
#include "test/kit/frontend_talk.h"
#include "test/kit/test.h"

#include <poll.h>

enum { HUGE = 64 * 1024 * 1024, BIG = 8 * 1024 * 1024, BLOCK = 256 * 1024 };

#define LOAD "POST /v1.44/images/load?quiet=1" HOST
#define IMPORT "POST /v1.44/images/create?fromSrc=-&repo=r" HOST
#define CHUNKED "Transfer-Encoding: chunked\r\n"

static int setup(void **state)
{
    front.options =
        (struct http_server_options){.idle_timeout_ms = 3000, .half_closed_check_ms = 500};
    return front_setup(state);
}

TEST_GROUP(setup, front_teardown);

/* A connection to a backend that does that with bodies, and the begin of a request. */
static struct client begin(enum fake_body body, const char *request)
{
    front.fake.body = body;
    return front_ask(request);
}

/* ---- a body with a pattern, and what the fake makes of it ---- */

static const char *pattern(void)
{
    static char block[BLOCK];
    for (size_t i = 0; !block[1] && i < sizeof(block); i++)
        block[i] = (char)(i * 7 + i / 251 + 1);
    return block;
}

static uint64_t checksum(size_t len)
{
    const char *block = pattern();
    uint64_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum = sum * 31 + (unsigned char)block[i % BLOCK];
    return sum;
}

/* The pattern goes on at `at` and ends before `end`; at most this many bytes lie in one piece. */
static size_t piece_of(size_t at, size_t end)
{
    size_t room = BLOCK - at % BLOCK;
    return room < end - at ? room : end - at;
}

static void send_pattern(struct client *c, size_t from, size_t end)
{
    for (size_t piece; from < end; from += piece)
        client_send_bytes(c, pattern() + from % BLOCK, piece = piece_of(from, end));
}

static void send_length(struct client *c, const char *head, size_t len)
{
    char text[512];
    snprintf(text, sizeof(text), "%sContent-Length: %zu\r\n\r\n", head, len);
    client_send(c, text);
}

/* A load on a connection of its own that announces so much and sends so much. */
static struct client load(enum fake_body body, size_t announced, size_t sent)
{
    struct client c = begin(body, "");
    send_length(&c, LOAD, announced);
    send_pattern(&c, 0, sent);
    return c;
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
    client_check(c, "GET /_ping" HOST "\r\n", "\r\n\r\nOK", "");
}

/* ---- what goes well ---- */

TEST(lengths)
{
    static const size_t sizes[] = {1, 1000, 65535, 65536, 65537, 200 * 1000, 1 << 20, BIG};
    AUTO(client) struct client c = begin(BODY_COUNT, "");
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        send_length(&c, LOAD, sizes[i]);
        send_pattern(&c, 0, sizes[i]);
        expect_loaded(&c, sizes[i]);
        assert_string_equal(front.fake.opened, "load quiet=1");
    }
    expect_ping(&c);
}

TEST(no_body)
{
    static const char *const requests[] = {LOAD "\r\n", LOAD "Content-Length: 0\r\n\r\n",
                                           LOAD CHUNKED "\r\n0\r\n\r\n"};
    AUTO(client) struct client c = begin(BODY_COUNT, "");
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        client_send(&c, requests[i]);
        expect_loaded(&c, 0);
    }
    expect_ping(&c);
}

TEST(chunks)
{
    static const size_t sizes[] = {1, 3, 4096, 32768, 65536, 100000, 262144};
    AUTO(client) struct client c = begin(BODY_COUNT, "");
    char line[32];
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        size_t total = sizes[i] * (sizes[i] < 100 ? 500 : 5);
        client_send(&c, LOAD CHUNKED "\r\n");
        for (size_t at = 0, piece; at < total; at += piece) {
            piece = piece_of(at, at + sizes[i] < total ? at + sizes[i] : total);
            snprintf(line, sizeof(line), "%zx;ext=1\r\n", piece);
            client_send(&c, line);
            send_pattern(&c, at, at + piece);
            client_send(&c, "\r\n");
        }
        client_send(&c, "0\r\nX-Registry-Auth: trailer\r\n\r\n");
        expect_loaded(&c, total);
    }
    expect_ping(&c);
}

/* One write with a body and the next two requests behind it. */
TEST(pipelined)
{
    AUTO(client)
    struct client c =
        begin(BODY_COUNT, LOAD "Content-Length: 3\r\n\r\nabcGET /_ping" HOST "\r\n" LOAD CHUNKED
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
}

TEST(half_close)
{
    AUTO(client) struct client c = load(BODY_COUNT, 100000, 100000);
    shutdown(c.fd, SHUT_WR);
    expect_loaded(&c, 100000);
    assert_false(client_more(&c));
}

TEST(expect_continue)
{
    AUTO(client) struct client c = begin(BODY_COUNT, "");
    send_length(&c, LOAD "Expect: 100-continue\r\n", 5);
    client_expect(&c, "HTTP/1.1 100 Continue\r\n\r\n");
    buf_clear(&c.in);
    send_pattern(&c, 0, 5);
    expect_loaded(&c, 5);
    front.fake.body = BODY_REFUSE; /* nobody asks for a body that is not wanted */
    send_length(&c, LOAD "Expect: 100-continue\r\n", HUGE);
    assert_contains(client_read_all(&c), "HTTP/1.1 503 ");
    assert_null(strstr(c.in.data, "100 Continue"));
}

TEST(huge)
{
    AUTO(client) struct client c = load(BODY_COUNT, HUGE, HUGE);
    expect_loaded(&c, HUGE);
}

/* ---- slow sides ---- */

/* How much a client gets rid of before it has to wait. */
static size_t push_until_full(struct client *c, size_t most)
{
    struct pollfd p = {.fd = c->fd, .events = POLLOUT};
    size_t sent = 0;
    while (sent < most && poll(&p, 1, 500) > 0) {
        ssize_t n = send(c->fd, pattern() + sent % BLOCK, piece_of(sent, most),
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
    AUTO(client) struct client c = load(BODY_STALL, HUGE, 0);
    size_t sent = push_until_full(&c, HUGE);
    /* The channel's mark, one read, the sockets, and what the fake itself had read. */
    assert_in_range(sent, CHANNEL_HIGH_WATER, 3 * 1024 * 1024);
    assert_int_equal(front.fake.body_bytes, 0);
    harness_do(&front, unstall);
    send_pattern(&c, sent, HUGE);
    expect_loaded(&c, HUGE);
    expect_ping(&c);
}

/* A client that writes all before it reads, and a backend that does not read while it cannot write:
 * steps of a bar are left out rather than that both wait for ever. */
TEST(talkative_backend)
{
    AUTO(client) struct client c = load(BODY_TALK, BIG, BIG);
    client_expect(&c, "Loaded image: 8388608 bytes");
    client_expect(&c, "\r\n0\r\n\r\n");
    assert_contains(c.in.data,
                    "{\"status\":\"Loading layer\",\"progressDetail\":{\"current\":1,"
                    "\"total\":1073741824},\"progress\":\"[>                              "
                    "                    ]       1B/1.074GB\",\"id\":\"b3768bb74ce2\"}");
    buf_clear(&c.in);
    expect_ping(&c);
}

/* ---- early ends ---- */

TEST(refused_unread)
{
    /* as clients do that write before they read */
    AUTO(client) struct client c = load(BODY_REFUSE, BIG, BIG);
    assert_contains(client_read_all(&c), "HTTP/1.1 503 ");
    assert_contains(c.in.data, "Connection: close\r\n");
    assert_contains(c.in.data, "{\"message\":\"no room\"}\n");
}

TEST(fails_in_mid_body)
{
    AUTO(client) struct client c = load(BODY_FAIL, HUGE, HUGE);
    assert_contains(client_read_all(&c), "HTTP/1.1 200 OK\r\n");
    assert_contains(c.in.data, "{\"errorDetail\":{\"message\":\"unexpected EOF\"},"
                               "\"error\":\"unexpected EOF\"}\r\n\r\n0\r\n\r\n");
    front_ask_anew(&c, ""); /* an import has said nothing yet: a plain error */
    send_length(&c, IMPORT, BIG);
    send_pattern(&c, 0, BIG);
    assert_contains(client_read_all(&c), "HTTP/1.1 500 Internal Server Error\r\n");
    assert_contains(c.in.data, "{\"message\":\"unexpected EOF\"}\n");
}

TEST(ends_in_mid_body)
{
    AUTO(client) struct client c = begin(BODY_EARLY, LOAD CHUNKED "\r\n10000\r\n");
    send_pattern(&c, 0, 65536);
    client_send(&c, "\r\n0\r\n\r\n");
    assert_contains(client_read_all(&c), "HTTP/1.1 200 OK\r\n");
    assert_contains(c.in.data, "\r\n\r\n0\r\n\r\n");
}

TEST(client_leaves)
{
    await_count(&front.fake.sessions, 0);
    int lost = front.fake.lost;
    struct client gone = load(BODY_COUNT, BIG, BIG / 2);
    client_close(&gone);
    await_count(&front.fake.lost, lost + 1);
    AUTO(client) struct client c = load(BODY_COUNT, BIG, BIG / 2);
    shutdown(c.fd, SHUT_WR); /* still there to hear about it */
    assert_contains(client_read_all(&c), "HTTP/1.1 400 Bad Request\r\n");
    await_count(&front.fake.lost, lost + 2);
    await_count(&front.fake.sessions, 0);
}

/* Nobody reads from it when it vanishes: the periodic look at held connections notices. */
TEST(held_client_leaves)
{
    int lost = front.fake.lost;
    struct client c = load(BODY_STALL, HUGE, 0);
    push_until_full(&c, HUGE);
    client_close(&c);
    for (int i = 0; http_server_connections(front.server) && i < 20000; i++)
        usleep(1000);
    assert_int_equal(http_server_connections(front.server), 0);
    harness_do(&front, unstall);
    await_count(&front.fake.lost, lost + 1);
    await_count(&front.fake.sessions, 0);
}

TEST(client_stalls)
{
    int lost = front.fake.lost;
    AUTO(client) struct client c = load(BODY_COUNT, BIG, 1000);
    /* after the idle timeout */
    assert_contains(client_read_all(&c), "HTTP/1.1 408 Request Timeout\r\n");
    await_count(&front.fake.lost, lost + 1);
}

TEST(bad_chunks)
{
    static const char *const bad[] = {"zz\r\n", "5\r\nabcdefgh\r\n", "-1\r\n",
                                      "fffffffffffffffff\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int lost = front.fake.lost;
        AUTO(client) struct client c = begin(BODY_COUNT, LOAD CHUNKED "\r\n2\r\nab\r\n");
        client_send(&c, bad[i]);
        assert_contains(client_read_all(&c), "HTTP/1.1 400 Bad Request\r\n");
        await_count(&front.fake.lost, lost + 1);
    }
}

struct feeder {
    struct client c;
    size_t len;
    pthread_t thread;
};

static void *feed(void *arg)
{
    struct feeder *f = arg;
    send_pattern(&f->c, 0, f->len);
    return NULL;
}

/* Several at once, some of which leave. */
TEST(many)
{
    enum { COUNT = 8 };
    struct feeder feeders[COUNT];
    int lost = front.fake.lost;
    for (int i = 0; i < COUNT; i++) {
        feeders[i] = (struct feeder){.c = load(BODY_COUNT, BIG, 0), .len = i % 2 ? BIG : BIG / 3};
        pthread_create(&feeders[i].thread, NULL, feed, &feeders[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        pthread_join(feeders[i].thread, NULL);
        if (i % 2)
            expect_loaded(&feeders[i].c, BIG);
        client_close(&feeders[i].c);
    }
    await_count(&front.fake.lost, lost + COUNT / 2);
    await_count(&front.fake.sessions, 0);
}
