/* SPDX-License-Identifier: Apache-2.0
 *
 * Pseudo terminals.
 */
#ifndef SOCKERLESS_AGENT_PTY_H
#define SOCKERLESS_AGENT_PTY_H

#include "base/error.h"

#include <stdint.h>

/* Both ends close-on-exec, neither becomes a controlling terminal; master non-blocking. */
int pty_open(int *master, int *slave, struct error *err) MUST_CHECK;
/* The kernel tells the foreground group with SIGWINCH. */
void pty_resize(int master, uint32_t height, uint32_t width);

#endif
