/* SPDX-License-Identifier: Apache-2.0
 *
 * How often each operation was called. Thread-safe.
 */
#ifndef SOCKERLESS_SIM_HTTP_CALL_COUNTS_H
#define SOCKERLESS_SIM_HTTP_CALL_COUNTS_H

#include <jansson.h>

struct call_counts;
struct call_counts *call_counts_new(void);
void call_counts_free(struct call_counts *counts);
void call_counts_add(struct call_counts *counts, const char *service, const char *operation);
/* {"ecs.RunTask": 3, …}; new reference. */
json_t *call_counts_json(struct call_counts *counts);

#endif
