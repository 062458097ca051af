/* SPDX-License-Identifier: Apache-2.0
 * Calls of AWS's JSON 1.1 services; see aws_client.h. */
#include "aws_client.h"

#include "aws_credential_chain.h"
#include "aws_exchange.h"
#include "base/alloc.h"
#include "base/timefmt.h"
#include "base/token_bucket.h"
#include "cloud/cloud_call.h"
#include "json/json_reply.h"

#include <stdio.h>
#include <string.h>

enum service_id { SERVICE_ECS, SERVICE_LOGS, SERVICE_ECR };
static const struct {
    const char *name, *host_prefix, *signing_name, *target_prefix;
} services[] = {
    [SERVICE_ECS] = {"ecs", "ecs", "ecs", "AmazonEC2ContainerServiceV20141113"},
    [SERVICE_LOGS] = {"logs", "logs", "logs", "Logs_20140328"},
    [SERVICE_ECR] = {"ecr", "api.ecr", "ecr", "AmazonEC2ContainerRegistry_V20150921"},
};

/* The vendor's rates per account and region (ECS API request rate quotas; CloudWatch Logs quotas).
 * RunTask and StopTask share 40/s, burst 100; Fargate launches have 20/s, burst 100: half each. */
enum quota_id {
    QUOTA_RUN,
    QUOTA_STOP,
    QUOTA_READ_TASKS,
    QUOTA_DEFINITIONS,
    QUOTA_DELETE_DEFINITIONS,
    QUOTA_READ_DEFINITIONS,
    QUOTA_LOG_EVENTS,
    QUOTA_ECR_TOKEN,
    QUOTA_COUNT,
};
static const struct {
    double rate_per_s, burst;
} quotas[QUOTA_COUNT] = {
    [QUOTA_RUN] = {20, 50},
    [QUOTA_STOP] = {20, 50},
    [QUOTA_READ_TASKS] = {20, 100},
    [QUOTA_DEFINITIONS] = {1, 20},
    [QUOTA_DELETE_DEFINITIONS] = {1, 5},
    [QUOTA_READ_DEFINITIONS] = {20, 50},
    [QUOTA_LOG_EVENTS] = {10, 10},
    [QUOTA_ECR_TOKEN] = {10, 20},
};

static const struct {
    const char *operation;
    enum service_id service;
    enum quota_id quota;
    bool repeatable;
} apis[AWS_API_COUNT] = {
#define X(operation, service, quota, repeatable)                                                   \
    [AWS_API_##operation] = {#operation, SERVICE_##service, QUOTA_##quota, repeatable},
    AWS_APIS(X)
#undef X
};

struct aws_client {
    struct aws_client_options options;
    struct aws_credential_chain *credentials;
    struct token_bucket buckets[QUOTA_COUNT];
};

struct aws_client *aws_client_new(const struct aws_client_options *options)
{
    struct aws_client *c = NEW(struct aws_client);
    c->options = *options;
    const struct aws_credentials_context context = {
        .http = options->http,
        .region = options->region,
        .endpoint_url = options->endpoint_url,
    };
    c->credentials = aws_credential_chain_new(&context);
    double share = (options->rate_percent ? (double)options->rate_percent : 80) / 100;
    int64_t now = time_mono_ms();
    for (int i = 0; i < QUOTA_COUNT; i++) {
        double rate = quotas[i].rate_per_s, burst = quotas[i].burst;
        if (i == QUOTA_LOG_EVENTS && options->log_events_per_s)
            rate = burst = (double)options->log_events_per_s;
        token_bucket_init(&c->buckets[i], rate * share, burst * share, now);
    }
    return c;
}

void aws_client_free(struct aws_client *c)
{
    if (!c)
        return;
    aws_credential_chain_free(c->credentials);
    free(c);
}

bool aws_client_has_spare(struct aws_client *c, enum aws_api api)
{
    return token_bucket_has_spare(&c->buckets[apis[api].quota], time_mono_ms());
}

/* A call under way. */
struct job {
    struct aws_client *client;
    const struct aws_call *call;
    struct aws_credentials credentials; /* of the attempt */
    json_t **reply;
};

static int co_authorise(void *arg, struct cloud_attempt *attempt, struct error *err)
{
    struct job *job = arg;
    struct aws_client *c = job->client;
    enum aws_api api = job->call->api;
    aws_credentials_free(&job->credentials);
    job->credentials = (struct aws_credentials){0};
    if (co_aws_credentials_get(c->credentials, &job->credentials, &attempt->generation, err))
        return -1;
    char *target =
        xasprintf("%s.%s", services[apis[api].service].target_prefix, apis[api].operation);
    const struct aws_exchange x = {
        .endpoint_url = c->options.endpoint_url,
        .host_prefix = services[apis[api].service].host_prefix,
        .signing_name = services[apis[api].service].signing_name,
        .region = job->call->region ? job->call->region : c->options.region,
        .credentials = &job->credentials,
        .content_type = "application/x-amz-json-1.1",
        .target = cloud_attempt_keep(attempt, target),
        .body = job->call->body->data,
        .body_len = job->call->body->len,
    };
    aws_exchange_build(&x, attempt);
    return 0;
}

static void renew(void *arg, unsigned generation)
{
    const struct job *job = arg;
    aws_credential_chain_reject(job->client->credentials, generation);
}

static void refusal(void *arg, struct http_response *res, struct cloud_error *why)
{
    (void)arg;
    aws_error_parse(res, why);
}

static int co_take(void *arg, struct http_response *res, struct error *err)
{
    struct job *job = arg;
    return co_json_reply_parse(job->client->options.loop, &res->body, job->reply, err);
}

static const struct cloud_vendor vendor = {
    .name = "AWS",
    .policy = CLOUD_POLICY_API(8000),
    .co_authorise = co_authorise,
    .renew = renew,
    .refusal = refusal,
    .co_take = co_take,
};

int co_aws_call(struct aws_client *c, const struct aws_call *call, json_t **reply,
                struct cloud_error *why, struct error *err)
{
    struct job job = {.client = c, .call = call, .reply = reply};
    const struct cloud_call generic = {
        .vendor = &vendor,
        .arg = &job,
        .http = c->options.http,
        .service = services[apis[call->api].service].name,
        .what = apis[call->api].operation,
        .bucket = &c->buckets[apis[call->api].quota],
        .repeatable = apis[call->api].repeatable,
    };
    int rc = co_cloud_call(&generic, why, err);
    aws_credentials_free(&job.credentials);
    return rc;
}
