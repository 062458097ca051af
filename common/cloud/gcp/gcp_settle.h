/* SPDX-License-Identifier: Apache-2.0
 *
 * Google's services learn late what another call has just made: for some seconds a new operation,
 * job or execution may be unknown (NOT_FOUND), and a new job not be ready (FAILED_PRECONDITION).
 * Such a refusal is asked again for a while before it is believed.
 */
#ifndef SOCKERLESS_GCP_SETTLE_H
#define SOCKERLESS_GCP_SETTLE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct gcp_settle {
    int64_t deadline_ms; /* monotonic */
    int64_t pause_ms;    /* the next one */
};

/* From now on, for 8 seconds. */
void gcp_settle_begin(struct gcp_settle *s);
/* Time is up: the refusal is believed. */
bool gcp_settle_over(const struct gcp_settle *s);
/* Waits, and is 0 when the call may be made again; -1 with *err unchanged when time is up, or with
 * the cancellation. */
int co_gcp_settle(struct gcp_settle *s, struct error *err) MUST_CHECK;

#endif
