/* SPDX-License-Identifier: Apache-2.0
 *
 * Faults to inject: a list, filled by POST /_sim/faults, used up by matching requests.
 */
#ifndef SOCKERLESS_SIM_HTTP_FAULT_H
#define SOCKERLESS_SIM_HTTP_FAULT_H

#include "base/error.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>

#define FAULT_KINDS(X)                                                                             \
    X(FAULT_NONE, "none")                                                                          \
    X(FAULT_THROTTLE, "throttle")                                                                  \
    X(FAULT_ERROR, "error")                                                                        \
    X(FAULT_TIMEOUT, "timeout")         /* no answer for latency_ms, then a closed connection */   \
    X(FAULT_LOST_ANSWER, "lost_answer") /* acts, then closes the connection */                     \
    X(FAULT_CAPACITY, "capacity")                                                                  \
    X(FAULT_ACCESS_DENIED, "access_denied")                                                        \
    X(FAULT_DROP_CONNECTION, "drop_connection") /* closes it without acting */                     \
    X(FAULT_LATENCY, "latency")                 /* acts after latency_ms */

#define X(name, text) name,
enum fault_kind { FAULT_KINDS(X) };
#undef X

struct fault {
    enum fault_kind kind;
    char operation[64];          /* "RunTask", "ecs.RunTask" or "*" */
    long count;                  /* requests still to hit */
    int status;                  /* 0: the kind's own */
    char code[64], message[512]; /* "": the kind's own */
    long latency_ms;
};

struct fault_list;
struct fault_list *fault_list_new(void);
void fault_list_free(struct fault_list *list);
/* An array of faults, or one object. Nothing is added when one is wrong. */
int fault_list_add(struct fault_list *list, const json_t *faults, struct error *err) MUST_CHECK;
void fault_list_clear(struct fault_list *list);
/* Faults that have requests still to hit. */
size_t fault_list_count(struct fault_list *list);
/* The oldest fault for the operation, counted down; false when there is none. */
bool fault_list_take(struct fault_list *list, const char *service, const char *operation,
                     struct fault *out);

/* Blocks for ms, or until *closing is set: an injected delay does not hold up the simulator's end.
 */
void fault_delay(const atomic_bool *closing, long ms);
/* The fault's own text, or the kind's. */
const char *fault_text(const char *text, const char *fallback);

#endif
