/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP client on curl_multi and the loop; one per process, keeps connections alive.
 */
#ifndef SOCKERLESS_LOOP_HTTP_CLIENT_H
#define SOCKERLESS_LOOP_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_client;

struct http_client_options {
    const char *ca_file; /* extra CA bundle for TLS; NULL: the system's */
    const char *user_agent;
    int max_connections; /* over all hosts; 0: 64 */
};

struct http_request {
    const char *method; /* NULL: GET */
    const char *url;
    const char *const *headers; /* "Name: value" lines, NULL-terminated; may be NULL */
    const void *body;
    size_t body_len;
    const char *ca_file; /* extra CA bundle for this request; NULL: the client's */
    /* AWS Signature Version 4, done by libcurl: "aws:amz:REGION:SERVICE". */
    const char *aws_sigv4;
    const char *aws_access_key, *aws_secret_key;
    int64_t connect_timeout_ms; /* 0: 5,000 */
    int64_t timeout_ms;         /* whole exchange; 0: 30,000 */
    bool timeout_is_idle;       /* timeout_ms is how long nothing may move: for large bodies */
    size_t max_body;            /* of the response; 0: 16 MiB; more: ERROR_TOO_LARGE */
    /* libcurl sends a request a second time when a kept-alive connection turns out to be closed,
     * even though the first may have been carried out. True: a new connection, so never. */
    bool never_twice;
    bool follow_redirects; /* up to 5; Authorization never follows to another host */
    /* Instead of collecting the body: called on the loop's own stack with each piece. */
    int (*on_body)(void *arg, const void *bytes, size_t len); /* non-zero aborts */
    void *on_body_arg;
};

struct http_response {
    long status; /* 0: none arrived */
    bool sent;   /* something of the request left this machine: it may have been acted upon */
    struct buf body;
    struct strv headers; /* "Name: value" of the last response */
    char final_url[2048];
};

int http_client_open(struct loop *l, const struct http_client_options *options,
                     struct http_client **out, struct error *err) MUST_CHECK;
void http_client_close(struct http_client *c); /* no request may be under way */

/* 0 when a response of any status arrived. Failures: ERROR_UNAVAILABLE (resolve, connect, reset;
 * the message names host and cause), ERROR_DEADLINE, ERROR_CANCELLED, ERROR_TOO_LARGE. The caller
 * releases *res with http_response_free in every case. */
int co_http_do(struct http_client *c, const struct http_request *req, struct http_response *res,
               struct error *err) MUST_CHECK;
void http_response_free(struct http_response *res);
static inline void auto_release_http_response(struct http_response *res)
{
    http_response_free(res);
}
/* First header of that name (case-insensitive), its value without leading blanks; NULL if absent.
 */
const char *http_response_header(const struct http_response *res, const char *name);

#endif
