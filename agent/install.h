/* SPDX-License-Identifier: Apache-2.0
 *
 * Install: the agent as init container puts a copy of itself into a volume that the user's
 * container has too.
 */
#ifndef SOCKERLESS_AGENT_INSTALL_H
#define SOCKERLESS_AGENT_INSTALL_H

#include "base/error.h"

/* Writes dir/sockerless-agent, mode 0755, replacing one that is there at once or not at all. */
int install_self(const char *dir, struct error *err) MUST_CHECK;

#endif
