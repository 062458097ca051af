/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests of what makes calls to a cloud: a loop, an HTTP client, a scripted cloud, and ways to
 * run a test's body as a coroutine, or as many. In the script an answer is taken by the first rule
 * that matches target (or path) and still has answers to give.
 */
#ifndef SOCKERLESS_TEST_UNIT_ECS_HARNESS_H
#define SOCKERLESS_TEST_UNIT_ECS_HARNESS_H

#include "base/alloc.h"
#include "base/timefmt.h"
#include "loop/co.h"
#include "loop/http_client.h"
#include "test/kit/http_mock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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

MOCK_UNUSED static void harness_rule(struct harness *h, const char *target, int status,
                                     const char *body, int times)
{
    h->rules[h->rule_count++] =
        (struct rule){.target = target, .status = status, .body = body, .times = times};
}

/* How many requests contained this text. */
MOCK_UNUSED static int harness_seen(struct harness *h, const char *text)
{
    int n = 0;
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < h->seen_count; i++)
        n += strstr(h->seen[i], text) != NULL;
    pthread_mutex_unlock(&h->lock);
    return n;
}

static struct rule *harness_match(struct harness *h, const char *text)
{
    for (size_t i = 0; i < h->rule_count; i++) {
        struct rule *r = &h->rules[i];
        if ((r->times && r->used >= r->times) || !strstr(text, r->target) ||
            (r->contains && !strstr(text, r->contains)))
            continue;
        r->used++;
        return r;
    }
    return NULL;
}

static bool harness_serve(void *arg, struct mock_request *m)
{
    struct harness *h = arg;
    char target[256] = "";
    mock_header(m, "X-Amz-Target", target, sizeof target);
    char *text = xasprintf("%s %s\n%s\n%s", m->method, m->path, m->head, m->body);
    pthread_mutex_lock(&h->lock);
    if (h->seen_count < SEEN_MAX)
        h->seen[h->seen_count++] = text;
    struct rule *found = harness_match(h, text);
    struct rule rule = found ? *found : (struct rule){.status = 599, .body = "{}"};
    if (!found)
        snprintf(h->problem, sizeof h->problem, "no rule for %.400s", text);
    /* The test may be over, and its text gone, while we are still in send(). */
    AUTO_FREE char *body = xstrdup(rule.body ? rule.body : "");
    pthread_mutex_unlock(&h->lock);
    if (!rule.status)
        return false;
    return mock_text(m, rule.status, rule.headers ? rule.headers : "x-amzn-RequestId: req-1\r\n",
                     body);
}

MOCK_UNUSED static int harness_setup(void **state)
{
    struct harness *h = NEW(struct harness);
    struct error err = {0};
    const struct http_client_options options = {.user_agent = "test"};
    pthread_mutex_init(&h->lock, NULL);
    if (loop_init(&h->loop, &err) || http_client_open(&h->loop, &options, &h->http, &err))
        return -1;
    h->mock = mock_start(harness_serve, h);
    snprintf(h->url, sizeof h->url, "http://127.0.0.1:%d", h->mock->port);
    clearenv();
    setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials", 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    *state = h;
    return 0;
}

MOCK_UNUSED static int harness_teardown(void **state)
{
    struct harness *h = *state;
    http_client_close(h->http);
    loop_fini(&h->loop);
    mock_stop(h->mock);
    for (size_t i = 0; i < h->seen_count; i++)
        free(h->seen[i]);
    pthread_mutex_destroy(&h->lock);
    free(h);
    return 0;
}

static void harness_co(void *arg)
{
    struct harness *h = arg;
    h->co_body(h);
    if (--h->running == 0)
        loop_stop(&h->loop);
}

/* Run the body as so many coroutines at once, to the end of all. */
MOCK_UNUSED static void harness_run_many(struct harness *h, void (*co_body)(struct harness *h),
                                         int count)
{
    struct error err = {0};
    h->co_body = co_body;
    h->running = count;
    for (int i = 0; i < count; i++)
        if (co_spawn(&h->loop, harness_co, h, &err))
            fail_msg("%s", err.message);
    loop_run(&h->loop);
    if (*h->problem)
        fail_msg("%s", h->problem);
}

MOCK_UNUSED static void harness_run(struct harness *h, void (*co_body)(struct harness *h))
{
    harness_run_many(h, co_body, 1);
}

static struct {
    void (*co_body)(struct harness *h);
    bool (*enough)(struct harness *h);
    const int *result;
} harness_repeated;

static void co_harness_repeat(struct harness *h)
{
    int64_t deadline_ms = time_mono_ms() + 20000;
    struct error err;
    while (!harness_repeated.enough(h) && time_mono_ms() < deadline_ms) {
        if (co_sleep(20, &err))
            return;
        harness_repeated.co_body(h);
        if (*harness_repeated.result)
            return;
    }
}

/* Run the body again and again until it is enough, or *result is not 0. */
MOCK_UNUSED static void harness_repeat(struct harness *h, void (*co_body)(struct harness *h),
                                       bool (*enough)(struct harness *h), const int *result)
{
    harness_repeated.co_body = co_body;
    harness_repeated.enough = enough;
    harness_repeated.result = result;
    harness_run(h, co_harness_repeat);
}

#endif
