/* SPDX-License-Identifier: Apache-2.0
 *
 * The sources of Azure's credential chain. Internal to common/cloud/azure.
 */
#ifndef SOCKERLESS_AZURE_SOURCE_H
#define SOCKERLESS_AZURE_SOURCE_H

#include "base/access_token.h"
#include "base/buf.h"
#include "loop/http_client.h"

#include <stdbool.h>

struct azure_context {
    struct http_client *http;
    const char *endpoint_url; /* a simulator's, instead of every service below; NULL: none */
    const char *resource;     /* what the token is for: "https://management.azure.com" */
};

/* Each takes what its environment variables say. *found stays false where they say nothing of it:
 * then the next source is asked. */
typedef int (*co_azure_source)(const struct azure_context *context, struct access_token *out,
                               bool *found, struct error *err);

/* An application: AZURE_TENANT_ID and AZURE_CLIENT_ID with AZURE_CLIENT_SECRET, with a certificate
 * and its key in AZURE_CLIENT_CERTIFICATE_PATH, or with AZURE_FEDERATED_TOKEN_FILE (workload
 * identity), in this order. */
int co_azure_application(const struct azure_context *context, struct access_token *out, bool *found,
                         struct error *err);
/* The managed identity of the machine: App Service and Container Apps (IDENTITY_ENDPOINT,
 * IDENTITY_HEADER), else the instance metadata service. AZURE_CLIENT_ID chooses a user-assigned
 * one. */
int co_azure_managed_identity(const struct azure_context *context, struct access_token *out,
                              bool *found, struct error *err);
/* The person who has called `az login`: the refresh token in the Azure CLI's cache,
 * AZURE_CONFIG_DIR (else ~/.azure) / msal_token_cache.json. */
int co_azure_cli(const struct azure_context *context, struct access_token *out, bool *found,
                 struct error *err);

/* POST of a form to the tenant's token endpoint (Microsoft identity platform, "OAuth 2.0 client
 * credentials flow"). The form holds all but the scope, with room for it. */
int co_azure_token(const struct azure_context *context, const char *what, const char *tenant,
                   struct buf *form, struct access_token *out, struct error *err);
/* The token endpoint's URL; heap. NULL: AZURE_AUTHORITY_HOST is not fit for credentials. */
char *azure_token_url(const struct azure_context *context, const char *tenant, struct error *err);

/* A tenant or client id, which becomes part of URLs: letters, digits, '-' and '.'. */
int azure_id_check(const char *variable, const char *text, struct error *err) MUST_CHECK;

#endif
