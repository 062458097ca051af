/* SPDX-License-Identifier: Apache-2.0
 * Dispatch; see dispatch.h. Error codes: "Resource Manager common errors". */
#include "test/sim/azure/dispatch.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "test/sim/azure/arm_quota.h"
#include "test/sim/azure/directory.h"
#include "test/sim/http/call_counts.h"
#include "test/sim/http/fault.h"
#include "test/sim/http/form.h"
#include "test/sim/http/journal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define SERVICE "arm"
#define VERSIONS                                                                                   \
    "2023-05-01, 2023-05-02-preview, 2023-08-01-preview, 2023-11-02-preview, "                     \
    "2024-02-02-preview, 2024-03-01, 2024-08-02-preview, 2024-10-02-preview, 2025-01-01, "         \
    "2025-02-02-preview, 2025-07-01, 2025-10-02-preview, 2026-01-01, 2026-07-01"

#define STORAGE_VERSIONS "2022-09-01, 2023-01-01, 2023-05-01, 2024-01-01, 2025-01-01"

static const struct azure_method *const tables[] = {
    job_methods, execution_methods, operation_methods, environment_methods, storage_methods};

/* ---- finding the method ---- */

bool dispatch_path_match(const char *pattern, const char *path,
                         char part[AZURE_PATH_PARTS][AZURE_PART_MAX])
{
    size_t parts = 0;
    for (; *pattern; pattern++) {
        if (*pattern != '*') {
            if (tolower((unsigned char)*pattern) != tolower((unsigned char)*path++))
                return false;
            continue;
        }
        size_t len = strcspn(path, "/");
        AUTO_FREE char *decoded = form_decode(path, len, false);
        if (parts == AZURE_PATH_PARTS || !*decoded ||
            snprintf(part[parts++], AZURE_PART_MAX, "%s", decoded) >= AZURE_PART_MAX)
            return false;
        path += len;
    }
    return !*path;
}

/* A method of another verb at the same path: *path_known. */
static const struct azure_method *find_method(struct azure_call *call, bool *path_known)
{
    const struct http_request *request = call->request;
    *path_known = false;
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        for (const struct azure_method *m = tables[i]; m->id; m++)
            if (dispatch_path_match(m->path, request->path, call->part)) {
                if (!strcmp(m->http_method, request->method))
                    return m;
                *path_known = true;
            }
    return NULL;
}

/* ---- checks before the method ---- */

static bool check_token(struct azure *azure, struct azure_call *call, struct azure_reply *reply)
{
    const char *token = form_bearer(call->request);
    if (!*token) {
        azure_reply_error(reply, 401, "AuthenticationFailed",
                          "Authentication failed. The 'Authorization' header is missing.");
        return false;
    }
    switch (directory_check(azure->directory, token, DIRECTORY_ARM, call->principal, NULL)) {
    case TOKEN_GOOD: return true;
    case TOKEN_EXPIRED:
        azure_reply_error(reply, 401, "ExpiredAuthenticationToken",
                          "The access token expiry UTC time is earlier than current UTC time.");
        return false;
    case TOKEN_OTHER_AUDIENCE:
        azure_reply_error(reply, 401, "InvalidAuthenticationTokenAudience",
                          "The access token has been obtained for wrong audience or resource. It "
                          "should exactly match with one of the allowed audiences "
                          "'https://management.core.windows.net/','" DIRECTORY_ARM "/'.");
        return false;
    case TOKEN_BAD: break;
    }
    azure_reply_error(reply, 401, "InvalidAuthenticationToken", "The access token is invalid.");
    return false;
}

static bool check_version(struct azure_call *call, struct azure_reply *reply)
{
    bool is_storage = strcasestr(call->request->path, "/providers/Microsoft.Storage/");
    const char *versions = is_storage ? " " STORAGE_VERSIONS "," : " " VERSIONS ",";
    AUTO_FREE char *version = form_parameter(call->request, "api-version");
    AUTO_FREE char *word = xasprintf(" %s,", str_or_empty(version));
    if (str_empty(version)) {
        azure_reply_error(reply, 400, "MissingApiVersionParameter",
                          "The api-version query parameter (?api-version=) is required for all "
                          "requests.");
        return false;
    }
    if (!strchr(version, ' ') && strstr(versions, word)) {
        snprintf(call->api_version, sizeof call->api_version, "%s", version);
        return true;
    }
    azure_reply_error(reply, 400, "NoRegisteredProviderFound",
                      "No registered resource provider found for API version '%s'. The supported "
                      "api-versions are '%s'.",
                      version, is_storage ? STORAGE_VERSIONS : VERSIONS);
    return false;
}

/* "/subscriptions/S" and, where there is one, "/resourceGroups/G". */
static bool check_scope(const struct azure *azure, const struct azure_call *call,
                        struct azure_reply *reply)
{
    char part[AZURE_PATH_PARTS][AZURE_PART_MAX] = {{0}};
    const char *path = call->request->path, *rest = path + strlen("/subscriptions/");
    size_t len = strcspn(rest, "/");
    AUTO_FREE char *subscription = form_decode(rest, len, false);
    AUTO_FREE char *after = xstrdup(rest + len);
    if (strcasecmp(subscription, azure->subscription) != 0) {
        azure_reply_error(reply, 404, "SubscriptionNotFound",
                          "The subscription '%s' could not be found.", subscription);
        return false;
    }
    char *provider = strstr(after, "/providers/");
    if (provider)
        *provider = '\0';
    if (dispatch_path_match("/resourceGroups/*", after, part) &&
        strcasecmp(part[0], azure->group) != 0) {
        azure_reply_error(reply, 404, "ResourceGroupNotFound",
                          "Resource group '%s' could not be found.", part[0]);
        return false;
    }
    return true;
}

static bool read_body(struct azure_call *call, struct azure_reply *reply)
{
    const struct http_request *r = call->request;
    json_error_t problem;
    if (r->body_len == 0)
        return true;
    call->body = json_loadb(r->body, r->body_len, JSON_REJECT_DUPLICATES, &problem);
    if (json_is_object(call->body))
        return true;
    azure_reply_error(reply, 400, "InvalidRequestContent",
                      "The request content was invalid and could not be deserialized: '%s'.",
                      call->body ? "an object is expected" : problem.text);
    return false;
}

/* ---- faults and rates ---- */

static void throttle(struct azure *azure, const struct azure_call *call, const char *kind,
                     long seconds, struct azure_reply *reply)
{
    azure_reply_error(reply, 429, "SubscriptionRequestsThrottled",
                      "Number of '%s' for subscription '%s' actor '%s' exceeded. Please try again "
                      "after '%ld' seconds after additional tokens are available. Refer to "
                      "https://aka.ms/arm-throttling for additional information.",
                      kind, azure->subscription, call->principal, seconds);
    reply->retry_after_s = (int)seconds;
}

static const struct {
    int status;
    const char *code, *message;
} errors[] = {{400, "BadRequest", "The request is not valid."},
              {403, "AuthorizationFailed", "The client does not have authorization."},
              {404, "ResourceNotFound", "The Resource was not found."},
              {409, "Conflict", "Another operation is in progress on the resource."},
              {429, "TooManyRequests", "The request is throttled."},
              {500, "InternalServerError", "Encountered internal server error."},
              {502, "BadGateway", "The gateway did not receive a response."},
              {503, "ServiceUnavailable", "The service is currently unavailable."},
              {504, "GatewayTimeout", "The gateway did not receive a response in time."}};

static void fault_error(const struct fault *f, int status, struct azure_reply *reply)
{
    size_t i = 0;
    if (f->status)
        status = f->status;
    while (i + 1 < ARRAY_LEN(errors) && errors[i].status != status)
        i++;
    azure_reply_error(reply, status, fault_text(f->code, errors[i].code), "%s",
                      fault_text(f->message, errors[i].message));
}

/* True when the fault has taken the place of the method. latency_ms of a throttling is what
 * Retry-After says. A long-running operation meets its lack of capacity only later. */
static bool apply_fault(struct azure *azure, const struct azure_method *m, const struct fault *f,
                        struct azure_call *call, struct azure_reply *reply)
{
    switch (f->kind) {
    case FAULT_THROTTLE:
        throttle(azure, call, "requests", (f->latency_ms + 999) / 1000, reply);
        return true;
    case FAULT_CAPACITY:
        call->fails_late = m->long_running;
        if (!m->long_running)
            fault_error(f, 503, reply);
        return !m->long_running;
    case FAULT_ERROR: fault_error(f, 503, reply); return true;
    case FAULT_ACCESS_DENIED:
        azure_reply_error(reply, 403, "AuthorizationFailed",
                          "The client '%s' with object id '%s' does not have authorization to "
                          "perform action '%s' over scope '%s' or the scope is invalid. If access "
                          "was recently granted, please refresh your credentials.",
                          call->principal, call->principal, m->action, call->request->path);
        return true;
    case FAULT_TIMEOUT: fault_delay(&azure->closing, f->latency_ms ? f->latency_ms : 60000);
    /* fall through */
    case FAULT_DROP_CONNECTION: reply->drop = true; return true;
    case FAULT_LATENCY: fault_delay(&azure->closing, f->latency_ms); return false;
    case FAULT_LOST_ANSWER:
    case FAULT_NONE: return false;
    }
    return false;
}

static void run_method(struct azure *azure, const struct azure_method *m, struct azure_call *call,
                       struct azure_reply *reply)
{
    struct fault f = {0};
    if (fault_list_take(azure->faults, SERVICE, m->name, &f) &&
        apply_fault(azure, m, &f, call, reply))
        return;
    m->run(azure, call, reply);
    if (f.kind == FAULT_LOST_ANSWER)
        reply->drop = true;
}

/* ---- one request ---- */

static const struct azure_method *handle(struct azure *azure, struct azure_call *call,
                                         struct arm_quota_taken *quota, struct azure_reply *reply)
{
    bool path_known;
    if (!check_token(azure, call, reply) || !check_version(call, reply) ||
        !check_scope(azure, call, reply) || !read_body(call, reply))
        return NULL;
    const struct azure_method *m = find_method(call, &path_known);
    if (!m && path_known)
        azure_reply_error(reply, 405, "HttpMethodNotAllowed",
                          "The HTTP method '%s' is not supported at scope '%s'.",
                          call->request->method, call->request->path);
    else if (!m)
        azure_reply_error(
            reply, 404, "InvalidResourceType",
            "The resource type could not be found in the namespace for api version '%s'.",
            call->api_version);
    else if (azure->tuning.throttling &&
             !(*quota = arm_quota_take(azure->quota, m->http_method)).good)
        throttle(azure, call, quota->kind, 1, reply);
    else
        run_method(azure, m, call, reply);
    return m;
}

/* {"method", "path", "parameters", "body"}: enough to check it against the OpenAPI files. */
static void keep_journal(struct azure *azure, const struct azure_method *m,
                         const struct azure_call *call, const struct http_reply *http)
{
    json_t *request =
        json_pack("{s:s, s:s, s:o}", "method", call->request->method, "path", call->request->path,
                  "parameters", form_parse(call->request->query));
    if (call->body)
        json_object_set(request, "body", call->body);
    AUTO_FREE char *text = json_dumps(request, JSON_COMPACT);
    journal_write(azure->journal, SERVICE, m->id, text, http->status,
                  http->body.len ? http->body.data : NULL);
    json_decref(request);
}

static void write_headers(const struct azure_reply *reply, const struct arm_quota_taken *quota,
                          struct http_reply *http)
{
    char request[37], correlation[37];
    value_uuid(request);
    value_uuid(correlation);
    http_reply_header(http, "x-ms-request-id", request);
    http_reply_header(http, "x-ms-correlation-request-id", correlation);
    if (*reply->async_operation)
        http_reply_header(http, "Azure-AsyncOperation", reply->async_operation);
    if (*reply->location)
        http_reply_header(http, "Location", reply->location);
    if (reply->retry_after_s >= 0) {
        AUTO_FREE char *seconds = xasprintf("%d", reply->retry_after_s);
        http_reply_header(http, "Retry-After", seconds);
    }
    if (quota->kind) {
        AUTO_FREE char *remaining = xasprintf("%ld", quota->remaining);
        http_reply_header(
            http,
            !strcmp(quota->kind, "reads")    ? "x-ms-ratelimit-remaining-subscription-reads"
            : !strcmp(quota->kind, "writes") ? "x-ms-ratelimit-remaining-subscription-writes"
                                             : "x-ms-ratelimit-remaining-subscription-deletes",
            remaining);
    }
    if (reply->status == 401)
        http_reply_header(http, "WWW-Authenticate",
                          "Bearer authorization_uri=\"https://login.windows.net/common\", "
                          "error=\"invalid_token\"");
}

static void write_answer(const struct azure_reply *reply, const struct arm_quota_taken *quota,
                         struct http_reply *http)
{
    json_t *value =
        *reply->code ? azure_error_json(reply->code, reply->message) : json_incref(reply->output);
    AUTO_FREE char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    http_reply_text(http, reply->status ? reply->status : 200, "application/json; charset=utf-8",
                    str_or_empty(text));
    write_headers(reply, quota, http);
    http->drop = reply->drop;
    json_decref(value);
}

void dispatch_request(void *ctx, const struct http_request *request, struct http_reply *http)
{
    struct azure *azure = ctx;
    struct azure_call *call = NEW(struct azure_call);
    struct azure_reply *reply = NEW(struct azure_reply);
    struct arm_quota_taken quota = {0};
    call->request = request;
    reply->retry_after_s = -1;
    snprintf(call->host, sizeof call->host, "%s",
             str_or_empty(http_request_header(request, "Host")));
    const struct azure_method *m = handle(azure, call, &quota, reply);
    write_answer(reply, &quota, http);
    if (m) {
        call_counts_add(azure->counts, SERVICE, m->name);
        keep_journal(azure, m, call, http);
    }
    log_debug("request", LOG_STR("method", request->method), LOG_STR("path", request->path),
              LOG_INT("status", http->status), LOG_STR("message", reply->message));
    json_decref(reply->output);
    json_decref(call->body);
    free(call);
    free(reply);
}
