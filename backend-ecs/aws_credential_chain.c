/* SPDX-License-Identifier: Apache-2.0
 * The credential chain; see aws_credential_chain.h. */
#include "aws_credential_chain.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "credentials_source.h"
#include "loop/renewal.h"

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
