/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies piece by piece against a scripted server: slow readers, slow writers, stalls, broken
 * connections, cancellation.
 */
#include "loop/http_stream.h"

#include "base/timefmt.h"
#include "test/kit/co_task.h"
#include "test/kit/http_answers.h"
#include "test/kit/test.h"

enum { BIG = HTTP_ANSWERS_BIG };
static struct http_answers_slow *const slow = &http_answers_slow;

HTTP_RIG(fixture, http_answers_serve, http_answers_serve);

static struct http_stream *co_open(struct task *t, const char *path, int64_t timeout_ms)
{
    struct http_request req = {
        .url = http_rig_url(t->f->mock, path), .timeout_ms = timeout_ms, .follow_redirects = true};
    struct http_stream *s = NULL;
    return co_http_stream_open(t->f->http, &req, &s, &t->err) ? NULL : s;
}

/* ---- reading ---- */

static void read_text(struct task *t, const char *path, long status, const char *expected)
{
    struct http_stream *s = co_open(t, path, 0);
    EXPECT(s != NULL);
    if (!s)
        return;
    EXPECT(http_stream_response(s)->status == status);
    char text[64] = "";
    size_t have = 0, got = 1;
    while (got) {
        EXPECT(co_http_stream_read(s, text + have, 3, &got, &t->err) == 0);
        have += got;
    }
    EXPECT(strcmp(text, expected) == 0);
    EXPECT(co_http_stream_read(s, text, 3, &got, &t->err) == 0 && got == 0); /* it stays so */
    http_stream_close(s);
}

static void run_texts(struct task *t)
{
    read_text(t, "/chunked", 200, "hello world");
    read_text(t, "/redirect/chunked", 200, "hello world");
    read_text(t, "/redirect/nowhere", 304, "");
    read_text(t, "/continue", 404, "gone");
    struct http_stream *s = co_open(t, "/continue", 0);
    EXPECT(s && !http_response_header(http_stream_response(s), "X-A"));
    EXPECT(s && http_response_header(http_stream_response(s), "X-B"));
    http_stream_close(s);
}

TEST_WITH(fixture, struct rig *f, texts)
{
    task_run(&f->loop, f, run_texts);
    assert_true(mock_connections(f->mock) <= 3); /* kept alive */
}

/* The server is held back while nobody reads, and everything arrives all the same. */
static void run_slow(struct task *t)
{
    struct http_stream *s = co_open(t, "/slow", 0);
    char *piece = xmalloc(1 << 20);
    size_t have = 0, got = 1;
    EXPECT(s != NULL);
    while (s && !slow->held_back)
        EXPECT(co_cond_wait(&slow->cond, time_mono_ms() + 30000, &t->err) == 0);
    EXPECT(slow->sent < BIG - 1000000);
    while (s && got && !t->failed) {
        EXPECT(co_http_stream_read(s, piece, have % 3 ? 1 << 20 : 70001, &got, &t->err) == 0);
        for (size_t i = 0; i < got; i++)
            EXPECT(piece[i] == http_rig_byte(have + i));
        have += got;
    }
    EXPECT(have == BIG);
    http_stream_close(s);
    free(piece);
}

static void on_held_back(struct loop_task *task)
{
    (void)task;
    slow->held_back = true;
    co_cond_broadcast(&slow->cond);
}

TEST_WITH(fixture, struct rig *f, slow_reader)
{
    slow->loop = &f->loop;
    slow->posted.run = on_held_back;
    task_run(&f->loop, f, run_slow);
    slow->loop = NULL;
}

static void expect_end(struct task *t, const char *path, int64_t timeout_ms, enum error_code code,
                       const char *words)
{
    struct http_stream *s = co_open(t, path, timeout_ms);
    char text[64];
    size_t have = 0, got = 1;
    int rc = s ? 0 : -1;
    while (rc == 0 && got) {
        rc = co_http_stream_read(s, text, sizeof text, &got, &t->err);
        have += got;
    }
    EXPECT(rc == -1);
    EXPECT(t->err.code == code && strstr(t->err.message, words));
    EXPECT(!s || have == 5);
    if (s) { /* and stays so */
        struct error again;
        EXPECT(co_http_stream_read(s, text, 1, &got, &again) == -1 && again.code == code);
    }
    http_stream_close(s);
}

static void run_broken(struct task *t)
{
    expect_end(t, "/partial", 0, ERROR_UNAVAILABLE, "unexpected EOF");
    expect_end(t, "/stall", 60, ERROR_DEADLINE, "stalled");
    expect_end(t, "/silent", 60, ERROR_DEADLINE, "stalled");
    struct http_stream *s = co_open(t, "/slow", 0); /* left half-way */
    EXPECT(s != NULL);
    http_stream_close(s);
    struct http_request req = {.url = http_rig_url(t->f->mock, "/slow"), .max_body = 1000};
    s = NULL; /* the bound may show in the head's turn already */
    int rc = co_http_stream_open(t->f->http, &req, &s, &t->err);
    char c[16];
    size_t got;
    EXPECT(rc == -1 || co_http_stream_read(s, c, sizeof c, &got, &t->err) == -1);
    EXPECT(t->err.code == ERROR_TOO_LARGE);
    if (rc == 0)
        http_stream_close(s);
}

TEST_WITH(fixture, struct rig *f, broken)
{
    task_run(&f->loop, f, run_broken);
}

/* ---- writing ---- */

static struct http_stream *start(struct task *t, const char *path, int64_t timeout_ms)
{
    const char *headers[] = {"Content-Type: application/octet-stream", NULL};
    struct http_request req = {.method = "PATCH",
                               .url = http_rig_url(t->f->mock, path),
                               .headers = headers,
                               .timeout_ms = timeout_ms};
    struct http_stream *s = NULL;
    EXPECT(http_stream_start(t->f->http, &req, &s, &t->err) == 0);
    return s;
}

static void run_upload(struct task *t)
{
    char *body = http_rig_body(BIG), text[64] = "";
    size_t got;
    struct http_stream *s = start(t, "/upload", 0);
    for (size_t at = 0; at < BIG; at += BIG / 5) {
        EXPECT(co_http_stream_write(s, body + at, BIG / 5, &t->err) == 0);
        EXPECT(at || co_sleep(20, &t->err) == 0); /* a pause of ours is no stall */
    }
    EXPECT(co_http_stream_finish(s, &t->err) == 0);
    EXPECT(http_stream_response(s)->status == 202);
    EXPECT(http_response_header(http_stream_response(s), "Location"));
    EXPECT(co_http_stream_read(s, text, sizeof text - 1, &got, &t->err) == 0);
    EXPECT(strcmp(text, "PATCH 20000000 20000000") == 0);
    http_stream_close(s);
    s = start(t, "/upload", 0); /* nothing at all */
    EXPECT(co_http_stream_finish(s, &t->err) == 0);
    EXPECT(http_stream_response(s)->status == 202);
    http_stream_close(s);
    free(body);
}

static void run_upload_broken(struct task *t)
{
    char *body = http_rig_body(BIG);
    struct http_stream *s = start(t, "/refuse", 0);
    int rc = 0;
    for (int i = 0; rc == 0 && i < 20; i++)
        rc = co_http_stream_write(s, body, BIG, &t->err);
    EXPECT(rc == -1 && t->err.code == ERROR_UNAVAILABLE);
    EXPECT(http_stream_response(s)->status == 403);
    struct error err;
    EXPECT(co_http_stream_write(s, body, 1, &err) == -1);
    EXPECT(co_http_stream_finish(s, &err) == -1);
    http_stream_close(s);
    s = start(t, "/silent", 80);
    EXPECT(co_http_stream_finish(s, &t->err) == -1 && t->err.code == ERROR_DEADLINE);
    http_stream_close(s);
    s = start(t, "/gone", 0); /* closed at once */
    rc = co_http_stream_write(s, body, BIG, &t->err);
    EXPECT((rc || co_http_stream_finish(s, &t->err)) && t->err.code == ERROR_UNAVAILABLE);
    http_stream_close(s);
    http_stream_close(start(t, "/upload", 0)); /* begun and left */
    free(body);
}

TEST_WITH(fixture, struct rig *f, upload)
{
    f->mock->lazy = true;
    task_run(&f->loop, f, run_upload);
    task_run(&f->loop, f, run_upload_broken);
}

/* ---- cancelling ---- */

static struct co_cond reading;

static void run_cancelled(struct task *t)
{
    struct http_stream *s = co_open(t, "/stall", 0);
    char c[16];
    size_t got;
    EXPECT(s && co_http_stream_read(s, c, sizeof c, &got, &t->err) == 0);
    co_cond_broadcast(&reading);
    EXPECT(s && co_http_stream_read(s, c, sizeof c, &got, &t->err) == -1);
    EXPECT(t->err.code == ERROR_CANCELLED);
    http_stream_close(s);
    s = co_open(t, "/silent", 0);
    EXPECT(!s && t->err.code == ERROR_CANCELLED);
}

static void cancel_body(void *arg)
{
    struct task *victim = arg;
    struct error err;
    if (co_cond_wait(&reading, INT64_MAX, &err) == 0)
        co_cancel(victim->self);
}

TEST_WITH(fixture, struct rig *f, cancel)
{
    struct task t = {.f = f, .run = run_cancelled};
    struct error err;
    assert_int_equal(co_spawn(&f->loop, cancel_body, &t, &err), 0);
    task_start(&t, &f->loop);
    loop_run(&f->loop);
    task_check(&t);
}

TEST_WITH(fixture, struct rig *f, many)
{
    task_crowd(&f->loop, f, 8, run_texts);
}
