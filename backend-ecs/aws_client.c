/* SPDX-License-Identifier: Apache-2.0
 * Calls of AWS's JSON 1.1 services; see aws_client.h. */
#include "aws_client.h"

#include "aws_credential_chain.h"
#include "aws_exchange.h"
#include "base/alloc.h"
#include "base/backoff.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "base/token_bucket.h"
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
    BACKOFF_CAP_MS = 8000,
    BUCKET_WAIT_MAX_MS = 120000,
};

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

static int co_wait_turn(struct aws_client *c, enum aws_api api, struct error *err)
{
    int64_t wait_ms =
        token_bucket_take(&c->buckets[apis[api].quota], time_mono_ms(), BUCKET_WAIT_MAX_MS);
    if (wait_ms < 0)
        return error_set(err, ERROR_UNAVAILABLE,
                         "%s: %s: too many calls are waiting for the API's rate limit; try again "
                         "later",
                         services[apis[api].service].name, apis[api].operation);
    return wait_ms ? co_sleep(wait_ms, err) : 0;
}

static int co_parse_reply(struct aws_client *c, enum aws_api api, struct http_response *res,
                          json_t **reply, struct aws_error *why, struct error *err)
{
    if (co_json_reply_parse(c->options.loop, &res->body, reply, err) == 0)
        return 0;
    why->ambiguous = true;
    if (err->code == ERROR_INVALID_PARAMETER)
        err->code = ERROR_UNAVAILABLE;
    return error_wrap(err, "%s: %s: the answer cannot be read", services[apis[api].service].name,
                      apis[api].operation);
}

/* What became of one attempt. */
struct attempt {
    enum aws_retry retry;
    unsigned generation; /* of the credentials it was made with */
    char retry_after[16];
};

static int co_attempt(struct aws_client *c, const struct aws_call *call, json_t **reply,
                      struct aws_error *why, struct attempt *made, struct error *err)
{
    enum aws_api api = call->api;
    const char *service = services[apis[api].service].name;
    AUTO(aws_credentials) struct aws_credentials credentials = {0};
    AUTO(http_response) struct http_response res = {0};
    *why = (struct aws_error){0};
    *made = (struct attempt){.retry = AWS_RETRY_NO};
    if (co_aws_credentials_get(c->credentials, &credentials, &made->generation, err))
        return error_wrap(err, "%s: %s", service, apis[api].operation);
    char target[160];
    snprintf(target, sizeof target, "%s.%s", services[apis[api].service].target_prefix,
             apis[api].operation);
    const struct aws_exchange x = {
        .endpoint_url = c->options.endpoint_url,
        .host_prefix = services[apis[api].service].host_prefix,
        .signing_name = services[apis[api].service].signing_name,
        .region = call->region ? call->region : c->options.region,
        .credentials = &credentials,
        .content_type = "application/x-amz-json-1.1",
        .target = target,
        .body = call->body->data,
        .body_len = call->body->len,
        .timeout_ms = CALL_TIMEOUT_MS,
        .never_twice = !apis[api].repeatable,
    };
    if (co_aws_exchange(c->options.http, &x, &res, err)) {
        why->ambiguous = true;
        if (err->code == ERROR_UNAVAILABLE || err->code == ERROR_DEADLINE)
            made->retry = AWS_RETRY_SERVER;
        return error_wrap(err, "%s: %s", service, apis[api].operation);
    }
    if (res.status >= 200 && res.status < 300)
        return co_parse_reply(c, api, &res, reply, why, err);
    aws_error_parse(&res, why);
    made->retry = aws_error_retry(why);
    const char *after = http_response_header(&res, "Retry-After");
    snprintf(made->retry_after, sizeof made->retry_after, "%s", after ? after : "");
    return aws_error_fill(why, service, apis[api].operation, err);
}

/* Whether attempt number `attempt` (from 0) that failed this way is followed by another. */
static bool may_repeat(const struct attempt *made, bool repeatable, int attempt)
{
    switch (made->retry) {
    case AWS_RETRY_THROTTLED: return attempt + 1 < THROTTLED_ATTEMPTS;
    case AWS_RETRY_SERVER: return repeatable && attempt + 1 < ATTEMPTS;
    case AWS_RETRY_CREDENTIALS:
    case AWS_RETRY_NO: break;
    }
    return false;
}

int co_aws_call(struct aws_client *c, const struct aws_call *call, json_t **reply,
                struct aws_error *why, struct error *err)
{
    struct token_bucket *bucket = &c->buckets[apis[call->api].quota];
    bool renewed = false;
    for (int attempt = 0;; attempt++) {
        struct attempt made;
        *why = (struct aws_error){0};
        if (co_wait_turn(c, call->api, err))
            return -1;
        if (co_attempt(c, call, reply, why, &made, err) == 0)
            return 0;
        if (made.retry == AWS_RETRY_CREDENTIALS && !renewed) {
            renewed = true;
            aws_credential_chain_reject(c->credentials, made.generation);
            continue;
        }
        if (!may_repeat(&made, apis[call->api].repeatable, attempt))
            return -1;
        bool throttled = made.retry == AWS_RETRY_THROTTLED;
        if (throttled)
            token_bucket_drain(bucket, time_mono_ms());
        int64_t wait_ms = backoff_ms(attempt, throttled ? THROTTLED_BASE_MS : BACKOFF_BASE_MS,
                                     BACKOFF_CAP_MS, made.retry_after);
        log_info("AWS call failed, trying again", LOG_STR("error", err->message),
                 LOG_INT("attempt", attempt + 1), LOG_INT("wait_ms", wait_ms));
        if (co_sleep(wait_ms, err))
            return -1;
    }
}
