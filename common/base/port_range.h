/* SPDX-License-Identifier: Apache-2.0
 *
 * Port numbers and ranges of them as Docker writes them, and the names of their protocols.
 */
#ifndef SOCKERLESS_BASE_PORT_RANGE_H
#define SOCKERLESS_BASE_PORT_RANGE_H

#include <stdbool.h>
#include <stddef.h>

enum { PORT_MAX = 65535 };

struct port_range {
    int first, last;
};

/* "80" or "8000-8100": digits only, 0 to 65535, the first not above the last. */
bool port_range_parse(const char *text, size_t len, struct port_range *out);

/* "tcp", "udp" or "sctp" (static) for a name in any case; NULL for any other. */
const char *port_range_protocol(const char *name);

#endif
