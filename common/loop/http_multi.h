/* SPDX-License-Identifier: Apache-2.0
 *
 * curl_multi on the loop: libcurl says which sockets and which timeout have to be watched, uv
 * watches them. Used by http_transfer.c and http_stream.c only.
 *
 * libcurl must not be entered from its own callbacks. Coroutines are resumed by the loop, never
 * inside libcurl, but on_body() may spawn one that at once starts a request: such a job waits until
 * libcurl has been left.
 */
#ifndef SOCKERLESS_LOOP_HTTP_MULTI_H
#define SOCKERLESS_LOOP_HTTP_MULTI_H

#include "base/error.h"
#include "loop/loop.h"

#include <curl/curl.h>
#include <stdbool.h>

struct http_multi;

enum http_job_state { HTTP_JOB_IDLE, HTTP_JOB_DEFERRED, HTTP_JOB_ACTIVE };

/* One exchange. Embedded in its owner's object. */
struct http_job {
    CURL *easy; /* from http_multi_take(); http_multi_add sets its CURLOPT_PRIVATE to the job */
    void (*done)(struct http_job *job, CURLcode result); /* libcurl has let go of the handle */
    enum http_job_state state;
    struct http_job *next; /* while deferred */
};

int http_multi_open(struct loop *l, int max_connections, struct http_multi **out,
                    struct error *err) MUST_CHECK;
void http_multi_close(struct http_multi *m); /* no job may be active */

/* A fresh easy handle, from the pool when there is one. */
CURL *http_multi_take(struct http_multi *m);
void http_multi_give(struct http_multi *m, CURL *easy);

/* Leads to done() unless http_multi_remove() comes first. */
int http_multi_add(struct http_multi *m, struct http_job *job, struct error *err) MUST_CHECK;
/* Give up: done() will not be called. No effect on an idle job. */
void http_multi_remove(struct http_multi *m, struct http_job *job);
/* Goes on with what a callback paused; callbacks, and done(), may come before it returns. */
void http_multi_unpause(struct http_multi *m, struct http_job *job);

#endif
