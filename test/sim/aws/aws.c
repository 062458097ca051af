/* SPDX-License-Identifier: Apache-2.0
 * Helpers of the simulated services; see aws.h. */
#include "test/sim/aws/aws.h"

#include "base/alloc.h"
#include "base/id.h"
#include "base/str.h"
#include "base/timefmt.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

json_t *aws_text(const char *text)
{
    return json_stringn_nocheck(text, strlen(text));
}

const char *aws_string(const json_t *object, const char *key)
{
    return str_or_empty(json_string_value(json_object_get(object, key)));
}

int64_t aws_int(const json_t *object, const char *key, int64_t fallback)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool aws_bool(const json_t *object, const char *key, bool fallback)
{
    const json_t *value = json_object_get(object, key);
    return json_is_boolean(value) ? json_boolean_value(value) : fallback;
}

void aws_set_text(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, aws_text(text));
}

void aws_set_time(json_t *object, const char *key, int64_t ms)
{
    if (ms)
        json_object_set_new(object, key, json_real((double)ms / 1000.0));
}

int64_t aws_now_ms(void)
{
    return time_now_ns() / 1000000;
}

void aws_random_hex(char *out, size_t digits)
{
    unsigned char bytes[32];
    char hex[65];
    random_bytes(bytes, sizeof bytes);
    hex_encode(bytes, sizeof bytes, hex);
    memcpy(out, hex, digits);
    out[digits] = '\0';
}

void aws_uuid(char out[37])
{
    char h[33];
    aws_random_hex(h, 32);
    h[12] = '4';
    h[16] = "89ab"[h[16] & 3];
    snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", h, h + 8, h + 12, h + 16, h + 20);
}

bool aws_only(const char *text, const char *others)
{
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr(others, *text))
            return false;
    return true;
}
