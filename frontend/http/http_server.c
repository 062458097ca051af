/* SPDX-License-Identifier: Apache-2.0
 *
 * Listeners and the loop's hooks; see http_server.h. The top of the data path: what is accepted
 * here goes to http_input.c. Accepting pauses at the connection limit: an accepted socket that is
 * not fetched with uv_accept() makes libuv stop polling the listener.
 */
#include "frontend/http/http_server.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "frontend/http/http_input.h"
#include "frontend/http/http_listener.h"

#include <stdio.h>
#include <string.h>

enum {
    LISTENERS_MAX = 16,
    DEFAULT_MAX_CONNECTIONS = 4096,
    DEFAULT_IDLE_TIMEOUT_MS = 300 * 1000,
    DEFAULT_HALF_CLOSED_CHECK_MS = 5000,
    DEFAULT_HEAD_TIMEOUT_MS = 60 * 1000,
    TICK_MS = 1000,
};

struct http_server {
    struct http_shared shared;
    int64_t max_connections;
    char *socket_group;
    struct http_listener *listeners[LISTENERS_MAX];
    unsigned listener_count;
    uv_prepare_t prepare;
    uv_timer_t timer;
    unsigned hooks_open; /* of prepare and timer */
    bool closing;
};

static void server_on_tick(uv_timer_t *handle)
{
    struct http_server *s = handle->data;
    http_input_tick(&s->shared, time_mono_ms());
}

static void server_on_prepare(uv_prepare_t *handle)
{
    struct http_server *s = handle->data;
    http_input_run_due(&s->shared);
    http_shared_trim(&s->shared);
    bool ticks = uv_is_active((uv_handle_t *)&s->timer);
    if (s->shared.conns && !ticks)
        uv_timer_start(&s->timer, server_on_tick, TICK_MS, TICK_MS);
    else if (!s->shared.conns && ticks)
        uv_timer_stop(&s->timer);
}

static void server_free_if_done(struct http_server *s)
{
    if (!s->closing || s->hooks_open || s->shared.conns || s->listener_count)
        return;
    http_shared_fini(&s->shared);
    free(s->socket_group);
    free(s);
}

static void server_hook_closed(uv_handle_t *handle)
{
    struct http_server *s = handle->data;
    s->hooks_open--;
    server_free_if_done(s);
}

static int64_t or_default(int64_t value, int64_t absent)
{
    return value ? value : absent;
}

static void server_on_conn_closed(struct http_shared *shared);

struct http_server *http_server_new(struct loop *l, const struct http_server_options *options,
                                    const struct http_service *service,
                                    struct backend_client *backend)
{
    struct http_server *s = NEW(struct http_server);
    s->shared.loop = l;
    s->shared.service = service;
    s->shared.backend = backend;
    s->shared.conn_closed = server_on_conn_closed;
    s->shared.idle_timeout_ms = or_default(options->idle_timeout_ms, DEFAULT_IDLE_TIMEOUT_MS);
    s->shared.half_closed_check_ms =
        or_default(options->half_closed_check_ms, DEFAULT_HALF_CLOSED_CHECK_MS);
    s->shared.head_timeout_ms = or_default(options->head_timeout_ms, DEFAULT_HEAD_TIMEOUT_MS);
    s->max_connections = or_default(options->max_connections, DEFAULT_MAX_CONNECTIONS);
    s->socket_group = xstrdup(str_or_empty(options->socket_group));
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
    if (s->shared.conn_count >= (uint64_t)s->max_connections) {
        http_listener_set_waiting(listener, true);
        log_warn("connection limit reached, accepting is paused",
                 LOG_INT("max_connections", s->max_connections));
        return;
    }
    http_listener_set_waiting(listener, false);
    struct http_conn *c = http_conn_new(&s->shared, http_listener_is_tcp(listener));
    if (uv_accept(http_listener_stream(listener), http_conn_stream(c)))
        http_conn_abort(c);
    else
        http_input_start(c);
}

static void server_on_connection(void *arg, struct http_listener *listener)
{
    server_accept(arg, listener);
}

/* There is room again for those that wait. */
static void server_on_conn_closed(struct http_shared *shared)
{
    struct http_server *s = CONTAINER_OF(shared, struct http_server, shared);
    for (unsigned i = 0; i < s->listener_count && !s->closing; i++)
        if (http_listener_waiting(s->listeners[i]))
            server_accept(s, s->listeners[i]);
    server_free_if_done(s);
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
        http_listener_open(s->shared.loop, url, s->socket_group, &events, s, err);
    if (!listener)
        return error_wrap(err, "--listen %s", url);
    s->listeners[s->listener_count++] = listener;
    return 0;
}

static bool is_separator(char c)
{
    return c == ',' || c == ' ';
}

/* A separator ends an address only where another one begins: paths may have blanks and commas. */
static char *address_end(char *address)
{
    for (char *at = address; *at; at++) {
        if (!is_separator(*at))
            continue;
        char *next = at + strspn(at, ", ");
        size_t scheme = strspn(next, "abcdefghijklmnopqrstuvwxyz");
        if (!*next || (scheme && str_starts(next + scheme, "://")))
            return at;
        at = next - 1;
    }
    return address + strlen(address);
}

int http_server_listen(struct http_server *s, const char *urls, struct error *err)
{
    AUTO_FREE char *copy = xstrdup(urls);
    unsigned before = s->listener_count;
    for (char *url = copy + strspn(copy, ", "), *end; *url; url = end + strspn(end, ", ")) {
        end = address_end(url);
        if (is_separator(*end))
            *end++ = '\0';
        if (server_listen_one(s, url, err))
            return -1;
    }
    if (s->listener_count == before)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "nothing to listen on: --listen takes unix:///path or tcp://host:port");
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
    http_conn_abort_all(&s->shared);
    uv_close((uv_handle_t *)&s->prepare, server_hook_closed);
    uv_close((uv_handle_t *)&s->timer, server_hook_closed);
}

unsigned http_server_connections(const struct http_server *s)
{
    return s->shared.conn_count;
}

struct http_shared *http_server_shared(struct http_server *s)
{
    return &s->shared;
}
