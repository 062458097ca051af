/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP client: one exchange a call, seen by the calling coroutine as a function. Stands under
 * everything that talks to a cloud API or a registry.
 */
#include "loop/http_client.h"

#include "base/alloc.h"
#include "base/timefmt.h"
#include "loop/http_transfer.h"

#include <assert.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

enum { DEFAULT_CONNECTIONS = 64, DEFAULT_MAX_BODY = 16 * 1024 * 1024 };

int http_client_open(struct loop *l, const struct http_client_options *options,
                     struct http_client **out, struct error *err)
{
    static const struct http_client_options defaults;
    if (!options)
        options = &defaults;
    /* OpenSSL writes without MSG_NOSIGNAL: a peer that resets would end the process. */
    signal(SIGPIPE, SIG_IGN);
    struct http_client *c = NEW(struct http_client);
    int max = options->max_connections > 0 ? options->max_connections : DEFAULT_CONNECTIONS;
    if (http_multi_open(l, max, &c->multi, err)) {
        free(c);
        return error_wrap(err, "http client");
    }
    c->ca_file = options->ca_file ? xstrdup(options->ca_file) : NULL;
    c->user_agent = xstrdup(options->user_agent ? options->user_agent : "sockerless");
    *out = c;
    return 0;
}

void http_client_close(struct http_client *c)
{
    if (!c)
        return;
    assert(c->under_way == 0);
    http_multi_close(c->multi);
    free(c->ca_file);
    free(c->user_agent);
    free(c);
}

/* ---- the exchange ---- */

/* On the stack of the coroutine, which returns only when libcurl has released it. */
struct exchange {
    struct http_transfer t;
    const struct http_request *req;
};

static size_t on_body(struct http_transfer *t, const char *bytes, size_t len)
{
    struct exchange *x = CONTAINER_OF(t, struct exchange, t);
    if (!x->req->on_body) {
        curl_off_t announced = -1;
        if (t->body_seen == 0)
            curl_easy_getinfo(t->job.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
        if (announced > 0) /* at most max_body */
            buf_reserve(&t->res->body, (size_t)announced);
        buf_append(&t->res->body, bytes, len);
        return len;
    }
    if (x->req->on_body(x->req->on_body_arg, bytes, len) == 0)
        return len;
    error_set(&t->abort_error, ERROR_CANCELLED, "%s: the receiver stopped reading the answer",
              t->peer.host_port);
    return http_transfer_abort(t);
}

static int co_exchange_run(struct http_transfer *t, struct error *err)
{
    if (http_transfer_start(t, err))
        return -1;
    while (!t->done)
        if (co_http_transfer_wait(t, err))
            return -1;
    return http_transfer_outcome(t, err);
}

int co_http_do(struct http_client *c, const struct http_request *req, struct http_response *res,
               struct error *err)
{
    *res = (struct http_response){0};
    struct exchange x = {.req = req, .t = {.res = res, .body = on_body}};
    int rc = http_transfer_init(c, req, &x.t, err);
    if (!req->max_body)
        x.t.max_body = DEFAULT_MAX_BODY;
    if (rc == 0)
        rc = co_exchange_run(&x.t, err);
    res->sent = http_transfer_sent(&x.t);
    http_transfer_fini(&x.t);
    return rc;
}

void http_response_free(struct http_response *res)
{
    buf_free(&res->body);
    strv_free(&res->headers);
    res->headers = STRV_INIT;
}

const char *http_response_header(const struct http_response *res, const char *name)
{
    for (size_t i = 0; i < res->headers.count; i++) {
        const char *line = res->headers.items[i];
        size_t n = strlen(name);
        if (strncasecmp(line, name, n) == 0 && line[n] == ':')
            return line + n + 1 + strspn(line + n + 1, " \t");
    }
    return NULL;
}
