/* SPDX-License-Identifier: Apache-2.0
 *
 * One exchange on a libcurl handle: what co_http_do (whole answers) and http_stream.c (bodies piece
 * by piece) have in common. Used by these two only.
 */
#ifndef SOCKERLESS_LOOP_HTTP_TRANSFER_H
#define SOCKERLESS_LOOP_HTTP_TRANSFER_H

#include "loop/co.h"
#include "loop/http_client.h"
#include "loop/http_error.h"
#include "loop/http_multi.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_client {
    struct http_multi *multi;
    char *ca_file;
    char *user_agent;
    unsigned under_way;
};

/* Embedded in what waits for it, which goes away only when libcurl has let go of the handle. */
struct http_transfer {
    struct http_job job;
    struct http_client *client;
    struct http_response *res; /* status and headers are collected here */
    struct http_peer peer;
    struct co *waiter; /* woken when something happened; NULL: there is none now */
    struct curl_slist *headers;
    size_t max_body, body_seen;
    size_t header_bytes;
    int64_t timeout_ms, deadline_ms;
    int64_t moved; /* bytes both ways when the deadline was set */
    bool timeout_is_idle;
    bool headers_over;  /* what comes now are trailers, until the next status line */
    bool done, aborted; /* aborted: abort_error says why we stopped it */
    CURLcode result;
    struct error abort_error;
    char detail[CURL_ERROR_SIZE];
    /* The end of every response's headers, interim ones and redirects included; may be NULL. */
    void (*head)(struct http_transfer *t);
    /* A piece of the body, within max_body: returns len, CURL_WRITEFUNC_PAUSE (it will be offered
     * again), or http_transfer_abort(). Runs on the loop's own stack. */
    size_t (*body)(struct http_transfer *t, const char *bytes, size_t len);
};

/* t->res, head and body were set by the caller, the rest is zero. After a failure, too, the caller
 * calls http_transfer_fini. */
int http_transfer_init(struct http_client *c, const struct http_request *req,
                       struct http_transfer *t, struct error *err) MUST_CHECK;
int http_transfer_start(struct http_transfer *t, struct error *err) MUST_CHECK;
/* Between init and start. */
void http_transfer_add_header(struct http_transfer *t, const char *line);
/* Takes the handle back from libcurl if it still has it. */
void http_transfer_fini(struct http_transfer *t);

/* Sleeps until something happened (spurious returns included) or the deadline, which an idle
 * timeout puts off as long as bytes move. After a failure libcurl no longer has the handle: nothing
 * more happens. */
int co_http_transfer_wait(struct http_transfer *t, struct error *err) MUST_CHECK;
/* The time starts again, as http_transfer_start has it. */
void http_transfer_rearm(struct http_transfer *t);
void http_transfer_wake(struct http_transfer *t);
/* For callbacks, after abort_error was set: their return value. */
size_t http_transfer_abort(struct http_transfer *t);

/* Status and final_url as they are now. */
void http_transfer_note_head(struct http_transfer *t);
/* Something of the request was sent, as libcurl counts its bytes. */
bool http_transfer_sent(const struct http_transfer *t);
/* Once done. */
int http_transfer_outcome(struct http_transfer *t, struct error *err) MUST_CHECK;

#endif
