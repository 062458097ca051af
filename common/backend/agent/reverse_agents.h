/* SPDX-License-Identifier: Apache-2.0
 *
 * Agents that dial us (SOCKERLESS_CALLBACK_URL). Each keeps a line, a connection on which it is
 * asked to bring another one for a session (FRAME_CALL_BACK with the session's id). A session asked
 * for before the line is there waits for it. A connection that does not show a container's token
 * (ipc/callback_token.h) is refused before a frame of it is read.
 */
#ifndef SOCKERLESS_BACKEND_REVERSE_AGENTS_H
#define SOCKERLESS_BACKEND_REVERSE_AGENTS_H

#include "backend/state/container.h"
#include "base/error.h"
#include "ipc/channel.h"

struct backend;
struct reverse_agents;

/* Listens at config->callback_listen. *out stays NULL when config->callback_url is not set. */
int reverse_agents_open(struct backend *b, struct reverse_agents **out,
                        struct error *err) MUST_CHECK;
/* No connection is accepted any more, no session is waited for; the rest goes with the loop's
 * channels. NULL is fine. */
void reverse_agents_close(struct reverse_agents *ra);

/* What the agents are told to dial. */
const char *reverse_agents_url(const struct reverse_agents *ra);
/* What the agents are given to check the callback URL's certificate with (PEM); NULL: nothing. */
const char *reverse_agents_ca(const struct reverse_agents *ra);

/* A channel for a session with c's agent; when it does not come in
 * config->callback_timeout_ms, closed(why). ERROR_TOO_MANY_REQUESTS when too many are waited for.
 */
int reverse_agents_call(struct reverse_agents *ra, struct container *c,
                        const struct channel_events *events, void *owner, struct channel **out,
                        struct error *err) MUST_CHECK;
/* c's agent did not come, and what to check, with this code. Returns -1. */
int reverse_agents_no_call(const struct reverse_agents *ra, const struct container *c,
                           enum error_code code, struct error *err);
/* The agent of c's present run has its line. c->changed is broadcast when it gets one. */
bool reverse_agents_have(const struct container *c);

#endif
