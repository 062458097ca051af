/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP client against a scripted server: answers, limits, deadlines, cancellation, broken
 * connections, redirects, many at once.
 */
#include "loop/http_client.h"

#include "base/alloc.h"
#include "base/timefmt.h"
#include "loop/co.h"
#include "test/kit/http_mock.h"
#include "test/kit/test.h"

struct fixture {
    struct loop loop;
    struct http_client *http;
    struct mock *mock, *other;
};

/* ---- the server ---- */

static char auth_at_other[256];
static int hits;

static bool serve_other(void *arg, struct mock_request *r)
{
    (void)arg;
    if (!mock_header(r, "Authorization", auth_at_other, sizeof auth_at_other))
        snprintf(auth_at_other, sizeof auth_at_other, "none");
    return mock_text(r, 200, "", "other");
}

static bool serve_chunked(struct mock_request *r)
{
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n1;x=y\r\n \r\n5\r\nworld\r\n0\r\nTrailer: t\r\n\r\n";
    return mock_send(r->fd, answer, sizeof answer - 1);
}

static bool serve_big(struct mock_request *r)
{
    size_t n = strtoul(r->path + strlen("/big/"), NULL, 10);
    char *body = malloc(n);
    for (size_t i = 0; i < n; i++)
        body[i] = (char)(i * 31 + (i >> 11));
    bool sent = mock_reply(r, 200, "", body, n);
    free(body);
    return sent;
}

static bool serve_endless(struct mock_request *r)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    static const char chunk[] = "10\r\n0123456789abcdef\r\n";
    bool sent = mock_send(r->fd, head, sizeof head - 1);
    while (sent)
        sent = mock_send(r->fd, chunk, sizeof chunk - 1);
    return false;
}

static bool serve_headers(struct mock_request *r)
{
    int n = atoi(r->path + strlen("/headers/"));
    static const char start[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
    bool sent = mock_send(r->fd, start, sizeof start - 1);
    for (int i = 0; i < n && sent; i++) {
        char line[64];
        snprintf(line, sizeof line, "X-%d:   value %d  \r\n", i, i);
        sent = mock_send(r->fd, line, strlen(line));
    }
    return sent && mock_send(r->fd, "\r\n", 2);
}

/* The request as it arrived. */
static bool serve_echo(struct mock_request *r)
{
    size_t n = strlen(r->head) + r->body_len;
    char *all = malloc(n + 1);
    snprintf(all, n + 1, "%s", r->head);
    memcpy(all + strlen(r->head), r->body, r->body_len);
    bool sent = mock_reply(r, 200, "", all, n);
    free(all);
    return sent;
}

static bool serve_redirect(struct fixture *f, struct mock_request *r)
{
    char headers[256];
    if (strcmp(r->path, "/redirect/other") == 0)
        snprintf(headers, sizeof headers, "Location: http://127.0.0.1:%d/x\r\n", f->other->port);
    else if (strcmp(r->path, "/redirect/file") == 0)
        snprintf(headers, sizeof headers, "Location: file:///etc/passwd\r\n");
    else if (strcmp(r->path, "/redirect/loop") == 0)
        snprintf(headers, sizeof headers, "Location: /redirect/loop\r\n");
    else
        snprintf(headers, sizeof headers, "Location: /echo\r\nX-First: 1\r\n");
    return mock_text(r, 307, headers, "go there");
}

static bool serve_partial(struct mock_request *r)
{
    static const char part[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort";
    mock_send(r->fd, part, sizeof part - 1);
    return false;
}

static bool serve_broken(struct mock_request *r)
{
    if (strcmp(r->path, "/stall") == 0)
        mock_stall(r);
    if (strcmp(r->path, "/reset") == 0)
        mock_reset(r);
    if (strcmp(r->path, "/garbage") == 0)
        mock_send(r->fd, "SSH-2.0-x\r\n\r\n", 13);
    return false;
}

static bool serve(void *arg, struct mock_request *r)
{
    struct fixture *f = arg;
    __atomic_add_fetch(&hits, 1, __ATOMIC_RELAXED);
    if (strncmp(r->path, "/status/", 8) == 0)
        return mock_text(r, atoi(r->path + 8), "X-Test: yes\r\n", "body");
    if (strcmp(r->path, "/chunked") == 0)
        return serve_chunked(r);
    if (strncmp(r->path, "/big/", 5) == 0)
        return serve_big(r);
    if (strcmp(r->path, "/endless") == 0)
        return serve_endless(r);
    if (strncmp(r->path, "/headers/", 9) == 0)
        return serve_headers(r);
    if (strncmp(r->path, "/echo", 5) == 0)
        return serve_echo(r);
    if (strncmp(r->path, "/redirect/", 10) == 0)
        return serve_redirect(f, r);
    if (strcmp(r->path, "/partial") == 0)
        return serve_partial(r);
    if (strcmp(r->path, "/continue") == 0)
        return mock_send(r->fd, "HTTP/1.1 100 Continue\r\nX-A: 1\r\n\r\n", 33) &&
               mock_text(r, 200, "X-B: 2\r\n", "ok");
    if (strcmp(r->path, "/once") == 0) { /* a server that drops idle connections */
        mock_text(r, 200, "", "once");
        return false;
    }
    return serve_broken(r);
}

/* ---- running a request to its end ---- */

struct call {
    struct fixture *f;
    struct http_request req;
    struct http_response res;
    struct error err;
    int rc;
    int *left; /* calls still running; the last one stops the loop. NULL: this is the only one */
    struct co *self;
};

static void call_body(void *arg)
{
    struct call *c = arg;
    c->self = co_current();
    c->rc = co_http_do(c->f->http, &c->req, &c->res, &c->err);
    if (!c->left || --*c->left == 0)
        loop_stop(&c->f->loop);
}

static void call_run(struct call *c)
{
    struct error err;
    assert_int_equal(co_spawn(&c->f->loop, call_body, c, &err), 0);
    loop_run(&c->f->loop);
}

static const char *url_at(struct mock *m, const char *path)
{
    static char urls[8][256];
    static int next;
    char *url = urls[next++ % 8];
    snprintf(url, sizeof urls[0], "http://127.0.0.1:%d%s", m->port, path);
    return url;
}

static struct call get(struct fixture *f, const char *path)
{
    struct call c = {.f = f, .req = {.url = url_at(f->mock, path)}};
    call_run(&c);
    return c;
}

static int fixture_setup(void **state)
{
    struct fixture *f = NEW(struct fixture);
    struct error err;
    if (loop_init(&f->loop, &err) || http_client_open(&f->loop, NULL, &f->http, &err)) {
        free(f);
        return -1;
    }
    f->mock = mock_start(serve, f);
    f->other = mock_start(serve_other, f);
    *state = f;
    return 0;
}

static int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    http_client_close(f->http);
    loop_fini(&f->loop);
    mock_stop(f->mock);
    mock_stop(f->other);
    free(f);
    return 0;
}

/* ---- tests ---- */

TEST_USING(fixture, status_and_headers)
{
    struct call c = get(*state, "/status/404");
    assert_int_equal(c.rc, 0);
    assert_int_equal(c.res.status, 404);
    assert_string_equal(c.res.body.data, "body");
    assert_string_equal(http_response_header(&c.res, "x-test"), "yes");
    assert_null(http_response_header(&c.res, "x-tes"));
    assert_string_equal(c.res.final_url, c.req.url);
    http_response_free(&c.res);

    c = get(*state, "/headers/100");
    assert_int_equal(c.rc, 0);
    assert_string_equal(http_response_header(&c.res, "X-99"), "value 99");
    http_response_free(&c.res);
    c = get(*state, "/headers/1000");
    assert_int_equal(c.rc, -1);
    assert_int_equal(c.err.code, ERROR_TOO_LARGE);
    http_response_free(&c.res);
    c = get(*state, "/continue");
    assert_int_equal(c.rc, 0);
    assert_int_equal(c.res.status, 200);
    assert_null(http_response_header(&c.res, "X-A"));
    assert_string_equal(http_response_header(&c.res, "X-B"), "2");
    http_response_free(&c.res);
}

TEST_USING(fixture, chunked)
{
    struct call c = get(*state, "/chunked");
    assert_int_equal(c.rc, 0);
    assert_string_equal(c.res.body.data, "hello world");
    assert_null(http_response_header(&c.res, "Trailer"));
    http_response_free(&c.res);
}

TEST_USING(fixture, big_body)
{
    struct call c = get(*state, "/big/10000000");
    assert_int_equal(c.rc, 0);
    assert_int_equal(c.res.body.len, 10000000);
    for (size_t i = 0; i < c.res.body.len; i++)
        if (c.res.body.data[i] != (char)(i * 31 + (i >> 11)))
            fail_msg("byte %zu differs", i);
    http_response_free(&c.res);
}

TEST_USING(fixture, limit)
{
    const char *paths[] = {"/big/5001", "/endless"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct fixture *f = *state;
        struct call c = {.f = f, .req = {.url = url_at(f->mock, paths[i]), .max_body = 5000}};
        call_run(&c);
        assert_int_equal(c.rc, -1);
        assert_int_equal(c.err.code, ERROR_TOO_LARGE);
        assert_true(c.res.body.len <= 5000);
        http_response_free(&c.res);
    }
    struct fixture *f = *state;
    struct call c = {.f = f, .req = {.url = url_at(f->mock, "/big/5000"), .max_body = 5000}};
    call_run(&c);
    assert_int_equal(c.rc, 0);
    http_response_free(&c.res);
}

TEST_USING(fixture, timeout)
{
    struct fixture *f = *state;
    struct call c = {.f = f, .req = {.url = url_at(f->mock, "/stall"), .timeout_ms = 60}};
    call_run(&c);
    assert_int_equal(c.rc, -1);
    assert_int_equal(c.err.code, ERROR_DEADLINE);
    assert_non_null(strstr(c.err.message, "127.0.0.1"));
    http_response_free(&c.res);
    c = get(f, "/status/200"); /* the client is none the worse */
    assert_int_equal(c.rc, 0);
    http_response_free(&c.res);
}

static void cancel_body(void *arg)
{
    struct call *c = arg;
    co_cancel(c->self);
}

TEST_USING(fixture, cancel)
{
    struct fixture *f = *state;
    struct call c = {.f = f, .req = {.url = url_at(f->mock, "/stall")}};
    struct error err;
    assert_int_equal(co_spawn(&f->loop, call_body, &c, &err), 0);
    assert_int_equal(co_spawn(&f->loop, cancel_body, &c, &err), 0);
    loop_run(&f->loop);
    assert_int_equal(c.rc, -1);
    assert_int_equal(c.err.code, ERROR_CANCELLED);
    http_response_free(&c.res);
}

static void check_failure(struct fixture *f, const char *url, enum error_code code,
                          const char *words)
{
    struct call c = {.f = f, .req = {.url = url, .follow_redirects = true}};
    call_run(&c);
    assert_int_equal(c.rc, -1);
    if (c.err.code != code || !strstr(c.err.message, words))
        fail_msg("%s: %s %s", url, error_code_name(c.err.code), c.err.message);
    http_response_free(&c.res);
}

TEST_USING(fixture, broken)
{
    struct fixture *f = *state;
    struct mock *gone = mock_start(serve_other, NULL);
    char closed[64];
    snprintf(closed, sizeof closed, "http://127.0.0.1:%d/", gone->port);
    mock_stop(gone);
    check_failure(f, closed, ERROR_UNAVAILABLE, ": connect: connection refused");
    check_failure(f, "http://no-such-host.invalid/", ERROR_UNAVAILABLE, "lookup no-such-host");
    check_failure(f, url_at(f->mock, "/reset"), ERROR_UNAVAILABLE, "reset");
    check_failure(f, url_at(f->mock, "/hangup"), ERROR_UNAVAILABLE, "EOF");
    check_failure(f, url_at(f->mock, "/partial"), ERROR_UNAVAILABLE, "unexpected EOF");
    check_failure(f, url_at(f->mock, "/garbage"), ERROR_UNAVAILABLE, "127.0.0.1");
    check_failure(f, url_at(f->mock, "/redirect/loop"), ERROR_UNAVAILABLE, "redirects");
    check_failure(f, url_at(f->mock, "/redirect/file"), ERROR_UNAVAILABLE, "http");
    check_failure(f, "file:///etc/passwd", ERROR_INVALID_PARAMETER, "file:///etc/passwd");
    check_failure(f, "not a url", ERROR_INVALID_PARAMETER, "not a url");
}

TEST_USING(fixture, redirect)
{
    struct fixture *f = *state;
    const char *headers[] = {"Authorization: Bearer secret", NULL};
    struct call c = {.f = f,
                     .req = {.url = url_at(f->mock, "/redirect/same"),
                             .headers = headers,
                             .follow_redirects = true}};
    call_run(&c);
    assert_int_equal(c.rc, 0);
    assert_int_equal(c.res.status, 200);
    assert_non_null(strstr(c.res.body.data, "Bearer secret"));
    assert_null(strstr(c.res.body.data, "go there"));
    assert_null(http_response_header(&c.res, "X-First"));
    assert_non_null(strstr(c.res.final_url, "/echo"));
    http_response_free(&c.res);

    c.req.url = url_at(f->mock, "/redirect/other");
    call_run(&c);
    assert_int_equal(c.rc, 0);
    assert_string_equal(c.res.body.data, "other");
    assert_string_equal(auth_at_other, "none");
    http_response_free(&c.res);

    c.req.follow_redirects = false;
    call_run(&c);
    assert_int_equal(c.res.status, 307);
    assert_non_null(http_response_header(&c.res, "Location"));
    http_response_free(&c.res);
}

TEST_USING(fixture, methods)
{
    struct fixture *f = *state;
    const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};
    const char *headers[] = {"Content-Type: application/json", NULL};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        struct call c = {.f = f,
                         .req = {.url = url_at(f->mock, "/echo"),
                                 .method = methods[i],
                                 .headers = headers,
                                 .body = "{}\0x",
                                 .body_len = 4}};
        call_run(&c);
        assert_int_equal(c.rc, 0);
        assert_memory_equal(c.res.body.data, methods[i], strlen(methods[i]));
        assert_memory_equal(c.res.body.data + c.res.body.len - 4, "{}\0x", 4);
        assert_non_null(strstr(c.res.body.data, "application/json"));
        http_response_free(&c.res);
    }
    struct call c = {.f = f, .req = {.url = url_at(f->mock, "/echo"), .method = "HEAD"}};
    call_run(&c);
    assert_int_equal(c.rc, 0);
    assert_int_equal(c.res.body.len, 0);
    assert_non_null(http_response_header(&c.res, "Content-Length"));
    http_response_free(&c.res);
    const char *smuggled[] = {"X: a\r\nY: b", NULL};
    c.req.headers = smuggled;
    call_run(&c);
    assert_int_equal(c.rc, -1);
    assert_int_equal(c.err.code, ERROR_INVALID_PARAMETER);
    http_response_free(&c.res);
}

/* A body large enough for a 100-continue, and no header signed that is not sent. */
TEST_USING(fixture, big_upload_and_sigv4)
{
    struct fixture *f = *state;
    size_t n = 3 << 20;
    char *body = xmalloc(n);
    memset(body, 'u', n);
    const char *headers[] = {"Content-Type: application/x-amz-json-1.1", "X-Amz-Target: T.Do",
                             NULL};
    struct call c = {.f = f,
                     .req = {.url = url_at(f->mock, "/echo"),
                             .method = "POST",
                             .body = body,
                             .body_len = n,
                             .headers = headers,
                             .aws_sigv4 = "aws:amz:us-east-1:ecs",
                             .aws_access_key = "AKID",
                             .aws_secret_key = "se:cret"}};
    call_run(&c);
    assert_int_equal(c.rc, 0);
    assert_non_null(strstr(c.res.body.data, "Authorization: AWS4-HMAC-SHA256 Credential=AKID/"));
    assert_non_null(
        strstr(c.res.body.data, "SignedHeaders=content-type;host;x-amz-date;x-amz-target"));
    http_response_free(&c.res);
    free(body);
}

TEST_USING(fixture, connection_reuse)
{
    struct fixture *f = *state;
    for (int i = 0; i < 20; i++) {
        struct call c = get(f, "/status/200");
        assert_int_equal(c.rc, 0);
        http_response_free(&c.res);
    }
    assert_int_equal(mock_connections(f->mock), 1);
    for (int i = 0; i < 5; i++) { /* a dropped idle connection is not an error */
        struct call c = get(f, "/once");
        if (c.rc)
            fail_msg("%s", c.err.message);
        http_response_free(&c.res);
    }
}

struct sink {
    struct fixture *f;
    size_t seen, stop_after;
    struct call nested;
    bool spawned;
};

static int sink_take(void *arg, const void *bytes, size_t len)
{
    struct sink *s = arg;
    (void)bytes;
    if (co_current())
        return 1;
    s->seen += len;
    if (!s->spawned && s->nested.f) { /* a request begun from inside the client */
        struct error err;
        s->spawned = true;
        if (co_spawn(&s->f->loop, call_body, &s->nested, &err))
            return 1;
    }
    return s->stop_after && s->seen >= s->stop_after;
}

TEST_USING(fixture, on_body)
{
    struct fixture *f = *state;
    struct sink s = {.f = f};
    int left = 2;
    s.nested = (struct call){.f = f, .req = {.url = url_at(f->mock, "/status/201")}, .left = &left};
    struct call c = {
        .f = f,
        .left = &left,
        .req = {.url = url_at(f->mock, "/big/5000000"), .on_body = sink_take, .on_body_arg = &s}};
    call_run(&c);
    assert_int_equal(c.rc, 0);
    assert_int_equal(s.seen, 5000000);
    assert_int_equal(c.res.body.len, 0);
    assert_int_equal(s.nested.rc, 0);
    assert_int_equal(s.nested.res.status, 201);
    http_response_free(&c.res);
    http_response_free(&s.nested.res);

    s = (struct sink){.f = f, .stop_after = 100000};
    c.left = NULL;
    call_run(&c);
    assert_int_equal(c.rc, -1);
    assert_int_equal(c.err.code, ERROR_CANCELLED);
    http_response_free(&c.res);
}

struct crowd {
    struct fixture *f;
    int left, good;
};

static void crowd_member(void *arg)
{
    struct crowd *crowd = arg;
    struct http_request req = {.url = url_at(crowd->f->mock, "/big/20000")};
    struct http_response res AUTO(http_response);
    struct error err;
    if (co_http_do(crowd->f->http, &req, &res, &err) == 0 && res.body.len == 20000)
        crowd->good++;
    if (--crowd->left == 0)
        loop_stop(&crowd->f->loop);
}

TEST_USING(fixture, hundred_at_once)
{
    struct fixture *f = *state;
    struct crowd crowd = {.f = f, .left = 100};
    struct error err;
    for (int i = 0; i < 100; i++)
        assert_int_equal(co_spawn(&f->loop, crowd_member, &crowd, &err), 0);
    loop_run(&f->loop);
    assert_int_equal(crowd.good, 100);
    assert_true(mock_connections(f->mock) <= 64);
}
