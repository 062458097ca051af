/* SPDX-License-Identifier: Apache-2.0
 * Calls for tokens; see token_exchange.h. */
#include "cloud/token_exchange.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloud/cloud_call.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>

enum {
    ANSWER_MAX = 128 * 1024,
    TOKEN_MAX = 32 * 1024,
    WORDS_SIZE = 300,
    LIFE_S = 600,       /* when the answer does not say */
    LIFE_MAX_S = 90000, /* managed identities' are a day */
};
static const int64_t ns_per_s = 1000000000;

/* ---- JSON ---- */

void token_json_free(json_t *doc)
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

const char *token_member(json_t *file, const char *name, struct error *err)
{
    const char *text = json_doc_string(file, name);
    if (!str_empty(text))
        return text;
    error_set(err, ERROR_FORBIDDEN, "\"%s\" is missing", name);
    return NULL;
}

int token_url_check(const char *member, const char *url, struct error *err)
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
    cloud_error_copy(out, size, words);
}

/* ---- the call ---- */

void token_response_free(struct http_response *res)
{
    if (res->body.data)
        explicit_bzero(res->body.data, res->body.len);
    http_response_free(res);
}

/* A call under way. */
struct job {
    const struct token_exchange *exchange;
    struct http_response *res; /* the last answer */
};

static int co_authorise(void *arg, struct cloud_attempt *attempt, struct error *err)
{
    const struct job *job = arg;
    const struct token_exchange *x = job->exchange;
    struct http_request *req = &attempt->request;
    (void)err;
    token_response_free(job->res);
    *job->res = (struct http_response){0};
    cloud_attempt_header(attempt, xstrdup("Accept: application/json"));
    for (size_t i = 0; x->headers && x->headers[i]; i++)
        cloud_attempt_header(attempt, xstrdup(x->headers[i]));
    if (x->content_type)
        cloud_attempt_header(attempt, xasprintf("Content-Type: %s", x->content_type));
    req->method = x->body ? "POST" : "GET";
    req->url = x->url;
    req->body = x->body ? x->body->data : NULL;
    req->body_len = x->body ? x->body->len : 0;
    req->connect_timeout_ms = x->connect_timeout_ms;
    req->max_body = ANSWER_MAX;
    return 0;
}

static void refusal(void *arg, struct http_response *res, struct cloud_error *why)
{
    const struct job *job = arg;
    bool throttled = res->status == 429, failed = res->status == 408 || res->status >= 500;
    char words[WORDS_SIZE];
    refusal_words(res, words, sizeof words);
    cloud_error_copy(why->message, sizeof why->message, words);
    why->verdict = throttled ? CLOUD_THROTTLED : failed ? CLOUD_FAILED : CLOUD_REFUSED;
    why->error = throttled || res->status >= 500 ? ERROR_UNAVAILABLE : ERROR_FORBIDDEN;
    *job->res = *res;
    *res = (struct http_response){0};
}

static int co_take(void *arg, struct http_response *res, struct error *err)
{
    const struct job *job = arg;
    *job->res = *res;
    *res = (struct http_response){0};
    if (job->res->status == 200)
        return 0;
    return error_set(err, ERROR_FORBIDDEN, "HTTP %ld", job->res->status);
}

static const struct cloud_vendor vendor = {
    .name = "token service",
    .policy = CLOUD_POLICY_LOGIN,
    .co_authorise = co_authorise,
    .refusal = refusal,
    .co_take = co_take,
};

int co_token_exchange(struct http_client *http, const struct token_exchange *x,
                      struct http_response *res, struct error *err)
{
    struct job job = {.exchange = x, .res = res};
    const struct cloud_call call = {
        .vendor = &vendor,
        .arg = &job,
        .http = http,
        .what = x->what,
        .repeatable = true,
        .answered_only = x->once,
    };
    struct cloud_error why;
    *res = (struct http_response){0};
    return co_cloud_call(&call, &why, err);
}

bool token_clean(const char *token)
{
    size_t n = 0;
    for (; token[n]; n++)
        if ((unsigned char)token[n] <= 0x20 || (unsigned char)token[n] >= 0x7f || n >= TOKEN_MAX)
            return false;
    return n > 0;
}

/* False: not a number, in either form. */
static bool read_seconds(const json_t *value, int64_t *out)
{
    if (json_is_string(value))
        return str_to_i64(json_string_value(value), out);
    *out = json_integer_value(value);
    return json_is_integer(value);
}

static int64_t life_of(const json_t *doc)
{
    int64_t life_s, ends_s;
    if (!read_seconds(json_object_get(doc, "expires_in"), &life_s)) {
        bool told = read_seconds(json_object_get(doc, "expires_on"), &ends_s);
        life_s = told && ends_s > 0 ? ends_s - time_now_ns() / ns_per_s : LIFE_S;
    }
    return life_s < 0 ? 0 : life_s > LIFE_MAX_S ? LIFE_MAX_S : life_s;
}

int token_take(const struct http_response *res, const char *what, struct access_token *out,
               struct error *err)
{
    json_t *doc AUTO(token_json) = json_doc_load(str_or_empty(res->body.data), res->body.len, err);
    if (!doc)
        return error_wrap(err, "%s", what);
    const char *token = json_doc_string(doc, "access_token");
    if (!token || !token_clean(token))
        return error_set(err, ERROR_SYSTEM, "%s: the answer holds no access token", what);
    out->value = xstrdup(token);
    out->expires_ns = time_now_ns() + life_of(doc) * ns_per_s;
    return 0;
}
