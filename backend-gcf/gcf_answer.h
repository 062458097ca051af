/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers to invocations: the agent's, and the platform's own where no agent has answered. Pure.
 */
#ifndef SOCKERLESS_GCF_ANSWER_H
#define SOCKERLESS_GCF_ANSWER_H

#include "cloud/driver.h"
#include "loop/http_client.h"

enum gcf_verdict {
    GCF_OVER,      /* the status says how */
    GCF_AGAIN,     /* not begun, or not for good: another request may tell more */
    GCF_ELSEWHERE, /* if it runs, then not where this request went */
    GCF_REJECTED,  /* the ID token is not accepted */
    GCF_NOT_THERE, /* the function does not exist */
};

/* elapsed_ms: since the request was sent; timeout_s: the function's. *status: reason in any case,
 * all of it when it is over. */
enum gcf_verdict gcf_answer_read(const struct http_response *res, int64_t elapsed_ms,
                                 int64_t timeout_s, struct workload_status *status);

#endif
