/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent's one port: GET /health for anybody, and sessions over WebSocket on / for whoever has
 * the token.
 */
#ifndef SOCKERLESS_AGENT_SERVER_H
#define SOCKERLESS_AGENT_SERVER_H

#include "base/error.h"

struct agent;
struct server;

int server_open(struct agent *a, struct server **out, struct error *err) MUST_CHECK;

#endif
