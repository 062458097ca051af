/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP bodies piece by piece; see http_stream.h. Between libcurl's callbacks and the coroutine is
 * one buffer for what was received; what is sent stays in the writer's memory until it was sent.
 */
#include "loop/http_stream.h"

#include "base/alloc.h"
#include "loop/http_transfer.h"

#include <string.h>
#include <strings.h>

enum { RECEIVE_BUFFER = 128 * 1024, SEND_BUFFER = 256 * 1024 };

struct http_stream {
    struct http_transfer t;
    struct http_response res;
    struct buf received;
    bool receive_paused;
    bool follows; /* redirects: their heads are not the answer's */
    bool has_head;
    /* the request's body: borrowed from the writer, which is suspended meanwhile */
    const char *unsent;
    size_t unsent_len;
    bool send_paused, send_complete;
    bool failed; /* why: error */
    struct error error;
};

/* ---- libcurl's side ---- */

static void on_head(struct http_transfer *t)
{
    struct http_stream *s = CONTAINER_OF(t, struct http_stream, t);
    long status = 0;
    curl_easy_getinfo(t->job.easy, CURLINFO_RESPONSE_CODE, &status);
    bool redirected = s->follows && status >= 300 && status < 400 &&
                      http_response_header(&s->res, "Location") != NULL;
    if (status < 200 || redirected)
        return; /* another one follows, or the exchange's end */
    s->has_head = true;
    http_transfer_wake(t);
}

static size_t on_body(struct http_transfer *t, const char *bytes, size_t len)
{
    struct http_stream *s = CONTAINER_OF(t, struct http_stream, t);
    if (s->received.len + len > HTTP_STREAM_BUFFER) {
        s->receive_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    buf_append(&s->received, bytes, len);
    http_transfer_wake(t);
    return len;
}

static size_t on_send(char *to, size_t size, size_t count, void *arg)
{
    struct http_stream *s = arg;
    size_t len = size * count < s->unsent_len ? size * count : s->unsent_len;
    if (len == 0 && !s->send_complete) {
        s->send_paused = true;
        http_transfer_wake(&s->t);
        return CURL_READFUNC_PAUSE;
    }
    if (len)
        memcpy(to, s->unsent, len);
    s->unsent += len;
    s->unsent_len -= len;
    if (s->unsent_len == 0)
        http_transfer_wake(&s->t);
    return len;
}

/* ---- waiting ---- */

static int stream_fail(struct http_stream *s, const struct error *err)
{
    s->failed = true;
    s->error = *err;
    return -1;
}

static int co_stream_wait(struct http_stream *s, struct error *err)
{
    return co_http_transfer_wait(&s->t, err) ? stream_fail(s, err) : 0;
}

static int stream_outcome(struct http_stream *s, struct error *err)
{
    return http_transfer_outcome(&s->t, err) ? stream_fail(s, err) : 0;
}

static int co_wait_head(struct http_stream *s, struct error *err)
{
    while (!s->has_head && !s->t.done)
        if (co_stream_wait(s, err))
            return -1;
    if (!s->has_head)
        return stream_outcome(s, err); /* a redirect that was not followed has no other head */
    http_transfer_note_head(&s->t);
    return 0;
}

/* ---- opening ---- */

static struct http_stream *stream_new(void)
{
    struct http_stream *s = NEW(struct http_stream);
    s->t.res = &s->res;
    s->t.head = on_head;
    s->t.body = on_body;
    return s;
}

static int stream_begin(struct http_stream *s, struct http_client *c,
                        const struct http_request *req, struct error *err)
{
    if (http_transfer_init(c, req, &s->t, err))
        return -1;
    s->t.timeout_is_idle = true;
    if (!req->max_body)
        s->t.max_body = SIZE_MAX;
    curl_easy_setopt(s->t.job.easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER);
    return 0;
}

int co_http_stream_open(struct http_client *c, const struct http_request *req,
                        struct http_stream **out, struct error *err)
{
    struct http_stream *s = stream_new();
    s->follows = req->follow_redirects;
    int rc = stream_begin(s, c, req, err);
    if (rc == 0 && req->body) /* an early answer ends the call, not the sending */
        curl_easy_setopt(s->t.job.easy, CURLOPT_COPYPOSTFIELDS, req->body);
    if (rc == 0)
        rc = http_transfer_start(&s->t, err);
    if (rc == 0)
        rc = co_wait_head(s, err);
    if (rc) {
        http_stream_close(s);
        return -1;
    }
    *out = s;
    return 0;
}

int http_stream_start(struct http_client *c, const struct http_request *req,
                      struct http_stream **out, struct error *err)
{
    struct http_request bodiless = *req;
    bodiless.body = NULL;
    bodiless.body_len = 0;
    bodiless.method = NULL;
    bodiless.follow_redirects = false;
    struct http_stream *s = stream_new();
    int rc = stream_begin(s, c, &bodiless, err);
    if (rc == 0) {
        CURL *easy = s->t.job.easy;
        http_transfer_add_header(&s->t, "Expect:");
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, req->method);
        curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)SEND_BUFFER);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_send);
        curl_easy_setopt(easy, CURLOPT_READDATA, s);
        rc = http_transfer_start(&s->t, err);
    }
    if (rc) {
        http_stream_close(s);
        return -1;
    }
    *out = s;
    return 0;
}

const struct http_response *http_stream_response(const struct http_stream *s)
{
    return &s->res;
}

/* ---- reading ---- */

static void receive_more(struct http_stream *s)
{
    if (!s->receive_paused || s->received.len > HTTP_STREAM_BUFFER / 2)
        return;
    s->receive_paused = false;
    http_multi_unpause(s->t.client->multi, &s->t.job);
}

int co_http_stream_read(struct http_stream *s, void *out, size_t max, size_t *got,
                        struct error *err)
{
    *got = 0;
    if (!s->failed && s->received.len == 0)
        http_transfer_rearm(&s->t);
    while (!s->failed && s->received.len == 0) {
        receive_more(s);
        if (s->received.len)
            break;
        if (s->t.done)
            return stream_outcome(s, err);
        if (co_stream_wait(s, err))
            return -1;
    }
    if (s->failed) {
        *err = s->error;
        return -1;
    }
    *got = s->received.len < max ? s->received.len : max;
    memcpy(out, s->received.data, *got);
    buf_consume(&s->received, *got);
    receive_more(s);
    return 0;
}

/* ---- writing ---- */

static void send_more(struct http_stream *s)
{
    if (!s->send_paused)
        return;
    s->send_paused = false;
    http_multi_unpause(s->t.client->multi, &s->t.job);
}

static int answered_early(struct http_stream *s, struct error *err)
{
    if (s->t.done && stream_outcome(s, err))
        return -1;
    http_transfer_note_head(&s->t);
    error_set(err, ERROR_UNAVAILABLE, "%s: answered with status %ld before it had everything",
              s->t.peer.host_port, s->res.status);
    return stream_fail(s, err);
}

int co_http_stream_write(struct http_stream *s, const void *bytes, size_t len, struct error *err)
{
    if (s->failed) {
        *err = s->error;
        return -1;
    }
    s->unsent = bytes;
    s->unsent_len = len;
    http_transfer_rearm(&s->t);
    if (len)
        send_more(s);
    while (s->unsent_len && !s->t.done && !s->has_head)
        if (co_stream_wait(s, err))
            return -1;
    bool taken = s->unsent_len == 0;
    s->unsent = NULL;
    s->unsent_len = 0;
    return taken ? 0 : answered_early(s, err);
}

int co_http_stream_finish(struct http_stream *s, struct error *err)
{
    if (s->failed) {
        *err = s->error;
        return -1;
    }
    s->send_complete = true;
    http_transfer_rearm(&s->t);
    send_more(s);
    return co_wait_head(s, err);
}

void http_stream_close(struct http_stream *s)
{
    if (!s)
        return;
    http_transfer_fini(&s->t);
    http_response_free(&s->res);
    buf_free(&s->received);
    free(s);
}
