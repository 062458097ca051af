/* SPDX-License-Identifier: Apache-2.0
 * Private images; see pull_private.h. */
#include "backend/transfer/pull_private.h"

#include "backend/image/credential_store.h"
#include "backend/image/image_place.h"
#include "backend/image/staging.h"
#include "backend/inject/image_copy.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "oci/registry/registry_repo.h"

/* Asks the registry with the cloud's own login. If it does not answer, the image is not copied. */
static int co_is_private(struct backend *b, const Sockerless__ImageRecord *rec,
                         const struct image_ref *ref, struct arena *arena, bool *is_private,
                         struct error *err)
{
    const struct registry_repo_options as_cloud = {
        .ref = ref, .login = co_clouds_login, .login_arg = b};
    struct registry_manifest found;
    struct registry_repo *repo;
    char digest[DIGEST_MAX];
    if (registry_repo_open(b->registry, &as_cloud, &repo, err))
        return -1;
    int rc = co_registry_manifest_head(repo, image_place_key(rec, digest), arena, &found, err);
    *is_private = rc && (err->code == ERROR_UNAUTHORIZED || err->code == ERROR_FORBIDDEN ||
                         err->code == ERROR_NOT_FOUND || registry_repo_login_missing(repo));
    registry_repo_close(repo);
    if (rc && err->code == ERROR_CANCELLED)
        return -1;
    if (rc && !*is_private)
        log_info("it is not known whether an image needs a login", LOG_STR("image", rec->image->id),
                 LOG_STR("error", err->message));
    return 0;
}

/* Without a user's login it was pulled as the cloud pulls. */
static int co_note(struct backend *b, const Sockerless__ImageRecord *rec,
                   const struct image_ref *ref, const struct pull_login *login, struct arena *arena,
                   struct error *err)
{
    AUTO(registry_login) struct registry_login sent = {0};
    bool stored = false, is_private = false;
    registry_login_from_json(login->auth_json, login->auth_json_len, &sent);
    if (has_stored_login(b, ref->domain, &stored, err))
        return -1;
    if ((stored || !registry_login_empty(&sent)) &&
        co_is_private(b, rec, ref, arena, &is_private, err))
        return -1;
    return is_private ? image_place_set_private(b, rec, err) : 0;
}

int co_pull_private(struct backend *b, const Sockerless__ImageRecord *rec,
                    const struct image_ref *ref, const struct pull_login *login, bool fetched,
                    struct arena *arena, struct error *err)
{
    char *copy;
    if (fetched && co_note(b, rec, ref, login, arena, err))
        return -1;
    if (!image_place_is_private(b, rec) || !staging_configured(b))
        return 0;
    const char *why = image_copy_reason(b, rec, rec->pull_reference);
    return why ? co_image_copy(b, rec, why, login->auth_json, login->auth_json_len, arena, &copy,
                               err)
               : 0;
}
