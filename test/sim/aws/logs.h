/* SPDX-License-Identifier: Apache-2.0
 *
 * The API of CloudWatch Logs, by file: logs_request.c (common parameters), logs_read.c
 * (GetLogEvents), logs_filter.c (FilterLogEvents), logs_api.c (the rest and the table).
 */
#ifndef SOCKERLESS_SIM_AWS_LOGS_H
#define SOCKERLESS_SIM_AWS_LOGS_H

#include "test/sim/aws/aws.h"
#include "test/sim/host/event_log.h"

enum { LOGS_NAME_MAX = 512 };

/* InvalidParameterException; returns false. */
bool logs_invalid(struct aws_reply *reply, const char *message);
/* The group that a call names, by exactly one of logGroupName and logGroupIdentifier (a name or an
 * ARN). False with the reply set. */
bool logs_group_of(const struct aws_call *call, char out[LOGS_NAME_MAX + 1],
                   struct aws_reply *reply);
/* startTime (inclusive) and endTime (exclusive). */
bool logs_time_range(const json_t *input, struct event_range *range, struct aws_reply *reply);

void logs_get_log_events(struct aws *, const struct aws_call *, struct aws_reply *);
void logs_filter_log_events(struct aws *, const struct aws_call *, struct aws_reply *);

#endif
