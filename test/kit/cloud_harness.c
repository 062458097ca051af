/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kit/cloud_harness.h"

#include "json/json_doc.h"
#include "test/kit/test.h"

#include <stddef.h>
#include <stdint.h>

void harness_rule(struct harness *h, const char *target, int status, const char *body, int times)
{
    h->rules[h->rule_count++] =
        (struct rule){.target = target, .status = status, .body = body, .times = times};
}

int harness_seen(struct harness *h, const char *text)
{
    int n = 0;
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < h->seen_count; i++)
        n += strstr(h->seen[i], text) != NULL;
    pthread_mutex_unlock(&h->lock);
    return n;
}

json_t *harness_sent(struct harness *h, const char *text)
{
    struct error err;
    for (size_t i = 0; i < h->seen_count; i++)
        if (strstr(h->seen[i], text)) {
            const char *body = strstr(h->seen[i], "\r\n\r\n");
            json_t *doc = json_doc_load(body + 5, strlen(body + 5), &err);
            if (!doc)
                fail_msg("%s", err.message);
            return doc;
        }
    fail_msg("%s was not sent", text);
    return NULL;
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

int harness_setup(void **state)
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

int harness_teardown(void **state)
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

void harness_run_many(struct harness *h, void (*co_body)(struct harness *h), int count)
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

void harness_run(struct harness *h, void (*co_body)(struct harness *h))
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

void harness_repeat(struct harness *h, void (*co_body)(struct harness *h),
                    bool (*enough)(struct harness *h), const int *result)
{
    harness_repeated.co_body = co_body;
    harness_repeated.enough = enough;
    harness_repeated.result = result;
    harness_run(h, co_harness_repeat);
}
