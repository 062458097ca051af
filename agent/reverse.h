/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent where it cannot be dialled: it dials the backend (SOCKERLESS_CALLBACK_URL), keeps a
 * line to it, and brings one more connection for every session that the backend asks for on the
 * line. What goes over those is what goes over a connection that server.c accepts; see
 * ipc/callback_token.h.
 */
#ifndef SOCKERLESS_AGENT_REVERSE_H
#define SOCKERLESS_AGENT_REVERSE_H

#include "agent/options.h"
#include "agent/session.h"
#include "base/error.h"
#include "loop/loop.h"

struct reverse;

/* NULL where they do not matter. */
struct reverse_events {
    void (*met)(void *owner); /* the backend has accepted us, for the first time */
    /* Only of an agent that is one of possibly several (options.instance): the backend wants none,
     * or another; or was not reached in a minute. No more is dialled. */
    void (*given_up)(void *owner, bool refused, const char *why);
};

/* Dials in the background and again whenever the line is lost, until the agent ends;
 * what it brings becomes a session of the list. options: borrowed. -1 only for a URL that cannot be
 * dialled at all. */
int reverse_open(struct loop *l, const struct agent_options *options, struct session_list *sessions,
                 const struct reverse_events *events, void *owner, struct reverse **out,
                 struct error *err) MUST_CHECK;

/* Connections may have been lost without a word, as when the machine was moved: the line is asked
 * now, given up when it does not answer within seconds, and dialled again. */
void reverse_check(struct reverse *r);

#endif
