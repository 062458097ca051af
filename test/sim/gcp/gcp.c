/* SPDX-License-Identifier: Apache-2.0
 * Helpers of the simulated Google services; see gcp.h. */
#include "test/sim/gcp/gcp.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/sim/http/form.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* google/rpc/code.proto with its HTTP mapping. */
static const struct {
    const char *name;
    int code, http;
} statuses[] = {{"CANCELLED", 1, 499},           {"UNKNOWN", 2, 500},
                {"INVALID_ARGUMENT", 3, 400},    {"DEADLINE_EXCEEDED", 4, 504},
                {"NOT_FOUND", 5, 404},           {"ALREADY_EXISTS", 6, 409},
                {"PERMISSION_DENIED", 7, 403},   {"RESOURCE_EXHAUSTED", 8, 429},
                {"FAILED_PRECONDITION", 9, 400}, {"ABORTED", 10, 409},
                {"OUT_OF_RANGE", 11, 400},       {"UNIMPLEMENTED", 12, 501},
                {"INTERNAL", 13, 500},           {"UNAVAILABLE", 14, 503},
                {"UNAUTHENTICATED", 16, 401}};

int gcp_status_http(const char *status)
{
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
        if (!strcmp(statuses[i].name, status))
            return statuses[i].http;
    return 500;
}

int gcp_status_code(const char *status)
{
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
        if (!strcmp(statuses[i].name, status))
            return statuses[i].code;
    return 2;
}

json_t *gcp_error_json(const char *status, const char *message)
{
    return json_pack("{s:{s:i, s:s, s:s}}", "error", "code", gcp_status_http(status), "message",
                     message, "status", status);
}

void gcp_reply_json(struct gcp_reply *reply, json_t *output)
{
    json_decref(reply->output);
    reply->output = output;
}

void gcp_reply_error(struct gcp_reply *reply, const char *status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    reply->status = status;
    vsnprintf(reply->message, sizeof reply->message, fmt, args);
    va_end(args);
    json_decref(reply->output);
    reply->output = NULL;
}

void gcp_set_time(json_t *object, const char *key, int64_t ns)
{
    char text[TIMEFMT_RFC3339_MAX];
    if (ns)
        value_set_text(object, key, timefmt_rfc3339nano(ns, text));
}

void gcp_set_int(json_t *object, const char *key, int64_t value)
{
    if (value)
        json_object_set_new(object, key, json_integer(value));
}

/* ---- pages ---- */

bool gcp_page(const struct gcp_call *call, size_t most, size_t *begin, size_t *count,
              struct gcp_reply *reply)
{
    AUTO_FREE char *size = form_parameter(call->request, "pageSize");
    AUTO_FREE char *token = form_parameter(call->request, "pageToken");
    int64_t n = 0, at = 0;
    if (!str_empty(size) && (!str_to_i64(size, &n) || n < 0)) {
        gcp_reply_error(reply, "INVALID_ARGUMENT", "page_size must be a non-negative number");
        return false;
    }
    if (!str_empty(token) && (token[0] != 'p' || !str_to_i64(token + 1, &at) || at < 0)) {
        gcp_reply_error(reply, "INVALID_ARGUMENT", "Invalid page token.");
        return false;
    }
    *begin = (size_t)at;
    *count = n == 0 || (size_t)n > most ? most : (size_t)n;
    return true;
}

json_t *gcp_page_json(const char *key, json_t *all, size_t begin, size_t count)
{
    json_t *out = json_object(), *page = json_array();
    size_t total = json_array_size(all);
    for (size_t i = begin; i < total && i - begin < count; i++)
        json_array_append(page, json_array_get(all, i));
    if (json_array_size(page))
        json_object_set(out, key, page);
    json_decref(page);
    if (begin + count < total) {
        AUTO_FREE char *token = xasprintf("p%zu", begin + count);
        value_set_text(out, "nextPageToken", token);
    }
    return out;
}
