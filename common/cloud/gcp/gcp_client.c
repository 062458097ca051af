/* SPDX-License-Identifier: Apache-2.0
 * Calls of Google's JSON APIs; see gcp_client.h. */
#include "cloud/gcp/gcp_client.h"

#include "base/alloc.h"
#include "base/str.h"
#include "cloud/cloud_call.h"
#include "json/json_reply.h"

#include <stdlib.h>

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

/* A call under way. */
struct job {
    struct gcp_client *client;
    const struct gcp_call *call;
    json_t **reply;
};

static char *call_url(const struct gcp_client *c, const struct gcp_call *call)
{
    const char *at = c->options.endpoint_url;
    if (str_empty(at))
        return xasprintf("https://%s.googleapis.com/%s", call->service, call->path);
    return xasprintf("%s%s%s", at, str_ends(at, "/") ? "" : "/", call->path);
}

static int co_authorise(void *arg, struct cloud_attempt *attempt, struct error *err)
{
    const struct job *job = arg;
    const struct gcp_call *call = job->call;
    const struct gcp_client_options *o = &job->client->options;
    AUTO(access_token) struct access_token token = {0};
    if (co_gcp_credentials_get(o->credentials, &token, &attempt->generation, err))
        return -1;
    struct http_request *req = &attempt->request;
    req->method = call->method;
    req->url = cloud_attempt_keep(attempt, call_url(job->client, call));
    req->timeout_ms = o->timeout_ms;
    cloud_attempt_header(attempt, xstrdup("Accept: application/json"));
    cloud_attempt_header(attempt, xasprintf("Authorization: Bearer %s", token.value));
    if (!call->body)
        return 0;
    cloud_attempt_header(attempt, xstrdup("Content-Type: application/json"));
    req->body = call->body->data;
    req->body_len = call->body->len;
    return 0;
}

static void renew(void *arg, unsigned generation)
{
    const struct job *job = arg;
    gcp_credential_chain_reject(job->client->options.credentials, generation);
}

static void refusal(void *arg, struct http_response *res, struct cloud_error *why)
{
    (void)arg;
    gcp_error_parse(res, why);
}

static int co_take(void *arg, struct http_response *res, struct error *err)
{
    const struct job *job = arg;
    return co_json_reply_parse(job->client->options.loop, &res->body, job->reply, err);
}

static const struct cloud_vendor vendor = {
    .name = "Google",
    .policy = CLOUD_POLICY_API(32000), /* Google's retry strategy proposes it */
    .co_authorise = co_authorise,
    .renew = renew,
    .refusal = refusal,
    .co_take = co_take,
};

int co_gcp_call(struct gcp_client *c, const struct gcp_call *call, json_t **reply,
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
    };
    *reply = NULL;
    return co_cloud_call(&generic, why, err);
}
