/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kit/frontend_harness.h"

#include "test/kit/test.h"

#include <signal.h>

static void *harness_main(void *arg)
{
    loop_run(&((struct harness *)arg)->loop);
    return NULL;
}

static void harness_run_task(struct loop_task *task)
{
    struct harness *h = CONTAINER_OF(task, struct harness, task);
    h->ask(h);
    pthread_mutex_lock(&h->lock);
    h->answer = true;
    pthread_cond_signal(&h->answered);
    pthread_mutex_unlock(&h->lock);
}

void harness_do(struct harness *h, void (*fn)(struct harness *h))
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

void harness_open_backend(struct harness *h)
{
    fake_listen(&h->fake, &h->loop, h->url);
}

void harness_start(struct harness *h, bool with_backend)
{
    struct error err;
    struct http_server_options options = h->options;
    signal(SIGPIPE, SIG_IGN); /* as the daemons do */
    *h = (struct harness){.options = options};
    strcpy(h->dir, "/tmp/frontend test,XXXXXX"); /* as people name folders */
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

static void harness_close(struct harness *h)
{
    http_server_close(h->server);
    backend_client_free(h->backend);
    if (h->fake.server)
        rpc_server_close(h->fake.server);
    loop_stop(&h->loop); /* loop_fini() waits for what nng's threads still hand back */
}

void harness_stop(struct harness *h)
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

void client_open(struct client *c, const struct harness *h)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = CLIENT_TIMEOUT_S};
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/docker.sock", h->dir);
    *c = (struct client){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    assert_int_equal(connect(c->fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
}

void client_close(struct client *c)
{
    close(c->fd);
    buf_free(&c->in);
}

void client_send_bytes(struct client *c, const void *bytes, size_t len)
{
    while (len) {
        ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL);
        assert_true(n > 0);
        bytes = (const char *)bytes + n;
        len -= (size_t)n;
    }
}

void client_send(struct client *c, const char *text)
{
    client_send_bytes(c, text, strlen(text));
}

bool client_more(struct client *c)
{
    char *to = buf_reserve(&c->in, 65536);
    ssize_t n = recv(c->fd, to, 65536, 0);
    if (n < 0)
        fail_msg("recv: %s; so far: %s", strerror(errno), c->in.data);
    buf_commit(&c->in, (size_t)n);
    return n > 0;
}

void client_read_len(struct client *c, size_t len)
{
    while (c->in.len < len)
        assert_true(client_more(c));
}

char *client_read_all(struct client *c)
{
    while (client_more(c))
        ;
    return c->in.data;
}

char *client_answer(struct client *c)
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

void client_expect(struct client *c, const char *text)
{
    while (!c->in.data || !memmem(c->in.data, c->in.len, text, strlen(text)))
        if (!client_more(c))
            fail_msg("\"%s\" did not come; got: %s", text, c->in.data);
}
