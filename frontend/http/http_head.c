/* SPDX-License-Identifier: Apache-2.0
 * The head's lines on their way to llhttp; see http_head.h. Between http_parse.c and the parser. */
#include "frontend/http/http_head.h"

#include <string.h>
#include <strings.h>

static const char content_length[] = "content-length:";
enum { NAME_LEN = sizeof content_length - 1 };

static const char line_end[] = "\r\n";

void http_head_init(struct http_head *h)
{
    *h = (struct http_head){.is_request_line = true};
}

/* ---- to the parser ---- */

/* The line's last piece, which ends with its line feed. */
static llhttp_errno_t put_end(struct http_head *h, llhttp_t *parser, const char *at, size_t len)
{
    char before = len > 1 ? at[len - 2] : h->last;
    h->last = '\n';
    bool empty = h->line_len == 0 || (h->line_len == 1 && before == '\r');
    h->done = empty && !h->is_request_line; /* empty lines before a request are passed over */
    h->is_request_line = h->is_request_line && empty;
    if (before == '\r' && !h->done)
        return llhttp_execute(parser, at, len);
    /* What has been handed on of this line stands before its end. */
    llhttp_errno_t rc = HPE_OK;
    size_t text = len - 1 - (len > 1 && before == '\r');
    if (text)
        rc = llhttp_execute(parser, at, text);
    bool has_return = before == '\r' && len == 1;
    if (rc == HPE_OK)
        rc = llhttp_execute(parser, has_return ? line_end + 1 : line_end, has_return ? 1 : 2);
    if (rc == HPE_PAUSED && h->done)
        h->unfed = (unsigned)(line_end + 2 - llhttp_get_error_pos(parser));
    return rc;
}

static llhttp_errno_t put(struct http_head *h, llhttp_t *parser, const char *at, size_t len,
                          bool ends)
{
    if (ends)
        return put_end(h, parser, at, len);
    h->last = at[len - 1];
    return llhttp_execute(parser, at, len);
}

/* ---- Content-Length ---- */

static bool may_be_length(const struct http_head *h)
{
    size_t n = h->held_len < NAME_LEN ? h->held_len : (size_t)NAME_LEN;
    return h->held_len < HTTP_HEAD_HELD_MAX && strncasecmp(h->held, content_length, n) == 0;
}

/* The held line is a whole Content-Length. Is it the one that came before? */
static bool is_repeated(struct http_head *h)
{
    const char *value = h->held + NAME_LEN, *end = h->held + h->held_len;
    while (value < end && strchr(" \t", *value))
        value++;
    while (end > value && strchr(" \t\r\n", end[-1]))
        end--;
    size_t len = (size_t)(end - value);
    if (h->length[0])
        return strlen(h->length) == len && memcmp(h->length, value, len) == 0;
    if (len < sizeof h->length)
        memcpy(h->length, value, len);
    return false;
}

/* Takes from the piece until the line is known to be another, or is complete. Returns how many
 * bytes; *rc is the parser's word about what was handed on. */
static size_t hold(struct http_head *h, llhttp_t *parser, const char *at, size_t len,
                   llhttp_errno_t *rc)
{
    size_t used = 0;
    while (used < len && h->holding) {
        char c = at[used++];
        h->held[h->held_len++] = c;
        bool ends = c == '\n';
        bool whole = ends && h->held_len > NAME_LEN;
        if (may_be_length(h) && !ends)
            continue;
        h->holding = false;
        if (!whole || !may_be_length(h) || !is_repeated(h))
            *rc = put(h, parser, h->held, h->held_len, ends);
        else
            h->last = '\n';
    }
    return used;
}

/* ---- lines ---- */

/* A piece of one line. */
static llhttp_errno_t take_piece(struct http_head *h, llhttp_t *parser, const char *at, size_t len,
                                 bool ends)
{
    llhttp_errno_t rc = HPE_OK;
    bool begins = h->line_len == 0 && !h->holding;
    if (begins && !h->is_request_line) {
        h->holding = true;
        h->held_len = 0;
    }
    h->line_len += len - ends;
    size_t used = h->holding ? hold(h, parser, at, len, &rc) : 0;
    if (rc == HPE_OK && used < len)
        rc = put(h, parser, at + used, len - used, ends);
    if (!ends)
        return rc;
    h->line_len = 0;
    return rc;
}

llhttp_errno_t http_head_feed(struct http_head *h, llhttp_t *parser, const char *bytes, size_t len,
                              size_t *used)
{
    llhttp_errno_t rc = HPE_OK;
    *used = 0;
    while (*used < len && !h->done && rc == HPE_OK) {
        const char *at = bytes + *used, *end = memchr(at, '\n', len - *used);
        size_t piece = end ? (size_t)(end + 1 - at) : len - *used;
        h->bytes += piece;
        if (h->bytes > HTTP_HEAD_MAX)
            return HPE_USER;
        rc = take_piece(h, parser, at, piece, end != NULL);
        *used += piece;
    }
    return rc;
}

llhttp_errno_t http_head_resume(struct http_head *h, llhttp_t *parser)
{
    unsigned unfed = h->unfed;
    h->unfed = 0;
    return unfed ? llhttp_execute(parser, line_end + 2 - unfed, unfed) : HPE_OK;
}
