/* SPDX-License-Identifier: Apache-2.0
 * Azure's credential chain; see azure_credentials.h. */
#include "cloud/azure/azure_credentials.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloud/azure/azure_source.h"
#include "loop/renewal.h"

enum { NONE_S = 60 }; /* how soon to look again when there was nothing */

static const int64_t ns_per_s = 1000000000;

static const struct {
    const char *resource; /* the scope is RESOURCE/.default */
    const char *name;     /* for logs */
} audiences[AZURE_AUDIENCES] = {
    [AZURE_ARM] = {"https://management.azure.com", "Azure Resource Manager token"},
    [AZURE_LOG_ANALYTICS] = {"https://api.loganalytics.io", "Log Analytics token"},
    [AZURE_REGISTRY] = {"https://containerregistry.azure.net", "container registry token"},
};

static const struct {
    const char *name;
    co_azure_source co_source;
} sources[] = {
    {"environment", co_azure_application},
    {"managed identity", co_azure_managed_identity},
    {"Azure CLI", co_azure_cli},
};

struct azure_token {
    struct azure_credential_chain *chain;
    enum azure_audience audience;
    struct access_token current; /* value NULL: none */
    struct renewal renewal;
};

struct azure_credential_chain {
    struct http_client *http;
    const char *endpoint_url;
    struct azure_token tokens[AZURE_AUDIENCES];
};

struct azure_credential_chain *azure_credential_chain_new(struct http_client *http,
                                                          const char *endpoint_url)
{
    struct azure_credential_chain *chain = NEW(struct azure_credential_chain);
    chain->http = http;
    chain->endpoint_url = endpoint_url;
    for (int i = 0; i < AZURE_AUDIENCES; i++)
        chain->tokens[i] = (struct azure_token){
            .chain = chain, .audience = (enum azure_audience)i, .renewal.name = audiences[i].name};
    return chain;
}

void azure_credential_chain_free(struct azure_credential_chain *chain)
{
    if (!chain)
        return;
    for (int i = 0; i < AZURE_AUDIENCES; i++)
        access_token_free(&chain->tokens[i].current);
    free(chain);
}

/* The only place that writes a token. */
static int co_renew(void *owner, int64_t *expires_ns, struct error *err)
{
    struct azure_token *token = owner;
    const struct azure_context context = {.http = token->chain->http,
                                          .endpoint_url = token->chain->endpoint_url,
                                          .resource = audiences[token->audience].resource};
    AUTO(access_token) struct access_token fresh = {0};
    bool found = false;
    size_t i = 0;
    for (; i < ARRAY_LEN(sources) && !found; i++)
        if (sources[i].co_source(&context, &fresh, &found, err))
            return error_wrap(err, "Azure credentials from %s", sources[i].name);
    /* The one that there was goes on, and whoever needs it next asks again. */
    if (!found && token->current.value)
        return error_set(err, ERROR_UNAVAILABLE,
                         "Azure credentials: the managed identity does not answer any more");
    access_token_free(&token->current);
    token->current = fresh;
    fresh = (struct access_token){0};
    *expires_ns = found ? token->current.expires_ns : time_now_ns() + NONE_S * ns_per_s;
    if (found)
        log_info("Azure credentials obtained", LOG_STR("source", sources[i - 1].name),
                 LOG_STR("for", context.resource),
                 LOG_INT("valid_s", (token->current.expires_ns - time_now_ns()) / ns_per_s));
    return 0;
}

static int co_token(struct azure_token *token, struct access_token *out, struct error *err)
{
    *out = (struct access_token){0};
    if (co_renewal_ensure(&token->renewal, co_renew, token, err))
        return -1;
    if (token->current.value)
        *out = (struct access_token){.value = xstrdup(token->current.value),
                                     .expires_ns = token->current.expires_ns};
    return 0;
}

int co_azure_registry_token(void *arg, struct access_token *out, struct error *err)
{
    struct azure_credential_chain *chain = arg;
    return co_token(&chain->tokens[AZURE_REGISTRY], out, err);
}

int co_azure_credentials_get(struct azure_credential_chain *chain, enum azure_audience audience,
                             struct access_token *out, unsigned *generation, struct error *err)
{
    struct azure_token *token = &chain->tokens[audience];
    if (co_token(token, out, err))
        return -1;
    *generation = token->renewal.generation;
    if (out->value)
        return 0;
    return error_set(err, ERROR_FORBIDDEN,
                     "no Azure credentials found; set AZURE_TENANT_ID, AZURE_CLIENT_ID and "
                     "AZURE_CLIENT_SECRET, or run with a managed identity, or call `az login`");
}

void azure_credential_chain_reject(struct azure_credential_chain *chain,
                                   enum azure_audience audience, unsigned generation)
{
    renewal_reject(&chain->tokens[audience].renewal, generation);
}
