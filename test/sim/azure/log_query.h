/* SPDX-License-Identifier: Apache-2.0
 *
 * One request of the query API: its body read, its query run, its answer made.
 */
#ifndef SOCKERLESS_SIM_AZURE_LOG_QUERY_H
#define SOCKERLESS_SIM_AZURE_LOG_QUERY_H

#include "test/sim/azure/kql.h"

#include <jansson.h>

struct log_query {
    json_t *body;
    struct kql_query *kql;
    int64_t from_ns, to_ns; /* of "timespan" and the query: [from, to] */
};

struct log_answer {
    int status;
    json_t *body; /* owned */
    long retry_after_s;
    bool drop;
};

struct log_limits {
    size_t rows, bytes;
    bool half; /* only half of the rows, and an error beside them */
};

/* False: the answer says why. */
bool log_query_read(struct log_query *q, const char *text, size_t len, struct log_answer *answer);
/* source NULL: there is no such table. */
void log_query_run(struct log_query *q, const struct kql_source *source,
                   const struct log_limits *limits, struct log_answer *answer);
void log_query_fini(struct log_query *q);

#endif
