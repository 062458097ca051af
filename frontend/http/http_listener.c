/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening and closing one listening socket; see http_listener.h. Owns the socket file it made: only
 * that very file (same device and inode) is unlinked at the end.
 */
#include "frontend/http/http_listener.h"

#include "base/alloc.h"
#include "base/listen_address.h"
#include "base/log.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LISTEN_BACKLOG = 511, SOCKET_MODE = 0660 };

struct http_listener {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_pipe_t pipe;
        uv_tcp_t tcp;
    } sock;
    struct http_listener_events events;
    void *arg;
    char *path; /* unix only */
    dev_t dev;
    ino_t ino;
    bool is_tcp, waiting;
};

static void listener_on_connection(uv_stream_t *stream, int status)
{
    struct http_listener *l = stream->data;
    if (status == 0)
        l->events.connection(l->arg, l);
    else
        log_warn("accepting a connection failed", LOG_STR("reason", uv_strerror(status)));
}

static void listener_on_closed(uv_handle_t *handle)
{
    struct http_listener *l = handle->data;
    struct http_listener_events events = l->events;
    void *arg = l->arg;
    free(l->path);
    free(l);
    if (events.closed)
        events.closed(arg);
}

/* ---- unix ---- */

static int unix_set_group(const char *path, const char *group, struct error *err)
{
    int64_t number;
    gid_t gid;
    struct group *entry = getgrnam(group);
    if (entry)
        gid = entry->gr_gid;
    else if (str_to_i64(group, &number) && number >= 0 && number <= UINT32_MAX)
        gid = (gid_t)number;
    else
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "--socket-group: no such group: %s; give the name or number of one",
                         group);
    if (chown(path, (uid_t)-1, gid))
        return error_errno(err, ERROR_SYSTEM, errno, "give the socket to group %s", group);
    return 0;
}

static int unix_bind(struct http_listener *l, struct loop *loop, const char *path,
                     const char *group, struct error *err)
{
    struct stat st;
    l->path = xstrdup(path);
    uv_pipe_init(&loop->uv, &l->sock.pipe, 0);
    mode_t before = umask(0777 & ~SOCKET_MODE);
    int rc = uv_pipe_bind(&l->sock.pipe, path);
    umask(before);
    if (rc)
        return error_set(err, ERROR_SYSTEM, "%s; choose another address", uv_strerror(rc));
    if (stat(path, &st))
        return error_errno(err, ERROR_SYSTEM, errno, "stat");
    l->dev = st.st_dev;
    l->ino = st.st_ino;
    if (!str_empty(group) && unix_set_group(path, group, err))
        return -1;
    return 0;
}

/* ---- tcp ---- */

static int tcp_bind(struct http_listener *l, struct loop *loop, const struct listen_address *a,
                    struct error *err)
{
    struct sockaddr_storage where;
    const char *host = strcmp(a->host, "localhost") ? a->host : "127.0.0.1";
    l->is_tcp = true;
    uv_tcp_init(&loop->uv, &l->sock.tcp);
    if (uv_ip4_addr(host, a->port, (struct sockaddr_in *)&where) &&
        uv_ip6_addr(host, a->port, (struct sockaddr_in6 *)&where))
        return error_set(err, ERROR_INVALID_PARAMETER, "not an IP address: \"%s\"", host);
    int rc = uv_tcp_bind(&l->sock.tcp, (struct sockaddr *)&where, 0);
    if (rc)
        return error_set(err, ERROR_SYSTEM, "%s; choose another address", uv_strerror(rc));
    return 0;
}

struct http_listener *http_listener_open(struct loop *loop, const char *url, const char *group,
                                         const struct http_listener_events *events, void *arg,
                                         struct error *err)
{
    struct listen_address address;
    if (listen_address_parse(url, "unix://", &address, err) ||
        listen_address_prepare(&address, err))
        return NULL;
    struct http_listener *l = NEW(struct http_listener);
    int rc = address.is_tcp ? tcp_bind(l, loop, &address, err)
                            : unix_bind(l, loop, address.path, group, err);
    l->sock.handle.data = l;
    if (rc == 0 && (rc = uv_listen(&l->sock.stream, LISTEN_BACKLOG, listener_on_connection)))
        error_set(err, ERROR_SYSTEM, "%s; choose another address", uv_strerror(rc));
    if (rc) {
        http_listener_close(l); /* events are not set: it is not reported */
        return NULL;
    }
    l->events = *events;
    l->arg = arg;
    return l;
}

void http_listener_close(struct http_listener *l)
{
    struct stat st;
    if (l->path && lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
        unlink(l->path);
    if (!uv_is_closing(&l->sock.handle))
        uv_close(&l->sock.handle, listener_on_closed);
}

uv_stream_t *http_listener_stream(struct http_listener *l)
{
    return &l->sock.stream;
}

bool http_listener_is_tcp(const struct http_listener *l)
{
    return l->is_tcp;
}

int http_listener_port(const struct http_listener *l)
{
    struct sockaddr_storage where;
    int len = sizeof(where);
    if (uv_tcp_getsockname(&l->sock.tcp, (struct sockaddr *)&where, &len))
        return 0;
    return where.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&where)->sin6_port)
                                       : ntohs(((struct sockaddr_in *)&where)->sin_port);
}

bool http_listener_waiting(const struct http_listener *l)
{
    return l->waiting;
}

void http_listener_set_waiting(struct http_listener *l, bool waiting)
{
    l->waiting = waiting;
}
