/* SPDX-License-Identifier: Apache-2.0
 * Credential files of every kind; see gcp_source.h. The file of an impersonation contains another
 * credential file: that is resolved here, so that no source needs this table. */
#include "base/alloc.h"
#include "cloud/token_exchange.h"
#include "cloud/gcp/gcp_source.h"
#include "json/json_doc.h"

#include <string.h>

static const char impersonated[] = "impersonated_service_account";

/* The kinds that need no other file. */
static const struct {
    const char *type;
    co_gcp_source co_source;
} kinds[] = {
    {"service_account", co_gcp_service_account},
    {"authorized_user", co_gcp_authorized_user},
    {"external_account", co_gcp_external_account},
};

static int co_token_of(const struct gcp_context *context, json_t *file, struct access_token *out,
                       struct error *err)
{
    const char *type = token_member(file, "type", err);
    if (!type)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].type, type) == 0)
            return kinds[i].co_source(context, file, out, err);
    return error_set(err, ERROR_FORBIDDEN, "credentials of type \"%.60s\" are not supported", type);
}

/* The token of the credentials in it, for a service account's. */
static int co_impersonated(const struct gcp_context *context, json_t *file,
                           struct access_token *out, struct error *err)
{
    json_t *source = json_object_get(file, "source_credentials");
    const char *type = json_doc_string(source, "type");
    const struct gcp_impersonation what = {
        .url = token_member(file, "service_account_impersonation_url", err),
        .delegates = json_object_get(file, "delegates"),
    };
    struct access_token own AUTO(access_token) = {0};
    if (!what.url)
        return -1;
    if (!json_is_object(source) || !type || strcmp(type, impersonated) == 0)
        return error_set(err, ERROR_FORBIDDEN,
                         "\"source_credentials\" must be credentials of another kind");
    struct gcp_context first = *context;
    first.audience = NULL; /* it calls an API */
    if (co_token_of(&first, source, &own, err))
        return error_wrap(err, "source_credentials");
    return co_gcp_impersonate(context, &what, &own, out, err);
}

int co_gcp_credential_file_token(const struct gcp_context *context, json_t *file,
                                 struct access_token *out, struct error *err)
{
    const char *type = json_doc_string(file, "type");
    if (type && strcmp(type, impersonated) == 0)
        return co_impersonated(context, file, out, err);
    return co_token_of(context, file, out, err);
}
