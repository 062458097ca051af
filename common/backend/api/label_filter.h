/* SPDX-License-Identifier: Apache-2.0
 *
 * Filter values that containers and images share.
 */
#ifndef SOCKERLESS_BACKEND_LABEL_FILTER_H
#define SOCKERLESS_BACKEND_LABEL_FILTER_H

#include "proto/sockerless.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

/* filter: "key" or "key=value". */
bool label_filter_matches(const char *filter, Sockerless__KeyValue *const *labels, size_t count);
/* Docker's "true", "1", "false", "0"; false when it is none of them. */
bool filter_bool(const char *text, bool *out);

#endif
