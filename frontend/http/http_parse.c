/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes to requests: llhttp's callbacks fill the connection's exchange. Limits are enforced here,
 * while the bytes arrive. The parser is paused after every request, so the next one is not looked
 * at before the answer is out, and bytes after a hijacking request stay untouched.
 */
#include "frontend/http/http_conn_internal.h"

#include "base/str.h"
#include "frontend/http/reply.h"

#include <ctype.h>
#include <strings.h>
#include <string.h>

enum { BODY_ROOM_MAX = 64 * 1024, HEADER_KEEP_MAX = 16 * 1024 };

static int parse_refuse(struct http_conn *c, unsigned status)
{
    c->refuse_status = (uint16_t)status;
    return HPE_USER;
}

static int parse_collect(llhttp_t *p, const char *at, size_t len)
{
    struct http_conn *c = p->data;
    c->trailer_bytes += c->head.done ? len : 0;
    if (c->trailer_bytes > HTTP_HEAD_MAX)
        return parse_refuse(c, 431);
    buf_append(&c->header, at, len);
    return 0;
}

static int on_url_complete(llhttp_t *p)
{
    struct http_conn *c = p->data;
    c->x.target = arena_strndup(&c->x.arena, str_or_empty(c->header.data), c->header.len);
    buf_clear(&c->header);
    return 0;
}

/* llhttp lets blanks pass: a proxy in front may take such a line for another field. */
static int on_header_field_complete(llhttp_t *p)
{
    struct http_conn *c = p->data;
    c->name_len = c->header.len;
    bool has_blank = memchr(str_or_empty(c->header.data), ' ', c->name_len) ||
                     memchr(str_or_empty(c->header.data), '\t', c->name_len);
    return has_blank ? parse_refuse(c, 400) : 0;
}

enum header_kind {
    HEADER_HOST,
    HEADER_CONTENT_TYPE,
    HEADER_AUTH,
    HEADER_UPGRADE,
    HEADER_EXPECT,
    HEADER_TRANSFER_ENCODING,
};

static const struct {
    const char *name;
    size_t len;
    enum header_kind kind;
} header_table[] = {
    {"host", 4, HEADER_HOST},
    {"content-type", 12, HEADER_CONTENT_TYPE},
    {"x-registry-auth", 15, HEADER_AUTH},
    {"upgrade", 7, HEADER_UPGRADE},
    {"expect", 6, HEADER_EXPECT},
    {"transfer-encoding", 17, HEADER_TRANSFER_ENCODING},
};

/* The bytes that Go's server lets stand in Host; a value in several lines has a blank. */
static bool is_host(const char *value, size_t len)
{
    static const char punctuation[] = "!$%&'()*+,-.:;=[]_~";
    while (len && strchr(" \t", value[len - 1]))
        len--;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)value[i]) && (!value[i] || !strchr(punctuation, value[i])))
            return false;
    return true;
}

/* Returns the status to refuse the request with, or 0. */
static unsigned exchange_set_header(struct exchange *x, enum header_kind kind, const char *value,
                                    size_t len)
{
    switch (kind) {
    case HEADER_HOST:
        if (x->has_host || !is_host(value, len))
            return 400;
        x->has_host = true;
        break;
    case HEADER_CONTENT_TYPE: x->content_type = arena_strndup(&x->arena, value, len); break;
    case HEADER_AUTH: x->registry_auth = arena_strndup(&x->arena, value, len); break;
    case HEADER_UPGRADE: x->wants_upgrade = len > 0; break;
    case HEADER_EXPECT:
        x->expects_continue = len == 12 && strncasecmp(value, "100-continue", 12) == 0;
        return x->expects_continue || !len ? 0 : 417;
    case HEADER_TRANSFER_ENCODING: return len ? 0 : 501; /* llhttp knows the others */
    }
    return 0;
}

static int on_header_value_complete(llhttp_t *p)
{
    struct http_conn *c = p->data;
    const char *name = str_or_empty(c->header.data);
    if (c->x.handler) { /* a trailer */
        buf_clear(&c->header);
        return 0;
    }
    unsigned refused = 0;
    for (size_t i = 0; i < sizeof(header_table) / sizeof(header_table[0]); i++) {
        if (header_table[i].len == c->name_len &&
            strncasecmp(header_table[i].name, name, c->name_len) == 0)
            refused = exchange_set_header(&c->x, header_table[i].kind, name + c->name_len,
                                          c->header.len - c->name_len);
    }
    if (c->x.registry_auth && c->header.len)
        explicit_bzero(c->header.data, c->header.len);
    buf_clear(&c->header);
    if (c->header.cap > HEADER_KEEP_MAX)
        buf_free(&c->header);
    c->name_len = 0;
    return refused ? parse_refuse(c, refused) : 0;
}

static uint64_t body_limit(const struct exchange *x)
{
    return x->handler->body == BODY_JSON ? HTTP_JSON_BODY_MAX : HTTP_DROPPED_BODY_MAX;
}

/* What comes after the head: a stream's handler runs at once, JSON gets its room. */
static int body_expect(struct http_conn *c)
{
    struct exchange *x = &c->x;
    bool has_body = x->content_length || x->chunked_body;
    if (x->handler->body == BODY_STREAM && has_body) {
        x->body_pending = c->request_complete = true;
        return HPE_PAUSED;
    }
    if (x->content_length > body_limit(x))
        return parse_refuse(c, 413);
    if (x->handler->body == BODY_JSON && x->content_length && x->content_length < BODY_ROOM_MAX)
        buf_reserve(&x->body, x->content_length); /* growing would leave copies of secrets behind */
    if (x->expects_continue && !x->http10 && has_body)
        reply_continue(x);
    return 0;
}

static int on_headers_complete(llhttp_t *p)
{
    struct http_conn *c = p->data;
    struct exchange *x = &c->x;
    if (p->http_major != 1)
        return parse_refuse(c, 505);
    x->method = p->method;
    x->http10 = p->http_minor == 0;
    x->keep_alive = llhttp_should_keep_alive(p) != 0;
    x->chunked_body = (p->flags & F_CHUNKED) != 0;
    x->content_length = (p->flags & F_CONTENT_LENGTH) ? p->content_length : 0;
    /* We decide about upgrades ourselves: the body, if any, is read as one of a plain request. */
    p->upgrade = 0;
    if (!x->has_host && !x->http10)
        return parse_refuse(c, 400);
    x->handler = c->shared->service->resolve(x);
    if (!x->handler)
        return parse_refuse(c, 400);
    return body_expect(c);
}

static int on_body(llhttp_t *p, const char *at, size_t len)
{
    struct http_conn *c = p->data;
    struct exchange *x = &c->x;
    x->body_seen += len;
    if (x->body_pending && c->events && c->events->data) {
        c->events->data(c->owner, at, len);
        return 0;
    }
    if (x->body_seen > body_limit(x))
        return parse_refuse(c, 413);
    if (x->handler->body == BODY_JSON)
        buf_append(&x->body, at, len);
    return 0;
}

static int on_message_complete(llhttp_t *p)
{
    struct http_conn *c = p->data;
    if (!c->x.body_pending) {
        c->request_complete = true;
        return HPE_PAUSED;
    }
    c->x.body_pending = false;
    if (c->events && c->events->body_end)
        c->events->body_end(c->owner);
    return HPE_PAUSED;
}

void http_parse_begin(struct http_conn *c)
{
    static llhttp_settings_t settings;
    if (!settings.on_url) {
        llhttp_settings_init(&settings);
        settings.on_url = parse_collect;
        settings.on_url_complete = on_url_complete;
        settings.on_header_field = parse_collect;
        settings.on_header_field_complete = on_header_field_complete;
        settings.on_header_value = parse_collect;
        settings.on_header_value_complete = on_header_value_complete;
        settings.on_headers_complete = on_headers_complete;
        settings.on_body = on_body;
        settings.on_message_complete = on_message_complete;
    }
    llhttp_init(&c->parser, HTTP_REQUEST, &settings);
    c->parser.data = c;
    http_head_init(&c->head);
    c->trailer_bytes = c->name_len = 0;
    c->refuse_status = 0;
    c->request_complete = false;
    buf_clear(&c->header);
}

/* Past the head: how many bytes of these the parser has taken. */
static size_t parse_rest(struct http_conn *c, const char *bytes, size_t len, llhttp_errno_t *rc)
{
    *rc = llhttp_execute(&c->parser, bytes, len);
    if (*rc != HPE_PAUSED)
        return len;
    const char *end = llhttp_get_error_pos(&c->parser);
    return end >= bytes && end <= bytes + len ? (size_t)(end - bytes) : len;
}

size_t http_parse(struct http_conn *c, const char *bytes, size_t len)
{
    llhttp_resume(&c->parser); /* no-op but for a body whose head was answered already */
    size_t used = 0;
    llhttp_errno_t rc = c->head.done ? http_head_resume(&c->head, &c->parser)
                                     : http_head_feed(&c->head, &c->parser, bytes, len, &used);
    if (rc == HPE_OK && c->head.done && used < len)
        used += parse_rest(c, bytes + used, len - used, &rc);
    if (rc == HPE_OK || rc == HPE_PAUSED)
        return used;
    if (c->head.bytes > HTTP_HEAD_MAX)
        c->refuse_status = 431;
    else if (!c->refuse_status)
        c->refuse_status = rc == HPE_INVALID_VERSION ? 505 : 400;
    return len;
}
