/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent's one port: GET /health without a token, and sessions over WebSocket on / for whoever
 * has the token.
 */
#ifndef SOCKERLESS_AGENT_SERVER_H
#define SOCKERLESS_AGENT_SERVER_H

#include "agent/options.h"
#include "agent/session.h"
#include "base/error.h"
#include "loop/loop.h"

struct server;

/* Accepted channels become sessions of the list. options: borrowed for the server's lifetime. */
int server_open(struct loop *l, const struct agent_options *options, struct session_list *sessions,
                struct server **out, struct error *err) MUST_CHECK;

#endif
