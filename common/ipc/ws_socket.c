/* SPDX-License-Identifier: Apache-2.0
 * An accepted connection; see ws_socket.h. With TLS, reads and writes go through tls_server.h:
 * `writing` is the owner's write, `flushing` one of encrypted bytes, which may also be TLS's own.
 */
#include "ipc/ws_socket.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <assert.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    KEEP_IDLE_S = 30,
    KEEP_INTERVAL_S = 10,
    KEEP_COUNT = 3,
    TLS_READ = 64 * 1024,
    TLS_PIECE = 16 * 1024,       /* a record */
    TLS_OUTPUT_MAX = 128 * 1024, /* encrypted and not sent */
};

struct ws_socket {
    struct loop *loop;
    uv_tcp_t tcp;
    uv_write_t request;
    const struct ws_socket_events *events;
    void *owner;
    unsigned char *to; /* NULL: no read is asked for */
    size_t room;
    uint64_t received;
    bool reading, writing, closing, closed;
    struct tls_session *tls; /* NULL: none */
    struct loop_deferred again;
    bool flushing;
    struct buf flush;                   /* encrypted, on its way */
    uv_buf_t plain[WS_SOCKET_BUFS_MAX]; /* of the owner's write, not yet encrypted */
};

static void socket_maybe_free(struct ws_socket *s)
{
    if (!s->closed || s->again.queued)
        return;
    tls_session_free(s->tls);
    buf_free(&s->flush);
    free(s);
}

/* ---- reading ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    /* Filled and emptied within one call from libuv, for one connection at a time. */
    static char encrypted[TLS_READ];
    struct ws_socket *s = handle->data;
    (void)suggested;
    *buf = s->tls ? uv_buf_init(encrypted, sizeof encrypted)
                  : uv_buf_init((char *)s->to, (unsigned)s->room);
}

static void read_ended(struct ws_socket *s, ssize_t n)
{
    s->to = NULL;
    s->events->read(s->owner, n);
}

static int tls_flush(struct ws_socket *s);

static bool tls_output_full(struct ws_socket *s)
{
    const void *unused;
    return s->flushing && tls_session_output(s->tls, &unused) > TLS_OUTPUT_MAX;
}

/* Hands out what TLS has, as long as it is taken. */
static void tls_deliver(struct ws_socket *s)
{
    while (s->to && !s->closing) {
        int n = tls_session_read(s->tls, s->to, s->room);
        int rc = tls_flush(s); /* TLS answers by itself: its handshake, its alerts */
        if (n > 0)
            read_ended(s, n);
        else if (n < 0 || rc < 0 || tls_output_full(s))
            read_ended(s, n == -1 ? UV_EOF : UV_EPROTO);
        else
            break;
    }
}

static void run_again(struct loop_deferred *d)
{
    struct ws_socket *s = CONTAINER_OF(d, struct ws_socket, again);
    if (!s->closing)
        tls_deliver(s);
    socket_maybe_free(s);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct ws_socket *s = stream->data;
    if (n == 0 || s->closing)
        return;
    if (n > 0)
        s->received += (size_t)n;
    if (n > 0 && s->tls) {
        tls_session_give(s->tls, buf->base, (size_t)n);
        tls_deliver(s);
    } else {
        read_ended(s, n);
    }
    if (s->reading && !s->to) {
        s->reading = false;
        uv_read_stop(stream);
    }
}

void ws_socket_read(struct ws_socket *s, void *to, size_t room)
{
    assert(!s->to && !s->closing);
    s->to = to;
    s->room = room;
    if (s->tls && tls_session_has_input(s->tls))
        loop_defer(s->loop, &s->again);
    if (!s->reading) {
        s->reading = true;
        uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_read);
    }
}

void ws_socket_read_stop(struct ws_socket *s)
{
    s->to = NULL;
    if (s->reading) {
        s->reading = false;
        uv_read_stop((uv_stream_t *)&s->tcp);
    }
}

/* ---- writing ---- */

static void bufs_skip(uv_buf_t *bufs, unsigned count, size_t n)
{
    for (unsigned i = 0; i < count; i++) {
        size_t here = n < bufs[i].len ? n : bufs[i].len;
        bufs[i].base += here;
        bufs[i].len -= here;
        n -= here;
    }
}

static size_t bufs_len(const uv_buf_t *bufs, unsigned count)
{
    size_t len = 0;
    for (unsigned i = 0; i < count; i++)
        len += bufs[i].len;
    return len;
}

static void on_written(uv_write_t *request, int rc)
{
    struct ws_socket *s = CONTAINER_OF(request, struct ws_socket, request);
    s->flushing = false;
    if (s->closing)
        return;
    if (s->tls) {
        buf_clear(&s->flush);
        if (rc == 0)
            rc = tls_flush(s);
        if (s->flushing || !s->writing)
            return;
    }
    s->writing = false;
    s->events->written(s->owner, rc < 0 ? rc : 0);
}

/* At once as much as the kernel takes, then the rest. As ws_socket_write(). */
static int tcp_write(struct ws_socket *s, uv_buf_t *bufs, unsigned count)
{
    uv_stream_t *stream = (uv_stream_t *)&s->tcp;
    int n = uv_try_write(stream, bufs, count);
    if (n < 0 && n != UV_EAGAIN)
        return n;
    if (n > 0)
        bufs_skip(bufs, count, (size_t)n);
    if (bufs_len(bufs, count) == 0)
        return 1;
    return uv_write(&s->request, stream, bufs, count, on_written);
}

static bool tls_encrypt_some(struct ws_socket *s)
{
    for (unsigned i = 0; i < WS_SOCKET_BUFS_MAX; i++) {
        uv_buf_t *b = &s->plain[i];
        size_t n = b->len < TLS_PIECE ? b->len : TLS_PIECE;
        if (n && !tls_session_write(s->tls, b->base, n))
            return false;
        b->base += n;
        b->len -= n;
    }
    return true;
}

/* Encrypts and sends until the kernel takes no more. 1: nothing is left; 0: on_written() goes on;
 * else libuv's error. */
static int tls_flush(struct ws_socket *s)
{
    int rc = 1;
    while (rc == 1 && !s->flushing) {
        const void *bytes;
        if (!tls_encrypt_some(s))
            return UV_EPROTO;
        size_t len = tls_session_output(s->tls, &bytes);
        if (len == 0)
            return 1;
        buf_append(&s->flush, bytes, len);
        tls_session_sent(s->tls);
        uv_buf_t buf = uv_buf_init(s->flush.data, (unsigned)s->flush.len);
        rc = tcp_write(s, &buf, 1);
        s->flushing = rc == 0;
        if (rc == 1)
            buf_clear(&s->flush);
    }
    return s->flushing ? 0 : rc;
}

int ws_socket_write(struct ws_socket *s, const uv_buf_t *bufs, unsigned count)
{
    uv_buf_t rest[WS_SOCKET_BUFS_MAX] = {{0}};
    assert(!s->writing && !s->closing && count <= WS_SOCKET_BUFS_MAX);
    memcpy(rest, bufs, count * sizeof *bufs);
    int rc;
    if (s->tls) {
        memcpy(s->plain, rest, sizeof rest);
        rc = tls_flush(s);
    } else {
        rc = tcp_write(s, rest, count);
    }
    s->writing = rc == 0;
    return rc;
}

/* ---- open and close ---- */

struct ws_socket *ws_socket_open(struct loop *l, int fd, struct tls_server *tls, struct error *err)
{
    struct ws_socket *s = NEW(struct ws_socket);
    uv_tcp_init(&l->uv, &s->tcp);
    s->tcp.data = s;
    s->loop = l;
    s->again.run = run_again;
    int rc = uv_tcp_open(&s->tcp, fd);
    if (rc) {
        close(fd);
        ws_socket_close(s);
        error_set(err, ERROR_SYSTEM, "connection: %s", uv_strerror(rc));
        return NULL;
    }
    uv_tcp_nodelay(&s->tcp, 1);
    if (tls)
        s->tls = tls_session_new(tls);
    return s;
}

void ws_socket_own(struct ws_socket *s, const struct ws_socket_events *events, void *owner)
{
    s->events = events;
    s->owner = owner;
}

uint64_t ws_socket_received(const struct ws_socket *s)
{
    return s->received;
}

void ws_socket_keep_alive(struct ws_socket *s)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S},
        {IPPROTO_TCP, TCP_KEEPINTVL, KEEP_INTERVAL_S},
        {IPPROTO_TCP, TCP_KEEPCNT, KEEP_COUNT},
    };
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)&s->tcp, &fd))
        return;
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

static void on_closed(uv_handle_t *handle)
{
    struct ws_socket *s = handle->data;
    s->closed = true;
    if (s->events)
        s->events->closed(s->owner);
    socket_maybe_free(s);
}

void ws_socket_close(struct ws_socket *s)
{
    if (s->closing)
        return;
    if (s->tls && !s->flushing) {
        memset(s->plain, 0, sizeof s->plain);
        tls_session_end(s->tls);
        (void)tls_flush(s);
    }
    s->closing = true;
    uv_close((uv_handle_t *)&s->tcp, on_closed);
}
