/* SPDX-License-Identifier: Apache-2.0
 * Refusals of Google's APIs; see gcp_error.h. */
#include "cloud/gcp/gcp_error.h"

#include "base/alloc.h"
#include "json/json_doc.h"

#include <string.h>

/* google.rpc.Code: number, name, the HTTP status it is mapped to. */
static const struct {
    int number;
    const char *name;
    long http;
    enum cloud_verdict verdict;
    enum error_code error;
    const char *hint;
} known[] = {
    {1, "CANCELLED", 499, CLOUD_REFUSED, ERROR_UNAVAILABLE, NULL},
    {2, "UNKNOWN", 0, CLOUD_FAILED, ERROR_SYSTEM, NULL},
    {3, "INVALID_ARGUMENT", 400, CLOUD_REFUSED, ERROR_INVALID_PARAMETER, NULL},
    {4, "DEADLINE_EXCEEDED", 504, CLOUD_FAILED, ERROR_UNAVAILABLE, NULL},
    {5, "NOT_FOUND", 404, CLOUD_REFUSED, ERROR_NOT_FOUND, NULL},
    {6, "ALREADY_EXISTS", 409, CLOUD_REFUSED, ERROR_CONFLICT, NULL},
    {7, "PERMISSION_DENIED", 403, CLOUD_REFUSED, ERROR_FORBIDDEN,
     "the backend's account lacks a role, or the API is not enabled in the project"},
    {8, "RESOURCE_EXHAUSTED", 429, CLOUD_THROTTLED, ERROR_UNAVAILABLE, NULL},
    {9, "FAILED_PRECONDITION", 0, CLOUD_REFUSED, ERROR_INVALID_PARAMETER, NULL},
    {10, "ABORTED", 409, CLOUD_BUSY, ERROR_UNAVAILABLE, NULL},
    {11, "OUT_OF_RANGE", 0, CLOUD_REFUSED, ERROR_INVALID_PARAMETER, NULL},
    {12, "UNIMPLEMENTED", 501, CLOUD_REFUSED, ERROR_SYSTEM, NULL},
    {13, "INTERNAL", 500, CLOUD_FAILED, ERROR_UNAVAILABLE, NULL},
    {14, "UNAVAILABLE", 503, CLOUD_FAILED, ERROR_UNAVAILABLE, NULL},
    {15, "DATA_LOSS", 0, CLOUD_REFUSED, ERROR_SYSTEM, NULL},
    {16, "UNAUTHENTICATED", 401, CLOUD_EXPIRED, ERROR_FORBIDDEN,
     "check the Google credentials of the backend"},
};

static int find_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(known[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* Storage's and DNS's older errors have no status; their HTTP status tells. */
static int find(const struct cloud_error *e)
{
    int i = find_name(e->code);
    for (size_t k = 0; i < 0 && e->http && k < ARRAY_LEN(known); k++)
        if (known[k].http == e->http)
            i = (int)k;
    return i;
}

/* google.rpc.RequestInfo among the details. */
static void find_request_id(const json_t *error, struct cloud_error *out)
{
    const json_t *details = json_object_get(error, "details");
    for (size_t i = 0; i < json_array_size(details) && !*out->request_id; i++)
        cloud_error_copy(out->request_id, sizeof out->request_id,
                         json_doc_string(json_array_get(details, i), "requestId"));
}

static void judge(struct cloud_error *e)
{
    int i = find(e);
    bool failed = e->http == 408 || e->http >= 500;
    e->verdict = i >= 0 ? known[i].verdict : failed ? CLOUD_FAILED : CLOUD_REFUSED;
    e->error = i >= 0 ? known[i].error : failed ? ERROR_UNAVAILABLE : ERROR_SYSTEM;
    e->hint = i >= 0 ? known[i].hint : NULL;
}

void gcp_error_parse(const struct http_response *res, struct cloud_error *out)
{
    struct error ignored;
    *out = (struct cloud_error){.http = res->status};
    json_t *doc AUTO(json) =
        res->body.len ? json_doc_load(res->body.data, res->body.len, &ignored) : NULL;
    const json_t *error = json_object_get(doc, "error");
    cloud_error_copy(out->request_id, sizeof out->request_id,
                     http_response_header(res, "x-goog-request-id"));
    if (json_is_object(error)) {
        cloud_error_copy(out->code, sizeof out->code, json_doc_string(error, "status"));
        cloud_error_copy(out->message, sizeof out->message, json_doc_string(error, "message"));
        find_request_id(error, out);
    } else if (res->body.len) {
        cloud_error_copy(out->message, sizeof out->message,
                         "the answer does not have the form of a Google API error");
    }
    judge(out);
}

void gcp_error_from_status(const json_t *status, struct cloud_error *out)
{
    json_int_t number = json_integer_value(json_object_get(status, "code"));
    *out = (struct cloud_error){0};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (known[i].number == number)
            cloud_error_copy(out->code, sizeof out->code, known[i].name);
    cloud_error_copy(out->message, sizeof out->message, json_doc_string(status, "message"));
    find_request_id(status, out);
    judge(out);
}

bool gcp_error_is(const struct cloud_error *e, const char *status)
{
    int i = find(e);
    return i >= 0 && strcmp(known[i].name, status) == 0;
}
