/* SPDX-License-Identifier: Apache-2.0
 *
 * One identity towards one repository; see registry_repo.h. What can be done there is in
 * registry_manifest.c, registry_blob.c, registry_upload.c and registry_tags.c.
 */
#include "oci/registry/registry_repo.h"

#include "base/alloc.h"
#include "base/str.h"
#include "oci/registry/registry_internal.h"

#include <stdio.h>
#include <string.h>

void registry_repo_init(struct registry_repo *r, struct registry_client *c,
                        struct registry_auth *auth)
{
    r->client = c;
    r->session.http = c->http;
    r->session.auth = auth;
    r->session.endpoint = &r->endpoint;
    r->session.ref = r->named;
    r->session.ca_file = c->ca_file;
    r->session.timeout_ms = c->timeout_ms;
}

int registry_repo_open(struct registry_client *c, const struct registry_repo_options *options,
                       struct registry_repo **out, struct error *err)
{
    const struct image_ref *ref = options->ref;
    if (image_ref_is_id(ref))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "%.140s is an image id: a registry needs a repository's name",
                         ref->digest);
    struct registry_repo *r = NEW(struct registry_repo);
    r->ref = *ref;
    r->is_push = options->push;
    r->named = options->push ? NULL : &r->ref;
    if (options->push)
        registry_hosts_find_itself(c->hosts, ref->domain, &r->endpoint);
    else
        registry_hosts_find(c->hosts, ref->domain, &r->endpoint);
    snprintf(r->path, sizeof r->path, "%s%s", r->endpoint.prefix, ref->path);
    registry_repo_init(r, c, c->auth);
    r->session.login_fn = options->login;
    r->session.login_arg = options->login_arg;
    /* What the client sent is for the registry it named, not for whoever mirrors it. */
    if (!r->endpoint.is_mirror)
        registry_login_from_json(options->auth_json, options->auth_json_len, &r->session.login);
    auth_session_open(&r->session);
    auth_session_add_scope(&r->session, r->path, options->push ? "pull,push" : "pull");
    if (!str_empty(options->mount_from)) {
        char *from AUTO_FREE = xasprintf("%s%s", r->endpoint.prefix, options->mount_from);
        auth_session_add_scope(&r->session, from, "pull");
    }
    *out = r;
    return 0;
}

void registry_repo_close(struct registry_repo *r)
{
    if (!r)
        return;
    auth_session_close(&r->session);
    free(r);
}

bool registry_repo_same_registry(const struct registry_repo *a, const struct registry_repo *b)
{
    return strcmp(a->endpoint.base, b->endpoint.base) == 0;
}

bool registry_repo_login_missing(const struct registry_repo *r)
{
    return r->session.login_missing;
}

char *registry_url(const struct registry_repo *r, const char *kind, const char *reference)
{
    return xasprintf("%s/v2/%s/%s/%s", r->endpoint.base, r->path, kind, reference);
}

int registry_digest_check(const char *digest, struct error *err)
{
    if (digest_valid(digest))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER, "invalid digest: %.140s", digest);
}
