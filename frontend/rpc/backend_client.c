/* SPDX-License-Identifier: Apache-2.0
 *
 * Unary calls and channels to the backend; see backend_client.h. Thin over ipc/rpc.h and
 * ipc/channel.h.
 */
#include "frontend/rpc/backend_client.h"

#include "base/alloc.h"

struct backend_client {
    struct loop *loop;
    char *url;
    struct rpc_client *rpc;
    unsigned streams; /* each holds the client until it is closed */
    bool freed;
};

struct backend_client *backend_client_new(struct loop *l, const char *url)
{
    struct backend_client *b = NEW(struct backend_client);
    b->loop = l;
    b->url = xstrdup(url);
    b->rpc = rpc_client_new(l, url, &(struct channel_options){.payload_max = FRAME_RPC_MAX});
    return b;
}

static void client_release(struct backend_client *b)
{
    if (b->streams || !b->freed)
        return;
    free(b->url);
    free(b);
}

void backend_client_free(struct backend_client *b)
{
    if (!b)
        return;
    rpc_client_free(b->rpc);
    b->freed = true;
    client_release(b);
}

const char *backend_client_url(const struct backend_client *b)
{
    return b->url;
}

struct rpc_pending *backend_client_call(struct backend_client *b, Sockerless__Request *request,
                                        int64_t timeout_ms, rpc_done done, void *arg)
{
    return rpc_call(b->rpc, request, timeout_ms, done, arg);
}

int backend_client_dial(struct backend_client *b, const struct channel_events *events, void *owner,
                        struct channel **out, struct error *err)
{
    if (channel_dial(b->loop, b->url, &(struct channel_options){0}, events, owner, out, err))
        return -1;
    b->streams++;
    return 0;
}

void backend_client_let_go(struct backend_client *b)
{
    b->streams--;
    client_release(b);
}
