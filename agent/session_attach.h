/* SPDX-License-Identifier: Apache-2.0
 *
 * Attach session: the main process's output to one backend session, its stdin from it.
 */
#ifndef SOCKERLESS_AGENT_SESSION_ATTACH_H
#define SOCKERLESS_AGENT_SESSION_ATTACH_H

#include "agent/session.h"

extern const struct session_kind session_attach_kind;

#endif
