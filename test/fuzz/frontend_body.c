/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes streamed request bodies: a load whose body, chunked or with a length, is what the fuzzer
 * says, followed by whatever it likes. The backend is a real one over a unix socket that counts,
 * and fails or ends early when the input says so. The first byte says how, the second in how many
 * pieces it arrives.
 */
#include "base/alloc.h"
#include "base/log.h"
#include "frontend/rpc/backend_client.h"
#include "frontend/http/http_input.h"
#include "frontend/http/http_server.h"
#include "frontend/routes/router.h"
#include "ipc/rpc.h"
#include "loop/loop.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HOW_LENGTH = 1, HOW_FAILS = 2, HOW_ENDS_EARLY = 4, HOW_REFUSES = 8, EARLY_AT = 8 };

static struct loop loop;
static struct http_server *server;
static unsigned how, sessions;

struct session {
    struct channel *channel;
    size_t bytes;
    bool over;
};

static void session_over(struct session *s, bool good)
{
    struct error err;
    s->over = true;
    error_set(&err, ERROR_SYSTEM, "unexpected EOF");
    if (good) {
        channel_send(s->channel, FRAME_END, NULL, 0);
        channel_finish(s->channel);
    } else {
        channel_fail(s->channel, &err);
    }
}

static void on_frame(void *owner, const struct frame *f)
{
    struct session *s = owner;
    if (s->over)
        return;
    if (f->type != FRAME_STDIN && f->type != FRAME_CLOSE_STDIN)
        abort();
    if (f->type == FRAME_STDIN && (!f->len || f->len > FRAME_DATA_MAX))
        abort();
    s->bytes += f->len;
    if (s->bytes > EARLY_AT && (how & (HOW_FAILS | HOW_ENDS_EARLY)))
        session_over(s, !(how & HOW_FAILS));
    else if (f->type == FRAME_CLOSE_STDIN)
        session_over(s, true);
}

static void on_closed(void *owner, const struct error *why)
{
    (void)why;
    sessions--;
    free(owner);
}

static void on_session(void *owner, struct channel *c, const Sockerless__StreamOpen *open)
{
    static const struct channel_events events = {.frame = on_frame, .closed = on_closed};
    Sockerless__StreamOpened opened = SOCKERLESS__STREAM_OPENED__INIT;
    struct session *s = NEW(struct session);
    (void)owner;
    (void)open;
    s->channel = c;
    sessions++;
    channel_start(c, &events, s);
    if (how & HOW_REFUSES)
        session_over(s, false);
    else
        channel_send_message(c, FRAME_OPENED, NULL, 0, &opened.base);
}

static void on_request(void *owner, struct rpc_call *call, const Sockerless__Request *request)
{
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    (void)owner;
    (void)request;
    rpc_reply(call, &reply);
}

static void start(void)
{
    static const struct rpc_server_events events = {on_request, on_session};
    static struct rpc_server *backend;
    char url[64];
    struct error err;
    log_open("fuzz", LOG_ERROR);
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    snprintf(url, sizeof(url), "ipc:///tmp/fuzz-body-%d.sock", (int)getpid());
    if (loop_init(&loop, &err) ||
        rpc_server_listen(&loop, url, NULL, &events, NULL, &backend, &err))
        abort();
    server = http_server_new(&loop, &(struct http_server_options){0}, &router_service,
                             backend_client_new(&loop, url));
}

static void stop(void)
{
    char path[64];
    snprintf(path, sizeof(path), "/tmp/fuzz-body-%d.sock", (int)getpid());
    unlink(path);
}

static void drain(int fd)
{
    static char sink[65536];
    while (read(fd, sink, sizeof(sink)) > 0)
        ;
}

/* False: the frontend has closed. */
static bool deliver(int fd, const uint8_t *data, size_t size, size_t pieces)
{
    size_t piece = size / pieces + 1;
    while (size) {
        size_t len = piece < size ? piece : size;
        if (write(fd, data, len) < 0)
            return false;
        data += len;
        size -= len;
        uv_run(&loop.uv, UV_RUN_NOWAIT);
        drain(fd);
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char head[128];
    int pair[2];
    if (!server) {
        start();
        atexit(stop);
    }
    if (size < 2 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair))
        return 0;
    how = data[0];
    struct http_conn *c = http_conn_new(http_server_shared(server), false);
    if (uv_pipe_open((uv_pipe_t *)http_conn_stream(c), pair[0]))
        abort();
    http_input_start(c);
    if (how & HOW_LENGTH)
        snprintf(head, sizeof(head), "Content-Length: %zu\r\n\r\n", size / 2);
    else
        snprintf(head, sizeof(head), "Transfer-Encoding: chunked\r\n\r\n");
    if (deliver(pair[1], (const uint8_t *)"POST /images/load HTTP/1.1\r\nHost: x\r\n", 37, 1) &&
        deliver(pair[1], (const uint8_t *)head, strlen(head), 1))
        deliver(pair[1], data + 2, size - 2, data[1] % 16 + 1u);
    close(pair[1]);
    while (http_server_connections(server) || sessions)
        uv_run(&loop.uv, UV_RUN_ONCE);
    return 0;
}
