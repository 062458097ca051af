/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP client against a scripted server: answers, limits, deadlines, cancellation, broken
 * connections, redirects, many at once.
 */
#include "test/kit/co_task.h"
#include "test/kit/http_answers.h"
#include "test/kit/test.h"

/* ---- running a request to its end ---- */

struct call {
    struct rig *f;
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

static void auto_release_call(struct call *c)
{
    http_response_free(&c->res);
}

static void call_run(struct call *c)
{
    struct error err;
    assert_int_equal(co_spawn(&c->f->loop, call_body, c, &err), 0);
    loop_run(&c->f->loop);
}

/* A request that is answered; to be released. */
static struct call ask(struct rig *f, struct http_request req)
{
    struct call c = {.f = f, .req = req};
    call_run(&c);
    if (c.rc)
        print_error("%s: %s\n", req.url, c.err.message);
    assert_int_equal(c.rc, 0);
    return c;
}

static struct call get(struct rig *f, const char *path)
{
    return ask(f, (struct http_request){.url = http_rig_url(f->mock, path)});
}

/* That it is answered at all is what the test wants to know. */
static void check_answered(struct call c)
{
    auto_release_call(&c);
}

/* A request that fails with an error which tells these words. */
static void check_failure(struct rig *f, struct http_request req, enum error_code code,
                          const char *words)
{
    AUTO(call) struct call c = {.f = f, .req = req};
    call_run(&c);
    if (c.rc != -1 || c.err.code != code || !strstr(c.err.message, words))
        fail_msg("%s: %d %s %s", req.url, c.rc, error_code_name(c.err.code), c.err.message);
    assert_true(!req.max_body || c.res.body.len <= req.max_body);
}

HTTP_RIG(fixture, http_answers_serve, http_answers_serve_other);

/* ---- tests ---- */

TEST_WITH(fixture, struct rig *f, status_and_headers)
{
    AUTO(call) struct call c = get(f, "/status/404");
    assert_int_equal(c.res.status, 404);
    assert_string_equal(c.res.body.data, "body");
    assert_string_equal(http_response_header(&c.res, "x-test"), "yes");
    assert_null(http_response_header(&c.res, "x-tes"));
    assert_string_equal(c.res.final_url, c.req.url);

    AUTO(call) struct call many = get(f, "/headers/100");
    assert_string_equal(http_response_header(&many.res, "X-99"), "value 99");
    check_failure(f, (struct http_request){.url = http_rig_url(f->mock, "/headers/1000")},
                  ERROR_TOO_LARGE, "");
    AUTO(call) struct call after = get(f, "/continue");
    assert_int_equal(after.res.status, 404);
    assert_null(http_response_header(&after.res, "X-A"));
    assert_string_equal(http_response_header(&after.res, "X-B"), "2");
}

TEST_WITH(fixture, struct rig *f, chunked)
{
    AUTO(call) struct call c = get(f, "/chunked");
    assert_string_equal(c.res.body.data, "hello world");
    assert_null(http_response_header(&c.res, "Trailer"));
}

TEST_WITH(fixture, struct rig *f, big_body)
{
    AUTO(call) struct call c = get(f, "/big/10000000");
    char *expected AUTO_FREE = http_rig_body(10000000);
    assert_int_equal(c.res.body.len, 10000000);
    assert_memory_equal(c.res.body.data, expected, 10000000);
}

TEST_WITH(fixture, struct rig *f, limit)
{
    struct http_request req = {.max_body = 5000};
    req.url = http_rig_url(f->mock, "/big/5001");
    check_failure(f, req, ERROR_TOO_LARGE, "");
    req.url = http_rig_url(f->mock, "/endless");
    check_failure(f, req, ERROR_TOO_LARGE, "");
    req.url = http_rig_url(f->mock, "/big/5000");
    check_answered(ask(f, req));
}

TEST_WITH(fixture, struct rig *f, timeout)
{
    struct http_request req = {.url = http_rig_url(f->mock, "/silent"), .timeout_ms = 60};
    check_failure(f, req, ERROR_DEADLINE, "127.0.0.1");
    check_answered(get(f, "/status/200")); /* the client is none the worse */
}

static void cancel_body(void *arg)
{
    struct call *c = arg;
    co_cancel(c->self);
}

TEST_WITH(fixture, struct rig *f, cancel)
{
    AUTO(call) struct call c = {.f = f, .req = {.url = http_rig_url(f->mock, "/silent")}};
    struct error err;
    assert_int_equal(co_spawn(&f->loop, call_body, &c, &err), 0);
    assert_int_equal(co_spawn(&f->loop, cancel_body, &c, &err), 0);
    loop_run(&f->loop);
    assert_int_equal(c.rc, -1);
    assert_int_equal(c.err.code, ERROR_CANCELLED);
}

TEST_WITH(fixture, struct rig *f, broken)
{
    struct mock *gone = mock_start(http_answers_serve_other, NULL);
    const char *closed = http_rig_url(gone, "/");
    mock_stop(gone);
    const struct {
        const char *url; /* or a path at the mock */
        enum error_code code;
        const char *words;
    } cases[] = {
        {closed, ERROR_UNAVAILABLE, ": connect: connection refused"},
        {"http://no-such-host.invalid/", ERROR_UNAVAILABLE, "lookup no-such-host"},
        {"/reset", ERROR_UNAVAILABLE, "reset"},
        {"/hangup", ERROR_UNAVAILABLE, "EOF"},
        {"/partial", ERROR_UNAVAILABLE, "unexpected EOF"},
        {"/garbage", ERROR_UNAVAILABLE, "127.0.0.1"},
        {"/redirect/loop", ERROR_UNAVAILABLE, "redirects"},
        {"/redirect/file", ERROR_UNAVAILABLE, "http"},
        {"file:///etc/passwd", ERROR_INVALID_PARAMETER, "file:///etc/passwd"},
        {"not a url", ERROR_INVALID_PARAMETER, "not a url"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool is_path = cases[i].url[0] == '/';
        const char *url = is_path ? http_rig_url(f->mock, cases[i].url) : cases[i].url;
        check_failure(f, (struct http_request){.url = url, .follow_redirects = true}, cases[i].code,
                      cases[i].words);
    }
}

TEST_WITH(fixture, struct rig *f, redirect)
{
    const char *headers[] = {"Authorization: Bearer secret", NULL};
    struct http_request req = {.headers = headers, .follow_redirects = true};
    req.url = http_rig_url(f->mock, "/redirect/same");
    AUTO(call) struct call same = ask(f, req);
    assert_int_equal(same.res.status, 200);
    assert_non_null(strstr(same.res.body.data, "Bearer secret"));
    assert_null(strstr(same.res.body.data, "go there"));
    assert_null(http_response_header(&same.res, "X-First"));
    assert_non_null(strstr(same.res.final_url, "/echo"));

    req.url = http_rig_url(f->mock, "/redirect/other");
    AUTO(call) struct call other = ask(f, req);
    assert_string_equal(other.res.body.data, "other");
    assert_string_equal(http_answers_auth, "none");

    req.follow_redirects = false;
    AUTO(call) struct call c = ask(f, req);
    assert_int_equal(c.res.status, 307);
    assert_non_null(http_response_header(&c.res, "Location"));
}

TEST_WITH(fixture, struct rig *f, methods)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};
    const char *headers[] = {"Content-Type: application/json", NULL};
    struct http_request req = {
        .url = http_rig_url(f->mock, "/echo"), .headers = headers, .body = "{}\0x", .body_len = 4};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        req.method = methods[i];
        AUTO(call) struct call c = ask(f, req);
        assert_memory_equal(c.res.body.data, methods[i], strlen(methods[i]));
        assert_memory_equal(c.res.body.data + c.res.body.len - 4, "{}\0x", 4);
        assert_non_null(strstr(c.res.body.data, "application/json"));
    }
    req = (struct http_request){.url = req.url, .method = "HEAD"};
    AUTO(call) struct call c = ask(f, req);
    assert_int_equal(c.res.body.len, 0);
    assert_non_null(http_response_header(&c.res, "Content-Length"));
    const char *smuggled[] = {"X: a\r\nY: b", NULL};
    req.headers = smuggled;
    check_failure(f, req, ERROR_INVALID_PARAMETER, "");
}

/* A body large enough for a 100-continue, and no header signed that is not sent. */
TEST_WITH(fixture, struct rig *f, big_upload_and_sigv4)
{
    size_t n = 3 << 20;
    char *body AUTO_FREE = xmalloc(n);
    memset(body, 'u', n);
    const char *headers[] = {"Content-Type: application/x-amz-json-1.1", "X-Amz-Target: T.Do",
                             NULL};
    AUTO(call)
    struct call c = ask(f, (struct http_request){.url = http_rig_url(f->mock, "/echo"),
                                                 .method = "POST",
                                                 .body = body,
                                                 .body_len = n,
                                                 .headers = headers,
                                                 .aws_sigv4 = "aws:amz:us-east-1:ecs",
                                                 .aws_access_key = "AKID",
                                                 .aws_secret_key = "se:cret"});
    assert_non_null(strstr(c.res.body.data, "Authorization: AWS4-HMAC-SHA256 Credential=AKID/"));
    assert_non_null(
        strstr(c.res.body.data, "SignedHeaders=content-type;host;x-amz-date;x-amz-target"));
}

TEST_WITH(fixture, struct rig *f, connection_reuse)
{
    for (int i = 0; i < 20; i++)
        check_answered(get(f, "/status/200"));
    assert_int_equal(mock_connections(f->mock), 1);
    for (int i = 0; i < 5; i++) /* a dropped idle connection is not an error */
        check_answered(get(f, "/once"));
}

struct sink {
    struct rig *f;
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

TEST_WITH(fixture, struct rig *f, on_body)
{
    struct sink s = {.f = f};
    int left = 2;
    s.nested =
        (struct call){.f = f, .req = {.url = http_rig_url(f->mock, "/status/201")}, .left = &left};
    struct http_request req = {
        .url = http_rig_url(f->mock, "/big/5000000"), .on_body = sink_take, .on_body_arg = &s};
    AUTO(call) struct call c = {.f = f, .left = &left, .req = req};
    call_run(&c);
    assert_int_equal(c.rc, 0);
    assert_int_equal(s.seen, 5000000);
    assert_int_equal(c.res.body.len, 0);
    assert_int_equal(s.nested.rc, 0);
    assert_int_equal(s.nested.res.status, 201);
    http_response_free(&s.nested.res);

    s = (struct sink){.f = f, .stop_after = 100000};
    check_failure(f, req, ERROR_CANCELLED, "");
}

static void run_one_of_many(struct task *t)
{
    struct http_request req = {.url = http_rig_url(t->f->mock, "/big/20000")};
    struct http_response res AUTO(http_response);
    EXPECT(co_http_do(t->f->http, &req, &res, &t->err) == 0 && res.body.len == 20000);
}

TEST_WITH(fixture, struct rig *f, hundred_at_once)
{
    task_crowd(&f->loop, f, 100, run_one_of_many);
    assert_true(mock_connections(f->mock) <= 64);
}
