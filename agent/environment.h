/* SPDX-License-Identifier: Apache-2.0
 *
 * Environments of user processes: "KEY=value" vectors. A name alone is a variable that was asked to
 * be unset: it gets no default, and the process does not see it.
 */
#ifndef SOCKERLESS_AGENT_ENVIRONMENT_H
#define SOCKERLESS_AGENT_ENVIRONMENT_H

#include "base/str.h"

/* Where Docker looks when the image sets no PATH. */
#define ENVIRONMENT_DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* The value of the last entry of that name (the one exec'd programs see varies; the last one is
 * what Docker's merge leaves); NULL when absent. */
const char *environment_get(const struct strv *env, const char *name);
void environment_default(struct strv *env, const char *name, const char *value);
/* The user's environment from what the platform gave the agent: without the agent's own variables,
 * with those that SOCKERLESS_AGENT_ENV_n=NAME=value carry past platforms and shells that would not
 * pass them on, and, with SOCKERLESS_AGENT_SHELL set, without what that shell added. The names in
 * SOCKERLESS_AGENT_UNSET (NAME=NAME…) are unset. */
void environment_receive(struct strv *to, char *const *from);
/* Copy, without the agent's own variables. */
void environment_copy(struct strv *to, char *const *from);
/* What Docker adds when it is not set: PATH, HOSTNAME, TERM (tty only), HOME. Removes the names
 * alone; call it last. */
void environment_complete(struct strv *env, const char *home, bool tty);

#endif
