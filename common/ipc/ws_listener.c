/* SPDX-License-Identifier: Apache-2.0
 * The listener for agents; see ws_listener.h. Owns the listening descriptor and the pending
 * connections, oldest first. Accepts by itself instead of with uv_listen(), which without
 * descriptors would turn in a circle, or close connections that could have waited. */
#include "ipc/ws_listener.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "ipc/channel_internal.h"
#include "ipc/tls_server.h"
#include "ipc/ws_handshake.h"
#include "ipc/ws_transport.h"

#include <errno.h>
#include <netdb.h>
#include <nng/nng.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PENDING_DEFAULT_MS = 10000,
    PENDING_DEFAULT_MAX = 256,
    PENDING_BYTES_MAX = 32 * 1024,
    PENDING_UNDISTURBED_MS = 50, /* so long it is not closed in favour of newer ones */
    CHANNELS_DEFAULT_MAX = 16384,
    BACKLOG = 1024,
    ACCEPT_AT_ONCE = 64,
    ACCEPT_RETRY_MS = 100,
    LOG_MS = 1000,
    READ_AT_ONCE = 4096,
};

struct pending {
    struct pending *next, *prev;
    struct ws_listener *listener;
    struct ws_socket *socket;
    struct ws_handshake handshake;
    int64_t since_ms;
};

struct ws_listener {
    struct loop *loop;
    struct ws_listener_options options;
    void (*on_accept)(void *owner, struct channel *c);
    void *owner;
    char url[512];
    char *path;
    struct tls_server *tls; /* NULL: ws:// */
    int fd;
    uv_poll_t poll;
    uv_timer_t resume; /* accepting was put off */
    uv_timer_t limit;  /* of the oldest pending connection */
    unsigned handles;  /* the three, as long as they are open */
    struct pending *oldest, *newest;
    unsigned pending; /* in the list */
    unsigned dropped; /* no longer in the list, and not closed yet */
    unsigned live;    /* accepted */
    unsigned refused; /* since it was logged */
    int64_t logged_ms;
    bool closing;
    char read[READ_AT_ONCE]; /* filled and parsed within one call, for one connection at a time */
};

static void listener_free(struct ws_listener *l)
{
    tls_server_free(l->tls);
    free(l->path);
    free(l);
}

static void listener_maybe_free(struct ws_listener *l)
{
    if (l->closing && !l->handles && !l->pending && !l->dropped && !l->live)
        listener_free(l);
}

/* One line for as many as come in a second: they do not fill the disk. */
static void refusal_log(struct ws_listener *l, const char *why)
{
    int64_t now = time_mono_ms();
    l->refused++;
    if (l->logged_ms && now - l->logged_ms < LOG_MS)
        return;
    log_warn("connection refused", LOG_STR("address", l->url), LOG_STR("reason", why),
             LOG_INT("refused", l->refused), LOG_INT("pending", l->pending),
             LOG_INT("live", l->live));
    l->refused = 0;
    l->logged_ms = now;
}

/* ---- pending connections ---- */

static void pending_unlink(struct pending *p)
{
    struct ws_listener *l = p->listener;
    if (p->next)
        p->next->prev = p->prev;
    else
        l->newest = p->prev;
    if (p->prev)
        p->prev->next = p->next;
    else
        l->oldest = p->next;
    l->pending--;
}

static void pending_free(struct pending *p)
{
    ws_handshake_wipe(&p->handshake);
    free(p);
}

static void pending_drop(struct pending *p)
{
    p->listener->dropped++;
    pending_unlink(p);
    ws_socket_close(p->socket);
}

static void on_pending_closed(void *owner)
{
    struct pending *p = owner;
    struct ws_listener *l = p->listener;
    pending_free(p);
    l->dropped--;
    listener_maybe_free(l);
}

static void pending_refuse(struct pending *p, int status, const char *why)
{
    char answer[WS_HANDSHAKE_ANSWER_MAX];
    uv_buf_t buf = uv_buf_init(answer, (unsigned)ws_handshake_refuse(status, answer));
    refusal_log(p->listener, why);
    (void)ws_socket_write(p->socket, &buf, 1); /* fits into any socket's buffer, or is lost */
    pending_drop(p);
}

static void on_transport_freed(void *arg)
{
    struct ws_listener *l = arg;
    l->live--;
    listener_maybe_free(l);
}

static void pending_admit(struct pending *p)
{
    struct ws_listener *l = p->listener;
    struct ws_socket *socket = p->socket;
    char answer[WS_HANDSHAKE_ANSWER_MAX];
    uv_buf_t buf = uv_buf_init(answer, (unsigned)ws_handshake_accept(&p->handshake, answer));
    if (ws_socket_write(socket, &buf, 1) != 1) { /* as above */
        pending_drop(p);
        return;
    }
    pending_unlink(p);
    pending_free(p);
    ws_socket_keep_alive(socket);
    l->live++;
    struct transport *t = ws_transport_new(l->loop, socket, on_transport_freed, l);
    l->on_accept(l->owner, channel_from_transport(l->loop, t, l->url, &l->options.channel));
}

static void pending_decide(struct pending *p)
{
    struct ws_listener *l = p->listener;
    if (l->live >= l->options.channels_max)
        pending_refuse(p, 503, "too many connections");
    else if (l->options.authorize && !l->options.authorize(l->owner, p->handshake.authorization))
        pending_refuse(p, 401, "not authorized");
    else
        pending_admit(p);
}

static void on_pending_read(void *owner, ssize_t n)
{
    struct pending *p = owner;
    struct ws_listener *l = p->listener;
    if (n <= 0) {
        pending_drop(p);
        return;
    }
    if (ws_socket_received(p->socket) > PENDING_BYTES_MAX) {
        pending_refuse(p, 431, "too many bytes before the handshake was over");
        return;
    }
    enum ws_handshake_result result = ws_handshake_feed(&p->handshake, l->read, (size_t)n);
    explicit_bzero(l->read, (size_t)n); /* there may be a token in it */
    switch (result) {
    case WS_HANDSHAKE_MORE: ws_socket_read(p->socket, l->read, sizeof l->read); break;
    case WS_HANDSHAKE_REFUSED:
        pending_refuse(p, p->handshake.status, "not a valid handshake");
        break;
    case WS_HANDSHAKE_DONE: pending_decide(p); break;
    }
}

static void limit_schedule(struct ws_listener *l);

static void on_limit(uv_timer_t *timer)
{
    struct ws_listener *l = timer->data;
    int64_t now = time_mono_ms();
    while (l->oldest && now - l->oldest->since_ms >= l->options.pending_ms) {
        refusal_log(l, "no handshake in time");
        pending_drop(l->oldest);
    }
    limit_schedule(l);
}

static void timer_set(struct ws_listener *l, uv_timer_t *timer, uv_timer_cb cb, int64_t ms)
{
    uv_update_time(&l->loop->uv);
    uv_timer_start(timer, cb, ms > 0 ? (uint64_t)ms : 1, 0);
}

static void limit_schedule(struct ws_listener *l)
{
    if (l->oldest)
        timer_set(l, &l->limit, on_limit,
                  l->oldest->since_ms + l->options.pending_ms - time_mono_ms());
}

static void pending_new(struct ws_listener *l, int fd)
{
    static const struct ws_socket_events events = {.read = on_pending_read,
                                                   .closed = on_pending_closed};
    struct error err;
    struct ws_socket *socket = ws_socket_open(l->loop, fd, l->tls, &err);
    if (!socket) {
        log_warn(err.message, LOG_STR("address", l->url));
        return;
    }
    struct pending *p = NEW(struct pending);
    p->listener = l;
    p->socket = socket;
    p->since_ms = time_mono_ms();
    ws_handshake_init(&p->handshake, l->path);
    p->prev = l->newest;
    if (p->prev)
        p->prev->next = p;
    else
        l->oldest = p;
    l->newest = p;
    l->pending++;
    ws_socket_own(socket, &events, p);
    ws_socket_read(socket, l->read, sizeof l->read);
    if (l->oldest == p)
        limit_schedule(l);
}

/* ---- accepting ---- */

static void on_acceptable(uv_poll_t *poll, int status, int events);

static void on_resume(uv_timer_t *timer)
{
    struct ws_listener *l = timer->data;
    uv_poll_start(&l->poll, UV_READABLE, on_acceptable);
}

/* New connections wait in the kernel meanwhile. */
static void accept_put_off(struct ws_listener *l, int64_t ms)
{
    uv_poll_stop(&l->poll);
    timer_set(l, &l->resume, on_resume, ms);
}

/* The newest is most likely in the middle of an honest handshake; but each gets a moment. */
static bool room_make(struct ws_listener *l)
{
    if (l->pending < l->options.pending_max)
        return true;
    int64_t age_ms = time_mono_ms() - l->oldest->since_ms;
    if (age_ms < PENDING_UNDISTURBED_MS) {
        accept_put_off(l, PENDING_UNDISTURBED_MS - age_ms);
        return false;
    }
    refusal_log(l, "too many pending connections");
    pending_drop(l->oldest);
    return true;
}

static bool out_of_resources(int code)
{
    return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

static void on_acceptable(uv_poll_t *poll, int status, int events)
{
    struct ws_listener *l = poll->data;
    (void)status;
    (void)events;
    for (int n = 0; n < ACCEPT_AT_ONCE && room_make(l); n++) {
        int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            pending_new(l, fd);
        } else if (out_of_resources(errno)) {
            log_warn("accept failed", LOG_STR("address", l->url),
                     LOG_STR("error", strerror(errno)));
            accept_put_off(l, ACCEPT_RETRY_MS);
            return;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } /* else the peer has given up already */
    }
}

/* ---- opening ---- */

static int listen_at(const struct addrinfo *at)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int code = errno;
    close(fd);
    errno = code;
    return -1;
}

static int listen_on(const nng_url *url, struct error *err)
{
    const struct addrinfo hints = {
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
    };
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(str_empty(url->u_hostname) ? NULL : url->u_hostname, url->u_port, &hints,
                         &found);
    if (rc)
        return error_set(err, ERROR_UNAVAILABLE, "cannot listen on %s: %s; choose another address",
                         url->u_rawurl, gai_strerror(rc));
    int fd = listen_at(found);
    if (fd < 0)
        error_set(err, ERROR_UNAVAILABLE, "cannot listen on %s: %s; choose another address",
                  url->u_rawurl, strerror(errno));
    freeaddrinfo(found);
    return fd;
}

static int tls_open(struct ws_listener *l, struct error *err)
{
    const struct ws_listener_options *o = &l->options;
    bool secure = str_starts(l->url, "wss://");
    if (secure != (o->cert_pem && o->key_pem))
        return error_set(err, ERROR_INVALID_PARAMETER, "%s: %s", l->url,
                         secure ? "wss:// needs a certificate and its key"
                                : "a certificate is for wss:// only");
    if (secure)
        l->tls = tls_server_new(o->cert_pem, o->key_pem, err);
    l->options.cert_pem = l->options.key_pem = NULL;
    return secure && !l->tls ? -1 : 0;
}

static int listener_open(struct ws_listener *l, struct error *err)
{
    nng_url *url = NULL;
    if ((!str_starts(l->url, "ws://") && !str_starts(l->url, "wss://")) ||
        nng_url_parse(&url, l->url))
        return error_set(err, ERROR_INVALID_PARAMETER, "address %s: not a ws:// or wss:// URL",
                         l->url);
    l->path = xstrdup(str_empty(url->u_path) ? "/" : url->u_path);
    int rc = tls_open(l, err);
    if (rc == 0)
        l->fd = listen_on(url, err);
    nng_url_free(url);
    return rc || l->fd < 0 ? -1 : 0;
}

static void defaults_set(struct ws_listener_options *o)
{
    if (!o->pending_ms)
        o->pending_ms = PENDING_DEFAULT_MS;
    if (!o->pending_max)
        o->pending_max = PENDING_DEFAULT_MAX;
    if (!o->channels_max)
        o->channels_max = CHANNELS_DEFAULT_MAX;
}

int ws_listen(struct loop *loop, const char *url, const struct ws_listener_options *options,
              void (*on_accept)(void *owner, struct channel *c), void *owner,
              struct ws_listener **out, struct error *err)
{
    struct ws_listener *l = NEW(struct ws_listener);
    snprintf(l->url, sizeof l->url, "%s", url);
    l->loop = loop;
    l->on_accept = on_accept;
    l->owner = owner;
    l->fd = -1;
    l->options = *options;
    defaults_set(&l->options);
    if (listener_open(l, err)) {
        listener_free(l);
        return -1;
    }
    uv_poll_init(&loop->uv, &l->poll, l->fd);
    uv_timer_init(&loop->uv, &l->resume);
    uv_timer_init(&loop->uv, &l->limit);
    l->poll.data = l->resume.data = l->limit.data = l;
    l->handles = 3;
    uv_poll_start(&l->poll, UV_READABLE, on_acceptable);
    *out = l;
    return 0;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct ws_listener *l = handle->data;
    l->handles--;
    listener_maybe_free(l);
}

void ws_listener_close(struct ws_listener *l)
{
    if (l->closing)
        return;
    l->closing = true;
    while (l->oldest)
        pending_drop(l->oldest);
    uv_close((uv_handle_t *)&l->poll, on_handle_closed);
    uv_close((uv_handle_t *)&l->resume, on_handle_closed);
    uv_close((uv_handle_t *)&l->limit, on_handle_closed);
    close(l->fd);
}
