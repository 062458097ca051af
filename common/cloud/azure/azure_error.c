/* SPDX-License-Identifier: Apache-2.0
 * Refusals of Azure's APIs; see azure_error.h. (Azure Resource Manager, "Resource provider
 * contract", error response content; "Throttling Resource Manager requests".) */
#include "cloud/azure/azure_error.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "json/json_doc.h"

#include <string.h>

enum { INNER_MAX = 5 };

static const char no_role[] = "the backend's identity lacks a role assignment for this";
static const char not_registered[] =
    "register the resource provider in the subscription: az provider register -n Microsoft.App";

/* The first row that fits counts. code: NULL any; else a part of it. */
static const struct {
    long http; /* 0: any, or none (an operation's error) */
    const char *code;
    enum cloud_verdict verdict;
    enum error_code error;
    const char *hint;
} known[] = {
    {401, NULL, CLOUD_EXPIRED, ERROR_FORBIDDEN, "check the Azure credentials of the backend"},
    {409, "MissingSubscriptionRegistration", CLOUD_REFUSED, ERROR_FORBIDDEN, not_registered},
    {409, "ScopeLocked", CLOUD_REFUSED, ERROR_FORBIDDEN, NULL},
    {0, "Quota", CLOUD_REFUSED, ERROR_UNAVAILABLE, NULL},
    {409, "Exceeded", CLOUD_REFUSED, ERROR_UNAVAILABLE, NULL},
    {409, "DisabledSubscription", CLOUD_REFUSED, ERROR_FORBIDDEN, NULL},
    {403, "Policy", CLOUD_REFUSED, ERROR_FORBIDDEN, NULL},
    {403, NULL, CLOUD_REFUSED, ERROR_FORBIDDEN, no_role},
    {404, NULL, CLOUD_REFUSED, ERROR_NOT_FOUND, NULL},
    {409, NULL, CLOUD_BUSY, ERROR_UNAVAILABLE, NULL},
    {412, NULL, CLOUD_REFUSED, ERROR_CONFLICT, NULL},
    {429, NULL, CLOUD_THROTTLED, ERROR_UNAVAILABLE, NULL},
    {400, NULL, CLOUD_REFUSED, ERROR_INVALID_PARAMETER, NULL},
    {422, NULL, CLOUD_REFUSED, ERROR_INVALID_PARAMETER, NULL},
    {0, "AuthorizationFailed", CLOUD_REFUSED, ERROR_FORBIDDEN, no_role},
    {0, "NotFound", CLOUD_REFUSED, ERROR_NOT_FOUND, NULL},
    {0, "Invalid", CLOUD_REFUSED, ERROR_INVALID_PARAMETER, NULL},
    {0, "Validation", CLOUD_REFUSED, ERROR_INVALID_PARAMETER, NULL},
    {0, "Capacity", CLOUD_REFUSED, ERROR_UNAVAILABLE, NULL},
};

static void judge(struct cloud_error *e)
{
    bool failed = e->http == 408 || e->http >= 500;
    e->verdict = failed ? CLOUD_FAILED : CLOUD_REFUSED;
    e->error = failed ? ERROR_UNAVAILABLE : ERROR_SYSTEM;
    for (size_t i = 0; i < ARRAY_LEN(known) && !failed; i++) {
        bool status = known[i].http ? known[i].http == e->http
                                    : known[i].code && strcasestr(e->code, known[i].code);
        if (!status || (known[i].code && !strcasestr(e->code, known[i].code)))
            continue;
        e->verdict = known[i].verdict;
        e->error = known[i].error;
        e->hint = known[i].hint;
        return;
    }
}

static void add_words(struct buf *out, const char *text)
{
    if (str_empty(text) || (out->data && strstr(out->data, text)))
        return;
    buf_printf(out, "%s%.400s", out->len ? ": " : "", text);
}

/* "message", then what the details and the innermost error add: the outer one may say no more than
 * "The request had some invalid properties". */
static void read_words(const json_t *error, struct cloud_error *out)
{
    AUTO(buf) struct buf words = BUF_INIT;
    const json_t *details = json_object_get(error, "details");
    const json_t *inner = json_object_get(error, "innererror");
    cloud_error_copy(out->code, sizeof out->code, json_doc_string(error, "code"));
    add_words(&words, json_doc_string(error, "message"));
    for (size_t i = 0; i < json_array_size(details) && i < INNER_MAX; i++)
        add_words(&words, json_doc_string(json_array_get(details, i), "message"));
    for (int depth = 0; json_is_object(inner) && depth < INNER_MAX; depth++) {
        add_words(&words, json_doc_string(inner, "message"));
        inner = json_object_get(inner, "innererror");
    }
    cloud_error_copy(out->message, sizeof out->message, words.data);
}

void azure_error_parse(const struct http_response *res, struct cloud_error *out)
{
    struct error ignored;
    const char *id = http_response_header(res, "x-ms-request-id");
    *out = (struct cloud_error){.http = res->status};
    json_t *doc AUTO(json) =
        res->body.len ? json_doc_load(res->body.data, res->body.len, &ignored) : NULL;
    const json_t *error = json_object_get(doc, "error");
    cloud_error_copy(out->request_id, sizeof out->request_id,
                     id ? id : http_response_header(res, "x-ms-correlation-request-id"));
    if (json_is_object(error))
        read_words(error, out);
    else if (json_doc_string(doc, "code")) /* some providers leave the envelope out */
        read_words(doc, out);
    else if (res->body.len)
        cloud_error_copy(out->message, sizeof out->message,
                         "the answer does not have the form of an Azure error");
    judge(out);
}

void azure_error_from(const json_t *error, struct cloud_error *out)
{
    *out = (struct cloud_error){0};
    read_words(error, out);
    if (!*out->code)
        cloud_error_copy(out->code, sizeof out->code, "Failed");
    judge(out);
}
