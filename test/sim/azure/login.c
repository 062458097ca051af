/* SPDX-License-Identifier: Apache-2.0
 * Token endpoints; see login.h. Errors and their AADSTS numbers are those of "Microsoft Entra
 * authentication and authorization error codes". */
#include "test/sim/azure/login.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/sim/azure/azure.h"
#include "test/sim/azure/directory.h"
#include "test/sim/http/admin_reply.h"
#include "test/sim/http/call_counts.h"
#include "test/sim/http/fault.h"
#include "test/sim/http/form.h"
#include "test/sim/http/journal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
enum { SKEW_S = 300 };

/* ---- answers ---- */

/* code: the number behind AADSTS. */
static void refuse(struct http_reply *reply, int status, const char *error, long code,
                   const char *fmt, ...) PRINTF_LIKE(5, 6);
static void refuse(struct http_reply *reply, int status, const char *error, long code,
                   const char *fmt, ...)
{
    char text[512], trace[37], correlation[37], now[TIMEFMT_RFC3339_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    value_uuid(trace);
    value_uuid(correlation);
    timefmt_rfc3339nano_fixed(time_now_ns(), now);
    AUTO_FREE char *when = xasprintf("%.10s %.8sZ", now, now + 11);
    AUTO_FREE char *description =
        xasprintf("AADSTS%ld: %s Trace ID: %s Correlation ID: %s Timestamp: %s", code, text, trace,
                  correlation, when);
    admin_reply_json(reply, status,
                     json_pack("{s:s, s:s, s:[I], s:s, s:s, s:s}", "error", error,
                               "error_description", description, "error_codes", (json_int_t)code,
                               "timestamp", when, "trace_id", trace, "correlation_id",
                               correlation));
}

/* Counts the call and applies a fault; true when the fault has answered. */
static bool begin(struct azure *azure, const char *service, struct http_reply *reply)
{
    struct fault f = {0};
    call_counts_add(azure->counts, service, "token");
    if (!fault_list_take(azure->faults, service, "token", &f))
        return false;
    if (f.kind == FAULT_LATENCY || f.kind == FAULT_TIMEOUT)
        fault_delay(&azure->closing, f.latency_ms ? f.latency_ms : 60000);
    if (f.kind == FAULT_LATENCY)
        return false;
    reply->drop =
        f.kind == FAULT_TIMEOUT || f.kind == FAULT_DROP_CONNECTION || f.kind == FAULT_LOST_ANSWER;
    int kinds_own = f.kind == FAULT_THROTTLE ? 429 : f.kind == FAULT_ACCESS_DENIED ? 401 : 503;
    refuse(reply, f.status ? f.status : kinds_own, fault_text(f.code, "temporarily_unavailable"),
           f.kind == FAULT_THROTTLE ? 90055 : 90033, "%s",
           fault_text(f.message, "A transient error has occurred. Please try again."));
    return true;
}

/* What tokens are issued for. NULL: the tenant does not know it. */
static const char *audience_of(const char *resource)
{
    static const char *const known[] = {DIRECTORY_ARM, DIRECTORY_LOGS,
                                        "https://containerregistry.azure.net",
                                        "https://management.core.windows.net"};
    size_t len = strlen(resource);
    while (len && resource[len - 1] == '/')
        len--;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strlen(known[i]) == len && !strncasecmp(known[i], resource, len))
            return i == 3 ? known[0] : known[i];
    return NULL;
}

/* ---- Entra ID ---- */

/* "https://management.azure.com/.default" → the audience; answers when it cannot. */
static const char *audience_of_scope(const struct azure *azure, const json_t *form,
                                     struct http_reply *reply)
{
    const char *scope = value_string(form, "scope");
    if (!*scope) {
        refuse(reply, 400, "invalid_request", 900144,
               "The request body must contain the following parameter: 'scope'.");
        return NULL;
    }
    if (!str_ends(scope, "/.default") || strchr(scope, ' ')) {
        refuse(reply, 400, "invalid_scope", 1002012,
               "The provided value for scope %s is not valid. Client credential flows must have a "
               "scope value with /.default suffixed to the resource identifier (application ID "
               "URI).",
               scope);
        return NULL;
    }
    AUTO_FREE char *resource = xstrndup(scope, strlen(scope) - strlen("/.default"));
    const char *audience = audience_of(resource);
    if (!audience)
        refuse(reply, 400, "invalid_resource", 500011,
               "The resource principal named %s was not found in the tenant named %s. This can "
               "happen if the application has not been installed by the administrator of the "
               "tenant or consented to by any user in the tenant. You might have sent your "
               "authentication request to the wrong tenant.",
               resource, azure->tenant);
    return audience;
}

/* An application signs for this endpoint as its client knows it, or for Microsoft's. */
static bool is_for_us(const struct azure *azure, const struct http_request *request,
                      const char *audience)
{
    AUTO_FREE char *own =
        xasprintf("http://%s%s", str_or_empty(http_request_header(request, "Host")), request->path);
    AUTO_FREE char *https = xasprintf("https%s", own + strlen("http"));
    AUTO_FREE char *endpoint =
        xasprintf("https://login.microsoftonline.com/%s/oauth2/v2.0/token", azure->tenant);
    return !strcmp(audience, own) || !strcmp(audience, https) || !strcmp(audience, endpoint);
}

static bool claims_fit(const struct azure *azure, const struct http_request *request,
                       const json_t *claims, bool federated, struct http_reply *reply)
{
    const json_t *aud = json_object_get(claims, "aud");
    const char *audience = json_is_array(aud)
                               ? str_or_empty(json_string_value(json_array_get(aud, 0)))
                               : str_or_empty(json_string_value(aud));
    const char *client = directory_client_id(azure->directory);
    int64_t now = value_now_ms() / 1000;
    if (value_int(claims, "exp", 0) <= now || value_int(claims, "nbf", 0) > now + SKEW_S)
        refuse(reply, 401, "invalid_client", 700024,
               "Client assertion is not within its valid time range. Current time: %lld.",
               (long long)now);
    else if (federated ? strcmp(audience, DIRECTORY_FEDERATION_AUDIENCE) != 0
                       : !is_for_us(azure, request, audience))
        refuse(reply, 401, "invalid_client", federated ? 700212 : 700023,
               "Client assertion audience claim does not match Realm issuer. Presented audience: "
               "'%s'.",
               audience);
    else if (!federated &&
             (strcmp(value_string(claims, "iss"), client) != 0 ||
              strcmp(value_string(claims, "sub"), client) != 0 || !*value_string(claims, "jti")))
        refuse(reply, 401, "invalid_client", 700021,
               "Client assertion application identifier doesn't match 'client_id' parameter.");
    else
        return true;
    return false;
}

static bool assertion_fits(const struct azure *azure, const struct http_request *request,
                           const json_t *form, struct http_reply *reply)
{
    bool federated;
    if (strcmp(value_string(form, "client_assertion_type"), ASSERTION_TYPE) != 0) {
        refuse(reply, 400, "invalid_request", 50013,
               "The 'client_assertion_type' is not supported.");
        return false;
    }
    json_t *claims = directory_assertion_claims(azure->directory,
                                                value_string(form, "client_assertion"), &federated);
    if (!claims) {
        refuse(reply, 401, "invalid_client", 700027,
               "Client assertion contains an invalid signature. [Reason - The key was not found.]");
        return false;
    }
    bool fits = claims_fit(azure, request, claims, federated, reply);
    json_decref(claims);
    return fits;
}

static bool client_fits(const struct azure *azure, const struct http_request *request,
                        const json_t *form, struct http_reply *reply)
{
    const char *client = value_string(form, "client_id");
    if (strcmp(value_string(form, "grant_type"), "client_credentials") != 0)
        refuse(reply, 400, "unsupported_grant_type", 70003,
               "The app requested an unsupported grant type '%s'.",
               value_string(form, "grant_type"));
    else if (strcasecmp(client, directory_client_id(azure->directory)) != 0)
        refuse(reply, 400, "unauthorized_client", 700016,
               "Application with identifier '%s' was not found in the directory '%s'.", client,
               azure->tenant);
    else if (json_object_get(form, "client_assertion"))
        return assertion_fits(azure, request, form, reply);
    else if (!json_object_get(form, "client_secret"))
        refuse(reply, 401, "invalid_client", 7000218,
               "The request body must contain the following parameter: 'client_assertion' or "
               "'client_secret'.");
    else if (!directory_secret_fits(azure->directory, value_string(form, "client_secret")))
        refuse(reply, 401, "invalid_client", 7000215,
               "Invalid client secret provided. Ensure the secret being sent in the request is the "
               "client secret value, not the client secret ID, for a secret added to app '%s'.",
               client);
    else
        return true;
    return false;
}

void login_token(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct azure *azure = ctx;
    json_int_t ttl_s = azure->tuning.token_ttl_s;
    size_t tenant_len = strcspn(request->path + 1, "/");
    if (strcmp(request->path + 1 + tenant_len, "/oauth2/v2.0/token") != 0) {
        http_reply_text(reply, 404, "text/plain", "");
        return;
    }
    if (begin(azure, "aad", reply))
        return;
    if (strlen(azure->tenant) != tenant_len ||
        strncasecmp(request->path + 1, azure->tenant, tenant_len) != 0) {
        refuse(reply, 400, "invalid_request", 90002,
               "Tenant '%.*s' not found. Check to make sure you have the correct tenant ID and are "
               "signing into the correct cloud.",
               (int)tenant_len, request->path + 1);
        return;
    }
    json_t *form = form_parse(request->body);
    const char *audience =
        client_fits(azure, request, form, reply) ? audience_of_scope(azure, form, reply) : NULL;
    if (audience) {
        AUTO_FREE char *token = directory_issue(azure->directory, audience,
                                                directory_client_id(azure->directory), ttl_s, NULL);
        json_t *out = json_pack("{s:s, s:I, s:I, s:s}", "token_type", "Bearer", "expires_in", ttl_s,
                                "ext_expires_in", ttl_s, "access_token", token);
        AUTO_FREE char *text = json_dumps(out, JSON_COMPACT);
        journal_write(azure->journal, "aad", "token", NULL, 200, text);
        admin_reply_json(reply, 200, out);
    }
    json_decref(form);
}

/* ---- managed identity ---- */

static void refuse_identity(struct http_reply *reply, int status, const char *error,
                            const char *description)
{
    admin_reply_json(reply, status,
                     json_pack("{s:s, s:s}", "error", error, "error_description", description));
}

/* The members that both endpoints answer; all are strings. NULL: answered. */
static json_t *identity_token(struct azure *azure, const struct http_request *request,
                              struct http_reply *reply)
{
    AUTO_FREE char *resource = form_parameter(request, "resource");
    AUTO_FREE char *client = form_parameter(request, "client_id");
    const char *identity = directory_identity(azure->directory);
    const char *audience = audience_of(str_or_empty(resource));
    if (!audience || (client && strcasecmp(client, identity) != 0)) {
        refuse_identity(reply, 400, audience ? "invalid_request" : "invalid_resource",
                        audience ? "Identity not found"
                                 : "AADSTS500011: The resource principal was not found in the "
                                   "tenant.");
        return NULL;
    }
    int64_t ttl_s = azure->tuning.token_ttl_s;
    AUTO_FREE char *token = directory_issue(azure->directory, audience, identity, ttl_s, NULL);
    AUTO_FREE char *expires_on = xasprintf("%lld", (long long)(value_now_ms() / 1000 + ttl_s));
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "access_token", token, "client_id", identity,
                     "expires_on", expires_on, "resource", resource, "token_type", "Bearer");
}

static bool version_fits(const struct http_request *request, const char *lowest)
{
    AUTO_FREE char *version = form_parameter(request, "api-version");
    return version && strcmp(version, lowest) >= 0;
}

void login_metadata(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct azure *azure = ctx;
    const char *metadata = http_request_header(request, "Metadata");
    if (!metadata || strcasecmp(metadata, "true") != 0 ||
        http_request_header(request, "X-Forwarded-For")) {
        refuse_identity(reply, 400, "invalid_request", "Required metadata header not specified");
        return;
    }
    if (begin(azure, "imds", reply))
        return;
    if (!version_fits(request, "2018-02-01")) {
        refuse_identity(reply, 400, "bad_request_102",
                        "Required metadata api-version not specified or not supported");
        return;
    }
    json_t *out = identity_token(azure, request, reply);
    if (!out)
        return;
    AUTO_FREE char *ttl = xasprintf("%ld", (long)azure->tuning.token_ttl_s);
    AUTO_FREE char *now = xasprintf("%lld", (long long)(value_now_ms() / 1000));
    value_set_text(out, "expires_in", ttl);
    value_set_text(out, "ext_expires_in", ttl);
    value_set_text(out, "not_before", now);
    admin_reply_json(reply, 200, out);
}

void login_app_service(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct azure *azure = ctx;
    const char *header = http_request_header(request, "X-IDENTITY-HEADER");
    if (begin(azure, "msi", reply))
        return;
    if (!directory_identity_header_fits(azure->directory, str_or_empty(header))) {
        refuse_identity(reply, 401, "unauthorized", "X-IDENTITY-HEADER is missing or wrong");
        return;
    }
    if (!version_fits(request, "2019-08-01")) {
        refuse_identity(reply, 400, "invalid_request", "api-version is not supported");
        return;
    }
    json_t *out = identity_token(azure, request, reply);
    if (out)
        admin_reply_json(reply, 200, out);
}
