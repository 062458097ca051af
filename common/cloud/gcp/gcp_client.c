/* SPDX-License-Identifier: Apache-2.0
 * Calls of Google's JSON APIs; see gcp_client.h. */
#include "cloud/gcp/gcp_client.h"

#include "base/alloc.h"
#include "base/backoff.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "loop/co.h"
#include "json/json_reply.h"

#include <stdio.h>
#include <string.h>

enum {
    CALL_TIMEOUT_MS = 30000,
    ATTEMPTS = 5, /* lost answers and 5xx */
    THROTTLED_ATTEMPTS = 10,
    BACKOFF_BASE_MS = 100,
    THROTTLED_BASE_MS = 250,
    BACKOFF_CAP_MS = 32000, /* what Google's retry strategy proposes */
    BUCKET_WAIT_MAX_MS = 120000,
};

struct gcp_client {
    struct gcp_client_options options;
};

struct gcp_client *gcp_client_new(const struct gcp_client_options *options)
{
    struct gcp_client *c = NEW(struct gcp_client);
    c->options = *options;
    return c;
}

void gcp_client_free(struct gcp_client *c)
{
    free(c);
}

/* What became of one attempt. */
struct attempt {
    enum gcp_retry retry;
    unsigned generation; /* of the token it was made with */
    char retry_after[40];
};

static char *call_url(const struct gcp_client *c, const struct gcp_call *call)
{
    const char *at = c->options.endpoint_url;
    if (str_empty(at))
        return xasprintf("https://%s.googleapis.com/%s", call->service, call->path);
    return xasprintf("%s%s%s", at, str_ends(at, "/") ? "" : "/", call->path);
}

static int co_exchange(struct gcp_client *c, const struct gcp_call *call, const char *token,
                       struct http_response *res, struct error *err)
{
    AUTO_FREE char *url = call_url(c, call);
    AUTO(secret) char *authorization = xasprintf("Authorization: Bearer %s", token);
    const char *headers[] = {"Accept: application/json", authorization,
                             call->body ? "Content-Type: application/json" : NULL, NULL};
    const struct http_request req = {
        .method = call->method,
        .url = url,
        .headers = headers,
        .body = call->body ? call->body->data : NULL,
        .body_len = call->body ? call->body->len : 0,
        .timeout_ms = c->options.timeout_ms ? c->options.timeout_ms : CALL_TIMEOUT_MS,
        .never_twice = !call->repeatable,
    };
    return co_http_do(c->options.http, &req, res, err);
}

static int co_parse(struct gcp_client *c, const struct gcp_call *call, struct http_response *res,
                    json_t **reply, struct gcp_error *why, struct error *err)
{
    if (co_json_reply_parse(c->options.loop, &res->body, reply, err) == 0)
        return 0;
    why->ambiguous = true;
    if (err->code == ERROR_INVALID_PARAMETER)
        err->code = ERROR_UNAVAILABLE;
    return error_wrap(err, "%s: %s: the answer cannot be read", call->service, call->what);
}

static int co_attempt(struct gcp_client *c, const struct gcp_call *call, json_t **reply,
                      struct gcp_error *why, struct attempt *made, struct error *err)
{
    AUTO(access_token) struct access_token token = {0};
    AUTO(http_response) struct http_response res = {0};
    *why = (struct gcp_error){0};
    *made = (struct attempt){.retry = GCP_RETRY_NO};
    if (co_gcp_credentials_get(c->options.credentials, &token, &made->generation, err))
        return error_wrap(err, "%s: %s", call->service, call->what);
    if (co_exchange(c, call, token.value, &res, err)) {
        why->ambiguous = true;
        if (err->code == ERROR_UNAVAILABLE || err->code == ERROR_DEADLINE)
            made->retry = GCP_RETRY_SERVER;
        return error_wrap(err, "%s: %s", call->service, call->what);
    }
    if (res.status >= 200 && res.status < 300)
        return co_parse(c, call, &res, reply, why, err);
    gcp_error_parse(&res, why);
    made->retry = gcp_error_retry(why);
    const char *after = http_response_header(&res, "Retry-After");
    snprintf(made->retry_after, sizeof made->retry_after, "%s", str_or_empty(after));
    return gcp_error_fill(why, call->service, call->what, err);
}

static int co_wait_turn(const struct gcp_call *call, struct error *err)
{
    if (!call->bucket)
        return 0;
    int64_t wait_ms = token_bucket_take(call->bucket, time_mono_ms(), BUCKET_WAIT_MAX_MS);
    if (wait_ms < 0)
        return error_set(err, ERROR_UNAVAILABLE,
                         "%s: %s: too many calls are waiting for the API's quota; try again later",
                         call->service, call->what);
    return wait_ms ? co_sleep(wait_ms, err) : 0;
}

/* Whether attempt number `attempt` (from 0) that failed this way is followed by another. */
static bool may_repeat(const struct attempt *made, bool repeatable, int attempt)
{
    switch (made->retry) {
    case GCP_RETRY_THROTTLED: return attempt + 1 < THROTTLED_ATTEMPTS;
    case GCP_RETRY_SERVER: return repeatable && attempt + 1 < ATTEMPTS;
    case GCP_RETRY_CREDENTIALS:
    case GCP_RETRY_NO: break;
    }
    return false;
}

int co_gcp_call(struct gcp_client *c, const struct gcp_call *call, json_t **reply,
                struct gcp_error *why, struct error *err)
{
    bool renewed = false;
    *reply = NULL;
    for (int attempt = 0;; attempt++) {
        struct attempt made;
        *why = (struct gcp_error){0};
        if (co_wait_turn(call, err))
            return -1;
        if (co_attempt(c, call, reply, why, &made, err) == 0)
            return 0;
        if (made.retry == GCP_RETRY_CREDENTIALS && !renewed) {
            renewed = true;
            gcp_credential_chain_reject(c->options.credentials, made.generation);
            continue;
        }
        if (!may_repeat(&made, call->repeatable, attempt))
            return -1;
        bool throttled = made.retry == GCP_RETRY_THROTTLED;
        if (throttled && call->bucket)
            token_bucket_drain(call->bucket, time_mono_ms());
        int64_t wait_ms = backoff_ms(attempt, throttled ? THROTTLED_BASE_MS : BACKOFF_BASE_MS,
                                     BACKOFF_CAP_MS, made.retry_after);
        log_info("Google call failed, trying again", LOG_STR("error", err->message),
                 LOG_INT("attempt", attempt + 1), LOG_INT("wait_ms", wait_ms));
        if (co_sleep(wait_ms, err))
            return -1;
    }
}
