/* SPDX-License-Identifier: Apache-2.0
 *
 * Filter values that containers and images share.
 */
#ifndef SOCKERLESS_BACKEND_LABEL_FILTER_H
#define SOCKERLESS_BACKEND_LABEL_FILTER_H

#include "base/error.h"

#include "proto/sockerless.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

/* filter: "key" or "key=value". */
bool label_filter_matches(const char *filter, Sockerless__KeyValue *const *labels, size_t count);
/* A filter that is a flag (moby's Args.GetBoolOrDefault): no value is `absent`, else there is one
 * of "true", "1", "false", "0". */
int filter_flag(const Sockerless__Filter *f, bool absent, bool *out, struct error *err) MUST_CHECK;
/* Was the value given as {"value":false}? */
bool filter_is_off(const Sockerless__Filter *f, const char *value);

#endif
