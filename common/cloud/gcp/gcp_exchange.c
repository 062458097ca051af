/* SPDX-License-Identifier: Apache-2.0
 * Calls for tokens; see gcp_exchange.h. */
#include "cloud/gcp/gcp_exchange.h"

#include "base/alloc.h"
#include "base/backoff.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "loop/co.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>

enum {
    ATTEMPTS = 4,
    BACKOFF_BASE_MS = 200,
    BACKOFF_CAP_MS = 5000,
    TIMEOUT_MS = 10000,
    ANSWER_MAX = 128 * 1024,
    TOKEN_MAX = 32 * 1024,
    WORDS_MAX = 300,
    LIFE_S = 600,       /* when the answer does not say */
    LIFE_MAX_S = 43200, /* iamcredentials' longest */
};
static const int64_t ns_per_s = 1000000000;

/* ---- JSON ---- */

void gcp_json_free(json_t *doc)
{
    const char *key;
    json_t *value;
    if (doc && doc->refcount == 1)
        json_object_foreach(doc, key, value)
        {
            if (json_is_string(value))
                explicit_bzero((char *)json_string_value(value), json_string_length(value));
        }
    json_decref(doc);
}

const char *gcp_member(json_t *file, const char *name, struct error *err)
{
    const char *text = json_doc_string(file, name);
    if (!str_empty(text))
        return text;
    error_set(err, ERROR_FORBIDDEN, "\"%s\" is missing", name);
    return NULL;
}

int gcp_url_check(const char *member, const char *url, struct error *err)
{
    static const char *const local[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};
    size_t authority = strcspn(url, "/") + 2; /* after "scheme://" */
    bool odd = strpbrk(url, " \t\r\n\\") || strlen(url) < authority ||
               memchr(url + authority, '@', strcspn(url + authority, "/?#"));
    if (!odd && str_starts(url, "https://"))
        return 0;
    for (size_t i = 0; !odd && i < ARRAY_LEN(local); i++) {
        size_t n = strlen(local[i]);
        if (str_starts(url, local[i]) && (!url[n] || strchr(":/?", url[n])))
            return 0;
    }
    return error_set(err, ERROR_FORBIDDEN,
                     "\"%s\" must be an https URL (http only to this machine)", member);
}

/* ---- refusals ---- */

static void clean(char *out, size_t size, const char *text)
{
    size_t n = 0;
    for (; *text && n + 1 < size; text++)
        out[n++] = (unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text;
    out[n] = '\0';
}

/* OAuth: {"error": "invalid_grant", "error_description": "…"}. Google's APIs: {"error": {"status":
 * "PERMISSION_DENIED", "message": "…"}}. */
static void refusal_words(const struct http_response *res, char *out, size_t size)
{
    struct error ignored;
    json_t *doc AUTO(json) =
        res->body.len ? json_doc_load(res->body.data, res->body.len, &ignored) : NULL;
    json_t *error = json_object_get(doc, "error");
    bool nested = json_is_object(error);
    const char *code = nested ? json_doc_string(error, "status") : json_string_value(error);
    const char *text =
        nested ? json_doc_string(error, "message") : json_doc_string(doc, "error_description");
    char *words AUTO_FREE =
        xasprintf("%s%s%s", str_or_empty(code), code && text ? ": " : "", str_or_empty(text));
    clean(out, size, words);
}

static int refused(const struct gcp_exchange *x, const struct http_response *res, struct error *err)
{
    char words[WORDS_MAX];
    refusal_words(res, words, sizeof words);
    enum error_code code = res->status == 429   ? ERROR_TOO_MANY_REQUESTS
                           : res->status >= 500 ? ERROR_UNAVAILABLE
                                                : ERROR_FORBIDDEN;
    return error_set(err, code, "%s: HTTP %ld%s%s", x->what, res->status, *words ? ": " : "",
                     words);
}

/* ---- the call ---- */

void gcp_response_free(struct http_response *res)
{
    if (res->body.data)
        explicit_bzero(res->body.data, res->body.len);
    http_response_free(res);
}

static int co_once(const struct gcp_context *context, const struct gcp_exchange *x,
                   struct http_response *res, struct error *err)
{
    const char *lines[GCP_HEADERS_MAX + 3] = {"Accept: application/json"};
    char *type AUTO_FREE = x->content_type ? xasprintf("Content-Type: %s", x->content_type) : NULL;
    size_t n = 1;
    for (size_t i = 0; x->headers && x->headers[i] && i < GCP_HEADERS_MAX; i++)
        lines[n++] = x->headers[i];
    if (type)
        lines[n++] = type;
    const struct http_request req = {
        .method = x->body ? "POST" : "GET",
        .url = x->url,
        .headers = lines,
        .body = x->body ? x->body->data : NULL,
        .body_len = x->body ? x->body->len : 0,
        .connect_timeout_ms = x->connect_timeout_ms,
        .timeout_ms = TIMEOUT_MS,
        .max_body = ANSWER_MAX,
    };
    if (co_http_do(context->http, &req, res, err))
        return error_wrap(err, "%s", x->what);
    return 0;
}

int co_gcp_exchange(const struct gcp_context *context, const struct gcp_exchange *x,
                    struct http_response *res, struct error *err)
{
    for (int attempt = 0;; attempt++) {
        *res = (struct http_response){0};
        int rc = co_once(context, x, res, err);
        if (rc == 0 && res->status == 200)
            return 0;
        bool again = rc ? !x->once && err->code == ERROR_UNAVAILABLE
                        : res->status == 408 || res->status == 429 || res->status >= 500;
        if (!again || attempt + 1 == ATTEMPTS)
            return rc ? -1 : refused(x, res, err);
        int64_t wait_ms = backoff_ms(attempt, BACKOFF_BASE_MS, BACKOFF_CAP_MS,
                                     http_response_header(res, "Retry-After"));
        gcp_response_free(res);
        log_debug("call for a Google token failed, trying again", LOG_STR("what", x->what));
        if (co_sleep(wait_ms, err))
            return -1;
    }
}

bool gcp_token_clean(const char *token)
{
    size_t n = 0;
    for (; token[n]; n++)
        if ((unsigned char)token[n] <= 0x20 || (unsigned char)token[n] >= 0x7f || n >= TOKEN_MAX)
            return false;
    return n > 0;
}

int gcp_take_token(const struct http_response *res, const char *what, struct access_token *out,
                   struct error *err)
{
    json_t *doc AUTO(gcp_json) = json_doc_load(str_or_empty(res->body.data), res->body.len, err);
    if (!doc)
        return error_wrap(err, "%s", what);
    const char *token = json_doc_string(doc, "access_token");
    if (!token || !gcp_token_clean(token))
        return error_set(err, ERROR_SYSTEM, "%s: the answer holds no access token", what);
    const json_t *life = json_object_get(doc, "expires_in");
    int64_t life_s = json_is_integer(life) ? json_integer_value(life) : LIFE_S;
    if (life_s > LIFE_MAX_S)
        life_s = LIFE_MAX_S;
    if (life_s < 0)
        life_s = 0;
    out->value = xstrdup(token);
    out->expires_ns = time_now_ns() + life_s * ns_per_s;
    return 0;
}
