/* SPDX-License-Identifier: Apache-2.0
 *
 * Log session: the records of the container's log to one backend session, as the log tee makes
 * them; see AgentLogOpen in proto/sockerless.proto. Nothing waits for it: what it was too slow for
 * is left out, and the numbers of the records say so.
 */
#ifndef SOCKERLESS_AGENT_SESSION_LOG_H
#define SOCKERLESS_AGENT_SESSION_LOG_H

#include "agent/session.h"

extern const struct session_kind session_log_kind;

#endif
