/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP side of the frontend over a real unix socket: pipelining, bodies, limits, versions,
 * errors, a backend that is down and comes back.
 */
#include "test/kit/frontend_talk.h"
#include "test/kit/test.h"

FRONT_GROUP(0);

TEST(ping)
{
    static const char *const parts[] = {
        "HTTP/1.1 200 OK\r\n", "Api-Version: 1.44\r\n",  "Docker-Experimental: false\r\n",
        "Ostype: linux\r\n",   "Builder-Version: 1\r\n", "Server: Sockerless/",
        "\r\n\r\nOK"};
    AUTO(client) struct client c = front_ask("GET /_ping" HOST "\r\n");
    AUTO_FREE char *get = client_answer(&c);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        assert_contains(get, parts[i]);
    client_send(&c, "HEAD /v1.35/_ping" HOST "\r\n");
    AUTO_FREE char *head = client_answer(&c);
    assert_contains(head, "Content-Length: 0\r\n");
    assert_string_equal(strstr(head, "\r\n\r\n"), "\r\n\r\n");
}

TEST(pipelining)
{
    AUTO(client)
    struct client c = front_ask("GET /containers/web/json" HOST "\r\nGET /_ping" HOST
                                "\r\nGET /nope" HOST "\r\nPOST /containers/running/start" HOST
                                "\r\nGET /_ping" HOST "Connection: close\r\n\r\n");
    const char *const want[] = {("\"Id\":\"" FAKE_ID), "\r\n\r\nOK", "page not found",
                                "304 Not Modified", "Connection: close"};
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        client_check(&c, "", want[i], "");
    client_read_all(&c);
    assert_int_equal(c.in.len, 0);
}

#define JSON_TYPE "Content-Type: application/json\r\n"
#define CREATE(headers) "POST /containers/create" HOST headers "\r\n"

TEST(split_everywhere)
{
    static const char request[] =
        CREATE(JSON_TYPE "Transfer-Encoding: chunked\r\n") "5\r\n{\"Ima\r\n14\r\nge\":\"busybox:"
                                                           "latest\"\r\n1\r\n}\r\n0\r\n\r\n";
    AUTO(client) struct client c = front_ask("");
    for (size_t i = 0; i + 1 < sizeof(request); i++)
        client_send_bytes(&c, request + i, 1);
    client_check(&c, "", "201 Created", "{\"Id\":\"" FAKE_ID "\",\"Warnings\":[]}\n");
}

TEST(expect_continue)
{
    AUTO(client)
    struct client c = front_ask(CREATE(JSON_TYPE "Expect: 100-continue\r\nContent-Length: 15\r\n"));
    client_expect(&c, "HTTP/1.1 100 Continue\r\n\r\n");
    buf_clear(&c.in);
    client_check(&c, "{\"Image\": \"bb\"}", "201 Created", "");
    exchange(CREATE(JSON_TYPE "Expect: 100-continue\r\nContent-Length: 99999999999\r\n"),
             "HTTP/1.1 413 ", "too large");
}

TEST(limits)
{
    AUTO_FREE char *big = xcalloc(1, 80 * 1024 + 1);
    memset(big, 'a', 80 * 1024);
    AUTO(client) struct client c = front_ask("");
    /* As Go's server: 1 MiB and 4 KiB. */
    static const struct {
        int pieces;
        const char *status;
    } heads[] = {{12, "HTTP/1.1 200 "}, {13, "HTTP/1.1 431 "}};
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        front_ask_anew(&c, "GET /_ping" HOST "X-Long: ");
        for (int n = 0; n < heads[i].pieces; n++)
            client_send(&c, big);
        client_check(&c, "\r\n\r\n", heads[i].status, "");
    }

    /* A chunked body tells its size only as it comes. */
    front_ask_anew(&c, CREATE(JSON_TYPE "Transfer-Encoding: chunked\r\n"));
    for (int i = 0; i < 17 * 1024 / 64; i++) {
        char head[16];
        snprintf(head, sizeof(head), "%x\r\n", 64 * 1024);
        ssize_t n = send(c.fd, head, strlen(head), MSG_NOSIGNAL);
        n = n < 0 ? n : send(c.fd, big, 64 * 1024, MSG_NOSIGNAL);
        if (n < 0 || send(c.fd, "\r\n", 2, MSG_NOSIGNAL) < 0)
            break; /* refused meanwhile */
    }
    client_check(&c, "", "HTTP/1.1 413 ", "");
}

#define BODY "{\"Image\":\"bb\"}"
#define LENGTH "Content-Length: 14\r\n"

/* As Go's HTTP server, or stricter where a proxy may read the same bytes in another way. */
static const struct {
    const char *request, *status;
} heads[] = {
    {"GET /_ping HTTP/1.1\nHost: d\n\n", "200 OK"},
    {"GET /_ping HTTP/1.1\r\nHost: d\nX: y\r\n\n", "200 OK"},
    {"GET /_ping HTTP/1.1\nHost: d\nX:\n\r\n", "200 OK"},
    {"\r\n\nGET /_ping HTTP/1.1\r\nHost: d\r\n\r\n", "200 OK"},
    {"POST /containers/create HTTP/1.1\nHost: d\nContent-Type: application/json\n"
     "content-length: 14\n\n" BODY,
     "201 Created"},
    {CREATE(JSON_TYPE LENGTH LENGTH) BODY, "201 Created"},
    {CREATE(JSON_TYPE LENGTH "CONTENT-LENGTH:14\n" LENGTH "Content-Length: \t 14 \t\r\n") BODY,
     "201 Created"},
    {CREATE(JSON_TYPE "Content-Lengthy: 3\r\n" LENGTH "Content-: 5\r\nContent-Length-X: 9\r\n")
         BODY,
     "201 Created"},
    {CREATE(JSON_TYPE LENGTH "Content-Length: 014\r\n") BODY, "400 Bad Request"},
    {CREATE(JSON_TYPE LENGTH "Content-Length: 5\r\n") BODY, "400 Bad Request"},
    {CREATE(JSON_TYPE LENGTH "Content-Length: 14, 14\r\n") BODY, "400 Bad Request"},
    {CREATE(JSON_TYPE "Content-Length : 14\r\n") BODY, "400 Bad Request"},
    {CREATE(JSON_TYPE "X : 14\r\n" LENGTH) BODY, "400 Bad Request"},
    {CREATE(JSON_TYPE LENGTH "Transfer-Encoding: chunked\r\n") "0\r\n\r\n", "400 Bad Request"},
    {CREATE(JSON_TYPE LENGTH LENGTH "Transfer-Encoding: chunked\r\n") "0\r\n\r\n",
     "400 Bad Request"},
    {CREATE(JSON_TYPE "Transfer-Encoding: chunked\r\n") "e\n" BODY "\n0\n\n", "400 Bad Request"},
    {"GET /_ping HTTP/1.1\r\nHost: d\r\nX: a\rb\r\n\r\n", "400 Bad Request"},
    {"GET /_ping HTTP/1.1\r\nHost: d\r\nHost: d\r\n\r\n", "400 Bad Request"},
    {CREATE(JSON_TYPE LENGTH "Expect: something\r\n") BODY, "417 Expectation Failed"},
};

TEST(heads)
{
    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        exchange(heads[i].request, heads[i].status, "");
}

/* However it is cut, and with another request behind it on the same connection. */
TEST(heads_in_pieces)
{
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        AUTO(client) struct client c = front_ask("");
        for (const char *at = heads[i].request; *at; at++)
            if (send(c.fd, at, 1, MSG_NOSIGNAL) < 0)
                break; /* refused meanwhile */
        client_check(&c, "", heads[i].status, "");
        if (heads[i].status[0] == '2')
            client_check(&c, "GET /_ping HTTP/1.1\nHost: d\n\n", "200 OK", "OK");
    }
}

TEST(http10_and_close)
{
    AUTO(client) struct client c = front_ask("GET /_ping HTTP/1.0\r\n\r\n");
    assert_contains(client_read_all(&c), "Connection: close");
    front_ask_anew(&c, "");
    client_check(&c, "GET /_ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
                 "Connection: keep-alive", "");
    client_send(&c, "POST /containers/done/wait HTTP/1.0\r\n\r\n");
    char *wait = client_read_all(&c);
    assert_null(strstr(wait, "chunked"));
    assert_contains(wait, "\r\n\r\n{\"StatusCode\":7}\n");
    exchange("GET /_ping HTTP/1.1\r\n\r\n", "400 Bad Request", "missing required Host header");
    exchange("GET _ping HTTP/1.1\r\n\r\n", "400 Bad Request", "Connection: close");
    exchange("GET /_ping HTTP/3.1\r\nHost: x\r\n\r\n", "HTTP/1.1 ", "Connection: close");
    exchange("GET http://docker/_ping" HOST "\r\n", "200 OK", "OK");
    exchange("GET /%zz" HOST "\r\n", "400 Bad Request", "Connection: close");
}

/* An answer that is not complete: no client takes it for an exit code. */
TEST(wait_without_an_end_is_cut)
{
    static const char *const names[] = {"lost", "cut"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO_FREE char *request = xasprintf("POST /v1.41/containers/%s/wait" HOST "\r\n", names[i]);
        AUTO(client) struct client c = front_ask(request);
        client_expect(&c, "\r\n\r\n");
        exchange("POST /containers/web/start" HOST "\r\n", "204 No Content", "");
        const char *answer = client_read_all(&c);
        assert_contains(answer, "HTTP/1.1 200 OK");
        assert_contains(answer, "chunked");
        assert_null(strstr(answer, "StatusCode"));
        assert_null(strstr(answer, "\r\n0\r\n"));
    }
}

TEST(half_closed_request)
{
    AUTO(client) struct client c = front_ask("GET /containers/web/json" HOST "\r\n");
    shutdown(c.fd, SHUT_WR);
    assert_contains(client_read_all(&c), "\"Name\":\"/web\"");
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
    static const char bad[] = "400 Bad Request";
    exchange(CREATE("Content-Length: 2\r\n") "{}", bad,
             "Content-Type specified () must be 'application/json'");
    exchange(CREATE("Content-Type: text/plain\r\nContent-Length: 2\r\n") "{}", bad,
             "Content-Type specified (text/plain) must be");
    exchange(CREATE(JSON_TYPE "Content-Length: 0\r\n"), bad, "EOF");
    exchange(CREATE(JSON_TYPE "Content-Length: 9\r\n") "{\"Image\":", bad, "invalid JSON");
    exchange(CREATE(JSON_TYPE "Content-Length: 11\r\n") "{\"Image\":1}", bad,
             "cannot unmarshal number into Go struct field ContainerConfigWrapper.Image of type "
             "string");
    exchange("GET /containers/nope/json" HOST "\r\n", "404 Not Found",
             "{\"message\":\"No such container: nope\"}\n");
    exchange("GET /containers/json?filters=nope" HOST "\r\n", bad, "invalid filter");
    exchange("GET /containers/json?limit=abc" HOST "\r\n", bad,
             "strconv.Atoi: parsing \\\"abc\\\": invalid syntax");
}

TEST(wait_and_logs)
{
    AUTO(client)
    struct client c = front_ask("POST /v1.44/containers/web/wait?condition=next-exit" HOST "\r\n");
    client_expect(&c, "Transfer-Encoding: chunked\r\n\r\n"); /* before the start */
    exchange("POST /v1.44/containers/web/start" HOST "\r\n", "204 No Content", "");
    client_expect(&c, "{\"StatusCode\":3}\n\r\n0\r\n\r\n");
    buf_clear(&c.in);
    client_send(&c, "POST /v1.41/containers/done/wait" HOST "\r\n");
    client_expect(&c, "{\"Error\":null,\"StatusCode\":7}\n\r\n0\r\n\r\n");
    buf_clear(&c.in);
    client_send(&c, "GET /containers/web/logs?stdout=1&stderr=1" HOST "\r\n");
    client_expect(&c, "\r\n0\r\n\r\n");
    assert_contains(c.in.data, "multiplexed-stream");
    assert_non_null(memmem(c.in.data, c.in.len, "c\r\n\1\0\0\0\0\0\0\4out\n\r\n", 17));
    assert_non_null(memmem(c.in.data, c.in.len, "c\r\n\2\0\0\0\0\0\0\4err\n\r\n", 17));
}

/* A client that leaves takes its session along. */
TEST(disconnect_cancels)
{
    static const struct {
        const char *request, *answer;
    } cases[] = {{"GET /containers/web/logs?stdout=1&follow=1" HOST "\r\n", "err\n"},
                 {"POST /containers/web/wait" HOST "\r\n", "chunked\r\n\r\n"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int lost = front.fake.lost;
        struct client c = front_ask(cases[i].request);
        client_expect(&c, cases[i].answer);
        client_close(&c);
        await_count(&front.fake.lost, lost + 1);
    }
}

TEST(big_list)
{
    front.fake.list_count = 2000;
    AUTO(client) struct client c = front_ask("GET /containers/json?all=1" HOST "\r\n");
    AUTO_FREE char *answer = client_answer(&c);
    assert_contains(answer, "\"Names\":[\"/web\"]");
    assert_string_equal(answer + strlen(answer) - 3, "}]\n");
    front.fake.list_count = 0;
}

TEST(backend_down_and_back)
{
    static const char down[] = "503 Service Unavailable";
    front_restart((struct http_server_options){0}, false);
    exchange("GET /_ping" HOST "\r\n", "200 OK", "OK");
    exchange("GET /info" HOST "\r\n", down, front.url);
    exchange("POST /containers/web/wait" HOST "\r\n", down, front.url);
    exchange("POST /containers/web/attach?stream=1" HOST "\r\n", down, "raw-stream");
    harness_do(&front, harness_open_backend);
    exchange("GET /info" HOST "\r\n", "200 OK", "\"Driver\"");
    exchange("POST /containers/done/wait" HOST "\r\n", "200 OK", "chunked");
}

TEST(idle_timeout_and_limit)
{
    struct client c[3];
    front_restart((struct http_server_options){.max_connections = 2, .idle_timeout_ms = 1000},
                  true);
    for (int i = 0; i < 3; i++)
        c[i] = front_ask("GET /_ping" HOST "\r\n");
    for (int i = 0; i < 3; i++) /* the third is served once an idle one was closed */
        client_check(&c[i], "", "200 OK", "");
    client_read_all(&c[0]);
    client_read_all(&c[1]);
    for (int i = 0; i < 3; i++)
        client_close(&c[i]);
}
