/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs the frontend's server and the fake backend on a loop in a thread, and a small blocking HTTP
 * client for the test's side.
 */
#ifndef SOCKERLESS_TEST_FRONTEND_HARNESS_H
#define SOCKERLESS_TEST_FRONTEND_HARNESS_H

#include "frontend/routes/router.h"
#include "test/kit/frontend_fake.h"

#include <signal.h>

struct harness {
    struct loop loop;
    struct http_server_options options;
    struct backend_client *backend;
    struct http_server *server;
    struct fake fake;
    pthread_t thread;
    struct loop_task task;
    void (*ask)(struct harness *h); /* runs on the loop, see harness_do */
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool answer;
    char dir[64], listen[96], url[96];
};

static inline void *harness_main(void *arg)
{
    loop_run(&((struct harness *)arg)->loop);
    return NULL;
}

static inline void harness_run_task(struct loop_task *task)
{
    struct harness *h = CONTAINER_OF(task, struct harness, task);
    h->ask(h);
    pthread_mutex_lock(&h->lock);
    h->answer = true;
    pthread_cond_signal(&h->answered);
    pthread_mutex_unlock(&h->lock);
}

/* Runs fn on the loop's thread and waits for it. */
static inline void harness_do(struct harness *h, void (*fn)(struct harness *h))
{
    h->ask = fn;
    h->answer = false;
    h->task.run = harness_run_task;
    loop_post(&h->loop, &h->task);
    pthread_mutex_lock(&h->lock);
    while (!h->answer)
        pthread_cond_wait(&h->answered, &h->lock);
    pthread_mutex_unlock(&h->lock);
}

static inline void harness_open_backend(struct harness *h)
{
    fake_listen(&h->fake, &h->loop, h->url);
}

static inline void harness_start(struct harness *h, bool with_backend)
{
    struct error err;
    struct http_server_options options = h->options;
    signal(SIGPIPE, SIG_IGN); /* as the daemons do */
    *h = (struct harness){.options = options};
    strcpy(h->dir, "/tmp/frontend-test-XXXXXX");
    assert_non_null(mkdtemp(h->dir));
    snprintf(h->listen, sizeof(h->listen), "unix://%s/docker.sock", h->dir);
    snprintf(h->url, sizeof(h->url), "ipc://%s/backend.sock", h->dir);
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->answered, NULL);
    assert_int_equal(loop_init(&h->loop, &err), 0);
    arena_init(&h->fake.created_arena);
    if (with_backend)
        harness_open_backend(h);
    h->backend = backend_client_new(&h->loop, h->url);
    h->server = http_server_new(&h->loop, &h->options, &router_service, h->backend);
    if (http_server_listen(h->server, h->listen, &err))
        fail_msg("%s", err.message);
    pthread_create(&h->thread, NULL, harness_main, h);
}

static inline void harness_close(struct harness *h)
{
    http_server_close(h->server);
    backend_client_free(h->backend);
    if (h->fake.server)
        rpc_server_close(h->fake.server);
    loop_stop(&h->loop); /* loop_fini() waits for what nng's threads still hand back */
}

static inline void harness_stop(struct harness *h)
{
    char path[128];
    harness_do(h, harness_close);
    pthread_join(h->thread, NULL);
    loop_fini(&h->loop);
    if (h->fake.server)
        rpc_server_free(h->fake.server);
    arena_fini(&h->fake.created_arena);
    snprintf(path, sizeof(path), "%s/docker.sock", h->dir);
    assert_int_equal(access(path, F_OK), -1); /* the listener removed it */
    snprintf(path, sizeof(path), "%s/backend.sock", h->dir);
    unlink(path);
    rmdir(h->dir);
}

/* ---- client ---- */

struct client {
    int fd;
    struct buf in;
};

static inline void client_open(struct client *c, const struct harness *h)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = CLIENT_TIMEOUT_S};
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/docker.sock", h->dir);
    *c = (struct client){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    assert_int_equal(connect(c->fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
}

static inline void client_close(struct client *c)
{
    close(c->fd);
    buf_free(&c->in);
}

static inline void client_send_bytes(struct client *c, const void *bytes, size_t len)
{
    while (len) {
        ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL);
        assert_true(n > 0);
        bytes = (const char *)bytes + n;
        len -= (size_t)n;
    }
}

static inline void client_send(struct client *c, const char *text)
{
    client_send_bytes(c, text, strlen(text));
}

/* One read; false at the end of the stream. */
static inline bool client_more(struct client *c)
{
    char *to = buf_reserve(&c->in, 65536);
    ssize_t n = recv(c->fd, to, 65536, 0);
    if (n < 0)
        fail_msg("recv: %s; so far: %s", strerror(errno), c->in.data);
    buf_commit(&c->in, (size_t)n);
    return n > 0;
}

static inline void client_read_len(struct client *c, size_t len)
{
    while (c->in.len < len)
        assert_true(client_more(c));
}

/* Everything up to the end of the connection. */
static inline char *client_read_all(struct client *c)
{
    while (client_more(c))
        ;
    return c->in.data;
}

/* One answer with Content-Length (or without body): head and body as one string, consumed from the
 * stream. The caller frees it. */
static inline char *client_answer(struct client *c)
{
    char *end;
    while (!c->in.data || !(end = strstr(c->in.data, "\r\n\r\n")))
        assert_true(client_more(c));
    size_t head = (size_t)(end - c->in.data) + 4, body = 0;
    char *text = xstrndup(c->in.data, head);
    const char *length = strstr(text, "Content-Length: ");
    if (length)
        body = strtoul(length + strlen("Content-Length: "), NULL, 10);
    free(text);
    client_read_len(c, head + body);
    text = xstrndup(c->in.data, head + body);
    buf_consume(&c->in, head + body);
    return text;
}

/* Until the stream holds that text. */
static inline void client_expect(struct client *c, const char *text)
{
    while (!c->in.data || !memmem(c->in.data, c->in.len, text, strlen(text)))
        if (!client_more(c))
            fail_msg("\"%s\" did not come; got: %s", text, c->in.data);
}

#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (!strstr((text), (part)))                                                               \
            fail_msg("\"%s\" is not in: %s", (part), (text));                                      \
    } while (0)

#endif
