/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kit/http_mock.h"

#include <stdarg.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>

bool mock_send(int fd, const void *bytes, size_t len)
{
    const char *p = bytes;
    while (len) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

bool mock_reply(struct mock_request *r, int status, const char *headers, const void *body,
                size_t len)
{
    char head[8192];
    int n = snprintf(head, sizeof head, "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\n\r\n", status,
                     headers, len);
    bool is_head = strcmp(r->method, "HEAD") == 0;
    return mock_send(r->fd, head, (size_t)n) && (is_head || mock_send(r->fd, body, len));
}

bool mock_text(struct mock_request *r, int status, const char *headers, const char *body)
{
    return mock_reply(r, status, headers, body, strlen(body));
}

bool mock_textf(struct mock_request *r, int status, const char *body, const char *headers, ...)
{
    char lines[2048];
    va_list ap;
    va_start(ap, headers);
    vsnprintf(lines, sizeof lines, headers, ap);
    va_end(ap);
    return mock_text(r, status, lines, body);
}

bool mock_header(const struct mock_request *r, const char *name, char *out, size_t size)
{
    for (const char *line = strstr(r->head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        size_t n = strlen(name);
        if (strncasecmp(line, name, n) != 0 || line[n] != ':')
            continue;
        line += n + 1;
        line += strspn(line, " ");
        snprintf(out, size, "%.*s", (int)strcspn(line, "\r\n"), line);
        return true;
    }
    return false;
}

void mock_note_header(const struct mock_request *r, const char *name, char *out, size_t size)
{
    if (!mock_header(r, name, out, size))
        snprintf(out, size, "none");
}

bool mock_reset(struct mock_request *r)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    setsockopt(r->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    return false;
}

bool mock_stall(struct mock_request *r)
{
    char c;
    while (recv(r->fd, &c, 1, 0) > 0)
        ;
    return false;
}

static bool mock_read_line(struct mock_request *r, char *out, size_t size)
{
    size_t n = 0;
    while (n + 1 < size && recv(r->fd, out + n, 1, 0) == 1)
        if (out[n++] == '\n') {
            out[n] = '\0';
            return true;
        }
    return false;
}

static bool mock_read_bytes(struct mock_request *r, size_t len)
{
    if (r->body_len + len > MOCK_BODY_MAX)
        return false;
    r->body = realloc(r->body, r->body_len + len + 1);
    while (len) {
        ssize_t n = recv(r->fd, r->body + r->body_len, len, 0);
        if (n <= 0)
            return false;
        r->body_len += (size_t)n;
        len -= (size_t)n;
    }
    r->body[r->body_len] = '\0';
    return true;
}

bool mock_read_body(struct mock_request *r)
{
    char value[64] = "0";
    if (!mock_header(r, "Transfer-Encoding", value, sizeof value)) {
        mock_header(r, "Content-Length", value, sizeof value);
        return mock_read_bytes(r, strtoul(value, NULL, 10));
    }
    for (;;) {
        if (!mock_read_line(r, value, sizeof value))
            return false;
        size_t len = strtoul(value, NULL, 16);
        if ((len && !mock_read_bytes(r, len)) || !mock_read_line(r, value, sizeof value))
            return false;
        if (!len)
            return mock_read_bytes(r, 0);
    }
}

static bool mock_read_request(struct mock_request *r)
{
    size_t have = 0;
    char *end = NULL;
    while (!end) {
        if (have == sizeof r->head - 1)
            return false;
        /* byte by byte: nothing of the next request is taken */
        if (recv(r->fd, r->head + have, 1, 0) <= 0)
            return false;
        r->head[++have] = '\0';
        if (have >= 4 && memcmp(r->head + have - 4, "\r\n\r\n", 4) == 0)
            end = r->head + have;
    }
    r->body_len = 0;
    if (sscanf(r->head, "%15s %4095s", r->method, r->path) != 2)
        return false;
    return r->mock->lazy ? mock_read_bytes(r, 0) : mock_read_body(r);
}

static void *mock_connection(void *arg)
{
    struct mock_conn *c = arg;
    struct mock *m = c->mock;
    struct mock_request *r = calloc(1, sizeof *r);
    r->mock = m;
    r->fd = c->fd;
    bool go_on = true;
    while (go_on) {
        go_on = mock_read_request(r) && m->handler(m->arg, r);
        free(r->body);
        r->body = NULL;
    }
    pthread_mutex_lock(&m->lock);
    close(c->fd);
    c->fd = -1;
    pthread_mutex_unlock(&m->lock);
    free(r);
    return NULL;
}

static void *mock_accept(void *arg)
{
    struct mock *m = arg;
    for (;;) {
        int fd = accept4(m->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return NULL;
        int on = 1; /* heads and bodies are sent apart */
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        pthread_mutex_lock(&m->lock);
        struct mock_conn *c = m->conns + m->count;
        bool room = !m->stopping && m->count < MOCK_CONNECTIONS_MAX;
        *c = (struct mock_conn){.fd = fd, .mock = m};
        if (room && pthread_create(&c->thread, NULL, mock_connection, c) == 0)
            m->count++;
        else
            close(fd);
        pthread_mutex_unlock(&m->lock);
    }
}

struct mock *mock_start(mock_handler handler, void *arg)
{
    struct mock *m = calloc(1, sizeof *m);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof addr;
    m->handler = handler;
    m->arg = arg;
    pthread_mutex_init(&m->lock, NULL);
    m->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (m->fd < 0 || bind(m->fd, (struct sockaddr *)&addr, size) || listen(m->fd, 512) ||
        getsockname(m->fd, (struct sockaddr *)&addr, &size) ||
        pthread_create(&m->acceptor, NULL, mock_accept, m)) {
        perror("mock server");
        abort();
    }
    m->port = ntohs(addr.sin_port);
    return m;
}

int mock_connections(struct mock *m)
{
    pthread_mutex_lock(&m->lock);
    int count = m->count;
    pthread_mutex_unlock(&m->lock);
    return count;
}

void mock_stop(struct mock *m)
{
    pthread_mutex_lock(&m->lock);
    m->stopping = true;
    for (int i = 0; i < m->count; i++)
        if (m->conns[i].fd >= 0)
            shutdown(m->conns[i].fd, SHUT_RDWR);
    pthread_mutex_unlock(&m->lock);
    shutdown(m->fd, SHUT_RDWR); /* accept4() returns */
    pthread_join(m->acceptor, NULL);
    for (int i = 0; i < m->count; i++)
        pthread_join(m->conns[i].thread, NULL);
    close(m->fd);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

bool mock_answer_fixed(struct mock_request *r, const struct mock_answer *rows, size_t count,
                       const char *name, int number, bool *go_on)
{
    for (size_t i = 0; i < count; i++) {
        const struct mock_answer *row = &rows[i];
        if (strcmp(row->name, name) != 0 || number < row->first ||
            (row->last && number > row->last))
            continue;
        *go_on = row->status > 0 && mock_text(r, row->status, row->headers, row->body);
        if (row->status == MOCK_RESET)
            mock_reset(r);
        if (row->status == MOCK_STALL)
            mock_stall(r);
        return true;
    }
    return false;
}
