/* SPDX-License-Identifier: Apache-2.0
 * Runs that come as requests; see invocation.h. nng serves on threads of its own: what they share
 * with the main thread, which runs the workload, is behind the lock. */
#include "agent/invocation.h"

#include "agent/invocation_run.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"

#include "proto/sockerless.pb-c.h"

#include <nng/nng.h>
#include <nng/supplemental/http/http.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    BODY_MAX = 8 * 1024 * 1024,
    WAITING_MAX = 16, /* deliveries of one run */
    ANSWER_MS = 10000,
    CLOSE_MS = 300, /* for the peer to take the answer and close */
    PORT_DEFAULT = 8080,
};

struct service {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    Sockerless__Invocation *run; /* NULL until there is one */
    bool in_vain;                /* asked for a run that is not here: another place has it */
    nng_http_conn *waiting[WAITING_MAX];
    size_t waiting_count;
};

static struct service service = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                 .changed = PTHREAD_COND_INITIALIZER};

/* ---- answers ---- */

static nng_http_res *answer_new(int status, const char *body)
{
    nng_http_res *res = NULL;
    if (nng_http_res_alloc(&res))
        abort(); /* out of memory, as everywhere */
    nng_http_res_set_status(res, (uint16_t)status);
    nng_http_res_set_header(res, INVOCATION_HEADER, "1");
    nng_http_res_set_header(res, "Connection", "close");
    nng_http_res_set_header(res, "Content-Type", "application/json");
    nng_http_res_copy_data(res, body, strlen(body));
    return res;
}

static void answer_error(nng_aio *aio, int status, const char *text)
{
    AUTO(buf) struct buf body = BUF_INIT;
    struct json_writer w;
    json_writer_init(&w, &body);
    json_object_open(&w);
    json_member_string(&w, "error", text);
    json_object_close(&w);
    nng_aio_set_output(aio, 0, answer_new(status, body.data));
    nng_aio_finish(aio, 0);
}

static char *result_body(const struct invocation_result *result)
{
    AUTO(buf) struct buf body = BUF_INIT;
    struct json_writer w;
    json_writer_init(&w, &body);
    json_object_open(&w);
    if (result->error[0])
        json_member_string(&w, "error", result->error);
    else
        json_member_int(&w, "exit_code", result->exit_code);
    json_member_int(&w, "started_ms", result->started_ms);
    json_member_int(&w, "finished_ms", result->finished_ms);
    json_object_close(&w);
    return xstrndup(body.data, body.len);
}

/* Not before the peer has it: our end would take what is still in the socket with it. */
static void answer_waiting(nng_http_conn *conn, int status, const char *body)
{
    nng_http_res *res = answer_new(status, body);
    nng_aio *aio;
    char rest[64];
    nng_iov iov = {rest, sizeof rest};
    if (nng_aio_alloc(&aio, NULL, NULL) == 0) {
        nng_aio_set_timeout(aio, ANSWER_MS);
        nng_http_conn_write_res(conn, res, aio);
        nng_aio_wait(aio);
        nng_aio_set_timeout(aio, CLOSE_MS);
        nng_aio_set_iov(aio, 1, &iov);
        nng_http_conn_read(conn, aio);
        nng_aio_wait(aio);
        nng_aio_free(aio);
    }
    nng_http_res_free(res);
    nng_http_conn_close(conn);
}

/* ---- requests ---- */

static void wait_for_end(nng_aio *aio, nng_http_req *req, nng_http_conn *conn)
{
    if (service.waiting_count == WAITING_MAX) {
        answer_error(aio, 429, "this run was delivered too often");
        return;
    }
    if (nng_http_hijack(conn)) {
        nng_aio_finish(aio, NNG_EINTERNAL);
        return;
    }
    nng_http_req_free(req);
    service.waiting[service.waiting_count++] = conn;
    nng_aio_set_output(aio, 0, NULL);
    nng_aio_finish(aio, 0);
}

/* With the lock held; keeps `asked` when it is the run. */
static bool deliver(nng_aio *aio, Sockerless__Invocation *asked)
{
    nng_http_req *req = nng_aio_get_input(aio, 0);
    nng_http_conn *conn = nng_aio_get_input(aio, 2);
    bool first = !service.run && !service.in_vain && !asked->join;
    if (service.run && strcmp(service.run->run, asked->run) == 0) {
        wait_for_end(aio, req, conn);
    } else if (first) {
        service.run = asked;
        wait_for_end(aio, req, conn);
        pthread_cond_broadcast(&service.changed);
    } else if (service.run) {
        answer_error(aio, 429, "another run is here");
    } else {
        service.in_vain = true;
        answer_error(aio, 410, "this run is not here");
        pthread_cond_broadcast(&service.changed);
    }
    return first;
}

static void on_request(nng_aio *aio)
{
    nng_http_req *req = nng_aio_get_input(aio, 0);
    void *bytes;
    size_t len;
    if (strcmp(nng_http_req_get_method(req), "POST") != 0) {
        answer_error(aio, 405, "a run begins with a POST");
        return;
    }
    nng_http_req_get_data(req, &bytes, &len);
    Sockerless__Invocation *asked = sockerless__invocation__unpack(NULL, len, bytes);
    if (!asked || str_empty(asked->run)) {
        answer_error(aio, 400, "the body is not an invocation");
    } else {
        pthread_mutex_lock(&service.lock);
        bool kept = deliver(aio, asked);
        pthread_mutex_unlock(&service.lock);
        if (kept)
            return;
    }
    if (asked)
        sockerless__invocation__free_unpacked(asked, NULL);
}

/* ---- the service ---- */

/* The platform says where. */
static int find_port(struct error *err)
{
    const char *text = getenv("PORT");
    char *end;
    long port = str_empty(text) ? PORT_DEFAULT : strtol(text, &end, 10);
    if (port >= 1 && port <= 65535 && (str_empty(text) || !*end))
        return (int)port;
    return error_set(err, ERROR_INVALID_PARAMETER, "PORT=%s: must be 1 to 65535", text);
}

static int listen_for_requests(int port, nng_http_server **server, struct error *err)
{
    AUTO_FREE char *address = xasprintf("http://0.0.0.0:%d/", port);
    nng_http_handler *handler = NULL;
    nng_url *url = NULL;
    int rc = nng_url_parse(&url, address);
    if (rc == 0)
        rc = nng_http_server_hold(server, url);
    if (rc == 0)
        rc = nng_http_handler_alloc(&handler, "/", on_request);
    if (rc == 0)
        rc = nng_http_handler_set_method(handler, NULL);
    if (rc == 0)
        rc = nng_http_handler_set_tree(handler);
    if (rc == 0)
        rc = nng_http_handler_collect_body(handler, true, BODY_MAX);
    if (rc == 0)
        rc = nng_http_server_add_handler(*server, handler);
    if (rc == 0)
        rc = nng_http_server_start(*server);
    if (url)
        nng_url_free(url);
    return rc ? error_set(err, ERROR_SYSTEM, "port %d: %s", port, nng_strerror(rc)) : 0;
}

/* The next request must find no one here rather than someone who is about to end. */
static void answer_all(nng_http_server *server, const struct invocation_result *result)
{
    AUTO_FREE char *body = result_body(result);
    nng_http_server_stop(server);
    pthread_mutex_lock(&service.lock);
    for (size_t i = 0; i < service.waiting_count; i++)
        answer_waiting(service.waiting[i], result->status, body);
    pthread_mutex_unlock(&service.lock);
}

int invocation_serve(struct error *err)
{
    nng_http_server *server;
    int port = find_port(err);
    invocation_signals_open(); /* before nng's threads: they inherit what is blocked */
    if (port < 0 || listen_for_requests(port, &server, err))
        return -1;
    pthread_mutex_lock(&service.lock);
    while (!service.run && !service.in_vain)
        pthread_cond_wait(&service.changed, &service.lock);
    const Sockerless__Invocation *run = service.run;
    pthread_mutex_unlock(&service.lock);
    if (!run) {
        struct timespec a_moment = {.tv_nsec = 200000000}; /* for the answer to leave */
        nng_http_server_stop(server);
        nanosleep(&a_moment, NULL);
        return 0;
    }
    struct invocation_result result;
    invocation_run(run, &result);
    answer_all(server, &result);
    return 0;
}
