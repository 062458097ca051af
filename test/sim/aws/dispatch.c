/* SPDX-License-Identifier: Apache-2.0
 * Dispatch; see dispatch.h. */
#include "test/sim/aws/dispatch.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "test/sim/aws/credentials.h"
#include "test/sim/aws/query.h"
#include "test/sim/aws/rates.h"
#include "test/sim/aws/sigv4.h"
#include "test/sim/http/call_counts.h"
#include "test/sim/http/fault.h"
#include "test/sim/http/journal.h"

#include <stdio.h>
#include <string.h>

/* X-Amz-Target prefix -> service. */
static const struct {
    const char *target, *service;
} targets[] = {{"AmazonEC2ContainerServiceV20141113.", "ecs"},
               {"Logs_20140328.", "logs"},
               {"AmazonEC2ContainerRegistry_V20150921.", "ecr"},
               {"Route53AutoNaming_v20170314.", "servicediscovery"}};

static const struct aws_operation *const tables[] = {
    ecs_operations, logs_operations, sts_operations, ecr_operations, ec2_operations};

/* ---- finding the operation ---- */

static bool is_query(const char *service)
{
    return !strcmp(service, "ec2") || !strcmp(service, "sts");
}

static const struct aws_operation *find_operation(const char *service, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        for (const struct aws_operation *op = tables[i]; op->name; op++)
            if (!strcmp(op->service, service) && !strcmp(op->name, name))
                return op;
    return NULL;
}

/* JSON 1.1: service and operation from X-Amz-Target, input from the body. */
static bool read_json_call(const struct http_request *request, const char *target,
                           struct aws_call *call)
{
    call->service = "unknown";
    call->operation = target;
    for (size_t i = 0; i < ARRAY_LEN(targets); i++)
        if (str_starts(target, targets[i].target)) {
            call->service = targets[i].service;
            call->operation = target + strlen(targets[i].target);
        }
    call->input = request->body_len
                      ? json_loadb(request->body, request->body_len, JSON_ALLOW_NUL, NULL)
                      : json_object();
    return json_is_object(call->input);
}

/* Query: the operation is Action; the service comes from the signature's scope, else (unsigned
 * calls) it is STS. */
static bool read_query_call(const struct http_request *request, const struct sigv4_scope *scope,
                            struct aws_call *call)
{
    call->service = *scope->service ? (!strcmp(scope->service, "ec2") ? "ec2" : "sts") : "sts";
    call->input = query_parse(request->body_len ? request->body : request->query);
    call->operation = value_string(call->input, "Action");
    return json_is_object(call->input);
}

/* ---- who calls ---- */

static void refuse(const struct aws_call *call, struct aws_reply *reply, const char *json_code,
                   const char *query_code, const char *message)
{
    bool query = is_query(call->service);
    aws_reply_error(reply, query ? 403 : 400, query ? query_code : json_code, "%s", message);
}

static bool check_signature(struct aws *aws, const struct http_request *request,
                            const struct sigv4_scope *scope, struct aws_call *call,
                            struct aws_reply *reply)
{
    struct credential who;
    if (!credential_store_find(aws->credentials, scope->access_key, &who)) {
        refuse(call, reply, "UnrecognizedClientException",
               !strcmp(call->service, "ec2") ? "AuthFailure" : "InvalidClientTokenId",
               "The security token included in the request is invalid.");
        return false;
    }
    if (strcmp(scope->region, aws->region) || strcmp(scope->service, call->service)) {
        refuse(call, reply, "InvalidSignatureException", "SignatureDoesNotMatch",
               strcmp(scope->region, aws->region)
                   ? "Credential should be scoped to a valid region."
                   : "Credential should be scoped to correct service.");
        return false;
    }
    switch (sigv4_verify(request, scope, who.secret_key, value_now_ms() / 1000)) {
    case SIGV4_OK: break;
    case SIGV4_EXPIRED:
        refuse(call, reply, "InvalidSignatureException",
               !strcmp(call->service, "ec2") ? "RequestExpired" : "SignatureDoesNotMatch",
               "Signature expired: x-amz-date is more than 5 minutes off.");
        return false;
    default:
        refuse(call, reply, "InvalidSignatureException", "SignatureDoesNotMatch",
               "The request signature we calculated does not match the signature you provided. "
               "Check your AWS Secret Access Key and signing method.");
        return false;
    }
    const char *token = http_request_header(request, "x-amz-security-token");
    if (strcmp(str_or_empty(token), who.session_token)) {
        refuse(call, reply, "UnrecognizedClientException", "InvalidClientTokenId",
               "The security token included in the request is invalid.");
        return false;
    }
    if (who.expires_ms && who.expires_ms <= value_now_ms()) {
        refuse(call, reply, "ExpiredTokenException", "ExpiredToken",
               "The security token included in the request is expired");
        return false;
    }
    snprintf(call->principal_arn, sizeof call->principal_arn, "%s", who.arn);
    snprintf(call->access_key, sizeof call->access_key, "%s", who.access_key);
    return true;
}

/* ---- faults ---- */

static void reply_throttled(const struct aws_call *call, struct aws_reply *reply)
{
    if (!strcmp(call->service, "ec2"))
        aws_reply_error(reply, 503, "RequestLimitExceeded", "Request limit exceeded.");
    else
        aws_reply_error(reply, 400, is_query(call->service) ? "Throttling" : "ThrottlingException",
                        "Rate exceeded");
}

/* True when the fault has taken the place of the operation. */
static bool apply_fault(struct aws *aws, const struct aws_call *call, const struct fault *f,
                        struct aws_reply *reply)
{
    switch (f->kind) {
    case FAULT_THROTTLE: reply_throttled(call, reply); return true;
    case FAULT_ERROR:
        aws_reply_error(reply, f->status ? f->status : 500, fault_text(f->code, "ServerException"),
                        "%s",
                        fault_text(f->message, "Service Unavailable. Please try again later."));
        return true;
    case FAULT_TIMEOUT:
        fault_delay(&aws->closing, f->latency_ms ? f->latency_ms : 60000);
        reply->drop = true;
        return true;
    case FAULT_DROP_CONNECTION: reply->drop = true; return true;
    case FAULT_ACCESS_DENIED:
        aws_reply_error(
            reply, is_query(call->service) ? 403 : 400,
            !strcmp(call->service, "ec2") ? "UnauthorizedOperation" : "AccessDeniedException",
            "User: %s is not authorized to perform: %s:%s on resource: * because no "
            "identity-based policy allows the %s:%s action",
            call->principal_arn, call->service, call->operation, call->service, call->operation);
        return true;
    case FAULT_CAPACITY:
        aws_reply_json(reply,
                       json_pack("{s:[], s:[{s:s}]}", "tasks", "failures", "reason",
                                 fault_text(f->message, "Capacity is unavailable at this time. "
                                                        "Please try again later or in a "
                                                        "different availability zone")));
        return true;
    case FAULT_LATENCY: fault_delay(&aws->closing, f->latency_ms); return false;
    case FAULT_LOST_ANSWER:
    case FAULT_NONE: return false;
    }
    return false;
}

static void run_operation(struct aws *aws, const struct aws_operation *op,
                          const struct aws_call *call, struct aws_reply *reply)
{
    struct fault f = {0};
    if (fault_list_take(aws->faults, call->service, call->operation, &f) &&
        apply_fault(aws, call, &f, reply))
        return;
    if (aws->tuning.throttling && !rates_take(call->service, call->operation)) {
        reply_throttled(call, reply);
        return;
    }
    op->run(aws, call, reply);
    if (f.kind == FAULT_LOST_ANSWER)
        reply->drop = true;
}

/* ---- one request ---- */

static void handle(struct aws *aws, const struct http_request *request, struct aws_call *call,
                   struct aws_reply *reply)
{
    struct sigv4_scope scope = {0};
    enum sigv4_result parsed = sigv4_parse(request, &scope);
    const char *target = http_request_header(request, "X-Amz-Target");
    bool readable =
        target ? read_json_call(request, target, call) : read_query_call(request, &scope, call);
    const struct aws_operation *op = find_operation(call->service, call->operation);
    if (!readable) {
        aws_reply_error(reply, 400, "SerializationException", "The request body is malformed.");
    } else if (!op) {
        if (is_query(call->service))
            aws_reply_error(reply, 400, "InvalidAction",
                            "The action %s is not valid for this "
                            "web service.",
                            call->operation);
        else
            aws_reply_error(reply, 400, "UnknownOperationException", "%s", call->operation);
    } else if (parsed == SIGV4_MISSING && op->unsigned_allowed) {
        run_operation(aws, op, call, reply);
    } else if (parsed == SIGV4_MISSING) {
        refuse(call, reply, "MissingAuthenticationTokenException", "MissingAuthenticationToken",
               "Missing Authentication Token");
    } else if (parsed != SIGV4_OK) {
        refuse(call, reply, "IncompleteSignatureException", "IncompleteSignature",
               "Authorization header requires Credential, SignedHeaders with host and all "
               "x-amz- headers, Signature, and X-Amz-Date.");
    } else if (check_signature(aws, request, &scope, call, reply)) {
        run_operation(aws, op, call, reply);
    }
}

static void write_json_answer(const struct aws_reply *reply, struct buf *out)
{
    if (*reply->error_code) {
        json_t *error = reply->error_fields ? json_incref(reply->error_fields) : json_object();
        value_set_text(error, "__type", reply->error_code);
        value_set_text(error, "message", reply->error_message);
        AUTO_FREE char *text = json_dumps(error, JSON_COMPACT);
        buf_puts(out, text);
        json_decref(error);
    } else if (reply->text.len) {
        buf_append(out, reply->text.data, reply->text.len);
    } else if (reply->output) {
        AUTO_FREE char *text = json_dumps(reply->output, JSON_COMPACT | JSON_REAL_PRECISION(13));
        buf_puts(out, text ? text : "{}");
    } else {
        buf_puts(out, "{}");
    }
}

static void write_answer(const struct aws_call *call, const struct aws_reply *reply,
                         struct http_reply *http)
{
    http->status = reply->status ? reply->status : 200;
    http_reply_header(http, "x-amzn-RequestId", reply->request_id);
    if (!is_query(call->service)) {
        http->content_type = "application/x-amz-json-1.1";
        write_json_answer(reply, &http->body);
        return;
    }
    http->content_type = "text/xml;charset=UTF-8";
    if (*reply->error_code)
        query_write_error(&http->body, call->service, reply->error_code, reply->error_message,
                          reply->request_id);
    else
        query_write_result(&http->body, call->service, call->operation, reply->output,
                           reply->request_id);
}

/* For the query protocols the form as sent. */
static char *journal_input(const struct aws_call *call, const struct http_request *request)
{
    if (!is_query(call->service))
        return json_dumps(call->input, JSON_COMPACT);
    json_t *form = query_parse_flat(request->body_len ? request->body : request->query);
    char *text = json_dumps(form, JSON_COMPACT);
    json_decref(form);
    return text;
}

static void keep_journal(struct aws *aws, const struct http_request *sent,
                         const struct aws_call *call, const struct aws_reply *reply,
                         const struct http_reply *http)
{
    struct buf parsed = BUF_INIT;
    AUTO_FREE char *request = journal_input(call, sent);
    bool xml = is_query(call->service);
    if (xml)
        write_json_answer(reply, &parsed);
    journal_write(aws->journal, call->service, call->operation, request, http->status,
                  xml ? parsed.data : http->body.data);
    buf_free(&parsed);
}

void dispatch_request(void *ctx, const struct http_request *request, struct http_reply *http)
{
    struct aws *aws = ctx;
    struct aws_call call = {.service = "unknown", .operation = "unknown"};
    struct aws_reply reply = {0};
    value_uuid(reply.request_id);
    handle(aws, request, &call, &reply);
    call_counts_add(aws->counts, call.service, call.operation);
    http->drop = reply.drop;
    write_answer(&call, &reply, http);
    keep_journal(aws, request, &call, &reply, http);
    log_debug("request", LOG_STR("service", call.service), LOG_STR("operation", call.operation),
              LOG_INT("status", http->status), LOG_STR("error", reply.error_code),
              LOG_STR("message", reply.error_message), LOG_STR("request_id", reply.request_id));
    json_decref(reply.output);
    json_decref(reply.error_fields);
    buf_free(&reply.text);
    json_decref(call.input);
}
