/* SPDX-License-Identifier: Apache-2.0
 * Copies for the cloud to pull; see image_copy.h. */
#include "backend/inject/image_copy.h"

#include "backend/image/image_place.h"
#include "backend/image/image_record.h"
#include "backend/image/image_source.h"
#include "backend/image/staging.h"
#include "backend/inject/staged_image.h"
#include "base/str.h"

#include <string.h>

static bool is_in(const struct image_ref *ref, const char *repository)
{
    struct image_ref place;
    struct error unusable;
    return !str_empty(repository) && image_ref_parse(repository, &place, &unusable) == 0 &&
           !strcmp(place.domain, ref->domain) && !strcmp(place.path, ref->path);
}

const char *image_copy_reason(const struct backend *b, const Sockerless__ImageRecord *image,
                              const char *reference)
{
    const struct registry_ops *registry = b->driver->registry;
    struct image_ref ref;
    struct error unusable;
    if (image_ref_parse(reference, &ref, &unusable) || !image->manifest_json.len ||
        is_in(&ref, b->config->staging_registry) || is_in(&ref, b->config->agent_registry))
        return NULL;
    if (image_place_is_private(b, image))
        return "its registry gives it to users with a login only";
    return registry && registry->pull_refusal ? registry->pull_refusal(b->driver->self, ref.domain)
                                              : NULL;
}

/* ---- making it ---- */

struct copying {
    struct backend *backend;
    const Sockerless__ImageRecord *rec;
    struct image_source_login login;
    struct image_ref staging;
    struct arena *arena;
    char key[DIGEST_MAX];
};

static int co_put_documents(const struct image_source *source, struct registry_repo *target,
                            const char *key, struct error *err)
{
    const Sockerless__ImageRecord *rec = source->rec;
    char tag[STAGING_TAG_MAX];
    if (co_registry_blob_put(target, source->manifest.config.digest, source->config,
                             source->config_len, err))
        return -1;
    return co_registry_manifest_put(target, staging_tag("copy-", key, tag), rec->manifest_type,
                                    rec->manifest_json.data, rec->manifest_json.len, err);
}

static int co_make(void *arg, char digest[DIGEST_MAX], struct error *err)
{
    struct copying *c = arg;
    struct image_source source;
    struct registry_repo *target;
    if (co_image_source_open(c->backend, c->rec, &c->login, c->arena, &source, err))
        return -1;
    int rc = co_image_source_send(c->backend, &source, &c->staging, &target, err);
    if (rc == 0)
        rc = co_put_documents(&source, target, c->key, err);
    strcpy(digest, c->key); /* the manifest stays as it is */
    registry_repo_close(target);
    image_source_close(&source);
    return rc;
}

int co_image_copy(struct backend *b, const Sockerless__ImageRecord *image, const char *why,
                  const void *auth_json, size_t auth_json_len, struct arena *arena, char **out,
                  struct error *err)
{
    struct copying c = {
        .backend = b,
        .login = {.auth_json = auth_json, .auth_json_len = auth_json_len, .original = true},
        .arena = arena};
    const char *name = image->image->n_repo_tags ? image->image->repo_tags[0] : image->image->id;
    if (staging_ref(b, &c.staging, err) || image_source_check(image, err))
        return error_wrap(err, "the cloud cannot pull %s by itself: %s", name, why);
    c.rec = image_record_copy(image, arena); /* we suspend */
    image_place_key(c.rec, c.key);
    const struct staged_image staged = {.repository = &c.staging,
                                        .kind = IMAGE_COPY_KIND,
                                        .key = c.key,
                                        .from = c.rec->image->id,
                                        .co_make = co_make,
                                        .arg = &c};
    if (co_staged_image(b, &staged, arena, out, err) == 0)
        return 0;
    return error_wrap(err, "copying %s to the staging registry (%s)",
                      c.rec->image->n_repo_tags ? c.rec->image->repo_tags[0] : c.rec->image->id,
                      why);
}
