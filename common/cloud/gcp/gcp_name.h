/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of resource names that come from outside: fit for a path, and found inside the text.
 * Pure.
 */
#ifndef SOCKERLESS_GCP_NAME_H
#define SOCKERLESS_GCP_NAME_H

#include <stdbool.h>
#include <stddef.h>

struct gcp_part {
    const char *text; /* inside the name; not terminated */
    size_t len;
};

/* "KEY/value" at *at, up to the next slash: key is "projects/", "/locations/" …. Moves *at behind
 * it. False when it is anything else, or the value is not a name. */
bool gcp_name_take(const char **at, const char *key, struct gcp_part *out);

#endif
