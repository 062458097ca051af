/* SPDX-License-Identifier: Apache-2.0
 * The guard at a listener's door; see listener_guard.h. Owns nothing but two descriptors, which it
 * keeps so that it can work when there are no others left.
 *
 * nng does not tell which descriptor is whose. A stranger's is known by the listener's address on
 * our end and by SO_KEEPALIVE, which is off until he is admitted. As nng's threads close
 * descriptors at any moment and the kernel hands the numbers out again, nothing is done to a
 * descriptor itself: it is copied to `spare`, looked at once more there, and the copy is used. */
#include "ipc/listener_guard.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "ipc/tcp_socket.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOOK_MS = 1000,
    LOOK_AT_STRANGERS_MS = 200,
    HANDSHAKE_BYTES_MAX = 32 * 1024,
};

struct stranger {
    ino_t inode;
    int fd;
    int64_t since_ms;
    bool too_much;
};

struct strangers {
    struct stranger *items;
    size_t len, cap;
};

struct listener_guard {
    struct listener_guard_limits limits;
    struct sockaddr_storage address;
    DIR *descriptors; /* /proc/self/fd */
    int spare;
    struct strangers known; /* of the last look, by inode */
    uv_timer_t timer;
};

/* ---- one socket ---- */

static bool address_is_ours(const struct listener_guard *g, const struct sockaddr_storage *end)
{
    static const struct in6_addr any = IN6ADDR_ANY_INIT;
    if (end->ss_family != g->address.ss_family)
        return false;
    if (end->ss_family == AF_INET6) {
        const struct sockaddr_in6 *ours = (const void *)&g->address, *its = (const void *)end;
        return its->sin6_port == ours->sin6_port &&
               (memcmp(&ours->sin6_addr, &any, sizeof any) == 0 ||
                memcmp(&ours->sin6_addr, &its->sin6_addr, sizeof any) == 0);
    }
    const struct sockaddr_in *ours = (const void *)&g->address, *its = (const void *)end;
    return its->sin_port == ours->sin_port && (ours->sin_addr.s_addr == htonl(INADDR_ANY) ||
                                               ours->sin_addr.s_addr == its->sin_addr.s_addr);
}

/* A connection to the listener, no matter whose. */
static bool is_connection(const struct listener_guard *g, int fd)
{
    struct sockaddr_storage end = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof end;
    return getsockname(fd, (struct sockaddr *)&end, &len) == 0 && address_is_ours(g, &end) &&
           tcp_socket_option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 0;
}

/* The copy in `spare` is a stranger's. */
static bool spare_look(const struct listener_guard *g, struct stranger *out)
{
    struct stat st;
    if (!is_connection(g, g->spare) || fstat(g->spare, &st))
        return false;
    out->inode = st.st_ino;
    if (tcp_socket_option(g->spare, SOL_SOCKET, SO_KEEPALIVE) == 0) {
        out->too_much = tcp_socket_received(g->spare) > HANDSHAKE_BYTES_MAX;
        return true;
    }
    tcp_socket_keep_alive(g->spare);
    return false;
}

static bool spare_take(const struct listener_guard *g, int fd)
{
    return dup3(fd, g->spare, O_CLOEXEC) >= 0;
}

/* The copy must not keep a connection open that nng has closed. */
static void spare_release(const struct listener_guard *g)
{
    (void)dup3(dirfd(g->descriptors), g->spare, O_CLOEXEC);
}

/* ---- all of them ---- */

static int by_inode(const void *a, const void *b)
{
    const struct stranger *x = a, *y = b;
    return (x->inode > y->inode) - (x->inode < y->inode);
}

static int by_age(const void *a, const void *b)
{
    const struct stranger *x = a, *y = b;
    return (x->since_ms > y->since_ms) - (x->since_ms < y->since_ms);
}

static void strangers_add(struct strangers *s, const struct stranger *one)
{
    if (s->len == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 64;
        s->items = xrealloc(s->items, s->cap * sizeof *s->items);
    }
    s->items[s->len++] = *one;
}

static int64_t first_seen(const struct listener_guard *g, const struct stranger *one, int64_t now)
{
    const struct stranger *known = NULL;
    if (g->known.len)
        known = bsearch(one, g->known.items, g->known.len, sizeof *one, by_inode);
    return known ? known->since_ms : now;
}

static struct strangers strangers_find(struct listener_guard *g, int64_t now)
{
    struct strangers found = {.len = 0};
    rewinddir(g->descriptors);
    for (const struct dirent *e; (e = readdir(g->descriptors));) {
        struct stranger one = {.fd = atoi(e->d_name)};
        if (e->d_name[0] == '.' || one.fd == g->spare || !is_connection(g, one.fd))
            continue;
        if (spare_take(g, one.fd) && spare_look(g, &one)) {
            one.since_ms = first_seen(g, &one, now);
            strangers_add(&found, &one);
        }
        spare_release(g);
    }
    return found;
}

static void stranger_shut(const struct listener_guard *g, const struct stranger *one)
{
    struct stranger again = {.fd = one->fd};
    if (spare_take(g, one->fd) && spare_look(g, &again) && again.inode == one->inode)
        (void)shutdown(g->spare, SHUT_RDWR);
    spare_release(g);
}

/* Who came last is most likely in the middle of an honest handshake. */
static size_t strangers_shut(struct listener_guard *g, struct strangers *found, int64_t now)
{
    size_t kept = 0, shut = 0;
    if (found->len)
        qsort(found->items, found->len, sizeof *found->items, by_age);
    for (size_t i = 0; i < found->len; i++) {
        struct stranger *one = &found->items[i];
        bool crowd = found->len - i + kept > g->limits.strangers_max;
        if (crowd || one->too_much || now - one->since_ms >= g->limits.handshake_ms) {
            stranger_shut(g, one);
            shut++;
        } else {
            found->items[kept++] = *one;
        }
    }
    found->len = kept;
    if (kept)
        qsort(found->items, kept, sizeof *found->items, by_inode);
    return shut;
}

static void on_time(uv_timer_t *timer)
{
    struct listener_guard *g = timer->data;
    int64_t now = time_mono_ms();
    struct strangers found = strangers_find(g, now);
    size_t shut = strangers_shut(g, &found, now);
    if (shut)
        log_warn("connections without a handshake shut", LOG_INT("shut", shut),
                 LOG_INT("left", found.len));
    free(g->known.items);
    g->known = found;
    uv_timer_start(timer, on_time, found.len || shut ? LOOK_AT_STRANGERS_MS : LOOK_MS, 0);
}

/* ---- life ---- */

static bool address_take(struct listener_guard *g, const nng_sockaddr *address)
{
    if (address->s_family == NNG_AF_INET) {
        struct sockaddr_in *sin = (void *)&g->address;
        sin->sin_family = AF_INET;
        sin->sin_port = address->s_in.sa_port;
        sin->sin_addr.s_addr = address->s_in.sa_addr;
    } else if (address->s_family == NNG_AF_INET6) {
        struct sockaddr_in6 *sin6 = (void *)&g->address;
        sin6->sin6_family = AF_INET6;
        sin6->sin6_port = address->s_in6.sa_port;
        memcpy(&sin6->sin6_addr, address->s_in6.sa_addr, sizeof sin6->sin6_addr);
    }
    return g->address.ss_family != AF_UNSPEC;
}

int listener_guard_open(struct loop *l, const nng_sockaddr *address,
                        const struct listener_guard_limits *limits, struct listener_guard **out,
                        struct error *err)
{
    struct listener_guard *g = NEW(struct listener_guard);
    g->limits = *limits;
    g->spare = -1;
    if (address_take(g, address))
        g->descriptors = opendir("/proc/self/fd");
    if (g->descriptors)
        g->spare = fcntl(dirfd(g->descriptors), F_DUPFD_CLOEXEC, 0);
    if (g->spare < 0) {
        int rc = g->address.ss_family == AF_UNSPEC ? EAFNOSUPPORT : errno;
        if (g->descriptors)
            closedir(g->descriptors);
        free(g);
        return error_set(err, ERROR_SYSTEM, "cannot guard the listener: %s", strerror(rc));
    }
    uv_timer_init(&l->uv, &g->timer);
    g->timer.data = g;
    uv_timer_start(&g->timer, on_time, LOOK_AT_STRANGERS_MS, 0);
    *out = g;
    return 0;
}

bool listener_guard_admit(nng_stream *stream)
{
    return nng_stream_set_bool(stream, NNG_OPT_TCP_KEEPALIVE, true) == 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct listener_guard *g = handle->data;
    closedir(g->descriptors);
    close(g->spare);
    free(g->known.items);
    free(g);
}

void listener_guard_close(struct listener_guard *g)
{
    if (g)
        uv_close((uv_handle_t *)&g->timer, on_timer_closed);
}
