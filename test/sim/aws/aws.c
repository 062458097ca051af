/* SPDX-License-Identifier: Apache-2.0
 * Helpers of the simulated services; see aws.h. */
#include "test/sim/aws/aws.h"

#include <stdarg.h>
#include <stdio.h>

void aws_reply_json(struct aws_reply *reply, json_t *output)
{
    reply->status = 200;
    json_decref(reply->output);
    reply->output = output;
}

void aws_reply_error(struct aws_reply *reply, int status, const char *code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    reply->status = status;
    snprintf(reply->error_code, sizeof reply->error_code, "%s", code);
    vsnprintf(reply->error_message, sizeof reply->error_message, fmt, args);
    va_end(args);
    json_decref(reply->output);
    reply->output = NULL;
    buf_clear(&reply->text);
}

void aws_set_time(json_t *object, const char *key, int64_t ms)
{
    if (ms)
        json_object_set_new(object, key, json_real((double)ms / 1000.0));
}
