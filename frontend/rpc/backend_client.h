/* SPDX-License-Identifier: Apache-2.0
 *
 * The frontend's way to its backend: unary calls over one kept-open connection, and channels for
 * sessions (backend_stream.h). Loop thread only.
 */
#ifndef SOCKERLESS_FRONTEND_BACKEND_CLIENT_H
#define SOCKERLESS_FRONTEND_BACKEND_CLIENT_H

#include "base/error.h"
#include "ipc/channel.h"
#include "ipc/rpc.h"
#include "loop/loop.h"

struct backend_client;

struct backend_client *backend_client_new(struct loop *l, const char *url);
/* Outstanding calls fail; streams were abandoned or end on the loop. */
void backend_client_free(struct backend_client *b);
const char *backend_client_url(const struct backend_client *b);

/* See rpc_call(). */
struct rpc_pending *backend_client_call(struct backend_client *b, Sockerless__Request *request,
                                        int64_t timeout_ms, rpc_done done, void *arg);

/* For backend_stream.c: a channel of its own, which holds the client until it is let go. */
int backend_client_dial(struct backend_client *b, const struct channel_events *events, void *owner,
                        struct channel **out, struct error *err) MUST_CHECK;
void backend_client_let_go(struct backend_client *b);

#endif
