/* SPDX-License-Identifier: Apache-2.0
 *
 * Request bodies that are streamed to the backend, with `docker load` as the example: lengths and
 * chunks, both sides slow, both sides leaving early, what comes after.
 */
#include "test/kit/load_talk.h"
#include "test/kit/test.h"

enum { HUGE = 64 * 1024 * 1024, BIG = 8 * 1024 * 1024 };

#define IMPORT "POST /v1.44/images/create?fromSrc=-&repo=r" HOST
#define CHUNKED "Transfer-Encoding: chunked\r\n"

FRONT_GROUP(.idle_timeout_ms = 3000, .half_closed_check_ms = 500);

static void expect_ping(struct client *c)
{
    client_check(c, "GET /_ping" HOST "\r\n", "\r\n\r\nOK", "");
}

/* ---- what goes well ---- */

TEST(lengths)
{
    static const size_t sizes[] = {1, 1000, 65535, 65536, 65537, 200 * 1000, 1 << 20, BIG};
    AUTO(client) struct client c = load_talk_begin(BODY_COUNT, "");
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        load_talk_announce(&c, LOAD_TALK_REQUEST, sizes[i]);
        load_talk_send(&c, 0, sizes[i]);
        load_talk_expect(&c, sizes[i]);
        assert_string_equal(front.fake.opened, "load quiet=1");
    }
    expect_ping(&c);
}

TEST(no_body)
{
    static const char *const requests[] = {LOAD_TALK_REQUEST "\r\n",
                                           LOAD_TALK_REQUEST "Content-Length: 0\r\n\r\n",
                                           LOAD_TALK_REQUEST CHUNKED "\r\n0\r\n\r\n"};
    AUTO(client) struct client c = load_talk_begin(BODY_COUNT, "");
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        client_send(&c, requests[i]);
        load_talk_expect(&c, 0);
    }
    expect_ping(&c);
}

TEST(chunks)
{
    static const size_t sizes[] = {1, 3, 4096, 32768, 65536, 100000, 262144};
    AUTO(client) struct client c = load_talk_begin(BODY_COUNT, "");
    char line[32];
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        size_t total = sizes[i] * (sizes[i] < 100 ? 500 : 5);
        client_send(&c, LOAD_TALK_REQUEST CHUNKED "\r\n");
        for (size_t at = 0, piece; at < total; at += piece) {
            piece = load_talk_piece(at, at + sizes[i] < total ? at + sizes[i] : total);
            snprintf(line, sizeof(line), "%zx;ext=1\r\n", piece);
            client_send(&c, line);
            load_talk_send(&c, at, at + piece);
            client_send(&c, "\r\n");
        }
        client_send(&c, "0\r\nX-Registry-Auth: trailer\r\n\r\n");
        load_talk_expect(&c, total);
    }
    expect_ping(&c);
}

/* One write with a body and the next two requests behind it. */
TEST(pipelined)
{
    AUTO(client)
    struct client c = load_talk_begin(BODY_COUNT, LOAD_TALK_REQUEST
                                      "Content-Length: 3\r\n\r\nabcGET /_ping" HOST
                                      "\r\n" LOAD_TALK_REQUEST CHUNKED
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
    AUTO(client) struct client c = load_talk_load(BODY_COUNT, 100000, 100000);
    shutdown(c.fd, SHUT_WR);
    load_talk_expect(&c, 100000);
    assert_false(client_more(&c));
}

TEST(expect_continue)
{
    AUTO(client) struct client c = load_talk_begin(BODY_COUNT, "");
    load_talk_announce(&c, LOAD_TALK_REQUEST "Expect: 100-continue\r\n", 5);
    client_expect(&c, "HTTP/1.1 100 Continue\r\n\r\n");
    buf_clear(&c.in);
    load_talk_send(&c, 0, 5);
    load_talk_expect(&c, 5);
    front.fake.body = BODY_REFUSE; /* nobody asks for a body that is not wanted */
    load_talk_announce(&c, LOAD_TALK_REQUEST "Expect: 100-continue\r\n", HUGE);
    assert_contains(client_read_all(&c), "HTTP/1.1 503 ");
    assert_null(strstr(c.in.data, "100 Continue"));
}

TEST(huge)
{
    AUTO(client) struct client c = load_talk_load(BODY_COUNT, HUGE, HUGE);
    load_talk_expect(&c, HUGE);
}

/* ---- slow sides ---- */

static void unstall(struct harness *of)
{
    fake_unstall(&of->fake);
}

TEST(slow_backend)
{
    AUTO(client) struct client c = load_talk_load(BODY_STALL, HUGE, 0);
    size_t sent = load_talk_push(&c, HUGE);
    /* The channel's mark, one read, the sockets, and what the fake itself had read. */
    assert_in_range(sent, CHANNEL_HIGH_WATER, 3 * 1024 * 1024);
    assert_int_equal(front.fake.body_bytes, 0);
    harness_do(&front, unstall);
    load_talk_send(&c, sent, HUGE);
    load_talk_expect(&c, HUGE);
    expect_ping(&c);
}

/* A client that writes all before it reads, and a backend that does not read while it cannot write:
 * steps of a bar are left out rather than that both wait for ever. */
TEST(talkative_backend)
{
    AUTO(client) struct client c = load_talk_load(BODY_TALK, BIG, BIG);
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
    AUTO(client) struct client c = load_talk_load(BODY_REFUSE, BIG, BIG);
    assert_contains(client_read_all(&c), "HTTP/1.1 503 ");
    assert_contains(c.in.data, "Connection: close\r\n");
    assert_contains(c.in.data, "{\"message\":\"no room\"}\n");
}

TEST(fails_in_mid_body)
{
    AUTO(client) struct client c = load_talk_load(BODY_FAIL, HUGE, HUGE);
    assert_contains(client_read_all(&c), "HTTP/1.1 200 OK\r\n");
    assert_contains(c.in.data, "{\"errorDetail\":{\"message\":\"unexpected EOF\"},"
                               "\"error\":\"unexpected EOF\"}\r\n\r\n0\r\n\r\n");
    front_ask_anew(&c, ""); /* an import has said nothing yet: a plain error */
    load_talk_announce(&c, IMPORT, BIG);
    load_talk_send(&c, 0, BIG);
    assert_contains(client_read_all(&c), "HTTP/1.1 500 Internal Server Error\r\n");
    assert_contains(c.in.data, "{\"message\":\"unexpected EOF\"}\n");
}

TEST(ends_in_mid_body)
{
    AUTO(client)
    struct client c = load_talk_begin(BODY_EARLY, LOAD_TALK_REQUEST CHUNKED "\r\n10000\r\n");
    load_talk_send(&c, 0, 65536);
    client_send(&c, "\r\n0\r\n\r\n");
    assert_contains(client_read_all(&c), "HTTP/1.1 200 OK\r\n");
    assert_contains(c.in.data, "\r\n\r\n0\r\n\r\n");
}

TEST(client_leaves)
{
    await_count(&front.fake.sessions, 0);
    int lost = front.fake.lost;
    struct client gone = load_talk_load(BODY_COUNT, BIG, BIG / 2);
    client_close(&gone);
    await_count(&front.fake.lost, lost + 1);
    AUTO(client) struct client c = load_talk_load(BODY_COUNT, BIG, BIG / 2);
    shutdown(c.fd, SHUT_WR); /* still there to hear about it */
    assert_contains(client_read_all(&c), "HTTP/1.1 400 Bad Request\r\n");
    await_count(&front.fake.lost, lost + 2);
    await_count(&front.fake.sessions, 0);
}

/* Nobody reads from it when it vanishes: the periodic look at held connections notices. */
TEST(held_client_leaves)
{
    int lost = front.fake.lost;
    struct client c = load_talk_load(BODY_STALL, HUGE, 0);
    load_talk_push(&c, HUGE);
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
    AUTO(client) struct client c = load_talk_load(BODY_COUNT, BIG, 1000);
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
        AUTO(client)
        struct client c = load_talk_begin(BODY_COUNT, LOAD_TALK_REQUEST CHUNKED "\r\n2\r\nab\r\n");
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
    load_talk_send(&f->c, 0, f->len);
    return NULL;
}

/* Several at once, some of which leave. */
TEST(many)
{
    enum { COUNT = 8 };
    struct feeder feeders[COUNT];
    int lost = front.fake.lost;
    for (int i = 0; i < COUNT; i++) {
        feeders[i] =
            (struct feeder){.c = load_talk_load(BODY_COUNT, BIG, 0), .len = i % 2 ? BIG : BIG / 3};
        pthread_create(&feeders[i].thread, NULL, feed, &feeders[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        pthread_join(feeders[i].thread, NULL);
        if (i % 2)
            load_talk_expect(&feeders[i].c, BIG);
        client_close(&feeders[i].c);
    }
    await_count(&front.fake.lost, lost + COUNT / 2);
    await_count(&front.fake.sessions, 0);
}
