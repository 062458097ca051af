/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing answers; see reply.h. All of it goes through http_conn.h.
 */
#include "frontend/http/reply.h"

#include "base/json.h"
#include "frontend/http/http_conn.h"
#include "frontend/http/http_shared.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { REPLY_BUFS_MAX = 4 };

static const struct {
    unsigned status;
    const char *text;
} reasons[] = {
    {100, "Continue"},
    {101, "UPGRADED"},
    {200, "OK"},
    {201, "Created"},
    {204, "No Content"},
    {301, "Moved Permanently"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Request Entity Too Large"},
    {429, "Too Many Requests"},
    {417, "Expectation Failed"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *reply_reason(unsigned status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "";
}

static uv_buf_t buf_of(const char *text, size_t len)
{
    return uv_buf_init((char *)(uintptr_t)text, (unsigned)len);
}

const char *reply_service_headers(const struct exchange *x)
{
    return x->plain ? "" : x->shared->service->headers;
}

void reply_continue(struct exchange *x)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uv_buf_t piece = buf_of(line, sizeof(line) - 1);
    http_conn_write(x->conn, &piece, 1, true);
}

/* The part of a head that every answer has. */
static char *reply_head(struct exchange *x, unsigned status, const char *headers)
{
    assert(!x->head_sent);
    x->head_sent = true;
    const char *connection = "";
    if (!x->keep_alive)
        connection = "Connection: close\r\n";
    else if (x->http10)
        connection = "Connection: keep-alive\r\n";
    return arena_printf(&x->arena, "HTTP/1.1 %u %s\r\n%s%sDate: %s\r\n%s", status,
                        reply_reason(status), reply_service_headers(x), connection,
                        http_shared_date(x->shared), headers);
}

/* A whole answer. The body's last piece may be a newline of its own. */
static void reply_whole(struct exchange *x, unsigned status, const char *headers, const char *body,
                        size_t len, bool newline)
{
    if (x->body_pending)
        x->keep_alive = false; /* the rest of the body is dropped, and the connection with it */
    bool has_length = status != 204 && status != 304;
    const char *length = has_length ? arena_printf(&x->arena, "%sContent-Length: %zu\r\n\r\n",
                                                   headers, len + newline)
                                    : arena_printf(&x->arena, "%s\r\n", headers);
    const char *head = reply_head(x, status, length);
    uv_buf_t bufs[] = {buf_of(head, strlen(head)), buf_of(body, len), buf_of("\n", newline)};
    unsigned count = x->method == HTTP_HEAD || !has_length ? 1 : 3;
    struct http_conn *conn = x->conn;
    http_conn_write(conn, bufs, count, false);
    http_conn_reply_done(conn);
}

struct buf *reply_scratch(struct exchange *x)
{
    return http_shared_scratch(x->shared);
}

void reply_json(struct exchange *x, unsigned status, const struct buf *json)
{
    reply_whole(x, status, "Content-Type: application/json\r\n", json->data, json->len, true);
}

static void reply_message(struct exchange *x, unsigned status, const char *message)
{
    struct json_writer w;
    struct buf *out = reply_scratch(x);
    json_writer_init(&w, out);
    json_object_open(&w);
    json_member_string(&w, "message", message);
    json_object_close(&w);
    reply_json(x, status, out);
}

void reply_error(struct exchange *x, unsigned status, const char *fmt, ...)
{
    char message[ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    reply_message(x, status, message);
}

void reply_failure(struct exchange *x, const struct error *err)
{
    if (err->code == ERROR_NOT_MODIFIED)
        reply_empty(x, 304);
    else
        reply_message(x, (unsigned)error_http_status(err->code), err->message);
}

void reply_empty(struct exchange *x, unsigned status)
{
    reply_whole(x, status, "", "", 0, false);
}

void reply_text(struct exchange *x, unsigned status, const char *headers, const char *text)
{
    const char *all =
        arena_printf(&x->arena, "Content-Type: text/plain; charset=utf-8\r\n%s", headers);
    reply_whole(x, status, all, text, strlen(text), false);
}

void reply_refusal(struct exchange *x, unsigned status)
{
    x->keep_alive = false;
    x->head_sent = false;
    x->plain = true;
    if (status == 413) {
        reply_error(x, status, "http: request body too large");
        return;
    }
    const char *detail = "";
    if (status == 400 && x->target && !x->has_host && !x->http10)
        detail = ": missing required Host header";
    reply_text(x, status, "",
               arena_printf(&x->arena, "%u %s%s", status, reply_reason(status), detail));
}

/* ---- streaming ---- */

void reply_stream_begin(struct exchange *x, unsigned status, const char *content_type)
{
    x->chunked_reply = !x->http10;
    if (x->http10)
        x->keep_alive = false; /* the end of the answer is the end of the connection */
    const char *type =
        content_type ? arena_printf(&x->arena, "Content-Type: %s\r\n", content_type) : "";
    const char *headers = arena_printf(&x->arena, "%s%s\r\n", type,
                                       x->chunked_reply ? "Transfer-Encoding: chunked\r\n" : "");
    const char *head = reply_head(x, status, headers);
    uv_buf_t piece = buf_of(head, strlen(head));
    http_conn_write(x->conn, &piece, 1, true);
}

bool reply_stream_write(struct exchange *x, const uv_buf_t *bufs, unsigned count)
{
    uv_buf_t all[REPLY_BUFS_MAX + 2];
    char size[24];
    size_t total = 0;
    assert(count <= REPLY_BUFS_MAX);
    for (unsigned i = 0; i < count; i++)
        total += bufs[i].len;
    if (!total)
        return true; /* an empty chunk would end the answer */
    if (!x->chunked_reply)
        return http_conn_write(x->conn, bufs, count, false);
    int n = snprintf(size, sizeof(size), "%zx\r\n", total);
    all[0] = buf_of(size, (size_t)n);
    memcpy(all + 1, bufs, count * sizeof(*bufs));
    all[count + 1] = buf_of("\r\n", 2);
    return http_conn_write(x->conn, all, count + 2, false);
}

void reply_stream_end(struct exchange *x)
{
    struct http_conn *conn = x->conn;
    uv_buf_t last = buf_of("0\r\n\r\n", 5);
    if (x->chunked_reply)
        http_conn_write(conn, &last, 1, false);
    http_conn_reply_done(conn);
}

void reply_stream_cut(struct exchange *x)
{
    x->keep_alive = false;
    http_conn_reply_done(x->conn);
}
