/* SPDX-License-Identifier: Apache-2.0
 *
 * What an exec that is under way can be told from outside its own session.
 */
#ifndef SOCKERLESS_BACKEND_SESSION_EXEC_H
#define SOCKERLESS_BACKEND_SESSION_EXEC_H

#include <stdint.h>

struct exec_session;

/* FRAME_RESIZE to the exec's agent session. */
void session_exec_resize(struct exec_session *s, uint32_t height, uint32_t width);

#endif
