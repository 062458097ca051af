/* SPDX-License-Identifier: Apache-2.0
 * Dispatch; see dispatch.h. */
#include "test/sim/gcp/dispatch.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "test/sim/gcp/quotas.h"
#include "test/sim/gcp/token_store.h"
#include "test/sim/http/call_counts.h"
#include "test/sim/http/fault.h"
#include "test/sim/http/form.h"
#include "test/sim/http/journal.h"

#include <stdio.h>
#include <string.h>

/* Functions before Cloud Run: of the two services' operations, which have one path here, theirs are
 * known by their names. */
static const struct gcp_method *const tables[] = {
    run_methods,     service_methods, function_methods, operation_methods,
    logging_methods, iam_methods,     artifact_methods};

/* ---- finding the method ---- */

static bool decode_part(const char *text, size_t len, char out[GCP_PART_MAX])
{
    AUTO_FREE char *decoded = form_decode(text, len, false);
    return *decoded && snprintf(out, GCP_PART_MAX, "%s", decoded) < GCP_PART_MAX;
}

bool dispatch_path_match(const char *pattern, const char *path,
                         char part[GCP_PATH_PARTS][GCP_PART_MAX])
{
    size_t parts = 0;
    for (; *pattern; pattern++) {
        if (*pattern != '*') {
            if (*pattern != *path++)
                return false;
            continue;
        }
        size_t len = strcspn(path, "/:");
        if (parts == GCP_PATH_PARTS || !decode_part(path, len, part[parts++]))
            return false;
        path += len;
    }
    return !*path;
}

static const struct gcp_method *find_method(const struct http_request *request,
                                            struct gcp_call *call)
{
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        for (const struct gcp_method *m = tables[i]; m->service; m++)
            if (!strcmp(m->http_method, request->method) &&
                dispatch_path_match(m->path, request->path, call->part))
                return m;
    return NULL;
}

const char *dispatch_short_name(const char *id)
{
    const char *last = strrchr(id, '.');
    while (last && last > id && last[-1] != '.')
        last--;
    return last ? last : id;
}

/* ---- who calls ---- */

static bool check_token(struct gcp *gcp, const struct gcp_method *m, struct gcp_call *call,
                        struct gcp_reply *reply)
{
    struct error ignored;
    const char *token = form_bearer(call->request);
    if (!*token) {
        gcp_reply_error(reply, "UNAUTHENTICATED",
                        "Request is missing required authentication credential. Expected OAuth 2 "
                        "access token, login cookie or other valid authentication credential.");
        return false;
    }
    if (token_store_find(gcp->tokens, token, call->principal))
        return true;
    if (token_store_check_self_signed(gcp->tokens, token, m->service, &ignored) == 0) {
        snprintf(call->principal, sizeof call->principal, "%s", token_store_email(gcp->tokens));
        return true;
    }
    gcp_reply_error(reply, "UNAUTHENTICATED",
                    "Request had invalid authentication credentials. Expected OAuth 2 access "
                    "token, login cookie or other valid authentication credential.");
    return false;
}

/* ---- faults ---- */

/* A fault's code is one of google.rpc.Code's names; its status decides where it has none. */
static const char *fault_status(const struct fault *f)
{
    static const char *const names[] = {
        "INVALID_ARGUMENT", "NOT_FOUND",           "ALREADY_EXISTS",     "PERMISSION_DENIED",
        "ABORTED",          "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED", "UNIMPLEMENTED",
        "INTERNAL",         "UNAVAILABLE",         "DEADLINE_EXCEEDED",  "UNAUTHENTICATED"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (*f->code ? !strcmp(names[i], f->code) : f->status == gcp_status_http(names[i]))
            return names[i];
    return f->status >= 500 || !f->status ? "UNAVAILABLE" : "INVALID_ARGUMENT";
}

/* True when the fault has taken the place of the method. latency_ms of a throttling is what
 * Retry-After says. */
static bool apply_fault(struct gcp *gcp, const struct gcp_method *m, const struct fault *f,
                        struct gcp_reply *reply)
{
    switch (f->kind) {
    case FAULT_THROTTLE:
        if (f->latency_ms)
            snprintf(reply->retry_after, sizeof reply->retry_after, "%ld",
                     (f->latency_ms + 999) / 1000);
        gcp_reply_error(reply, "RESOURCE_EXHAUSTED",
                        "Quota exceeded for quota metric of service "
                        "'%s.googleapis.com'",
                        m->service);
        return true;
    case FAULT_CAPACITY:
        gcp_reply_error(reply, "RESOURCE_EXHAUSTED", "%s",
                        fault_text(f->message, "The region does not have enough resources "
                                               "available to fulfill the request."));
        return true;
    case FAULT_ERROR:
        gcp_reply_error(reply, fault_status(f), "%s",
                        fault_text(f->message, "The service is currently unavailable."));
        return true;
    case FAULT_ACCESS_DENIED:
        gcp_reply_error(reply, "PERMISSION_DENIED",
                        "Permission '%s.%s' denied on resource (or it may not exist).", m->service,
                        dispatch_short_name(m->id));
        return true;
    case FAULT_TIMEOUT: fault_delay(&gcp->closing, f->latency_ms ? f->latency_ms : 60000);
    /* fall through */
    case FAULT_DROP_CONNECTION: reply->drop = true; return true;
    case FAULT_LATENCY: fault_delay(&gcp->closing, f->latency_ms); return false;
    case FAULT_LOST_ANSWER:
    case FAULT_NONE: return false;
    }
    return false;
}

static void run_method(struct gcp *gcp, const struct gcp_method *m, const struct gcp_call *call,
                       struct gcp_reply *reply)
{
    struct fault f = {0};
    const char *name = dispatch_short_name(m->id);
    if (fault_list_take(gcp->faults, m->service, name, &f) && apply_fault(gcp, m, &f, reply))
        return;
    const char *quota = gcp->tuning.throttling ? quotas_take(m->service, name) : NULL;
    if (quota) {
        gcp_reply_error(reply, "RESOURCE_EXHAUSTED",
                        "Quota exceeded for quota metric '%s' and limit '%s per minute' of service "
                        "'%s.googleapis.com' for consumer 'project_number:" GCP_PROJECT_NUMBER "'.",
                        quota, quota, m->service);
        return;
    }
    m->run(gcp, call, reply);
    if (f.kind == FAULT_LOST_ANSWER)
        reply->drop = true;
}

/* ---- one request ---- */

static bool read_body(struct gcp_call *call, struct gcp_reply *reply)
{
    const struct http_request *r = call->request;
    json_error_t problem;
    call->body =
        r->body_len ? json_loadb(r->body, r->body_len, JSON_ALLOW_NUL, &problem) : json_object();
    if (json_is_object(call->body))
        return true;
    gcp_reply_error(reply, "INVALID_ARGUMENT",
                    "Invalid JSON payload received. Expected an object: %s",
                    call->body ? "not an object" : problem.text);
    return false;
}

/* The project must be this one; a method without a project in its path has "" there. */
static bool check_project(const struct gcp *gcp, const struct gcp_call *call,
                          struct gcp_reply *reply)
{
    if (!*call->part[0] || !strcmp(call->part[0], "-") || !strcmp(call->part[0], gcp->project) ||
        !strcmp(call->part[0], GCP_PROJECT_NUMBER))
        return true;
    gcp_reply_error(reply, "PERMISSION_DENIED",
                    "Permission denied on resource project %s (or it may not exist).",
                    call->part[0]);
    return false;
}

static const struct gcp_method *handle(struct gcp *gcp, struct gcp_call *call,
                                       struct gcp_reply *reply)
{
    const struct gcp_method *m = find_method(call->request, call);
    if (!m)
        gcp_reply_error(reply, "NOT_FOUND", "Method not found.");
    else if ((m->public || check_token(gcp, m, call, reply)) && read_body(call, reply) &&
             check_project(gcp, call, reply))
        run_method(gcp, m, call, reply);
    return m;
}

/* {"path", "parameters", "body"}: enough to check it against the discovery document. */
static void keep_journal(struct gcp *gcp, const struct gcp_method *m, const struct gcp_call *call,
                         const struct http_reply *http)
{
    json_t *request =
        json_pack("{s:s, s:s, s:o}", "method", call->request->method, "path", call->request->path,
                  "parameters", form_parse(call->request->query));
    if (call->request->body_len && call->body)
        json_object_set(request, "body", call->body);
    AUTO_FREE char *text = json_dumps(request, JSON_COMPACT);
    journal_write(gcp->journal, m->service, m->id, text, http->status, http->body.data);
    json_decref(request);
}

static void write_answer(const struct gcp_reply *reply, struct http_reply *http)
{
    json_t *value = reply->status   ? gcp_error_json(reply->status, reply->message)
                    : reply->output ? json_incref(reply->output)
                                    : json_object();
    AUTO_FREE char *text = json_dumps(value, JSON_COMPACT);
    http_reply_text(http, reply->status ? gcp_status_http(reply->status) : 200,
                    "application/json; charset=UTF-8", text ? text : "{}");
    if (*reply->retry_after)
        http_reply_header(http, "Retry-After", reply->retry_after);
    http->drop = reply->drop;
    json_decref(value);
}

void dispatch_request(void *ctx, const struct http_request *request, struct http_reply *http)
{
    struct gcp *gcp = ctx;
    struct gcp_call *call = NEW(struct gcp_call);
    struct gcp_reply *reply = NEW(struct gcp_reply);
    call->request = request;
    const struct gcp_method *m = handle(gcp, call, reply);
    write_answer(reply, http);
    if (m) {
        call_counts_add(gcp->counts, m->service, dispatch_short_name(m->id));
        keep_journal(gcp, m, call, http);
    }
    log_debug("request", LOG_STR("method", request->method), LOG_STR("path", request->path),
              LOG_INT("status", http->status), LOG_STR("message", reply->message));
    json_decref(reply->output);
    json_decref(call->body);
    free(call);
    free(reply);
}
