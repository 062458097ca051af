/* SPDX-License-Identifier: Apache-2.0
 *
 * Attach and exec start over a real unix socket: 101 and 200, frames and raw bytes, bytes glued to
 * the head, half-close, errors in each phase, floods in both directions.
 */
#include "test/kit/frontend_harness.h"
#include "test/kit/test.h"

static struct harness h;

static int setup(void **state)
{
    (void)state;
    h.options = (struct http_server_options){.half_closed_check_ms = 500};
    harness_start(&h, true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_stop(&h);
    return 0;
}

#define HOST " HTTP/1.1\r\nHost: x\r\n"
#define UPGRADE "Connection: Upgrade\r\nUpgrade: tcp\r\n"
#define ATTACH(name, api, headers)                                                                 \
    "POST " api "/containers/" name "/attach?stream=1&stdin=1&stdout=1&stderr=1" HOST headers "\r" \
    "\n"
#define EXEC(name, headers, length, body)                                                          \
    "POST /exec/" name "/start" HOST headers                                                       \
    "Content-Type: application/json\r\nContent-Length: " length "\r\n\r\n" body

TEST(attach_upgrade)
{
    struct client c;
    client_open(&c, &h);
    client_send(&c, ATTACH("echo", "/v1.41", UPGRADE));
    client_expect(&c, "\r\n\r\n");
    assert_string_equal(c.in.data, "HTTP/1.1 101 UPGRADED\r\n"
                                   "Content-Type: application/vnd.docker.raw-stream\r\n"
                                   "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    buf_clear(&c.in);
    client_send(&c, "abc");
    client_read_len(&c, 11);
    assert_memory_equal(c.in.data, "\1\0\0\0\0\0\0\3abc", 11);
    shutdown(c.fd, SHUT_WR);
    client_read_all(&c);
    assert_int_equal(c.in.len, 11);
    client_close(&c);
}

TEST(attach_plain_and_types)
{
    struct client c;
    client_open(&c, &h);
    client_send(&c, ATTACH("echo", "/v1.44", ""));
    client_expect(&c, "\r\n\r\n");
    assert_contains(c.in.data, "HTTP/1.1 200 OK\r\n");
    assert_contains(c.in.data, "application/vnd.docker.multiplexed-stream\r\n\r\n");
    assert_null(strstr(c.in.data, "chunked"));
    client_close(&c);
    client_open(&c, &h);
    client_send(&c, ATTACH("tty", "/v1.44", UPGRADE "X: y\r\n"));
    client_expect(&c, "\r\n\r\n");
    assert_contains(c.in.data, "application/vnd.docker.raw-stream");
    buf_clear(&c.in);
    client_send(&c, "raw");
    client_read_len(&c, 3);
    assert_string_equal(c.in.data, "raw");
    client_close(&c);
}

/* Bytes that came with the head, and the half-close right after them, are stdin. */
TEST(glued_bytes)
{
    struct client c;
    client_open(&c, &h);
    client_send(&c, ATTACH("sink", "", UPGRADE) "glued to it");
    shutdown(c.fd, SHUT_WR);
    client_read_all(&c);
    assert_non_null(memmem(c.in.data, c.in.len,
                           "\r\n\r\n\1\0\0\0\0\0\0\3"
                           "11\n",
                           15));
    client_close(&c);
    client_open(&c, &h);
    client_send(&c, EXEC("sink", UPGRADE, "2", "{}") "12345");
    client_expect(&c, "101 UPGRADED");
    client_send(&c, "67");
    shutdown(c.fd, SHUT_WR);
    client_read_all(&c);
    assert_non_null(memmem(c.in.data, c.in.len,
                           "\r\n\r\n\1\0\0\0\0\0\0\2"
                           "7\n",
                           14));
    client_close(&c);
}

/* The head comes by itself even when output follows at once. */
TEST(head_alone)
{
    struct client c;
    client_open(&c, &h);
    client_send(&c, ATTACH("greet", "", UPGRADE));
    assert_true(client_more(&c));
    assert_string_equal(c.in.data + c.in.len - 4, "\r\n\r\n");
    assert_null(strstr(c.in.data, "hello"));
    client_expect(&c, "hello");
    client_close(&c);
}

TEST(errors)
{
    struct client c;
    client_open(&c, &h);
    client_send(&c, ATTACH("nope", "", UPGRADE));
    assert_string_equal(client_read_all(&c), "HTTP/1.1 404 Not Found\r\nContent-Type: "
                                             "application/vnd.docker.raw-stream\r\n\r\n"
                                             "No such container: nope\r\n");
    client_close(&c);
    client_open(&c, &h);
    client_send(&c, EXEC("nope", UPGRADE, "2", "{}"));
    AUTO_FREE char *json = client_answer(&c);
    assert_contains(json, "404 Not Found");
    assert_contains(json, "{\"message\":\"No such container: nope\"}\n");
    client_send(&c, EXEC("echo", UPGRADE, "0", "")); /* the connection is still good */
    AUTO_FREE char *empty = client_answer(&c);
    assert_contains(empty, "got EOF while reading request body");
    client_close(&c);
}

TEST(exec_start_failures)
{
    struct client c;
    client_open(&c, &h);
    client_send(&c, EXEC("broken", UPGRADE, "2", "{}"));
    client_read_all(&c);
    assert_contains(c.in.data, "101 UPGRADED");
    assert_non_null(memmem(c.in.data, c.in.len, "\r\n\r\n\1\0\0\0\0\0\0", 11));
    assert_non_null(memmem(c.in.data, c.in.len, "not found in $PATH\r\n", 20));
    client_close(&c);
    client_open(&c, &h);
    client_send(&c, EXEC("broken", "", "15", "{\"Detach\":true}"));
    AUTO_FREE char *answer = client_answer(&c);
    assert_contains(answer, "400 Bad Request");
    assert_contains(answer, "executable file not found");
    client_send(&c, EXEC("echo", "", "15", "{\"Detach\":true}"));
    AUTO_FREE char *detached = client_answer(&c);
    assert_contains(detached, "200 OK");
    assert_contains(detached, "Content-Length: 0\r\n");
    client_close(&c);
}

TEST(flood_out)
{
    struct client c;
    uint64_t total = 0;
    client_open(&c, &h);
    client_send(&c, ATTACH("flood", "", UPGRADE));
    client_expect(&c, "\r\n\r\n");
    total = c.in.len - (size_t)(strstr(c.in.data, "\r\n\r\n") + 4 - c.in.data);
    buf_clear(&c.in);
    while (client_more(&c)) {
        total += c.in.len;
        buf_clear(&c.in);
    }
    assert_int_equal(total, FLOOD_BYTES + 8 * (FLOOD_BYTES / FLOOD_FRAME));
    client_close(&c);
}

static void *feed(void *arg)
{
    struct client *c = arg;
    static char block[128 * 1024];
    for (int i = 0; i < FLOOD_BYTES / (int)sizeof(block); i++)
        client_send_bytes(c, block, sizeof(block));
    shutdown(c->fd, SHUT_WR);
    return NULL;
}

/* Both directions at once, through every queue on the way, with nothing lost. */
TEST(flood_echo)
{
    struct client c;
    pthread_t feeder;
    uint64_t total = 0;
    client_open(&c, &h);
    client_send(&c, ATTACH("tty", "", UPGRADE));
    client_expect(&c, "\r\n\r\n");
    buf_clear(&c.in);
    pthread_create(&feeder, NULL, feed, &c);
    while (client_more(&c)) {
        total += c.in.len;
        buf_clear(&c.in);
    }
    pthread_join(feeder, NULL);
    assert_int_equal(total, FLOOD_BYTES);
    client_close(&c);
}

static void wait_for_count(atomic_int *what, int want)
{
    for (int i = 0; *what != want && i < 20000; i++)
        usleep(1000);
    assert_int_equal(*what, want);
}

/* A client that vanishes, at once or after a half-close, ends its session. */
TEST(client_vanishes)
{
    struct client c;
    wait_for_count(&h.fake.sessions, 0);
    client_open(&c, &h);
    client_send(&c, ATTACH("mute", "", UPGRADE));
    client_expect(&c, "101 UPGRADED");
    client_close(&c);
    wait_for_count(&h.fake.sessions, 0);
    client_open(&c, &h);
    client_send(&c, "POST /containers/mute/attach?stream=1&stdout=1" HOST UPGRADE "\r\n");
    client_expect(&c, "101 UPGRADED");
    shutdown(c.fd, SHUT_WR);
    wait_for_count(&h.fake.sessions, 1);
    client_close(&c); /* seen by the periodic look at half-closed connections */
    wait_for_count(&h.fake.sessions, 0);
}

/* Who types and leaves at once is heard, although what it is sent meanwhile finds nobody. */
TEST(typed_before_leaving)
{
    enum { ROUNDS = 200, TYPED = 100 * 1000 };
    static char text[TYPED];
    (void)state;
    wait_for_count(&h.fake.sessions, 0);
    h.fake.typed = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct client c;
        client_open(&c, &h);
        client_send(&c, ATTACH("echo", "", UPGRADE));
        client_expect(&c, "101 UPGRADED");
        client_send(&c, "the echo of this meets a client that has gone");
        client_send_bytes(&c, text, TYPED);
        client_close(&c);
    }
    wait_for_count(&h.fake.sessions, 0);
    assert_int_equal(h.fake.typed, ROUNDS * (45 + TYPED));
}

TEST_GROUP(setup, teardown);
