/* SPDX-License-Identifier: Apache-2.0
 * The credential chain; see aws_credentials.h. */
#include "aws_credentials.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/small_file.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "credentials_source.h"
#include "loop/renewal.h"
#include "json/json_doc.h"

#include <string.h>

static const int64_t ns_per_s = 1000000000;

/* The order is the one of AWS's own SDKs. */
static const struct {
    const char *name;
    co_credentials_source co_find;
} sources[] = {
    {"environment", co_credentials_environment},
    {"web identity", co_credentials_web_identity},
    {"profile", co_credentials_profile},
    {"container endpoint", co_credentials_container},
    {"instance metadata", co_credentials_instance},
};

struct aws_credential_chain {
    struct aws_credentials_context context;
    struct aws_credentials current; /* access_key NULL: none yet */
    struct renewal renewal;
};

void aws_credentials_free(struct aws_credentials *c)
{
    secret_free(c->access_key);
    secret_free(c->secret_key);
    secret_free(c->session_token);
    *c = (struct aws_credentials){0};
}

void aws_credentials_copy(const struct aws_credentials *from, struct aws_credentials *to)
{
    *to = *from;
    to->access_key = xstrdup(from->access_key);
    to->secret_key = xstrdup(from->secret_key);
    to->session_token = from->session_token ? xstrdup(from->session_token) : NULL;
}

struct aws_credential_chain *aws_credential_chain_new(const struct aws_credentials_context *context)
{
    struct aws_credential_chain *chain = NEW(struct aws_credential_chain);
    chain->context = *context;
    chain->renewal.name = "AWS credentials";
    return chain;
}

void aws_credential_chain_free(struct aws_credential_chain *chain)
{
    if (!chain)
        return;
    aws_credentials_free(&chain->current);
    free(chain);
}

static int co_walk(struct aws_credential_chain *chain, struct aws_credentials *out,
                   struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        bool found = false;
        if (sources[i].co_find(&chain->context, out, &found, err))
            return error_wrap(err, "AWS credentials from %s", sources[i].name);
        if (!found)
            continue;
        out->source = sources[i].name;
        return 0;
    }
    return error_set(
        err, ERROR_FORBIDDEN,
        "no AWS credentials found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
        "AWS_PROFILE, or run with a task or instance role");
}

/* Walk the sources and keep what they give. The only place that writes chain->current. */
static int co_renew(void *owner, int64_t *expires_ns, struct error *err)
{
    struct aws_credential_chain *chain = owner;
    struct aws_credentials fresh = {0};
    if (co_walk(chain, &fresh, err)) {
        aws_credentials_free(&fresh);
        return -1;
    }
    aws_credentials_free(&chain->current);
    chain->current = fresh;
    *expires_ns = fresh.expires_ns;
    log_info(
        "AWS credentials obtained", LOG_STR("source", fresh.source),
        LOG_INT("valid_s", fresh.expires_ns ? (fresh.expires_ns - time_now_ns()) / ns_per_s : 0));
    return 0;
}

int co_aws_credentials_get(struct aws_credential_chain *chain, struct aws_credentials *out,
                           unsigned *generation, struct error *err)
{
    if (co_renewal_ensure(&chain->renewal, co_renew, chain, err))
        return -1;
    aws_credentials_copy(&chain->current, out);
    *generation = chain->renewal.generation;
    return 0;
}

void aws_credential_chain_reject(struct aws_credential_chain *chain, unsigned generation)
{
    renewal_reject(&chain->renewal, generation);
}

int credentials_parse_json(const char *body, size_t len, const char *source,
                           struct aws_credentials *out, struct error *err)
{
    json_t *root = json_doc_load(len ? body : "", len, err);
    if (!root)
        return error_wrap(err, "%s", source);
    const char *access = json_string_value(json_object_get(root, "AccessKeyId"));
    const char *secret = json_string_value(json_object_get(root, "SecretAccessKey"));
    const char *token = json_string_value(json_object_get(root, "Token"));
    const char *end = json_string_value(json_object_get(root, "Expiration"));
    int64_t expires_ns = 0;
    int rc = 0;
    if (!access || !secret)
        rc = error_set(err, ERROR_FORBIDDEN, "%s: the answer holds no access key", source);
    else if (end && !timefmt_parse_rfc3339(end, &expires_ns))
        rc = error_set(err, ERROR_FORBIDDEN, "%s: bad Expiration \"%.40s\"", source, end);
    else
        *out = (struct aws_credentials){
            .access_key = xstrdup(access),
            .secret_key = xstrdup(secret),
            .session_token = str_empty(token) ? NULL : xstrdup(token),
            .expires_ns = expires_ns,
        };
    json_decref(root);
    return rc;
}

char *credentials_read_file(const char *path, struct error *err)
{
    return small_file_read(path, ERROR_FORBIDDEN, err);
}
