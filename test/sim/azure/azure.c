/* SPDX-License-Identifier: Apache-2.0
 * Helpers of the simulated Azure services; see azure.h. */
#include "test/sim/azure/azure.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/sim/http/form.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

json_t *azure_error_json(const char *code, const char *message)
{
    return json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", message);
}

void azure_reply_json(struct azure_reply *reply, int status, json_t *output)
{
    json_decref(reply->output);
    reply->status = status;
    reply->output = output;
}

void azure_reply_error(struct azure_reply *reply, int status, const char *code, const char *fmt,
                       ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(reply->message, sizeof reply->message, fmt, args);
    va_end(args);
    reply->status = status;
    snprintf(reply->code, sizeof reply->code, "%s", code);
    json_decref(reply->output);
    reply->output = NULL;
}

/* "2026-01-02T03:04:05+00:00", as in the vendor's examples. */
void azure_set_time(json_t *object, const char *key, int64_t ns)
{
    char text[TIMEFMT_RFC3339_MAX];
    if (!ns)
        return;
    timefmt_rfc3339nano_fixed(ns, text);
    AUTO_FREE char *time = xasprintf("%.19s+00:00", text);
    value_set_text(object, key, time);
}

char *azure_job_id(const struct azure *azure, const char *name)
{
    return xasprintf("/subscriptions/%s/resourceGroups/%s" AZURE_APP "/jobs/%s",
                     azure->subscription, azure->group, name);
}

bool azure_same_location(const char *a, const char *b)
{
    for (;; a++, b++) {
        a += strspn(a, " ");
        b += strspn(b, " ");
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (!*a)
            return true;
    }
}

void azure_reply_page(const struct azure *azure, const struct azure_call *call, json_t *all,
                      struct azure_reply *reply)
{
    AUTO_FREE char *token = form_parameter(call->request, "$skiptoken");
    int64_t begin = 0;
    size_t total = json_array_size(all), count = (size_t)azure->tuning.page_size;
    if (token && (!str_to_i64(token, &begin) || begin < 0 || (size_t)begin > total)) {
        azure_reply_error(reply, 400, "InvalidSkipToken", "The skip token '%s' is not valid.",
                          token);
        return;
    }
    json_t *page = json_array();
    for (size_t i = (size_t)begin; i < total && i - (size_t)begin < count; i++)
        json_array_append(page, json_array_get(all, i));
    json_t *out = json_pack("{s:o, s:n}", "value", page, "nextLink");
    if ((size_t)begin + count < total) {
        AUTO_FREE char *link =
            xasprintf("http://%s%s?api-version=%s&%%24skiptoken=%zu", call->host,
                      call->request->path, call->api_version, (size_t)begin + count);
        value_set_text(out, "nextLink", link);
    }
    azure_reply_json(reply, 200, out);
}
