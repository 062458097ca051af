/* SPDX-License-Identifier: Apache-2.0
 *
 * Control session: the backend's hand on the main process. One counts; a newer one replaces it.
 */
#ifndef SOCKERLESS_AGENT_SESSION_CONTROL_H
#define SOCKERLESS_AGENT_SESSION_CONTROL_H

#include "agent/session.h"
#include "agent/workload.h"

#include <stddef.h>

extern const struct session_kind session_control_kind;

/* The mark that a control session asked for is in the log. */
void session_control_mark_written(struct workload *w, const char *text, size_t len);

#endif
