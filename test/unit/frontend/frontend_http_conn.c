/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP side of the frontend over a real unix socket: pipelining, bodies, limits, versions,
 * errors, a backend that is down and comes back.
 */
#include "test/kit/frontend_harness.h"
#include "test/kit/test.h"

static struct harness h;

static int setup(void **state)
{
    (void)state;
    h.options = (struct http_server_options){0};
    harness_start(&h, true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_stop(&h);
    return 0;
}

/* Send one request, check parts of the answer, on a connection of its own. */
static void exchange(const char *request, const char *status, const char *part)
{
    struct client c;
    client_open(&c, &h);
    client_send(&c, request);
    AUTO_FREE char *answer = client_answer(&c);
    assert_contains(answer, status);
    assert_contains(answer, part);
    client_close(&c);
}

#define HOST " HTTP/1.1\r\nHost: x\r\n"

TEST(ping)
{
    struct client c;
    client_open(&c, &h);
    client_send(&c, "GET /_ping" HOST "\r\n");
    AUTO_FREE char *get = client_answer(&c);
    assert_contains(get, "HTTP/1.1 200 OK\r\n");
    assert_contains(get, "Api-Version: 1.44\r\n");
    assert_contains(get, "Docker-Experimental: false\r\n");
    assert_contains(get, "Ostype: linux\r\n");
    assert_contains(get, "Builder-Version: 1\r\n");
    assert_contains(get, "Server: Sockerless/");
    assert_contains(get, "\r\n\r\nOK");
    client_send(&c, "HEAD /v1.35/_ping" HOST "\r\n");
    AUTO_FREE char *head = client_answer(&c);
    assert_contains(head, "Content-Length: 0\r\n");
    assert_string_equal(strstr(head, "\r\n\r\n"), "\r\n\r\n");
    client_close(&c);
}

TEST(pipelining)
{
    struct client c;
    client_open(&c, &h);
    client_send(&c, "GET /containers/web/json" HOST "\r\nGET /_ping" HOST "\r\nGET /nope" HOST
                    "\r\nPOST /containers/running/start" HOST "\r\nGET /_ping" HOST
                    "Connection: close\r\n\r\n");
    const char *const want[] = {("\"Id\":\"" FAKE_ID), "\r\n\r\nOK", "page not found",
                                "304 Not Modified", "Connection: close"};
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        AUTO_FREE char *answer = client_answer(&c);
        assert_contains(answer, want[i]);
    }
    client_read_all(&c);
    assert_int_equal(c.in.len, 0);
    client_close(&c);
}

TEST(split_everywhere)
{
    static const char request[] =
        "POST /v1.44/containers/create?name=web" HOST "Content-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
        "5\r\n{\"Ima\r\n14\r\nge\":\"busybox:latest\"\r\n1\r\n}\r\n0\r\n\r\n";
    struct client c;
    client_open(&c, &h);
    for (size_t i = 0; i + 1 < sizeof(request); i++)
        client_send_bytes(&c, request + i, 1);
    AUTO_FREE char *answer = client_answer(&c);
    assert_contains(answer, "201 Created");
    assert_contains(answer, "{\"Id\":\"" FAKE_ID "\",\"Warnings\":[]}\n");
    client_close(&c);
}

TEST(expect_continue)
{
    struct client c;
    client_open(&c, &h);
    client_send(&c, "POST /containers/create" HOST "Content-Type: application/json\r\n"
                    "Expect: 100-continue\r\nContent-Length: 15\r\n\r\n");
    client_expect(&c, "HTTP/1.1 100 Continue\r\n\r\n");
    buf_clear(&c.in);
    client_send(&c, "{\"Image\": \"bb\"}");
    AUTO_FREE char *answer = client_answer(&c);
    assert_contains(answer, "201 Created");
    client_close(&c);
    exchange("POST /containers/create" HOST
             "Content-Type: application/json\r\nExpect: 100-continue\r\n"
             "Content-Length: 99999999999\r\n\r\n",
             "HTTP/1.1 413 ", "too large");
}

TEST(limits)
{
    struct client c;
    AUTO_FREE char *big = xcalloc(1, 80 * 1024 + 1);
    memset(big, 'a', 80 * 1024);
    client_open(&c, &h);
    client_send(&c, "GET /_ping" HOST "X-Long: ");
    client_send(&c, big);
    AUTO_FREE char *answer = client_answer(&c);
    assert_contains(answer, "HTTP/1.1 431 ");
    assert_contains(answer, "Connection: close");
    client_close(&c);

    /* A chunked body tells its size only as it comes. */
    client_open(&c, &h);
    client_send(&c, "POST /containers/create" HOST "Content-Type: application/json\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 17 * 1024 / 64; i++) {
        char head[16];
        snprintf(head, sizeof(head), "%x\r\n", 64 * 1024);
        ssize_t n = send(c.fd, head, strlen(head), MSG_NOSIGNAL);
        n = n < 0 ? n : send(c.fd, big, 64 * 1024, MSG_NOSIGNAL);
        if (n < 0 || send(c.fd, "\r\n", 2, MSG_NOSIGNAL) < 0)
            break; /* refused meanwhile */
    }
    AUTO_FREE char *refusal = client_answer(&c);
    assert_contains(refusal, "HTTP/1.1 413 ");
    client_close(&c);
}

TEST(http10_and_close)
{
    struct client c;
    client_open(&c, &h);
    client_send(&c, "GET /_ping HTTP/1.0\r\n\r\n");
    assert_contains(client_read_all(&c), "Connection: close");
    client_close(&c);
    client_open(&c, &h);
    client_send(&c, "GET /_ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    AUTO_FREE char *kept = client_answer(&c);
    assert_contains(kept, "Connection: keep-alive");
    client_send(&c, "POST /containers/done/wait HTTP/1.0\r\n\r\n");
    char *wait = client_read_all(&c);
    assert_null(strstr(wait, "chunked"));
    assert_contains(wait, "\r\n\r\n{\"StatusCode\":7}\n");
    client_close(&c);
    exchange("GET /_ping HTTP/1.1\r\n\r\n", "400 Bad Request", "missing required Host header");
    exchange("GET _ping HTTP/1.1\r\n\r\n", "400 Bad Request", "Connection: close");
    exchange("GET /_ping HTTP/3.1\r\nHost: x\r\n\r\n", "HTTP/1.1 ", "Connection: close");
    exchange("GET http://docker/_ping HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK", "OK");
    exchange("GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "400 Bad Request", "Connection: close");
}

TEST(half_closed_request)
{
    struct client c;
    client_open(&c, &h);
    client_send(&c, "GET /containers/web/json" HOST "\r\n");
    shutdown(c.fd, SHUT_WR);
    assert_contains(client_read_all(&c), "\"Name\":\"/web\"");
    client_close(&c);
}

TEST(versions)
{
    exchange("GET /v1.45/info" HOST "\r\n", "400 Bad Request",
             "{\"message\":\"client version 1.45 is too new. Maximum supported API version is "
             "1.44\"}\n");
    exchange("GET /v2/version" HOST "\r\n", "400 Bad Request", "is too new");
    exchange("GET /v1.23/info" HOST "\r\n", "400 Bad Request",
             "client version 1.23 is too old. Minimum supported API version is 1.24, please "
             "upgrade your client to a newer version\n");
    exchange("GET /v1.24/version" HOST "\r\n", "200 OK", "\"MinAPIVersion\":\"1.24\"");
    exchange("GET /v1.44/info" HOST "\r\n", "200 OK", "\"Driver\":\"sockerless\"");
    exchange("GET /vabc/version" HOST "\r\n", "404 Not Found", "page not found");
    exchange("GET /v1.44/networks" HOST "\r\n", "501 Not Implemented", "not supported");
}

TEST(create_errors)
{
#define CREATE(type, length, body)                                                                 \
    "POST /containers/create" HOST type "Content-Length: " length "\r\n\r\n" body
#define JSON_TYPE "Content-Type: application/json\r\n"
    exchange(CREATE("", "2", "{}"), "400 Bad Request",
             "Content-Type specified () must be 'application/json'");
    exchange(CREATE("Content-Type: text/plain\r\n", "2", "{}"), "400 Bad Request",
             "Content-Type specified (text/plain) must be");
    exchange(CREATE(JSON_TYPE, "0", ""), "400 Bad Request", "EOF");
    exchange(CREATE(JSON_TYPE, "9", "{\"Image\":"), "400 Bad Request", "invalid JSON");
    exchange(CREATE(JSON_TYPE, "11", "{\"Image\":1}"), "400 Bad Request",
             "cannot unmarshal number into Go struct field ContainerConfigWrapper.Image of type "
             "string");
    exchange("GET /containers/nope/json" HOST "\r\n", "404 Not Found",
             "{\"message\":\"No such container: nope\"}\n");
    exchange("GET /containers/json?filters=nope" HOST "\r\n", "400 Bad Request", "invalid filter");
    exchange("GET /containers/json?limit=abc" HOST "\r\n", "400 Bad Request",
             "strconv.Atoi: parsing \\\"abc\\\": invalid syntax");
}

TEST(wait_and_logs)
{
    struct client wait, other;
    client_open(&wait, &h);
    client_send(&wait, "POST /v1.44/containers/web/wait?condition=next-exit" HOST "\r\n");
    client_expect(&wait, "Transfer-Encoding: chunked\r\n\r\n"); /* before the start */
    client_open(&other, &h);
    client_send(&other, "POST /v1.44/containers/web/start" HOST "\r\n");
    AUTO_FREE char *started = client_answer(&other);
    assert_contains(started, "204 No Content");
    client_expect(&wait, "{\"StatusCode\":3}\n\r\n0\r\n\r\n");
    buf_clear(&wait.in);
    client_send(&wait, "POST /v1.41/containers/done/wait" HOST "\r\n");
    client_expect(&wait, "{\"Error\":null,\"StatusCode\":7}\n\r\n0\r\n\r\n");
    buf_clear(&wait.in);
    client_send(&wait, "GET /containers/web/logs?stdout=1&stderr=1" HOST "\r\n");
    client_expect(&wait, "\r\n0\r\n\r\n");
    assert_contains(wait.in.data, "multiplexed-stream");
    assert_non_null(memmem(wait.in.data, wait.in.len, "c\r\n\1\0\0\0\0\0\0\4out\n\r\n", 17));
    assert_non_null(memmem(wait.in.data, wait.in.len, "c\r\n\2\0\0\0\0\0\0\4err\n\r\n", 17));
    client_close(&wait);
    client_close(&other);
}

static void wait_for_count(atomic_int *what, int want)
{
    for (int i = 0; *what != want && i < 20000; i++)
        usleep(1000);
    assert_int_equal(*what, want);
}

/* A client that leaves takes its session along. */
TEST(disconnect_cancels)
{
    int lost = h.fake.lost;
    struct client c;
    client_open(&c, &h);
    client_send(&c, "GET /containers/web/logs?stdout=1&follow=1" HOST "\r\n");
    client_expect(&c, "err\n");
    client_close(&c);
    wait_for_count(&h.fake.lost, lost + 1);
    client_open(&c, &h);
    client_send(&c, "POST /containers/web/wait" HOST "\r\n");
    client_expect(&c, "chunked\r\n\r\n");
    client_close(&c);
    wait_for_count(&h.fake.lost, lost + 2);
}

TEST(pull)
{
    struct client c;
    client_open(&c, &h);
    client_send(&c,
                "POST /images/create?fromImage=busybox&tag=1" HOST "X-Registry-Auth: e30=\r\n\r\n");
    client_expect(&c, "\r\n0\r\n\r\n");
    assert_contains(c.in.data, "{\"status\":\"Pulling from library/busybox\",\"id\":\"1\"}\r\n");
    assert_contains(c.in.data, "\"progressDetail\":{\"current\":512,\"total\":1024}");
    buf_clear(&c.in);
    client_send(&c, "POST /images/create?fromImage=nope" HOST "\r\n");
    client_expect(&c, "404 Not Found");
    client_close(&c);
}

TEST(big_list)
{
    h.fake.list_count = 2000;
    struct client c;
    client_open(&c, &h);
    client_send(&c, "GET /containers/json?all=1" HOST "\r\n");
    AUTO_FREE char *answer = client_answer(&c);
    assert_contains(answer, "\"Names\":[\"/web\"]");
    assert_string_equal(answer + strlen(answer) - 3, "}]\n");
    client_close(&c);
    h.fake.list_count = 0;
}

TEST(backend_down_and_back)
{
    teardown(NULL);
    h.options = (struct http_server_options){0};
    harness_start(&h, false);
    exchange("GET /_ping" HOST "\r\n", "200 OK", "OK");
    exchange("GET /info" HOST "\r\n", "503 Service Unavailable", h.url);
    exchange("POST /containers/web/wait" HOST "\r\n", "503 Service Unavailable", h.url);
    exchange("POST /containers/web/attach?stream=1" HOST "\r\n", "503 Service Unavailable",
             "raw-stream");
    harness_do(&h, harness_open_backend);
    exchange("GET /info" HOST "\r\n", "200 OK", "\"Driver\"");
    exchange("POST /containers/done/wait" HOST "\r\n", "200 OK", "chunked");
}

TEST(idle_timeout_and_limit)
{
    struct client c[3];
    teardown(NULL);
    h.options = (struct http_server_options){.max_connections = 2, .idle_timeout_ms = 1000};
    harness_start(&h, true);
    for (int i = 0; i < 3; i++) {
        client_open(&c[i], &h);
        client_send(&c[i], "GET /_ping" HOST "\r\n");
    }
    AUTO_FREE char *first = client_answer(&c[0]);
    AUTO_FREE char *second = client_answer(&c[1]);
    /* The third is served once an idle one was closed. */
    AUTO_FREE char *third = client_answer(&c[2]);
    assert_contains(first, "200 OK");
    assert_contains(second, "200 OK");
    assert_contains(third, "200 OK");
    client_read_all(&c[0]);
    client_read_all(&c[1]);
    for (int i = 0; i < 3; i++)
        client_close(&c[i]);
}

TEST_GROUP(setup, teardown);
