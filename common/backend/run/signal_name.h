/* SPDX-License-Identifier: Apache-2.0
 *
 * Signals as Docker's API names them.
 */
#ifndef SOCKERLESS_BACKEND_SIGNAL_NAME_H
#define SOCKERLESS_BACKEND_SIGNAL_NAME_H

#include <stdbool.h>

/* "SIGTERM", "term", "15", "SIGRTMIN+3" → number of Linux; 0 when unknown. As with moby any other
 * number but 0 is a signal, too, though one that cannot be sent: see signal_exists(). */
int signal_parse(const char *name);
/* That moby sends: all that signal_parse() knows by name. */
bool signal_exists(int number);

#endif
