/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes what a client may send: bytes go through a connection's parser, router and handlers, with
 * no backend behind. The first byte says in how many pieces they arrive.
 */
#include "frontend/http/http_input.h"
#include "frontend/http/http_server.h"
#include "frontend/routes/router.h"
#include "base/log.h"
#include "loop/loop.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct loop loop;
static struct http_server *server;

static void start(void)
{
    struct error err;
    log_open("fuzz", LOG_ERROR);
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    if (loop_init(&loop, &err))
        abort();
    server = http_server_new(&loop, &(struct http_server_options){0}, &router_service, NULL);
}

static void drain(int fd)
{
    static char sink[65536];
    while (read(fd, sink, sizeof(sink)) > 0)
        ;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int pair[2];
    if (!server)
        start();
    if (!size || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair))
        return 0;
    size_t pieces = data[0] % 16 + 1u, piece;
    struct http_conn *c = http_conn_new(http_server_shared(server), false);
    if (uv_pipe_open((uv_pipe_t *)http_conn_stream(c), pair[0]))
        abort();
    http_input_start(c);
    data++;
    size--;
    piece = size / pieces + 1;
    while (size) {
        size_t len = piece < size ? piece : size;
        if (write(pair[1], data, len) < 0)
            break;
        data += len;
        size -= len;
        uv_run(&loop.uv, UV_RUN_NOWAIT);
        drain(pair[1]);
    }
    close(pair[1]);
    while (http_server_connections(server))
        uv_run(&loop.uv, UV_RUN_ONCE);
    return 0;
}
