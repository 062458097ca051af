/* SPDX-License-Identifier: Apache-2.0
 *
 * Listeners, the list of connections and the loop hooks they share; see http_server.h. Accepting
 * pauses at the connection limit: an accepted socket that is not fetched with uv_accept() makes
 * libuv stop polling the listener.
 */
#include "frontend/http/http_server.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "frontend/http/http_conn.h"
#include "frontend/http/http_listen.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

enum {
    READ_BUFFER_SIZE = 64 * 1024,
    SCRATCH_KEEP_MAX = 256 * 1024,
    LISTENERS_MAX = 16,
    DEFAULT_MAX_CONNECTIONS = 4096,
    DEFAULT_IDLE_TIMEOUT_MS = 300 * 1000,
    DEFAULT_HEAD_TIMEOUT_MS = 60 * 1000,
    TICK_MS = 1000,
};

struct http_server {
    struct loop *loop;
    struct http_server_options options;
    char *socket_group;
    struct backend_client *backend;
    struct http_listener *listeners[LISTENERS_MAX];
    unsigned listener_count, connections;
    struct http_conn_links *open;
    struct http_conn *flush_first, **flush_last;
    uv_prepare_t prepare;
    uv_timer_t timer;
    unsigned hooks_open; /* of prepare and timer */
    bool closing;
    time_t date_second;
    char date[40];
    struct buf scratch;
    char read_buffer[READ_BUFFER_SIZE];
};

static struct http_conn_links *links(struct http_conn *c)
{
    return (struct http_conn_links *)(void *)c;
}

static struct http_conn *conn_of(struct http_conn_links *l)
{
    return (struct http_conn *)(void *)l;
}

static void server_on_prepare(uv_prepare_t *handle)
{
    struct http_server *s = handle->data;
    struct http_conn *c;
    while ((c = s->flush_first)) {
        s->flush_first = links(c)->flush_next;
        if (!s->flush_first)
            s->flush_last = &s->flush_first;
        links(c)->flush_queued = false;
        http_conn_flush(c);
    }
    if (s->scratch.cap > SCRATCH_KEEP_MAX)
        buf_free(&s->scratch);
}

static void server_on_tick(uv_timer_t *handle)
{
    struct http_server *s = handle->data;
    int64_t now = time_mono_ms();
    struct http_conn_links *l, *next;
    DL_FOREACH_SAFE(s->open, l, next)
    {
        http_conn_tick(conn_of(l), now);
    }
}

static void server_free_if_done(struct http_server *s)
{
    if (!s->closing || s->hooks_open || s->connections || s->listener_count)
        return;
    buf_free(&s->scratch);
    free(s->socket_group);
    free(s);
}

static void server_hook_closed(uv_handle_t *handle)
{
    struct http_server *s = handle->data;
    s->hooks_open--;
    server_free_if_done(s);
}

struct http_server *http_server_new(struct loop *l, const struct http_server_options *options,
                                    struct backend_client *backend)
{
    struct http_server *s = NEW(struct http_server);
    s->loop = l;
    s->options = *options;
    s->socket_group = xstrdup(str_or_empty(options->socket_group));
    s->options.socket_group = s->socket_group;
    if (!s->options.max_connections)
        s->options.max_connections = DEFAULT_MAX_CONNECTIONS;
    if (!s->options.idle_timeout_ms)
        s->options.idle_timeout_ms = DEFAULT_IDLE_TIMEOUT_MS;
    if (!s->options.head_timeout_ms)
        s->options.head_timeout_ms = DEFAULT_HEAD_TIMEOUT_MS;
    s->backend = backend;
    s->flush_last = &s->flush_first;
    uv_prepare_init(&l->uv, &s->prepare);
    uv_timer_init(&l->uv, &s->timer);
    s->prepare.data = s->timer.data = s;
    s->hooks_open = 2;
    uv_prepare_start(&s->prepare, server_on_prepare);
    return s;
}

/* ---- accepting ---- */

static void server_accept(struct http_server *s, struct http_listener *listener)
{
    if (s->closing)
        return;
    if (s->connections >= (uint64_t)s->options.max_connections) {
        http_listener_set_waiting(listener, true);
        log_warn("connection limit reached, accepting is paused",
                 LOG_INT("max_connections", s->options.max_connections));
        return;
    }
    http_listener_set_waiting(listener, false);
    struct http_conn *c = http_conn_new(s, http_listener_is_tcp(listener));
    if (uv_accept(http_listener_stream(listener), http_conn_stream(c)))
        http_conn_abort(c);
    else
        http_conn_start(c);
}

static void server_on_connection(void *arg, struct http_listener *listener)
{
    server_accept(arg, listener);
}

static void server_on_listener_closed(void *arg)
{
    struct http_server *s = arg;
    s->listener_count--;
    server_free_if_done(s);
}

static int server_listen_one(struct http_server *s, const char *url, struct error *err)
{
    if (s->listener_count == LISTENERS_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER, "more than %d listeners", LISTENERS_MAX);
    const struct http_listener_events events = {.connection = server_on_connection,
                                                .closed = server_on_listener_closed};
    struct http_listener *listener =
        http_listener_open(s->loop, url, s->socket_group, &events, s, err);
    if (!listener)
        return error_wrap(err, "listen on %s", url);
    s->listeners[s->listener_count++] = listener;
    return 0;
}

int http_server_listen(struct http_server *s, const char *urls, struct error *err)
{
    AUTO_FREE char *copy = xstrdup(urls);
    char *save = NULL;
    unsigned before = s->listener_count;
    for (char *url = strtok_r(copy, ", ", &save); url; url = strtok_r(NULL, ", ", &save))
        if (server_listen_one(s, url, err))
            return -1;
    if (s->listener_count == before)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "nothing to listen on: --listen wants unix:///path or tcp://host:port");
    return 0;
}

int http_server_port(const struct http_server *s)
{
    for (unsigned i = 0; i < s->listener_count; i++)
        if (http_listener_is_tcp(s->listeners[i]))
            return http_listener_port(s->listeners[i]);
    return 0;
}

void http_server_close(struct http_server *s)
{
    if (s->closing)
        return;
    s->closing = true;
    for (unsigned i = 0; i < s->listener_count; i++)
        http_listener_close(s->listeners[i]);
    struct http_conn_links *l, *next;
    DL_FOREACH_SAFE(s->open, l, next)
    {
        http_conn_abort(conn_of(l));
    }
    uv_close((uv_handle_t *)&s->prepare, server_hook_closed);
    uv_close((uv_handle_t *)&s->timer, server_hook_closed);
}

/* ---- for connections ---- */

void http_server_add(struct http_server *s, struct http_conn *c)
{
    struct http_conn_links *l = links(c);
    DL_PREPEND(s->open, l);
    if (s->connections++ == 0)
        uv_timer_start(&s->timer, server_on_tick, TICK_MS, TICK_MS);
}

static void server_unqueue(struct http_server *s, struct http_conn *c)
{
    if (!links(c)->flush_queued)
        return;
    struct http_conn **at = &s->flush_first;
    while (*at != c)
        at = &links(*at)->flush_next;
    *at = links(c)->flush_next;
    if (s->flush_last == &links(c)->flush_next)
        s->flush_last = at;
}

void http_server_remove(struct http_server *s, struct http_conn *c)
{
    struct http_conn_links *l = links(c);
    server_unqueue(s, c);
    DL_DELETE(s->open, l);
    if (--s->connections == 0 && !s->closing)
        uv_timer_stop(&s->timer);
    for (unsigned i = 0; i < s->listener_count && !s->closing; i++)
        if (http_listener_waiting(s->listeners[i]))
            server_accept(s, s->listeners[i]);
    server_free_if_done(s);
}

void http_server_flush_later(struct http_server *s, struct http_conn *c)
{
    if (links(c)->flush_queued)
        return;
    links(c)->flush_queued = true;
    links(c)->flush_next = NULL;
    *s->flush_last = c;
    s->flush_last = &links(c)->flush_next;
}

unsigned http_server_connections(const struct http_server *s)
{
    return s->connections;
}

struct loop *http_server_loop(struct http_server *s)
{
    return s->loop;
}

struct backend_client *http_server_backend(struct http_server *s)
{
    return s->backend;
}

const struct http_server_options *http_server_settings(const struct http_server *s)
{
    return &s->options;
}

char *http_server_read_buffer(struct http_server *s, size_t *size)
{
    *size = sizeof(s->read_buffer);
    return s->read_buffer;
}

struct buf *http_server_scratch(struct http_server *s)
{
    buf_clear(&s->scratch);
    return &s->scratch;
}

const char *http_server_date(struct http_server *s)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != s->date_second) {
        struct tm tm;
        s->date_second = now.tv_sec;
        gmtime_r(&now.tv_sec, &tm);
        strftime(s->date, sizeof(s->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    }
    return s->date;
}
