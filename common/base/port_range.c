/* SPDX-License-Identifier: Apache-2.0
 * Ports; see port_range.h. */
#include "base/port_range.h"

#include "base/alloc.h"

#include <string.h>
#include <strings.h>

static bool number_parse(const char *text, size_t len, int *out)
{
    *out = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *out = *out * 10 + (text[i] - '0');
        if (*out > PORT_MAX)
            return false;
    }
    return len > 0;
}

bool port_range_parse(const char *text, size_t len, struct port_range *out)
{
    const char *dash = len ? memchr(text, '-', len) : NULL;
    size_t first_len = dash ? (size_t)(dash - text) : len;
    if (!number_parse(text, first_len, &out->first))
        return false;
    out->last = out->first;
    return !dash ||
           (number_parse(dash + 1, len - first_len - 1, &out->last) && out->first <= out->last);
}

const char *port_range_protocol(const char *name)
{
    static const char *const known[] = {"tcp", "udp", "sctp"};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcasecmp(known[i], name) == 0)
            return known[i];
    return NULL;
}
