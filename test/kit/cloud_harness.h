/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests of what makes calls to a cloud: a loop, an HTTP client, a scripted cloud, and ways to
 * run a test's body as a coroutine, or as many. In the script an answer is taken by the first rule
 * that matches target (or path) and still has answers to give.
 */
#ifndef SOCKERLESS_TEST_KIT_CLOUD_HARNESS_H
#define SOCKERLESS_TEST_KIT_CLOUD_HARNESS_H

#include "base/alloc.h"
#include "base/timefmt.h"
#include "loop/co.h"
#include "loop/http_client.h"
#include "test/kit/http_mock.h"

#include <jansson.h>
#include <pthread.h>
#include <stddef.h>

enum { RULES_MAX = 32, SEEN_MAX = 256 };

struct rule {
    const char *target;   /* "RunTask", "GET /path", or "Action=AssumeRole": a part of either */
    const char *contains; /* in head or body; NULL: anything */
    int status;           /* 0: close the connection without an answer */
    const char *body;
    const char *headers; /* complete lines; NULL: an AWS request id */
    int times;           /* 0: for ever */
    int used;
};

struct harness {
    struct loop loop;
    struct http_client *http;
    struct mock *mock;
    char url[64];
    pthread_mutex_t lock;
    struct rule rules[RULES_MAX];
    size_t rule_count;
    char *seen[SEEN_MAX]; /* "target head body" of every request */
    size_t seen_count;
    char problem[512]; /* what no rule matched */
    void (*co_body)(struct harness *h);
    int running; /* coroutines with it */
};

void harness_rule(struct harness *h, const char *target, int status, const char *body, int times);

/* How many requests contained this text. */
int harness_seen(struct harness *h, const char *text);
/* The body, a JSON object, of the first request that has this text; to be released. No other
 * coroutine runs. */
json_t *harness_sent(struct harness *h, const char *text);
int harness_setup(void **state);
int harness_teardown(void **state);

/* Run the body as so many coroutines at once, to the end of all. */
void harness_run_many(struct harness *h, void (*co_body)(struct harness *h), int count);
void harness_run(struct harness *h, void (*co_body)(struct harness *h));

/* Run the body again and again until it is enough, or *result is not 0. */
void harness_repeat(struct harness *h, void (*co_body)(struct harness *h),
                    bool (*enough)(struct harness *h), const int *result);

#endif
