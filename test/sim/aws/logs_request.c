/* SPDX-License-Identifier: Apache-2.0
 * Parameters that several calls of CloudWatch Logs have; see logs.h. */
#include "base/str.h"
#include "test/sim/aws/logs.h"

#include <stdio.h>
#include <string.h>

bool logs_invalid(struct aws_reply *reply, const char *message)
{
    aws_reply_error(reply, 400, "InvalidParameterException", "%s", message);
    return false;
}

bool logs_group_of(const struct aws_call *call, char out[LOGS_NAME_MAX + 1],
                   struct aws_reply *reply)
{
    const char *name = value_string(call->input, "logGroupName");
    const char *identifier = value_string(call->input, "logGroupIdentifier");
    if ((*name != '\0') == (*identifier != '\0'))
        return logs_invalid(reply,
                            "Exactly one of logGroupName and logGroupIdentifier is required.");
    const char *from = *name ? name : identifier;
    const char *arn_name = strstr(from, ":log-group:");
    if (str_starts(from, "arn:") && arn_name)
        from = arn_name + strlen(":log-group:");
    if (strlen(from) > LOGS_NAME_MAX || !value_only(from, ".-_/#"))
        return logs_invalid(reply, "logGroupName must match [\\.\\-_/#A-Za-z0-9]{1,512}.");
    snprintf(out, LOGS_NAME_MAX + 1, "%s", from);
    return true;
}

bool logs_time_range(const json_t *input, struct event_range *range, struct aws_reply *reply)
{
    int64_t start = value_int(input, "startTime", 0), end = value_int(input, "endTime", INT64_MAX);
    if (start < 0 || end < 0)
        return logs_invalid(reply, "startTime and endTime must not be negative.");
    range->start_ms = json_object_get(input, "startTime") ? start : INT64_MIN;
    range->end_ms = end;
    return true;
}
