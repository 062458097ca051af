/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies that are handed on while they arrive (BODY_STREAM handlers): the handler has run and owns
 * the connection, the parser goes on from where it was paused, what it finds goes to the owner's
 * data() until its body_end(). Between http_input.c, which reads, and body_stream.c.
 *
 * An owner that lags holds the connection, and reading stops. A body that ends early, is not HTTP
 * or brings no byte for the idle timeout is broken: gone() is called for the owner.
 */
#include "frontend/http/http_conn_internal.h"

#include "base/alloc.h"
#include "frontend/http/reply.h"

bool http_body_wanted(const struct http_conn *c)
{
    return c->state == CONN_ANSWERING && c->x.body_pending && !c->held;
}

size_t http_body_feed(struct http_conn *c, const char *bytes, size_t len)
{
    size_t used = http_parse(c, bytes, len);
    c->deadline_ms = 0;
    http_conn_set_body_deadline(c);
    return used;
}

void http_body_broken(struct http_conn *c, unsigned status)
{
    const struct http_conn_events *events = STEAL(c->events);
    c->x.body_pending = false;
    c->refuse_status = 0;
    if (events)
        events->gone(c->owner);
    if (c->x.head_sent)
        http_conn_finish(c); /* the answer lacks its last chunk */
    else
        reply_refusal(&c->x, status);
}
