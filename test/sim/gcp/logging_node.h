/* SPDX-License-Identifier: Apache-2.0
 *
 * The tree that a filter of the Logging query language is parsed into: between logging_filter.c,
 * which makes it, and logging_match.c, which evaluates it.
 */
#ifndef SOCKERLESS_SIM_GCP_LOGGING_NODE_H
#define SOCKERLESS_SIM_GCP_LOGGING_NODE_H

#include "base/str.h"
#include "test/sim/gcp/logging_filter.h"

enum node_kind { NODE_AND, NODE_OR, NODE_NOT, NODE_COMPARE };
enum compare { EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, HAS };

struct node {
    enum node_kind kind;
    struct node **children;
    size_t count;
    enum compare compare;
    enum logging_field field;
    struct strv path;
    char *value;
    int64_t time_ns; /* of a timestamp's comparison */
};

struct logging_filter {
    struct node *root; /* NULL: everything */
};

static inline bool node_is_time(const struct node *n)
{
    return n->field == LOGGING_TIMESTAMP || n->field == LOGGING_RECEIVED;
}

#endif
