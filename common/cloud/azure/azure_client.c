/* SPDX-License-Identifier: Apache-2.0
 * Calls of Azure's APIs; see azure_client.h. */
#include "cloud/azure/azure_client.h"

#include "base/alloc.h"
#include "base/backoff.h"
#include "base/id.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloud/azure/azure_error.h"
#include "cloud/cloud_call.h"
#include "json/json_reply.h"
#include "loop/http_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_AFTER_MOST_MS = 300000, UUID_SIZE = 37 };

struct azure_client {
    struct azure_client_options options;
};

struct azure_client *azure_client_new(const struct azure_client_options *options)
{
    struct azure_client *c = NEW(struct azure_client);
    c->options = *options;
    return c;
}

void azure_client_free(struct azure_client *c)
{
    free(c);
}

void azure_reply_free(struct azure_reply *r)
{
    json_decref(r->doc);
    free(r->operation);
    free(r->location);
    *r = (struct azure_reply){0};
}

/* A call under way. */
struct job {
    struct azure_client *client;
    const struct azure_call *call;
    struct azure_reply *reply;
};

/* ---- the request ---- */

/* NULL: the URL that an answer told is another host's. */
static char *call_url(const struct azure_client *c, const struct azure_call *call)
{
    static const char *const hosts[AZURE_AUDIENCES] = {[AZURE_ARM] = "https://management.azure.com",
                                                       [AZURE_LOG_ANALYTICS] =
                                                           "https://api.loganalytics.io"};
    const char *at = c->options.endpoint_url;
    if (str_empty(at))
        at = hosts[call->audience];
    if (call->path[0] != '/')
        return http_url_same_origin(at, call->path) ? xstrdup(call->path) : NULL;
    return xasprintf("%.*s%s", (int)(strlen(at) - str_ends(at, "/")), at, call->path);
}

/* For Microsoft's support: names the request in their logs. */
static char *request_id_header(void)
{
    unsigned char bytes[16];
    char hex[2 * sizeof bytes + 1];
    random_bytes(bytes, sizeof bytes);
    bytes[6] = (bytes[6] & 0x0f) | 0x40; /* a random UUID, RFC 9562 section 5.4 */
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    hex_encode(bytes, sizeof bytes, hex);
    return xasprintf("x-ms-client-request-id: %.8s-%.4s-%.4s-%.4s-%s", hex, hex + 8, hex + 12,
                     hex + 16, hex + 20);
}

static int co_authorise(void *arg, struct cloud_attempt *attempt, struct error *err)
{
    const struct job *job = arg;
    const struct azure_call *call = job->call;
    const struct azure_client_options *o = &job->client->options;
    AUTO(access_token) struct access_token token = {0};
    struct http_request *req = &attempt->request;
    req->method = call->method;
    req->url = cloud_attempt_keep(attempt, call_url(job->client, call));
    req->timeout_ms = call->timeout_ms;
    if (!req->url)
        return error_set(err, ERROR_SYSTEM, "\"%.200s\" is not a URL of this service", call->path);
    if (co_azure_credentials_get(o->credentials, call->audience, &token, &attempt->generation, err))
        return -1;
    cloud_attempt_header(attempt, xstrdup("Accept: application/json"));
    cloud_attempt_header(attempt, request_id_header());
    cloud_attempt_header(attempt, xasprintf("Authorization: Bearer %s", token.value));
    if (call->prefer)
        cloud_attempt_header(attempt, xasprintf("Prefer: %s", call->prefer));
    if (call->body) {
        cloud_attempt_header(attempt, xstrdup("Content-Type: application/json"));
        req->body = call->body->data;
        req->body_len = call->body->len;
    } else if (strcmp(call->method, "POST") == 0) {
        req->body = ""; /* with a Content-Length of 0 */
    }
    return 0;
}

static void renew(void *arg, unsigned generation)
{
    const struct job *job = arg;
    azure_credential_chain_reject(job->client->options.credentials, job->call->audience,
                                  generation);
}

/* ---- the answer ---- */

/* What is left of the subscription's own bucket: when it is empty, ours is, too. */
static void heed_quota(const struct job *job, const struct http_response *res)
{
    static const char *const names[] = {"x-ms-ratelimit-remaining-subscription-reads",
                                        "x-ms-ratelimit-remaining-subscription-writes",
                                        "x-ms-ratelimit-remaining-subscription-deletes"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        int64_t left;
        const char *text = http_response_header(res, names[i]);
        if (text && str_to_i64(text, &left) && left <= 0 && job->call->bucket)
            token_bucket_drain(job->call->bucket, time_mono_ms());
    }
}

static void refusal(void *arg, struct http_response *res, struct cloud_error *why)
{
    heed_quota(arg, res);
    azure_error_parse(res, why);
}

static char *header_copy(const struct http_response *res, const char *name)
{
    const char *text = http_response_header(res, name);
    return str_empty(text) ? NULL : xstrdup(text);
}

static int co_take(void *arg, struct http_response *res, struct error *err)
{
    const struct job *job = arg;
    struct azure_reply *reply = job->reply;
    const char *after = http_response_header(res, "Retry-After");
    heed_quota(job, res);
    reply->status = res->status;
    reply->operation = header_copy(res, "Azure-AsyncOperation");
    reply->location = header_copy(res, "Location");
    reply->retry_after_ms = after ? backoff_ms(0, 1, RETRY_AFTER_MOST_MS, after) : -1;
    if (co_json_reply_parse(job->client->options.loop, &res->body, &reply->doc, err) == 0)
        return 0;
    azure_reply_free(reply);
    return -1;
}

static const struct cloud_vendor vendor = {
    .name = "Azure",
    .policy = CLOUD_POLICY_API(30000),
    .co_authorise = co_authorise,
    .renew = renew,
    .refusal = refusal,
    .co_take = co_take,
};

int co_azure_call(struct azure_client *c, const struct azure_call *call, struct azure_reply *reply,
                  struct cloud_error *why, struct error *err)
{
    struct job job = {.client = c, .call = call, .reply = reply};
    const struct cloud_call generic = {
        .vendor = &vendor,
        .arg = &job,
        .http = c->options.http,
        .service = call->service,
        .what = call->what,
        .bucket = call->bucket,
        .repeatable = call->repeatable,
        .deadline_ms = call->deadline_ms,
    };
    *reply = (struct azure_reply){0};
    return co_cloud_call(&generic, why, err);
}
