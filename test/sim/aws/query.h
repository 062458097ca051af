/* SPDX-License-Identifier: Apache-2.0
 *
 * The query protocols (EC2's and STS's): forms in, XML out. Inside the simulator both are JSON
 * trees with the member names of the vendor's model.
 */
#ifndef SOCKERLESS_SIM_AWS_QUERY_H
#define SOCKERLESS_SIM_AWS_QUERY_H

#include "base/buf.h"

#include <jansson.h>

/* "A.1.B=x&…" as a tree; Action and Version stay members. NULL when it is no form. New reference.
 */
json_t *query_parse(const char *form);
/* The form as sent: one member a parameter. New reference. */
json_t *query_parse_flat(const char *form);
/* The whole answer of a call. A real number in output is a time in epoch seconds. output may be
 * NULL. */
void query_write_result(struct buf *out, const char *service, const char *operation,
                        const json_t *output, const char *request_id);
void query_write_error(struct buf *out, const char *service, const char *code, const char *message,
                       const char *request_id);

#endif
