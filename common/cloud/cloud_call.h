/* SPDX-License-Identifier: Apache-2.0
 *
 * One call of a cloud's API, in as many attempts as it takes: paced, authorised, repeated when that
 * is safe, up to a deadline. What differs between vendors is in struct cloud_vendor. Users are the
 * vendors' clients (aws_client.c, gcp_client.c …); a long-running operation that a call begins is
 * waited for by them, with further calls.
 *
 * When an attempt is repeated:
 *   - throttled, or the object is busy: always, since it was not carried out
 *   - nothing was sent (no connection): always
 *   - HTTP 503 with a Retry-After: always, the service turned it away
 *   - a lost answer, any other failure of the service: only what may be carried out twice
 *   - credentials refused: once, at once, with new ones
 * An answer's Retry-After is waited for, and never less than the backoff with full jitter.
 */
#ifndef SOCKERLESS_CLOUD_CLOUD_CALL_H
#define SOCKERLESS_CLOUD_CLOUD_CALL_H

#include "base/error.h"
#include "base/str.h"
#include "base/token_bucket.h"
#include "cloud/cloud_error.h"
#include "loop/http_client.h"

#include <stdbool.h>
#include <stdint.h>

/* One attempt's request. What belongs to the attempt is overwritten and freed when it is over. */
struct cloud_attempt {
    struct http_request request; /* headers: see cloud_attempt_header */
    unsigned generation;         /* of the credentials it is made with */
    struct strv headers, texts;
};
/* "Name: value"; the text is transferred. */
void cloud_attempt_header(struct cloud_attempt *a, char *line);
/* A text that the request refers to: transferred, and returned. NULL stays NULL. */
const char *cloud_attempt_keep(struct cloud_attempt *a, char *text);

struct cloud_policy {
    int attempts;                       /* after lost answers and failures */
    int throttled_attempts;             /* after refusals that say "later" */
    int64_t base_ms, throttled_base_ms; /* longest first pause; doubled with each */
    int64_t cap_ms;                     /* longest pause without a Retry-After */
    int64_t attempt_ms;                 /* one exchange, where the request does not say */
    int64_t total_ms;                   /* the whole call, with its time in the queue */
};

/* The usual ones: of an API's calls, and of calls for credentials, which other calls wait for. */
#define CLOUD_POLICY_API(longest_pause_ms)                                                         \
    {                                                                                              \
        .attempts = 5, .throttled_attempts = 10, .base_ms = 100, .throttled_base_ms = 250,         \
        .cap_ms = (longest_pause_ms), .attempt_ms = 30000, .total_ms = 300000                      \
    }
#define CLOUD_POLICY_LOGIN                                                                         \
    {                                                                                              \
        .attempts = 4, .throttled_attempts = 4, .base_ms = 200, .throttled_base_ms = 200,          \
        .cap_ms = 5000, .attempt_ms = 10000, .total_ms = 60000                                     \
    }

struct cloud_vendor {
    const char *name; /* for logs: "AWS" */
    struct cloud_policy policy;
    /* Fill in the request: URL, method, headers, body, signature. Called for every attempt. What
     * was set up for an earlier attempt in `arg` is not used any more. */
    int (*co_authorise)(void *arg, struct cloud_attempt *attempt, struct error *err);
    /* The service refused the credentials of that generation. NULL: there are no others. */
    void (*renew)(void *arg, unsigned generation);
    /* An answer that is not 2xx: everything of *why (zero, with http set) but `ambiguous`. Pacing
     * hints in its headers (x-ms-ratelimit-remaining-…) can be applied to the bucket here and in
     * co_take. The response may be taken over. */
    void (*refusal)(void *arg, struct http_response *res, struct cloud_error *why);
    /* A 2xx: take what it says (its body may be taken over, its headers name an operation to wait
     * for …). A failure ends the call: it was carried out, but how is not known. */
    int (*co_take)(void *arg, struct http_response *res, struct error *err);
};

struct cloud_call { /* all is borrowed until the call returns */
    const struct cloud_vendor *vendor;
    void *arg; /* of the vendor's functions */
    struct http_client *http;
    const char *service;         /* for messages: "run"; NULL: not named */
    const char *what;            /* for messages: "create job" */
    struct token_bucket *bucket; /* the quota it falls under; NULL: none */
    bool repeatable;             /* carrying it out twice does no harm */
    bool answered_only;          /* not again when no answer comes: there may be no service */
    int64_t deadline_ms;         /* monotonic, if sooner than the policy's; 0: none */
};

/* On failure *why holds what the service said last (http 0: no answer), and *err is complete:
 * "service: what: …". Repetitions are logged here, the outcome is the caller's to log. */
int co_cloud_call(const struct cloud_call *call, struct cloud_error *why,
                  struct error *err) MUST_CHECK;

#endif
