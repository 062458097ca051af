/* SPDX-License-Identifier: Apache-2.0
 * Login at Google's registries; see artifact_registry.h. */
#include "cloud/gcp/artifact_registry.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "loop/renewal.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { NONE_S = 60 }; /* how soon to look again when there was no identity */

struct artifact_registry {
    co_access_token_fn co_token;
    void *token_arg;
    struct access_token token; /* value NULL: there is no identity */
    struct renewal renewal;
};

struct artifact_registry *artifact_registry_new(co_access_token_fn co_token, void *token_arg)
{
    struct artifact_registry *a = NEW(struct artifact_registry);
    a->co_token = co_token;
    a->token_arg = token_arg;
    a->renewal.name = "Artifact Registry login";
    return a;
}

void artifact_registry_free(struct artifact_registry *a)
{
    if (!a)
        return;
    access_token_free(&a->token);
    free(a);
}

/* One label of a host name in front of the suffix: nothing that ends with it by trickery. */
static bool is_label(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '-')
            return false;
    return len > 0 && text[0] != '-';
}

bool artifact_registry_has_host(const char *host)
{
    static const char *const suffixes[] = {"-docker.pkg.dev", ".gcr.io"};
    size_t len = strlen(host);
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        size_t n = strlen(suffixes[i]);
        if (len > n && strcasecmp(host + len - n, suffixes[i]) == 0 && is_label(host, len - n))
            return true;
    }
    return strcasecmp(host, "gcr.io") == 0;
}

static int co_renew(void *owner, int64_t *expires_ns, struct error *err)
{
    struct artifact_registry *a = owner;
    struct access_token fresh = {0};
    if (a->co_token(a->token_arg, &fresh, err)) {
        access_token_free(&fresh);
        return -1;
    }
    access_token_free(&a->token);
    a->token = fresh;
    *expires_ns = fresh.value ? fresh.expires_ns : time_now_ns() + NONE_S * (int64_t)1000000000;
    return 0;
}

int co_artifact_registry_credentials(struct artifact_registry *a, const char *registry_host,
                                     struct registry_credentials *out, struct error *err)
{
    *out = (struct registry_credentials){0};
    if (!artifact_registry_has_host(registry_host))
        return 0;
    if (co_renewal_ensure(&a->renewal, co_renew, a, err))
        return error_wrap(err, "registry login with a Google access token");
    if (!a->token.value)
        return 0;
    *out = (struct registry_credentials){
        .found = true,
        .username = xstrdup("oauth2accesstoken"),
        .password = xstrdup(a->token.value),
        .expires_ns = a->token.expires_ns,
    };
    return 0;
}
