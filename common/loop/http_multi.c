/* SPDX-License-Identifier: Apache-2.0
 *
 * curl_multi on the loop; see http_multi.h. Owns the multi handle with its connection pool, one
 * uv_timer_t for libcurl's timeout, one uv_poll_t a socket, and the idle easy handles.
 */
#include "loop/http_multi.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

enum { EASY_POOL_MAX = 32 };

struct http_multi {
    struct loop *loop;
    CURLM *curl;
    uv_timer_t timer;
    int inside; /* libcurl's callbacks may be running */
    struct http_job *deferred;
    CURL *pool[EASY_POOL_MAX];
    unsigned pooled;
};

struct http_socket {
    uv_poll_t poll;
    struct http_multi *multi;
    curl_socket_t fd;
};

/* ---- what came of the jobs ---- */

static void job_finish(struct http_multi *m, struct http_job *job, CURLcode result)
{
    curl_multi_remove_handle(m->curl, job->easy);
    job->state = HTTP_JOB_IDLE;
    job->done(job, result);
}

static void reap_finished(struct http_multi *m)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(m->curl, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode result = message->data.result; /* the message is freed by remove_handle */
        struct http_job *job = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&job);
        job_finish(m, job, result);
    }
}

static void start_deferred(struct http_multi *m)
{
    while (m->deferred) {
        struct http_job *job = m->deferred;
        LL_DELETE(m->deferred, job);
        job->state = HTTP_JOB_ACTIVE;
        if (curl_multi_add_handle(m->curl, job->easy) != CURLM_OK) {
            job->state = HTTP_JOB_IDLE;
            job->done(job, CURLE_FAILED_INIT);
        }
    }
}

static void enter_curl(struct http_multi *m, curl_socket_t fd, int events)
{
    int running;
    m->inside++;
    curl_multi_socket_action(m->curl, fd, events, &running);
    m->inside--;
    reap_finished(m);
    start_deferred(m);
}

/* ---- libcurl's wishes, uv's events ---- */

static void on_timer(uv_timer_t *timer)
{
    enter_curl(CONTAINER_OF(timer, struct http_multi, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer_wanted(CURLM *curl, long timeout_ms, void *arg)
{
    (void)curl;
    struct http_multi *m = arg;
    if (timeout_ms < 0) {
        uv_timer_stop(&m->timer);
        return 0;
    }
    uv_update_time(&m->loop->uv);
    return uv_timer_start(&m->timer, on_timer, (uint64_t)timeout_ms, 0) ? -1 : 0;
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    struct http_socket *s = CONTAINER_OF(poll, struct http_socket, poll);
    /* On an error libcurl shall try and find out which; CURL_CSELECT_ERR would hide it. */
    int flags = status < 0 ? CURL_CSELECT_IN | CURL_CSELECT_OUT : 0;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    enter_curl(s->multi, s->fd, flags);
}

static void on_socket_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF(handle, struct http_socket, poll));
}

static struct http_socket *socket_open(struct http_multi *m, curl_socket_t fd)
{
    struct http_socket *s = NEW(struct http_socket);
    s->multi = m;
    s->fd = fd;
    if (uv_poll_init_socket(&m->loop->uv, &s->poll, fd)) {
        free(s);
        return NULL;
    }
    curl_multi_assign(m->curl, fd, s);
    return s;
}

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned)
{
    (void)easy;
    struct http_multi *m = arg;
    struct http_socket *s = assigned;
    if (what == CURL_POLL_REMOVE) {
        if (s) {
            curl_multi_assign(m->curl, fd, NULL);
            uv_close((uv_handle_t *)&s->poll, on_socket_closed); /* stops watching at once */
        }
        return 0;
    }
    if (!s && !(s = socket_open(m, fd)))
        return -1;
    int events = 0;
    if (what != CURL_POLL_OUT)
        events |= UV_READABLE;
    if (what != CURL_POLL_IN)
        events |= UV_WRITABLE;
    return uv_poll_start(&s->poll, events, on_socket) ? -1 : 0;
}

/* ---- open and close ---- */

int http_multi_open(struct loop *l, int max_connections, struct http_multi **out, struct error *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return error_set(err, ERROR_SYSTEM, "cannot initialise libcurl");
    CURLM *curl = curl_multi_init();
    if (!curl) {
        curl_global_cleanup();
        return error_set(err, ERROR_SYSTEM, "cannot initialise libcurl");
    }
    struct http_multi *m = NEW(struct http_multi);
    m->loop = l;
    m->curl = curl;
    uv_timer_init(&l->uv, &m->timer);
    curl_multi_setopt(curl, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
    curl_multi_setopt(curl, CURLMOPT_SOCKETDATA, m);
    curl_multi_setopt(curl, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
    curl_multi_setopt(curl, CURLMOPT_TIMERDATA, m);
    curl_multi_setopt(curl, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)max_connections);
    curl_multi_setopt(curl, CURLMOPT_MAXCONNECTS, (long)max_connections);
    *out = m;
    return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF(handle, struct http_multi, timer));
}

void http_multi_close(struct http_multi *m)
{
    assert(!m->inside && !m->deferred);
    while (m->pooled)
        curl_easy_cleanup(m->pool[--m->pooled]);
    curl_multi_cleanup(m->curl);
    curl_global_cleanup();
    uv_close((uv_handle_t *)&m->timer, on_timer_closed);
}

CURL *http_multi_take(struct http_multi *m)
{
    if (m->pooled)
        return m->pool[--m->pooled];
    CURL *easy = curl_easy_init();
    if (!easy)
        abort(); /* out of memory */
    return easy;
}

void http_multi_give(struct http_multi *m, CURL *easy)
{
    if (m->pooled == EASY_POOL_MAX) {
        curl_easy_cleanup(easy);
        return;
    }
    curl_easy_reset(easy);
    m->pool[m->pooled++] = easy;
}

int http_multi_add(struct http_multi *m, struct http_job *job, struct error *err)
{
    curl_easy_setopt(job->easy, CURLOPT_PRIVATE, job);
    if (m->inside) {
        job->state = HTTP_JOB_DEFERRED;
        LL_APPEND(m->deferred, job);
        return 0;
    }
    CURLMcode rc = curl_multi_add_handle(m->curl, job->easy);
    if (rc != CURLM_OK)
        return error_set(err, ERROR_SYSTEM, "libcurl: %s", curl_multi_strerror(rc));
    job->state = HTTP_JOB_ACTIVE;
    return 0;
}

void http_multi_remove(struct http_multi *m, struct http_job *job)
{
    if (job->state == HTTP_JOB_ACTIVE) {
        assert(!m->inside);
        curl_multi_remove_handle(m->curl, job->easy);
    }
    if (job->state == HTTP_JOB_DEFERRED)
        LL_DELETE(m->deferred, job);
    job->state = HTTP_JOB_IDLE;
}

void http_multi_unpause(struct http_multi *m, struct http_job *job)
{
    if (job->state != HTTP_JOB_ACTIVE)
        return;
    assert(!m->inside);
    m->inside++;
    CURLcode rc = curl_easy_pause(job->easy, CURLPAUSE_CONT);
    m->inside--;
    if (rc != CURLE_OK)
        job_finish(m, job, rc);
    reap_finished(m);
    start_deferred(m);
}
