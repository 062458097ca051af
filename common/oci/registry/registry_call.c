/* SPDX-License-Identifier: Apache-2.0
 *
 * One request to a registry: sent, logged in for, and sent again where that makes sense; see
 * registry_internal.h.
 */
#include "base/alloc.h"
#include "base/str.h"
#include "loop/http_url.h"
#include "oci/registry/registry_error.h"
#include "oci/registry/registry_internal.h"
#include "oci/registry/registry_retry.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { SMALL_ANSWER_MAX = 256 * 1024, ERROR_BODY_MAX = 64 * 1024 };

/* "Head": Go's way to write a method in an error. */
static void method_word(const char *method, char out[16])
{
    snprintf(out, 16, "%s", method);
    for (size_t i = 1; out[i]; i++)
        if (out[i] >= 'A' && out[i] <= 'Z')
            out[i] = (char)(out[i] + ('a' - 'A'));
}

/* Queries may hold a session's key: they are not shown. */
static void request_text(const char *method, const char *url, char *out, size_t size)
{
    char word[16];
    method_word(method, word);
    snprintf(out, size, "%s \"%.*s\"", word, (int)strcspn(url, "?"), url);
}

int registry_call_failed(const struct registry_repo *r, const char *method, const char *url,
                         struct error *err)
{
    char text[1024];
    /* As Docker: 500 with Go's text; 503 would say that the daemon itself is not there. */
    if (err->code == ERROR_UNAVAILABLE || err->code == ERROR_DEADLINE)
        err->code = ERROR_SYSTEM;
    if (!r->reached) /* Docker begins with this */
        return error_wrap(err, "Get \"%s/v2/\"", r->endpoint.base);
    request_text(method, url, text, sizeof text);
    return error_wrap(err, "%s", text);
}

int registry_refused(const struct registry_repo *r, const struct http_response *res,
                     struct error *err)
{
    return registry_error_set(err, res, r->named, r->session.denied);
}

/* ---- once ---- */

struct attempt {
    struct registry_repo *repo;
    const struct registry_call *call;
    struct http_stream **stream; /* NULL: the whole answer is read */
    struct http_response *res;
    bool ours;  /* the URL is the registry's own: it may see Authorization */
    bool broke; /* the failure is the connection's */
};

static void response_copy_head(struct http_response *to, const struct http_response *from)
{
    to->status = from->status;
    for (size_t i = 0; i < from->headers.count; i++)
        strv_push(&to->headers, from->headers.items[i]);
    snprintf(to->final_url, sizeof to->final_url, "%s", from->final_url);
}

/* What an answer says that is not the blob: cut off, so that it stays small. */
static int co_collect(struct http_stream *s, struct http_response *res, struct error *err)
{
    size_t got = 1;
    response_copy_head(res, http_stream_response(s));
    while (got && res->body.len < ERROR_BODY_MAX) {
        char *to = buf_reserve(&res->body, ERROR_BODY_MAX / 4);
        if (co_http_stream_read(s, to, ERROR_BODY_MAX / 4, &got, err))
            return err->code == ERROR_CANCELLED ? -1 : 0;
        buf_commit(&res->body, got);
    }
    return 0;
}

static int co_send_stream(struct attempt *a, const struct http_request *req, struct error *err)
{
    struct http_stream *s = NULL;
    if (co_http_stream_open(a->repo->client->http, req, &s, err))
        return -1;
    long status = http_stream_response(s)->status;
    if (status == 200 || status == 206) {
        a->res->status = status;
        *a->stream = s;
        return 0;
    }
    int rc = co_collect(s, a->res, err);
    http_stream_close(s);
    return rc;
}

static int co_send(struct attempt *a, const char *authorization_value, struct error *err)
{
    const struct registry_call *call = a->call;
    const struct registry_client *c = a->repo->client;
    char *authorization AUTO(registry_secret) =
        authorization_value ? xasprintf("Authorization: %s", authorization_value) : NULL;
    const char *headers[REGISTRY_HEADERS_MAX + 2] = {NULL};
    size_t n = 0;
    for (; n < REGISTRY_HEADERS_MAX && call->headers && call->headers[n]; n++)
        headers[n] = call->headers[n];
    headers[n] = authorization;
    struct http_request req = {
        .method = call->method,
        .url = call->url,
        .headers = headers,
        .body = call->body,
        .body_len = call->body_len,
        .ca_file = c->ca_file,
        .timeout_ms = call->timeout_ms ? call->timeout_ms : c->timeout_ms,
        .timeout_is_idle = call->body_len > 0,
        .follow_redirects = strcmp(call->method, "GET") == 0 || strcmp(call->method, "HEAD") == 0,
    };
    if (!a->stream)
        req.max_body = call->max ? call->max : SMALL_ANSWER_MAX;
    int rc = a->stream ? co_send_stream(a, &req, err) : co_http_do(c->http, &req, a->res, err);
    a->broke = rc != 0;
    if (rc == 0)
        a->repo->reached = true;
    return rc;
}

/* With what is known, and after a 401 with what it asks for. */
static int co_send_authorized(struct attempt *a, struct error *err)
{
    struct auth_session *session = &a->repo->session;
    char *value AUTO(registry_secret) = NULL, *better AUTO(registry_secret) = NULL;
    a->broke = false;
    if (a->ours && co_auth_session_value(session, &value, err))
        return -1;
    if (co_send(a, value, err))
        return -1;
    if (a->res->status != 401 || !a->ours)
        return 0;
    char text[1024];
    request_text(a->call->method, a->call->url, text, sizeof text);
    if (co_auth_session_answer(session, a->res, value, a->repo->is_push ? "" : text, err) ||
        co_auth_session_value(session, &better, err))
        return -1;
    http_response_free(a->res);
    if (co_send(a, better, err))
        return -1;
    if (a->res->status == 401)
        auth_session_note_refusal(session, a->res);
    return 0;
}

/* ---- as often as it takes ---- */

/* ms until the next attempt; -1: what we have is the result. */
static int64_t wait_after_answer(const struct attempt *a, int number)
{
    long status = a->res->status;
    bool again = (status == 429 && a->call->repeat & REPEAT_429) ||
                 (status >= 500 && status != 501 && a->call->repeat & REPEAT_5XX);
    if (!again || number >= REGISTRY_TRIES)
        return -1;
    return retry_wait_ms(a->res, a->repo->client->backoff_ms, number);
}

static int64_t wait_after_failure(const struct attempt *a, int number, const struct error *err)
{
    /* A first contact that fails is reported at once, as Docker does; a stall was patience enough.
     */
    if (err->code != ERROR_UNAVAILABLE || !a->repo->reached || number >= REGISTRY_TRIES ||
        !(a->call->repeat & REPEAT_BROKEN))
        return -1;
    return retry_backoff_ms(a->repo->client->backoff_ms, number);
}

static int co_attempts(struct attempt *a, struct error *err)
{
    for (int number = 1;; number++) {
        int rc = co_send_authorized(a, err);
        if (rc == 0)
            retry_log_limits(a->repo->endpoint.host, a->res);
        int64_t wait_ms = rc ? wait_after_failure(a, number, err) : wait_after_answer(a, number);
        if (wait_ms < 0)
            return rc;
        http_response_free(a->res);
        *a->res = (struct http_response){0};
        if (co_sleep(wait_ms, err))
            return -1;
    }
}

static int co_call(struct attempt *a, struct error *err)
{
    *a->res = (struct http_response){0};
    a->ours = http_url_same_origin(a->call->url, a->repo->endpoint.base);
    int rc = co_attempts(a, err);
    if (a->call->broke)
        *a->call->broke = rc && a->broke && err->code == ERROR_UNAVAILABLE;
    if (rc && a->broke)
        return registry_call_failed(a->repo, a->call->method, a->call->url, err);
    return rc;
}

int co_registry_call(struct registry_repo *r, const struct registry_call *call,
                     struct http_response *res, struct error *err)
{
    struct attempt a = {.repo = r, .call = call, .res = res};
    return co_call(&a, err);
}

int co_registry_call_stream(struct registry_repo *r, const struct registry_call *call,
                            struct http_stream **stream, struct http_response *res,
                            struct error *err)
{
    *stream = NULL;
    struct attempt a = {.repo = r, .call = call, .res = res, .stream = stream};
    return co_call(&a, err);
}
