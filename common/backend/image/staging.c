/* SPDX-License-Identifier: Apache-2.0
 * The staging repository; see staging.h. */
#include "backend/image/staging.h"

#include "backend/image/credential_store.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

bool staging_configured(const struct backend *b)
{
    return !str_empty(b->config->staging_registry);
}

bool staging_agent_configured(const struct backend *b)
{
    return !str_empty(b->config->agent_registry) || staging_configured(b);
}

static int parse_repository(const char *setting, const char *text, struct image_ref *out,
                            struct error *err)
{
    if (image_ref_parse(text, out, err))
        return error_wrap(err, "%s %s", setting, text);
    if (out->tag[0] || out->digest[0])
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "%s %s: a repository without tag and digest is needed", setting, text);
    return 0;
}

int staging_ref(const struct backend *b, struct image_ref *out, struct error *err)
{
    if (!staging_configured(b))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "there is no staging registry: set SOCKERLESS_STAGING_REGISTRY to a "
                         "repository that the backend may push to and the cloud pull from");
    return parse_repository("staging-registry", b->config->staging_registry, out, err);
}

int staging_agent_ref(const struct backend *b, struct image_ref *out, struct error *err)
{
    return str_empty(b->config->agent_registry)
               ? staging_ref(b, out, err)
               : parse_repository("agent.registry", b->config->agent_registry, out, err);
}

int staging_open(struct backend *b, const struct image_ref *staging, const char *mount_from,
                 struct registry_repo **out, struct error *err)
{
    struct registry_repo_options options = {
        .ref = staging,
        .login = co_backend_login,
        .login_arg = b,
        .push = true,
        .mount_from = mount_from,
    };
    return registry_repo_open(b->registry, &options, out, err);
}

char *staging_tag(const char *prefix, const char *digest, char out[STAGING_TAG_MAX])
{
    const char *colon = strchr(digest, ':');
    snprintf(out, STAGING_TAG_MAX, "%s%.*s", prefix, STAGING_TAG_HEX, colon ? colon + 1 : digest);
    return out;
}

char *repository_name(const struct image_ref *ref, struct arena *arena)
{
    return arena_printf(arena, "%s/%s", ref->domain, ref->path);
}

char *repository_at_digest(const struct image_ref *ref, const char *digest, struct arena *arena)
{
    return arena_printf(arena, "%s/%s@%s", ref->domain, ref->path, digest);
}
