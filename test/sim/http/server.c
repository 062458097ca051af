/* SPDX-License-Identifier: Apache-2.0
 * HTTP server; see server.h. */
#include "test/sim/http/server.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IDLE_S 120u /* of a connection without a request */

struct http_server {
    struct MHD_Daemon *daemon;
    const struct http_route *routes;
    char address[96];
};

/* One request while its body arrives. */
struct exchange {
    char *uri; /* as sent */
    struct buf body;
    size_t body_max;
    bool began, too_large;
};

const char *http_request_header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (!strcasecmp(request->headers[i].name, name))
            return request->headers[i].value;
    return NULL;
}

void http_reply_header(struct http_reply *reply, const char *name, const char *value)
{
    if (reply->header_count < ARRAY_LEN(reply->headers))
        reply->headers[reply->header_count++] = (struct http_header){xstrdup(name), xstrdup(value)};
}

void http_reply_text(struct http_reply *reply, int status, const char *content_type,
                     const char *text)
{
    reply->status = status;
    reply->content_type = content_type;
    buf_clear(&reply->body);
    buf_puts(&reply->body, text);
}

static enum MHD_Result collect_header(void *ctx, enum MHD_ValueKind kind, const char *key,
                                      const char *value)
{
    struct http_request *request = ctx;
    (void)kind;
    if (request->header_count < HTTP_HEADERS_MAX)
        request->headers[request->header_count++] = (struct http_header){key, str_or_empty(value)};
    return MHD_YES;
}

static const struct http_route *find_route(const struct http_route *routes, const char *method,
                                           const char *path)
{
    for (const struct http_route *r = routes; r->path; r++) {
        size_t len = strlen(r->path);
        bool fits = len && r->path[len - 1] == '*' ? !strncmp(path, r->path, len - 1)
                                                   : !strcmp(path, r->path);
        if (fits && (!r->method || !strcmp(r->method, method)))
            return r;
    }
    return NULL;
}

static enum MHD_Result send_reply(struct MHD_Connection *connection, struct http_reply *reply)
{
    size_t len = reply->body.len;
    char *body = buf_steal(&reply->body);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(body);
        return MHD_NO;
    }
    if (!reply->content_type || *reply->content_type)
        MHD_add_response_header(response, "Content-Type",
                                reply->content_type ? reply->content_type : "application/json");
    for (size_t i = 0; i < reply->header_count; i++)
        MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
    enum MHD_Result rc =
        MHD_queue_response(connection, (unsigned)(reply->status ? reply->status : 200), response);
    MHD_destroy_response(response);
    return rc;
}

static enum MHD_Result answer(struct http_server *server, struct MHD_Connection *connection,
                              const char *method, struct exchange *x)
{
    struct http_request request = {
        .method = method, .body = str_or_empty(x->body.data), .body_len = x->body.len};
    struct http_reply reply = {0};
    char *question = strchr(x->uri, '?');
    request.query = question ? question + 1 : "";
    if (question)
        *question = '\0';
    request.path = x->uri;
    MHD_get_connection_values(connection, MHD_HEADER_KIND, collect_header, &request);
    const struct http_route *route = find_route(server->routes, method, request.path);
    /* However long the handler takes, the connection is not idle. */
    MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
    if (x->too_large)
        http_reply_text(&reply, 413, NULL, "{\"message\":\"the request's body is too large\"}\n");
    else if (route)
        route->handle(route->ctx, &request, &reply);
    else
        http_reply_text(&reply, 404, NULL, "{\"message\":\"no such path\"}\n");
    MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, IDLE_S);
    enum MHD_Result rc = reply.drop ? MHD_NO : send_reply(connection, &reply);
    buf_free(&reply.body);
    for (size_t i = 0; i < reply.header_count; i++) {
        free((char *)reply.headers[i].name);
        free((char *)reply.headers[i].value);
    }
    return rc;
}

static void *on_uri(void *ctx, const char *uri, struct MHD_Connection *connection)
{
    (void)ctx;
    (void)connection;
    struct exchange *x = NEW(struct exchange);
    x->uri = xstrdup(uri);
    return x;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **slot)
{
    struct exchange *x = *slot;
    struct http_server *server = ctx;
    (void)version;
    if (!x->began) {
        const struct http_route *route = find_route(server->routes, method, url);
        x->body_max = route && route->body_max ? route->body_max : HTTP_BODY_MAX;
        x->began = true;
        return MHD_YES;
    }
    if (*upload_len) {
        if (x->body.len + *upload_len > x->body_max)
            x->too_large = true;
        else
            buf_append(&x->body, upload, *upload_len);
        *upload_len = 0;
        return MHD_YES;
    }
    return answer(server, connection, method, x);
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **slot,
                         enum MHD_RequestTerminationCode code)
{
    struct exchange *x = *slot;
    (void)ctx;
    (void)connection;
    (void)code;
    if (!x)
        return;
    buf_free(&x->body);
    free(x->uri);
    free(x);
    *slot = NULL;
}

static int bind_socket(const char *listen_text, struct http_server *server, struct error *err)
{
    char host[64];
    snprintf(host, sizeof host, "%s", listen_text);
    char *colon = strrchr(host, ':');
    int64_t port;
    struct sockaddr_in addr = {.sin_family = AF_INET};
    if (colon)
        *colon = '\0';
    if (!colon || !inet_aton(host, &addr.sin_addr) || !str_to_i64(colon + 1, &port) || port < 0 ||
        port > 65535)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "--listen: \"%s\" is not an address; give one like "
                         "127.0.0.1:4566",
                         listen_text);
    addr.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0)
        return error_errno(err, ERROR_SYSTEM, errno, "socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    socklen_t len = sizeof addr;
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) || listen(fd, 512) ||
        getsockname(fd, (struct sockaddr *)&addr, &len)) {
        error_set(err, ERROR_UNAVAILABLE, "--listen: %s: %s; choose another address or port",
                  listen_text, strerror(errno));
        close(fd);
        return -1;
    }
    snprintf(server->address, sizeof server->address, "%s:%u", host, ntohs(addr.sin_port));
    return fd;
}

struct http_server *http_server_open(const char *listen_text, const struct http_route *routes,
                                     struct error *err)
{
    struct http_server *server = NEW(struct http_server);
    server->routes = routes;
    int fd = bind_socket(listen_text, server, err);
    if (fd >= 0) {
        server->daemon = MHD_start_daemon(
            MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
                MHD_USE_ITC,
            0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, fd,
            MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_URI_LOG_CALLBACK, on_uri,
            server, MHD_OPTION_CONNECTION_LIMIT, 1000u, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)131072, MHD_OPTION_THREAD_STACK_SIZE,
            (size_t)524288, MHD_OPTION_END);
        if (!server->daemon) {
            close(fd);
            error_set(err, ERROR_SYSTEM, "HTTP server did not start");
        }
    }
    if (!server->daemon) {
        free(server);
        return NULL;
    }
    return server;
}

void http_server_close(struct http_server *server)
{
    if (!server)
        return;
    MHD_stop_daemon(server->daemon);
    free(server);
}

const char *http_server_address(const struct http_server *server)
{
    return server->address;
}
