/* SPDX-License-Identifier: Apache-2.0
 * Runs; see gcf_run.h. */
#include "gcf_run.h"

#include "base/alloc.h"
#include "base/backoff.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "gcf_answer.h"
#include "gcf_body.h"
#include "gcf_names.h"
#include "gcf_pool.h"
#include "loop/co.h"
#include "loop/http_client.h"

#include <stdio.h>
#include <string.h>
#include <uthash.h>

enum {
    RUNS_MAX = 1000, /* requests at once, each with a connection and a coroutine */
    PAUSE_FIRST_MS = 200,
    PAUSE_LONGEST_MS = 5000,
    FAILURES_MAX = 6,        /* of the platform, in a row */
    ANSWER_EXTRA_MS = 60000, /* beyond the function's timeout */
    JOIN_WAIT_MS = 2000,     /* how long a first look at a run waits for an answer */
    GONE_GRACE_MS = 30000,   /* an agent that is elsewhere connects again within it */
    BODY_RESERVE = 64 * 1024,
};

struct run {
    UT_hash_handle hh;
    char name[512];
    char function[GCF_NAME_MAX + 1], token[GCF_TOKEN_MAX + 1];
    struct gcf_api *api;
    struct buf body;
    bool join;           /* it has begun before this process */
    bool removed;        /* not in the table any more: its coroutine frees it */
    bool tried;          /* an answer came, or is not to be expected soon */
    bool over;           /* status is its end */
    struct error failed; /* joining it: nothing is known; code ERROR_NONE: no */
    int64_t gone_ms;     /* since when it is known not to be where requests go; 0: it is not */
    struct workload_status status; /* until it is over, its reason is the last trouble */
    int failures;
    bool rejected;
    struct co *co; /* NULL: it has ended */
    struct co_cond changed;
};

struct gcf_runs {
    struct run *first;
};

struct gcf_runs *gcf_runs_new(void)
{
    return NEW(struct gcf_runs);
}

static void run_free(struct run *r)
{
    secret_buf_free(&r->body);
    free(r);
}

void gcf_runs_free(struct gcf_runs *runs)
{
    struct run *r, *next;
    HASH_ITER(hh, runs->first, r, next)
    {
        HASH_DEL(runs->first, r);
        run_free(r);
    }
    free(runs);
}

static struct run *run_find(struct gcf_api *api, const char *name)
{
    struct run *r;
    HASH_FIND_STR(api->runs->first, name, r);
    return r;
}

/* ---- the request ---- */

static int co_post(struct run *r, const char *uri, const char *token, struct http_response *res,
                   struct error *err)
{
    AUTO(secret) char *authorization = xasprintf("Authorization: Bearer %s", token);
    const char *const headers[] = {authorization, "Content-Type: application/x-protobuf",
                                   "Expect:", NULL};
    const struct http_request request = {
        .method = "POST",
        .url = uri,
        .headers = headers,
        .body = r->body.data,
        .body_len = r->body.len,
        .timeout_ms = r->api->config->timeout_s * 1000 + ANSWER_EXTRA_MS,
        .max_body = 1 << 20,
    };
    return co_http_do(r->api->waiting, &request, res, err);
}

static void note(struct run *r, const char *trouble)
{
    snprintf(r->status.reason, sizeof r->status.reason, "%s", trouble);
    log_debug("an invocation was not answered for good", LOG_STR("run", r->name),
              LOG_STR("reason", trouble));
}

static bool end(struct run *r, const struct workload_status *status)
{
    r->status = *status;
    r->over = true;
    return false;
}

/* Nothing is known then of a run that we only ask about: the next time may be different. */
static bool fail(struct run *r, enum error_code code, const char *why)
{
    struct workload_status status = {.phase = WORKLOAD_STOPPED, .start_failed = true};
    if (r->join) {
        error_set(&r->failed, code, "cloudfunctions: invoke function: %s", why);
        return false;
    }
    snprintf(status.reason, sizeof status.reason, "%s", why);
    return end(r, &status);
}

static bool not_there(struct run *r)
{
    struct workload_status status = {.phase = r->join ? WORKLOAD_MISSING : WORKLOAD_STOPPED,
                                     .start_failed = !r->join};
    strcpy(status.reason, "the function is not there any more: someone else has deleted it");
    gcf_pool_forget(r->api, r->function);
    return end(r, &status);
}

/* One that failed before it was turned away here has died there: the backend accepts no second. */
static bool gone(struct run *r)
{
    if (r->failures)
        return end(r, &r->status);
    r->gone_ms = time_mono_ms();
    return false;
}

/* False: no further request. */
static bool take_answer(struct run *r, const struct http_response *res, int64_t elapsed_ms)
{
    struct workload_status status;
    enum gcf_verdict verdict = gcf_answer_read(res, elapsed_ms, r->api->config->timeout_s, &status);
    switch (verdict) {
    case GCF_ELSEWHERE: return gone(r);
    case GCF_NOT_THERE: return not_there(r);
    case GCF_REJECTED:
        gcf_pool_reject_token(r->api, r->function);
        if (r->rejected)
            return end(r, &status);
        r->rejected = true;
        return true;
    case GCF_AGAIN:
        if (++r->failures >= FAILURES_MAX && res->status != 429)
            return end(r, &status);
        note(r, status.reason);
        r->status.phase = WORKLOAD_STOPPED;
        r->status.oom_killed = status.oom_killed;
        return true;
    case GCF_OVER: break;
    }
    if (!status.start_failed)
        return end(r, &status);
    if (!http_response_header(res, "Sockerless-Agent"))
        gcf_pool_spoil(r->api, r->function);
    return fail(r, ERROR_FORBIDDEN, status.reason);
}

/* False: no further request. */
static bool co_try(struct run *r)
{
    AUTO_FREE char *uri = NULL;
    struct access_token token AUTO(access_token) = {0};
    struct http_response res AUTO(http_response) = {0};
    struct error err;
    int64_t began_ms = time_mono_ms();
    int rc = co_gcf_pool_uri(r->api, r->function, &uri, &err);
    if (rc == 0 && !uri)
        return not_there(r);
    if (rc == 0)
        rc = co_gcf_pool_token(r->api, r->function, uri, &token, &err);
    if (rc)
        return err.code != ERROR_CANCELLED && fail(r, err.code, err.message);
    if (co_post(r, uri, token.value, &res, &err) == 0)
        return take_answer(r, &res, time_mono_ms() - began_ms);
    note(r, err.message);
    return err.code != ERROR_CANCELLED;
}

static void co_deliver(void *arg)
{
    struct run *r = arg;
    struct error ignored;
    r->co = co_current();
    for (int tries = 0; !r->removed && !co_cancelled() && co_try(r); tries++) {
        int64_t pause_ms = backoff_ms(tries, PAUSE_FIRST_MS, PAUSE_LONGEST_MS, NULL);
        r->tried = true;
        co_cond_broadcast(&r->changed);
        if (co_sleep(pause_ms, &ignored))
            break;
    }
    r->co = NULL;
    r->tried = true;
    co_cond_broadcast(&r->changed);
    if (r->removed)
        run_free(r);
}

/* ---- the table ---- */

/* The body is taken over. */
static int run_add(struct gcf_api *api, const char *name, struct buf *body, bool join,
                   struct run **out, struct error *err)
{
    struct run *r = NEW(struct run);
    r->api = api;
    r->join = join;
    r->body = *body;
    *body = BUF_INIT;
    snprintf(r->name, sizeof r->name, "%s", name);
    if (HASH_COUNT(api->runs->first) >= RUNS_MAX) {
        run_free(r);
        return error_set(err, ERROR_UNAVAILABLE,
                         "more than %d containers run in functions; end some", RUNS_MAX);
    }
    (void)!gcf_run_parse(name, r->function, r->token);
    HASH_ADD_STR(api->runs->first, name, r);
    *out = r;
    if (co_spawn(api->loop, co_deliver, r, err) == 0)
        return 0;
    HASH_DEL(api->runs->first, r);
    run_free(r);
    return -1;
}

static void run_remove(struct gcf_api *api, struct run *r)
{
    HASH_DEL(api->runs->first, r);
    r->removed = true;
    if (r->co)
        co_cancel(r->co);
    else
        run_free(r);
}

int gcf_run_begin(struct gcf_api *api, const struct workload_spec *spec, struct workload *w,
                  struct error *err)
{
    AUTO(secret_buf) struct buf body = BUF_INIT;
    struct run *r;
    buf_reserve(&body, BODY_RESERVE);
    int n = snprintf(w->resource, sizeof w->resource, "%s/runs/%s", w->definition, spec->run_token);
    if (n < 0 || (size_t)n >= sizeof w->resource) {
        w->resource[0] = '\0';
        return error_set(err, ERROR_SYSTEM, "the run's name is too long");
    }
    memcpy(w->log_ref, w->resource, sizeof w->log_ref);
    if (run_find(api, w->resource))
        return 0;
    if (gcf_body_write(api->config, spec, &body, err) == 0 &&
        run_add(api, w->resource, &body, false, &r, err) == 0)
        return 0;
    w->resource[0] = w->log_ref[0] = '\0';
    return -1;
}

void gcf_run_remove(struct gcf_api *api, const struct workload *w)
{
    struct run *r = run_find(api, w->resource);
    if (r)
        run_remove(api, r);
}

/* ---- state ---- */

/* Of an earlier process: *out NULL when it names no run. */
static int co_join(struct gcf_api *api, const char *name, struct run **out, struct error *err)
{
    AUTO(buf) struct buf body = BUF_INIT;
    char function[GCF_NAME_MAX + 1], token[GCF_TOKEN_MAX + 1];
    int64_t until_ms = time_mono_ms() + JOIN_WAIT_MS;
    *out = NULL;
    if (!gcf_run_parse(name, function, token))
        return 0;
    gcf_body_write_join(token, &body);
    if (run_add(api, name, &body, true, out, err))
        return -1;
    for (;;) {
        struct run *r = run_find(api, name); /* it may be removed meanwhile */
        *out = r;
        if (!r || r->tried)
            return 0;
        if (co_cond_wait(&r->changed, until_ms, err) && err->code != ERROR_DEADLINE)
            return -1;
        if (time_mono_ms() >= until_ms && run_find(api, name) == r)
            r->tried = true;
    }
}

int co_gcf_run_describe(struct gcf_api *api, const struct workload *w, struct workload_status *out,
                        struct error *err)
{
    struct run *r = run_find(api, w->resource);
    *out = (struct workload_status){.phase = WORKLOAD_MISSING};
    if (!r && co_join(api, w->resource, &r, err))
        return -1;
    if (!r)
        return 0;
    if (r->failed.code) {
        *err = r->failed;
        run_remove(api, r); /* asked again the next time */
        return -1;
    }
    *out = r->status;
    if (r->over)
        return 0;
    bool missing = r->gone_ms && time_mono_ms() - r->gone_ms >= GONE_GRACE_MS;
    out->phase = missing ? WORKLOAD_MISSING : r->join ? WORKLOAD_RUNNING : WORKLOAD_PENDING;
    return 0;
}
