/* SPDX-License-Identifier: Apache-2.0
 *
 * Attach and exec start over a real unix socket: 101 and 200, frames and raw bytes, bytes glued to
 * the head, half-close, errors in each phase, floods in both directions.
 */
#include "test/kit/frontend_talk.h"
#include "test/kit/test.h"

#include <netinet/in.h>

static int setup(void **state)
{
    front.options = (struct http_server_options){.half_closed_check_ms = 500};
    return front_setup(state);
}

TEST_GROUP(setup, front_teardown);

#define UPGRADE "Connection: Upgrade\r\nUpgrade: tcp\r\n"
#define ATTACH(name, api, headers)                                                                 \
    "POST " api "/containers/" name "/attach?stream=1&stdin=1&stdout=1&stderr=1" HOST headers "\r" \
    "\n"
#define EXEC(name, headers, length, body)                                                          \
    "POST /exec/" name "/start" HOST headers                                                       \
    "Content-Type: application/json\r\nContent-Length: " length "\r\n\r\n" body
#define DETACHED(name) EXEC(name, "", "15", "{\"Detach\":true}")

/* The answer's head, taken from the stream. */
static void expect_head(struct client *c)
{
    client_expect(c, "\r\n\r\n");
    buf_clear(&c->in);
}

#define assert_received(c, literal)                                                                \
    assert_non_null(memmem((c).in.data, (c).in.len, literal, sizeof(literal) - 1))

/* What comes up to the end of the stream, counted; none of it is kept. */
static uint64_t count_all(struct client *c)
{
    uint64_t total = 0;
    for (; client_more(c); buf_clear(&c->in))
        total += c->in.len;
    return total;
}

TEST(attach_upgrade)
{
    AUTO(client) struct client c = front_ask(ATTACH("echo", "/v1.41", UPGRADE));
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
}

TEST(attach_plain_and_types)
{
    AUTO(client) struct client c = front_ask(ATTACH("echo", "/v1.44", ""));
    client_expect(&c, "\r\n\r\n");
    assert_contains(c.in.data, "HTTP/1.1 200 OK\r\n");
    assert_contains(c.in.data, "application/vnd.docker.raw-stream\r\n\r\n");
    assert_null(strstr(c.in.data, "chunked"));
    front_ask_anew(&c, ATTACH("echo", "/v1.44", UPGRADE));
    client_expect(&c, "\r\n\r\n");
    assert_contains(c.in.data, "application/vnd.docker.multiplexed-stream\r\n");
    front_ask_anew(&c, EXEC("echo", "", "2", "{}"));
    client_expect(&c, "\r\n\r\n");
    assert_contains(c.in.data, "application/vnd.docker.raw-stream\r\n");
    front_ask_anew(&c, ATTACH("tty", "/v1.44", UPGRADE "X: y\r\n"));
    client_expect(&c, "\r\n\r\n");
    assert_contains(c.in.data, "application/vnd.docker.raw-stream");
    buf_clear(&c.in);
    client_send(&c, "raw");
    client_read_len(&c, 3);
    assert_string_equal(c.in.data, "raw");
}

/* Bytes that came with the head, and the half-close right after them, are stdin. */
TEST(glued_bytes)
{
    AUTO(client) struct client c = front_ask(ATTACH("sink", "", UPGRADE) "glued to it");
    shutdown(c.fd, SHUT_WR);
    client_read_all(&c);
    assert_received(c, "\r\n\r\n\1\0\0\0\0\0\0\00311\n");
    front_ask_anew(&c, EXEC("sink", UPGRADE, "2", "{}") "12345");
    client_expect(&c, "101 UPGRADED");
    client_send(&c, "67");
    shutdown(c.fd, SHUT_WR);
    client_read_all(&c);
    assert_received(c, "\r\n\r\n\1\0\0\0\0\0\0\0027\n");
}

/* ---- the head and the first output ---- */

/* The first read has the head and nothing else, the following ones the output. */
static void expect_head_alone(struct client *c, const char *output)
{
    assert_true(client_more(c));
    assert_string_equal(c->in.data + c->in.len - 4, "\r\n\r\n");
    buf_clear(&c->in);
    do
        assert_true(client_more(c));
    while (!memmem(c->in.data, c->in.len, output, strlen(output)));
}

/* Longer than any schedule by which a server might write on regardless. */
static void read_late(void)
{
    enum { LATE_MS = 500 };
    usleep(LATE_MS * 1000);
}

TEST(head_alone)
{
    AUTO(client) struct client c = front_ask(ATTACH("greet", "", UPGRADE));
    expect_head_alone(&c, "hello");
}

/* The output comes with the head, and in the second case the end does, too. */
TEST(head_alone_when_read_late)
{
    AUTO(client) struct client c = front_ask(ATTACH("greet", "", UPGRADE));
    struct client short_lived = front_ask(EXEC("broken", UPGRADE, "2", "{}"));
    struct client plain = front_ask(ATTACH("greet", "", ""));
    read_late();
    expect_head_alone(&c, "hello");
    expect_head_alone(&short_lived, "executable file not found");
    client_read_all(&short_lived);
    client_close(&short_lived);
    expect_head_alone(&plain, "hello");
    client_close(&plain);
}

/* What is held while the head is not read is bounded, and none of it is lost. */
TEST(head_alone_before_a_flood)
{
    AUTO(client) struct client c = front_ask(ATTACH("flood", "", UPGRADE));
    read_late();
    assert_true(client_more(&c));
    assert_string_equal(c.in.data + c.in.len - 4, "\r\n\r\n");
    buf_clear(&c.in);
    assert_int_equal(count_all(&c), FLOOD_BYTES + 8 * (FLOOD_BYTES / FLOOD_FRAME));
}

/* A client that leaves without reading the head leaves nothing behind. */
TEST(head_never_read)
{
    await_count(&front.fake.sessions, 0);
    struct client c = front_ask(ATTACH("greet", "", UPGRADE));
    await_count(&front.fake.sessions, 1);
    client_close(&c);
    await_count(&front.fake.sessions, 0);
}

/* ---- the same by TCP, where the peer's kernel acknowledges what its program has not read ---- */

static void listen_on_tcp(struct harness *h)
{
    struct error err;
    if (http_server_listen(h->server, "tcp://127.0.0.1:0", &err))
        fail_msg("%s", err.message);
}

static struct client tcp_ask(const char *request)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)http_server_port(front.server)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = CLIENT_TIMEOUT_S};
    struct client c = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(c.fd, (struct sockaddr *)&to, sizeof to), 0);
    client_send(&c, request);
    return c;
}

TEST(head_alone_by_tcp)
{
    harness_do(&front, listen_on_tcp);
    AUTO(client) struct client c = tcp_ask(ATTACH("greet", "", UPGRADE));
    struct client short_lived = tcp_ask(EXEC("broken", UPGRADE, "2", "{}"));
    read_late();
    expect_head_alone(&c, "hello");
    expect_head_alone(&short_lived, "executable file not found");
    client_read_all(&short_lived);
    client_close(&short_lived);
}

TEST(errors)
{
    AUTO(client) struct client c = front_ask(ATTACH("nope", "", UPGRADE));
    assert_string_equal(client_read_all(&c), "HTTP/1.1 404 Not Found\r\nContent-Type: "
                                             "application/vnd.docker.raw-stream\r\n\r\n"
                                             "No such container: nope\r\n");
    front_ask_anew(&c, "");
    client_check(&c, EXEC("nope", UPGRADE, "2", "{}"), "404 Not Found",
                 "{\"message\":\"No such container: nope\"}\n");
    /* the connection is still good */
    client_check(&c, EXEC("echo", UPGRADE, "0", ""), "got EOF while reading request body", "");
}

TEST(exec_start_failures)
{
    AUTO(client) struct client c = front_ask(EXEC("broken", UPGRADE, "2", "{}"));
    assert_contains(client_read_all(&c), "101 UPGRADED");
    assert_received(c, "\r\n\r\n\1\0\0\0\0\0\0");
    assert_received(c, "not found in $PATH\r\n");
    front_ask_anew(&c, "");
    client_check(&c, DETACHED("broken"), "400 Bad Request", "executable file not found");
    client_check(&c, DETACHED("echo"), "200 OK", "Content-Length: 0\r\n");
}

TEST(flood_out)
{
    AUTO(client) struct client c = front_ask(ATTACH("flood", "", UPGRADE));
    client_expect(&c, "\r\n\r\n");
    uint64_t total = c.in.len - (size_t)(strstr(c.in.data, "\r\n\r\n") + 4 - c.in.data);
    buf_clear(&c.in);
    total += count_all(&c);
    assert_int_equal(total, FLOOD_BYTES + 8 * (FLOOD_BYTES / FLOOD_FRAME));
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
    pthread_t feeder;
    AUTO(client) struct client c = front_ask(ATTACH("tty", "", UPGRADE));
    expect_head(&c);
    pthread_create(&feeder, NULL, feed, &c);
    uint64_t total = count_all(&c);
    pthread_join(feeder, NULL);
    assert_int_equal(total, FLOOD_BYTES);
}

/* A client that vanishes, at once or after a half-close, ends its session. */
TEST(client_vanishes)
{
    await_count(&front.fake.sessions, 0);
    struct client c = front_ask(ATTACH("mute", "", UPGRADE));
    client_expect(&c, "101 UPGRADED");
    client_close(&c);
    await_count(&front.fake.sessions, 0);
    c = front_ask("POST /containers/mute/attach?stream=1&stdout=1" HOST UPGRADE "\r\n");
    client_expect(&c, "101 UPGRADED");
    shutdown(c.fd, SHUT_WR);
    await_count(&front.fake.sessions, 1);
    client_close(&c); /* seen by the periodic look at half-closed connections */
    await_count(&front.fake.sessions, 0);
}

/* Who types and leaves at once is heard, although what it is sent meanwhile finds nobody. */
TEST(typed_before_leaving)
{
    enum { ROUNDS = 200, TYPED = 100 * 1000 };
    static char text[TYPED];
    await_count(&front.fake.sessions, 0);
    front.fake.typed = 0;
    for (int round = 0; round < ROUNDS; round++) {
        AUTO(client) struct client c = front_ask(ATTACH("echo", "", UPGRADE));
        client_expect(&c, "101 UPGRADED");
        client_send(&c, "the echo of this meets a client that has gone");
        client_send_bytes(&c, text, TYPED);
    }
    await_count(&front.fake.sessions, 0);
    assert_int_equal(front.fake.typed, ROUNDS * (45 + TYPED));
}
