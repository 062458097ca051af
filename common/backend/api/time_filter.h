/* SPDX-License-Identifier: Apache-2.0
 *
 * The value of an `until` filter, as moby's api/types/time reads it: a Go duration counted back
 * from now, a time with or without its smaller parts, or seconds since the epoch.
 */
#ifndef SOCKERLESS_BACKEND_TIME_FILTER_H
#define SOCKERLESS_BACKEND_TIME_FILTER_H

#include "base/error.h"

#include <stdint.h>

/* ERROR_INVALID_PARAMETER in Docker's words. */
int time_filter_parse(const char *text, int64_t now_ns, int64_t *ns, struct error *err) MUST_CHECK;

#endif
