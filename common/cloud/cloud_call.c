/* SPDX-License-Identifier: Apache-2.0
 * One call of a cloud's API; see cloud_call.h. */
#include "cloud/cloud_call.h"

#include "base/alloc.h"
#include "base/backoff.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "loop/co.h"

#include <stdio.h>
#include <string.h>

enum {
    QUEUE_LONGEST_MS = 120000,
    RETRY_AFTER_LONGEST_MS = 24 * 3600 * 1000, /* the deadline is sooner */
    RETRY_AFTER_SIZE = 48,
};

/* A call under way. */
struct progress {
    const struct cloud_call *call;
    int64_t began_ms, deadline_ms;
    int attempts; /* that have failed */
    bool renewed, logged;
    bool ambiguous;             /* one of the attempts may have been carried out */
    struct cloud_error refusal; /* the last that was an answer; http 0: none yet */
    struct error refusal_error;
    /* of the last attempt */
    unsigned generation;
    bool repeatable; /* the attempt, or the call, may be made again */
    char retry_after[RETRY_AFTER_SIZE];
};

/* ---- the request ---- */

void cloud_attempt_header(struct cloud_attempt *a, char *line)
{
    strv_push_owned(&a->headers, line);
}

const char *cloud_attempt_keep(struct cloud_attempt *a, char *text)
{
    if (text)
        strv_push_owned(&a->texts, text);
    return text;
}

static void wipe(struct strv *v)
{
    for (size_t i = 0; i < v->count; i++)
        explicit_bzero(v->items[i], strlen(v->items[i]));
    strv_free(v);
}

static void auto_release_cloud_attempt(struct cloud_attempt *a)
{
    wipe(&a->headers);
    wipe(&a->texts);
}

/* ---- one attempt ---- */

static int wrap(const struct cloud_call *call, struct error *err)
{
    return error_wrap(err, "%s%s%s", str_or_empty(call->service), call->service ? ": " : "",
                      call->what);
}

static int64_t left_ms(const struct progress *p)
{
    int64_t left = p->deadline_ms - time_mono_ms();
    return left > 0 ? left : 0;
}

static void limit_time(const struct progress *p, struct http_request *request)
{
    int64_t left = left_ms(p);
    if (request->timeout_ms <= 0)
        request->timeout_ms = p->call->vendor->policy.attempt_ms;
    if (request->timeout_ms > left)
        request->timeout_ms = left ? left : 1;
}

/* No answer: whether the request left this machine decides. */
static int unanswered(struct progress *p, const struct http_response *res, struct cloud_error *why,
                      struct error *err)
{
    bool transient = err->code == ERROR_UNAVAILABLE || err->code == ERROR_DEADLINE;
    why->http = 0;
    why->error = err->code;
    why->verdict = transient && !p->call->answered_only ? CLOUD_FAILED : CLOUD_REFUSED;
    why->ambiguous = res->sent;
    p->repeatable = p->call->repeatable || !res->sent;
    return wrap(p->call, err);
}

static int refused(struct progress *p, struct http_response *res, struct cloud_error *why,
                   struct error *err)
{
    const struct cloud_call *call = p->call;
    const char *after = http_response_header(res, "Retry-After");
    snprintf(p->retry_after, sizeof p->retry_after, "%s", str_or_empty(after));
    why->http = res->status;
    call->vendor->refusal(call->arg, res, why);
    if (why->verdict == CLOUD_FAILED && why->http == 503 && *p->retry_after)
        why->verdict = CLOUD_BUSY;
    why->ambiguous = why->verdict == CLOUD_FAILED;
    p->repeatable = call->repeatable || !why->ambiguous;
    return cloud_error_fill(why, call->service, call->what, err);
}

static int co_attempt(struct progress *p, struct cloud_error *why, struct error *err)
{
    const struct cloud_call *call = p->call;
    AUTO(cloud_attempt) struct cloud_attempt attempt = {.request.never_twice = !call->repeatable};
    AUTO(http_response) struct http_response res = {0};
    *why = (struct cloud_error){0};
    *p->retry_after = '\0';
    if (call->vendor->co_authorise(call->arg, &attempt, err)) {
        why->error = err->code;
        return wrap(call, err);
    }
    p->generation = attempt.generation;
    attempt.request.headers = (const char *const *)attempt.headers.items;
    limit_time(p, &attempt.request);
    if (co_http_do(call->http, &attempt.request, &res, err))
        return unanswered(p, &res, why, err);
    if (res.status < 200 || res.status >= 300)
        return refused(p, &res, why, err);
    why->http = res.status;
    if (call->vendor->co_take(call->arg, &res, err) == 0)
        return 0;
    why->error = err->code;
    why->ambiguous = true;
    return wrap(call, err);
}

/* ---- between attempts ---- */

/* *err changes only when the sleep is cancelled. */
static int co_pause(int64_t ms, struct error *err)
{
    struct error cancelled;
    if (co_sleep(ms, &cancelled) == 0)
        return 0;
    *err = cancelled;
    return -1;
}

/* The bucket's turn. After a failed attempt *err says why that failed, and goes on saying so. */
static int co_wait_turn(const struct progress *p, struct error *err)
{
    const struct cloud_call *call = p->call;
    if (!call->bucket)
        return 0;
    int64_t longest_ms = left_ms(p) < QUEUE_LONGEST_MS ? left_ms(p) : QUEUE_LONGEST_MS;
    int64_t wait_ms = token_bucket_take(call->bucket, time_mono_ms(), longest_ms);
    if (wait_ms < 0 && p->attempts)
        return -1;
    if (wait_ms < 0) {
        error_set(err, ERROR_UNAVAILABLE,
                  "too many calls are waiting for the API's rate limit; try again later");
        return wrap(call, err);
    }
    return wait_ms ? co_pause(wait_ms, err) : 0;
}

static bool may_repeat(const struct progress *p, enum cloud_verdict verdict)
{
    const struct cloud_policy *policy = &p->call->vendor->policy;
    switch (verdict) {
    case CLOUD_THROTTLED:
    case CLOUD_BUSY: return p->attempts < policy->throttled_attempts;
    case CLOUD_FAILED: return p->repeatable && p->attempts < policy->attempts;
    case CLOUD_EXPIRED:
    case CLOUD_REFUSED: break;
    }
    return false;
}

static int64_t pause_ms(const struct progress *p, enum cloud_verdict verdict)
{
    const struct cloud_policy *policy = &p->call->vendor->policy;
    int64_t base_ms = verdict == CLOUD_FAILED ? policy->base_ms : policy->throttled_base_ms;
    int64_t wait_ms = backoff_ms(p->attempts - 1, base_ms, policy->cap_ms, NULL);
    int64_t asked_ms = backoff_ms(0, 1, RETRY_AFTER_LONGEST_MS, p->retry_after);
    return asked_ms > wait_ms ? asked_ms : wait_ms;
}

/* The first repetition is worth a line; at the debug level there is one for each. */
static void log_repetition(struct progress *p, const char *error, int64_t wait_ms)
{
    LOG_AT(p->logged ? LOG_DEBUG : LOG_INFO, "call of the cloud failed, trying again",
           LOG_STR("cloud", p->call->vendor->name), LOG_STR("error", error),
           LOG_INT("attempt", p->attempts), LOG_INT("wait_ms", wait_ms));
    p->logged = true;
}

/* After a failed attempt: 0 when it is time for another, -1 with *err unchanged when there is none
 * (or with the cancellation). */
static int co_prepare_another(struct progress *p, const struct cloud_error *why, struct error *err)
{
    const struct cloud_call *call = p->call;
    p->attempts++;
    if (why->verdict == CLOUD_EXPIRED && call->vendor->renew && !p->renewed) {
        p->renewed = true;
        call->vendor->renew(call->arg, p->generation);
        return 0;
    }
    if (!may_repeat(p, why->verdict))
        return -1;
    if (why->verdict == CLOUD_THROTTLED && call->bucket)
        token_bucket_drain(call->bucket, time_mono_ms());
    int64_t wait_ms = pause_ms(p, why->verdict);
    if (wait_ms >= left_ms(p))
        return -1;
    log_repetition(p, err->message, wait_ms);
    return co_pause(wait_ms, err);
}

/* When the deadline cuts an attempt off, what the service said before tells more. */
static void keep_words(struct progress *p, struct cloud_error *why, struct error *err)
{
    if (why->http) {
        p->refusal = *why;
        p->refusal_error = *err;
    } else if (p->refusal.http && err->code == ERROR_DEADLINE && !left_ms(p)) {
        p->ambiguous |= why->ambiguous;
        *why = p->refusal;
        *err = p->refusal_error;
    }
    why->ambiguous = p->ambiguous |= why->ambiguous;
}

int co_cloud_call(const struct cloud_call *call, struct cloud_error *why, struct error *err)
{
    struct progress p = {.call = call, .began_ms = time_mono_ms()};
    p.deadline_ms = p.began_ms + call->vendor->policy.total_ms;
    if (call->deadline_ms && call->deadline_ms < p.deadline_ms)
        p.deadline_ms = call->deadline_ms;
    *why = (struct cloud_error){0};
    while (co_wait_turn(&p, err) == 0) {
        if (co_attempt(&p, why, err) == 0) {
            if (p.attempts)
                log_debug("call of the cloud succeeded", LOG_STR("what", call->what),
                          LOG_INT("attempts", p.attempts + 1),
                          LOG_INT("took_ms", time_mono_ms() - p.began_ms));
            return 0;
        }
        keep_words(&p, why, err);
        if (co_prepare_another(&p, why, err))
            break;
    }
    return -1;
}
