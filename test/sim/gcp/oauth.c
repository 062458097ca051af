/* SPDX-License-Identifier: Apache-2.0
 * Token endpoints; see oauth.h. Errors have OAuth's form here, not Google's. */
#include "test/sim/gcp/oauth.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/sim/gcp/gcp.h"
#include "test/sim/gcp/id_token.h"
#include "test/sim/gcp/token_store.h"
#include "test/sim/http/call_counts.h"
#include "test/sim/http/fault.h"
#include "test/sim/http/form.h"

#include <string.h>

#define GRANT_JWT "urn:ietf:params:oauth:grant-type:jwt-bearer"
#define GRANT_EXCHANGE "urn:ietf:params:oauth:grant-type:token-exchange"
#define TYPE_ACCESS_TOKEN "urn:ietf:params:oauth:token-type:access_token"

static void answer(struct http_reply *reply, int status, json_t *value)
{
    AUTO_FREE char *text = json_dumps(value, JSON_COMPACT);
    http_reply_text(reply, status, "application/json", text ? text : "{}");
    json_decref(value);
}

static void refuse(struct http_reply *reply, const char *code, const char *description)
{
    answer(reply, 400, json_pack("{s:s, s:s}", "error", code, "error_description", description));
}

static void grant(struct gcp *gcp, struct http_reply *reply, const char *principal,
                  const char *issued_type)
{
    char token[ACCESS_TOKEN_MAX];
    token_store_issue(gcp->tokens, principal, gcp->tuning.token_ttl_s, token);
    json_t *out = json_pack("{s:s, s:I, s:s}", "access_token", token, "expires_in",
                            (json_int_t)gcp->tuning.token_ttl_s, "token_type", "Bearer");
    value_set_text(out, "issued_token_type", issued_type);
    answer(reply, 200, out);
}

/* Counts the call and applies a fault; true when the fault has answered. */
static bool begin(struct gcp *gcp, const char *service, const char *operation,
                  struct http_reply *reply)
{
    struct fault f = {0};
    call_counts_add(gcp->counts, service, operation);
    if (!fault_list_take(gcp->faults, service, operation, &f))
        return false;
    if (f.kind == FAULT_LATENCY || f.kind == FAULT_TIMEOUT)
        fault_delay(&gcp->closing, f.latency_ms ? f.latency_ms : 60000);
    if (f.kind == FAULT_LATENCY)
        return false;
    reply->drop =
        f.kind == FAULT_TIMEOUT || f.kind == FAULT_DROP_CONNECTION || f.kind == FAULT_LOST_ANSWER;
    int kinds_own = f.kind == FAULT_THROTTLE ? 429 : f.kind == FAULT_ACCESS_DENIED ? 403 : 503;
    answer(reply, f.status ? f.status : kinds_own,
           json_pack("{s:s, s:s}", "error", fault_text(f.code, "temporarily_unavailable"),
                     "error_description", fault_text(f.message, "try again later")));
    return true;
}

/* A JWT is made for this endpoint as its client knows it, or for Google's. */
static int check_assertion(struct gcp *gcp, const struct http_request *request, const json_t *form,
                           char target_audience[TARGET_AUDIENCE_MAX], struct error *err)
{
    AUTO_FREE char *endpoint =
        xasprintf("http://%s%s", str_or_empty(http_request_header(request, "Host")), request->path);
    return token_store_check_jwt(gcp->tokens, value_string(form, "assertion"), endpoint,
                                 target_audience, err);
}

static char *id_token(struct gcp *gcp, const char *audience, const char *principal)
{
    return id_token_issue(gcp->id_tokens, audience, principal, gcp->tuning.token_ttl_s);
}

/* An access token, or the ID token that the assertion asks for. */
static void grant_for_assertion(struct gcp *gcp, const struct http_request *request,
                                const json_t *form, struct http_reply *reply)
{
    struct error err;
    char audience[TARGET_AUDIENCE_MAX];
    if (check_assertion(gcp, request, form, audience, &err)) {
        refuse(reply, "invalid_grant", err.message);
    } else if (*audience) {
        AUTO_FREE char *token = id_token(gcp, audience, token_store_email(gcp->tokens));
        answer(reply, 200, json_pack("{s:s}", "id_token", token));
    } else {
        grant(gcp, reply, token_store_email(gcp->tokens), NULL);
    }
}

void oauth_token(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct gcp *gcp = ctx;
    if (begin(gcp, "oauth", "token", reply))
        return;
    json_t *form = form_parse(request->body);
    const char *type = value_string(form, "grant_type");
    if (!strcmp(type, GRANT_JWT)) {
        grant_for_assertion(gcp, request, form, reply);
    } else if (!strcmp(type, "refresh_token")) {
        if (strcmp(value_string(form, "client_id"), TOKEN_CLIENT_ID) != 0 ||
            strcmp(value_string(form, "client_secret"), TOKEN_CLIENT_SECRET) != 0)
            refuse(reply, "invalid_client", "The OAuth client was not found.");
        else if (strcmp(value_string(form, "refresh_token"), TOKEN_REFRESH) != 0)
            refuse(reply, "invalid_grant", "Token has been expired or revoked.");
        else
            grant(gcp, reply, "someone@example.com", NULL);
    } else {
        refuse(reply, "unsupported_grant_type", "Invalid grant_type");
    }
    json_decref(form);
}

void oauth_exchange(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct gcp *gcp = ctx;
    if (begin(gcp, "sts", "token", reply))
        return;
    json_t *form = form_parse(request->body);
    const char *subject = value_string(form, "subject_token");
    if (strcmp(value_string(form, "grant_type"), GRANT_EXCHANGE) != 0)
        refuse(reply, "unsupported_grant_type", "Invalid grant_type");
    else if (!str_starts(value_string(form, "audience"), "//iam.googleapis.com/"))
        refuse(reply, "invalid_target",
               "The target service indicated by the \"audience\" "
               "parameters is invalid.");
    else if (!*subject || str_starts(subject, "bad") || !*value_string(form, "subject_token_type"))
        refuse(reply, "invalid_grant",
               "The given credential is rejected by the attribute "
               "condition.");
    else
        grant(gcp, reply, "principal://sockerless-sim", TYPE_ACCESS_TOKEN);
    json_decref(form);
}

static void generate_access_token(struct gcp *gcp, const struct gcp_call *call,
                                  struct gcp_reply *reply)
{
    char token[ACCESS_TOKEN_MAX];
    int64_t ttl_s = gcp->tuning.token_ttl_s;
    if (json_array_size(json_object_get(call->body, "scope")) == 0) {
        gcp_reply_error(reply, "INVALID_ARGUMENT", "The scope parameter is required.");
        return;
    }
    if (!strchr(call->part[1], '@')) {
        gcp_reply_error(reply, "NOT_FOUND", "Unknown service account");
        return;
    }
    token_store_issue(gcp->tokens, call->part[1], ttl_s, token);
    json_t *out = json_pack("{s:s}", "accessToken", token);
    gcp_set_time(out, "expireTime", time_now_ns() / 1000000000 * 1000000000 + ttl_s * 1000000000);
    gcp_reply_json(reply, out);
}

static void generate_id_token(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    const char *audience = value_string(call->body, "audience");
    if (!*audience)
        gcp_reply_error(reply, "INVALID_ARGUMENT", "The audience parameter is required.");
    else if (!strchr(call->part[1], '@'))
        gcp_reply_error(reply, "NOT_FOUND", "Unknown service account");
    if (reply->status)
        return;
    AUTO_FREE char *token = id_token(gcp, audience, call->part[1]);
    gcp_reply_json(reply, json_pack("{s:s}", "token", token));
}

const struct gcp_method iam_methods[] = {
    {"iamcredentials", "projects.serviceAccounts.generateIdToken", "POST",
     "/v1/projects/*/serviceAccounts/*:generateIdToken", generate_id_token, false},
    {"iamcredentials", "projects.serviceAccounts.generateAccessToken", "POST",
     "/v1/projects/*/serviceAccounts/*:generateAccessToken", generate_access_token, false},
    {0}};

/* ---- the metadata server ---- */

#define DEFAULT_ACCOUNT "/instance/service-accounts/default/"

static char *metadata_value(struct gcp *gcp, const char *path)
{
    if (!strcmp(path, "/project/project-id"))
        return xstrdup(gcp->project);
    if (!strcmp(path, "/project/numeric-project-id"))
        return xstrdup(GCP_PROJECT_NUMBER);
    if (!strcmp(path, "/instance/region"))
        return xasprintf("projects/" GCP_PROJECT_NUMBER "/regions/%s", gcp->region);
    if (!strcmp(path, "/instance/zone"))
        return xasprintf("projects/" GCP_PROJECT_NUMBER "/zones/%s-1", gcp->region);
    if (!strcmp(path, DEFAULT_ACCOUNT "email"))
        return xstrdup(token_store_email(gcp->tokens));
    if (!strcmp(path, DEFAULT_ACCOUNT "scopes"))
        return xstrdup("https://www.googleapis.com/auth/cloud-platform\n");
    return NULL;
}

void oauth_metadata(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct gcp *gcp = ctx;
    const char *flavor = str_or_empty(http_request_header(request, "Metadata-Flavor"));
    const char *path = request->path + strlen("/computeMetadata/v1");
    http_reply_header(reply, "Metadata-Flavor", "Google");
    if (strcmp(flavor, "Google") != 0) {
        http_reply_text(reply, 403, "text/html", "Missing Metadata-Flavor:Google header.\n");
        return;
    }
    if (begin(gcp, "metadata", "get", reply))
        return;
    if (!strcmp(path, DEFAULT_ACCOUNT "token")) {
        grant(gcp, reply, token_store_email(gcp->tokens), NULL);
        return;
    }
    AUTO_FREE char *audience = form_parameter(request, "audience");
    bool identity = !strcmp(path, DEFAULT_ACCOUNT "identity");
    if (identity && str_empty(audience)) {
        http_reply_text(reply, 400, "text/html", "non-empty audience parameter required\n");
        return;
    }
    AUTO_FREE char *value = identity ? id_token(gcp, audience, token_store_email(gcp->tokens))
                                     : metadata_value(gcp, path);
    http_reply_text(reply, value ? 200 : 404, "application/text", value ? value : "Not Found\n");
}
