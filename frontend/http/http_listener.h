/* SPDX-License-Identifier: Apache-2.0
 *
 * One listening socket, unix or TCP.
 */
#ifndef SOCKERLESS_FRONTEND_HTTP_LISTENER_H
#define SOCKERLESS_FRONTEND_HTTP_LISTENER_H

#include "base/error.h"
#include "loop/loop.h"

#include <stdbool.h>

struct http_listener;
struct http_listener_events {
    /* One connection waits for uv_accept(http_listener_stream(listener), …); until it is fetched
     * no further one is announced. */
    void (*connection)(void *arg, struct http_listener *listener);
    void (*closed)(void *arg); /* last; the listener is gone */
};

/* unix:///path: mode 0660 and, unless "", the group; a stale socket is replaced, one that answers
 * is an error. tcp://host:port: host is an IPv4 or [IPv6] address. */
struct http_listener *http_listener_open(struct loop *l, const char *url, const char *group,
                                         const struct http_listener_events *events, void *arg,
                                         struct error *err) MUST_CHECK;
void http_listener_close(struct http_listener *l); /* unlinks the socket file */
uv_stream_t *http_listener_stream(struct http_listener *l);
bool http_listener_is_tcp(const struct http_listener *l);
int http_listener_port(const struct http_listener *l);
/* A note of the owner's: a connection was announced and not yet fetched. */
bool http_listener_waiting(const struct http_listener *l);
void http_listener_set_waiting(struct http_listener *l, bool waiting);

#endif
