/* SPDX-License-Identifier: Apache-2.0
 *
 * What Go's HTTP server takes in a request's head and llhttp does not, changed on the way to
 * llhttp: lines that end with a line feed alone get their carriage return, and a repeated
 * Content-Length of the same value is left out. Only the beginning of a line that may be a
 * Content-Length is held.
 *
 * Not taken, although Go does, because a proxy in front may read the same bytes as another request:
 * Content-Length together with Transfer-Encoding, and line feeds alone between chunks.
 */
#ifndef SOCKERLESS_FRONTEND_HTTP_HEAD_H
#define SOCKERLESS_FRONTEND_HTTP_HEAD_H

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    HTTP_HEAD_MAX = 1024 * 1024 + 4096, /* net/http's DefaultMaxHeaderBytes and its slack */
    HTTP_HEAD_HELD_MAX = 64,
    HTTP_HEAD_LENGTH_MAX = 24,
};

struct http_head {
    size_t bytes;    /* of the head so far */
    size_t line_len; /* of the line so far, without its line feed */
    char last;       /* the last byte that was handed on */
    bool is_request_line;
    bool holding;   /* the line may still be a Content-Length; `held` is all of it */
    bool done;      /* the empty line came */
    unsigned unfed; /* of that line's two bytes, which llhttp needs again after a pause */
    char held[HTTP_HEAD_HELD_MAX];
    size_t held_len;
    char length[HTTP_HEAD_LENGTH_MAX]; /* the first Content-Length, "" before it */
};

void http_head_init(struct http_head *h);
/* Hands bytes to the parser up to the end of the head, or to its first error or pause. *used: how
 * many of them. HPE_USER, too, when the head is larger than HTTP_HEAD_MAX (h->bytes). Not to be
 * called when h->done. */
llhttp_errno_t http_head_feed(struct http_head *h, llhttp_t *parser, const char *bytes, size_t len,
                              size_t *used);
/* First when the parser goes on after a pause. */
llhttp_errno_t http_head_resume(struct http_head *h, llhttp_t *parser);

#endif
