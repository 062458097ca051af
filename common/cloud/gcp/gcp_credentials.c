/* SPDX-License-Identifier: Apache-2.0
 * The chain of Application Default Credentials; see gcp_credentials.h. */
#include "cloud/gcp/gcp_credentials.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/small_file.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloud/token_exchange.h"
#include "cloud/gcp/gcp_id_token.h"
#include "cloud/gcp/gcp_source.h"
#include "loop/renewal.h"
#include "json/json_doc.h"

#include <string.h>
#include <unistd.h>

enum { NONE_S = 60 }; /* how soon to look again when there was nothing */

struct gcp_credential_chain {
    struct gcp_context context;
    struct access_token current; /* value NULL: none */
    struct renewal renewal;
};

struct gcp_credential_chain *gcp_credential_chain_new(struct http_client *http, const char *scope)
{
    struct gcp_credential_chain *chain = NEW(struct gcp_credential_chain);
    chain->context.http = http;
    chain->context.scope = str_empty(scope) ? GCP_SCOPE_CLOUD_PLATFORM : scope;
    chain->renewal.name = "Google credentials";
    return chain;
}

void gcp_credential_chain_free(struct gcp_credential_chain *chain)
{
    if (!chain)
        return;
    access_token_free(&chain->current);
    free(chain);
}

/* ---- the sources in their order ---- */

/* The file is read anew each time: another program may renew it. */
static int co_from_path(const struct gcp_context *context, const char *path,
                        struct access_token *out, struct error *err)
{
    char *text AUTO(secret) = small_file_read(path, ERROR_FORBIDDEN, err);
    if (!text)
        return -1;
    json_t *doc AUTO(token_json) = json_doc_load(text, strlen(text), err);
    if (!doc || co_gcp_credential_file_token(context, doc, out, err))
        return error_wrap(err, "%s", path);
    return 0;
}

/* Where `gcloud auth application-default login` writes; NULL: there is no such place. */
static char *gcloud_path(void)
{
    static const char name[] = "application_default_credentials.json";
    const char *config = getenv("CLOUDSDK_CONFIG");
    const char *home = getenv("HOME");
    if (!str_empty(config))
        return xasprintf("%s/%s", config, name);
    return str_empty(home) ? NULL : xasprintf("%s/.config/gcloud/%s", home, name);
}

static int co_walk(const struct gcp_context *context, struct access_token *out, bool *found,
                   const char **source, struct error *err)
{
    const char *named = getenv("GOOGLE_APPLICATION_CREDENTIALS");
    char *usual AUTO_FREE = gcloud_path();
    *found = true;
    if (!str_empty(named)) {
        *source = "GOOGLE_APPLICATION_CREDENTIALS";
        return co_from_path(context, named, out, err);
    }
    if (usual && access(usual, F_OK) == 0) {
        *source = "gcloud";
        return co_from_path(context, usual, out, err);
    }
    *source = "metadata server";
    return co_gcp_metadata_token(context, out, found, err);
}

/* The only place that writes chain->current. */
static int co_renew(void *owner, int64_t *expires_ns, struct error *err)
{
    struct gcp_credential_chain *chain = owner;
    struct access_token fresh = {0};
    bool found;
    const char *source;
    if (co_walk(&chain->context, &fresh, &found, &source, err)) {
        access_token_free(&fresh);
        return error_wrap(err, "Google credentials from %s", source);
    }
    /* The one that there was goes on, and whoever needs it next asks again. */
    if (!found && chain->current.value)
        return error_set(err, ERROR_UNAVAILABLE,
                         "Google credentials: the metadata server does not answer any more");
    access_token_free(&chain->current);
    chain->current = fresh;
    *expires_ns = found ? fresh.expires_ns : time_now_ns() + NONE_S * (int64_t)1000000000;
    if (found)
        log_info("Google credentials obtained", LOG_STR("source", source),
                 LOG_INT("valid_s", (fresh.expires_ns - time_now_ns()) / 1000000000));
    return 0;
}

/* ---- for callers that need a token ---- */

int co_gcp_access_token(void *arg, struct access_token *out, struct error *err)
{
    struct gcp_credential_chain *chain = arg;
    *out = (struct access_token){0};
    if (co_renewal_ensure(&chain->renewal, co_renew, chain, err))
        return -1;
    if (chain->current.value)
        *out = (struct access_token){.value = xstrdup(chain->current.value),
                                     .expires_ns = chain->current.expires_ns};
    return 0;
}

static int no_credentials(struct error *err)
{
    return error_set(err, ERROR_FORBIDDEN,
                     "no Google credentials found; set GOOGLE_APPLICATION_CREDENTIALS to a "
                     "credential file, or run `gcloud auth application-default login`, or run on "
                     "Google Cloud with a service account");
}

int co_gcp_credentials_get(struct gcp_credential_chain *chain, struct access_token *out,
                           unsigned *generation, struct error *err)
{
    if (co_gcp_access_token(chain, out, err))
        return -1;
    *generation = chain->renewal.generation;
    if (out->value)
        return 0;
    return no_credentials(err);
}

void gcp_credential_chain_reject(struct gcp_credential_chain *chain, unsigned generation)
{
    renewal_reject(&chain->renewal, generation);
}

int co_gcp_id_token(struct gcp_credential_chain *chain, const char *audience,
                    struct access_token *out, struct error *err)
{
    struct gcp_context context = chain->context;
    bool found;
    const char *source;
    context.audience = audience;
    *out = (struct access_token){0};
    if (co_walk(&context, out, &found, &source, err)) {
        access_token_free(out);
        return error_wrap(err, "an ID token from %s", source);
    }
    return found ? 0 : no_credentials(err);
}
