/* SPDX-License-Identifier: Apache-2.0
 *
 * What clients send: read from their connections, parsed into requests, given to the handlers that
 * the service names; raw bytes and streamed bodies go to a connection's owner. Called by
 * http_server.c.
 */
#ifndef SOCKERLESS_FRONTEND_HTTP_INPUT_H
#define SOCKERLESS_FRONTEND_HTTP_INPUT_H

#include "frontend/http/http_conn.h"

/* The handle is connected: read from it. */
void http_input_start(struct http_conn *c);
/* The loop is about to poll: connections that wait for a look get it. */
void http_input_run_due(struct http_shared *shared);
/* The periodic look at all: timeouts, and half-closed peers that vanished. */
void http_input_tick(struct http_shared *shared, int64_t now_ms);

#endif
