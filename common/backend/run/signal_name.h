/* SPDX-License-Identifier: Apache-2.0
 *
 * Signals as Docker's API names them.
 */
#ifndef SOCKERLESS_BACKEND_SIGNAL_NAME_H
#define SOCKERLESS_BACKEND_SIGNAL_NAME_H

/* "SIGTERM", "term", "15", "SIGRTMIN+3" → number of Linux; -1 when unknown. */
int signal_parse(const char *name);

#endif
