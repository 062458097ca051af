/* SPDX-License-Identifier: Apache-2.0
 * Refusals of Google's APIs; see gcp_error.h. */
#include "cloud/gcp/gcp_error.h"

#include "base/alloc.h"
#include "base/str.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>

/* google.rpc.Code: number, name, the HTTP status it is mapped to. */
static const struct {
    int number;
    const char *name;
    long http;
    enum gcp_retry retry;
    enum error_code error;
    const char *hint;
} known[] = {
    {1, "CANCELLED", 499, GCP_RETRY_NO, ERROR_UNAVAILABLE, NULL},
    {2, "UNKNOWN", 0, GCP_RETRY_SERVER, ERROR_SYSTEM, NULL},
    {3, "INVALID_ARGUMENT", 400, GCP_RETRY_NO, ERROR_INVALID_PARAMETER, NULL},
    {4, "DEADLINE_EXCEEDED", 504, GCP_RETRY_SERVER, ERROR_UNAVAILABLE, NULL},
    {5, "NOT_FOUND", 404, GCP_RETRY_NO, ERROR_NOT_FOUND, NULL},
    {6, "ALREADY_EXISTS", 409, GCP_RETRY_NO, ERROR_CONFLICT, NULL},
    {7, "PERMISSION_DENIED", 403, GCP_RETRY_NO, ERROR_FORBIDDEN,
     "the backend's account lacks a role, or the API is not enabled in the project"},
    {8, "RESOURCE_EXHAUSTED", 429, GCP_RETRY_THROTTLED, ERROR_UNAVAILABLE, NULL},
    {9, "FAILED_PRECONDITION", 0, GCP_RETRY_NO, ERROR_INVALID_PARAMETER, NULL},
    {10, "ABORTED", 409, GCP_RETRY_THROTTLED, ERROR_UNAVAILABLE, NULL},
    {11, "OUT_OF_RANGE", 0, GCP_RETRY_NO, ERROR_INVALID_PARAMETER, NULL},
    {12, "UNIMPLEMENTED", 501, GCP_RETRY_NO, ERROR_SYSTEM, NULL},
    {13, "INTERNAL", 500, GCP_RETRY_SERVER, ERROR_UNAVAILABLE, NULL},
    {14, "UNAVAILABLE", 503, GCP_RETRY_SERVER, ERROR_UNAVAILABLE, NULL},
    {15, "DATA_LOSS", 0, GCP_RETRY_NO, ERROR_SYSTEM, NULL},
    {16, "UNAUTHENTICATED", 401, GCP_RETRY_CREDENTIALS, ERROR_FORBIDDEN,
     "check the Google credentials of the backend"},
};

static void copy(char *to, size_t size, const char *text)
{
    size_t n = 0;
    for (; text && *text && n + 1 < size; text++)
        to[n++] = (unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text;
    to[n] = '\0';
}

static int find_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(known[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* Storage's and DNS's older errors have no status; their HTTP status tells. */
static int find(const struct gcp_error *e)
{
    int i = find_name(e->status);
    for (size_t k = 0; i < 0 && e->http && k < ARRAY_LEN(known); k++)
        if (known[k].http == e->http)
            i = (int)k;
    return i;
}

/* google.rpc.RequestInfo among the details. */
static void find_request_id(const json_t *error, struct gcp_error *out)
{
    const json_t *details = json_object_get(error, "details");
    for (size_t i = 0; i < json_array_size(details) && !*out->request_id; i++)
        copy(out->request_id, sizeof out->request_id,
             json_doc_string(json_array_get(details, i), "requestId"));
}

void gcp_error_parse(const struct http_response *res, struct gcp_error *out)
{
    struct error ignored;
    *out = (struct gcp_error){.http = res->status};
    json_t *doc AUTO(json) =
        res->body.len ? json_doc_load(res->body.data, res->body.len, &ignored) : NULL;
    const json_t *error = json_object_get(doc, "error");
    copy(out->request_id, sizeof out->request_id, http_response_header(res, "x-goog-request-id"));
    if (json_is_object(error)) {
        copy(out->status, sizeof out->status, json_doc_string(error, "status"));
        copy(out->message, sizeof out->message, json_doc_string(error, "message"));
        find_request_id(error, out);
    } else if (res->body.len) {
        copy(out->message, sizeof out->message, "the answer is no error of a Google API");
    }
    out->ambiguous = gcp_error_retry(out) == GCP_RETRY_SERVER;
}

void gcp_error_from_status(const json_t *status, struct gcp_error *out)
{
    json_int_t number = json_integer_value(json_object_get(status, "code"));
    *out = (struct gcp_error){0};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (known[i].number == number)
            copy(out->status, sizeof out->status, known[i].name);
    copy(out->message, sizeof out->message, json_doc_string(status, "message"));
    find_request_id(status, out);
}

enum gcp_retry gcp_error_retry(const struct gcp_error *e)
{
    int i = find(e);
    if (i >= 0)
        return known[i].retry;
    return e->http == 408 || e->http >= 500 ? GCP_RETRY_SERVER : GCP_RETRY_NO;
}

bool gcp_error_is(const struct gcp_error *e, const char *status)
{
    int i = find(e);
    return i >= 0 && strcmp(known[i].name, status) == 0;
}

int gcp_error_fill(const struct gcp_error *e, const char *service, const char *what,
                   struct error *err)
{
    int i = find(e);
    enum error_code code = i >= 0                             ? known[i].error
                           : e->http >= 500 || e->http == 408 ? ERROR_UNAVAILABLE
                                                              : ERROR_SYSTEM;
    const char *hint = i >= 0 ? known[i].hint : NULL;
    char http[32];
    snprintf(http, sizeof http, "HTTP %ld", e->http);
    return error_set(err, code, "%s: %s: %s%s%s%s%s%s%s%s", service, what,
                     *e->status ? e->status : http, *e->message ? ": " : "", e->message,
                     hint ? "; " : "", str_or_empty(hint), *e->request_id ? " (request id " : "",
                     e->request_id, *e->request_id ? ")" : "");
}
