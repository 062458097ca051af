/* SPDX-License-Identifier: Apache-2.0
 * Parsing answers, the large ones on the thread pool; see json_reply.h. */
#include "json/json_reply.h"

#include "base/alloc.h"
#include "base/timefmt.h"
#include "loop/co.h"
#include "json/json_doc.h"

enum { LARGE_BYTES = 64 * 1024, PARSE_DEADLINE_MS = 60000 };

/* Freed when the worker is done, also when the coroutine has ended before. */
struct parse_job {
    uv_work_t work;
    struct buf body;
    json_t *doc;
    struct error err;
    struct co *waiter; /* NULL: the result is not needed any more */
    bool done;
};

static void job_free(struct parse_job *job)
{
    json_decref(job->doc);
    buf_free(&job->body);
    free(job);
}

static void parse(uv_work_t *work)
{
    struct parse_job *job = CONTAINER_OF(work, struct parse_job, work);
    job->doc = json_doc_load_with_nul(job->body.data, job->body.len, &job->err);
}

static void parsed(uv_work_t *work, int status)
{
    struct parse_job *job = CONTAINER_OF(work, struct parse_job, work);
    (void)status; /* never cancelled */
    job->done = true;
    if (job->waiter)
        co_wake(job->waiter);
    else
        job_free(job);
}

static int co_parse_elsewhere(struct loop *loop, struct buf *body, json_t **out, struct error *err)
{
    struct parse_job *job = NEW(struct parse_job);
    int64_t deadline = time_mono_ms() + PARSE_DEADLINE_MS;
    job->body = *body;
    *body = BUF_INIT;
    job->waiter = co_current();
    if (uv_queue_work(&loop->uv, &job->work, parse, parsed)) {
        job_free(job);
        return error_set(err, ERROR_SYSTEM, "the thread pool takes no work");
    }
    while (!job->done)
        if (co_suspend(deadline, err)) {
            job->waiter = NULL;
            if (job->done)
                job_free(job);
            return -1;
        }
    *out = STEAL(job->doc);
    if (!*out)
        *err = job->err;
    job_free(job);
    return *out ? 0 : -1;
}

int co_json_reply_parse(struct loop *loop, struct buf *body, json_t **out, struct error *err)
{
    if (body->len > LARGE_BYTES) {
        if (co_parse_elsewhere(loop, body, out, err) == 0)
            return 0;
    } else {
        /* Log lines may hold NUL characters. Operations without output may answer nothing at all.
         */
        *out = body->len ? json_doc_load_with_nul(body->data, body->len, err) : json_object();
        if (*out)
            return 0;
    }
    if (err->code == ERROR_INVALID_PARAMETER)
        err->code = ERROR_UNAVAILABLE;
    return error_wrap(err, "the answer cannot be read");
}
