/* SPDX-License-Identifier: Apache-2.0
 * Images to copy from; see image_source.h. */
#include "backend/image/image_source.h"

#include "backend/image/credential_store.h"
#include "backend/image/image_record.h"
#include "base/alloc.h"
#include "base/str.h"

#include <string.h>

static const char *name_of(const Sockerless__ImageRecord *rec)
{
    return rec->image->n_repo_tags ? rec->image->repo_tags[0] : rec->image->id;
}

int image_source_check(const Sockerless__ImageRecord *rec, struct error *err)
{
    if (rec->manifest_json.len && !str_empty(rec->blob_repository))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "the layers of %s are in no registry that is known: set "
                     "SOCKERLESS_STAGING_REGISTRY and load or pull the image again",
                     name_of(rec));
}

static int co_config_get(struct image_source *s, struct arena *arena, struct error *err)
{
    void *bytes;
    const struct descriptor *config = &s->manifest.config;
    s->config = s->rec->config_json.data;
    s->config_len = s->rec->config_json.len;
    if (s->config_len)
        return 0;
    if (co_registry_blob_get(s->repo, config->digest, config->size, REGISTRY_CONFIG_MAX, arena,
                             &bytes, &s->config_len, err))
        return -1;
    s->config = bytes;
    return 0;
}

static int source_parse(struct image_source *s, struct arena *arena, struct error *err)
{
    const Sockerless__ImageRecord *rec = s->rec;
    if (image_ref_parse(rec->blob_repository, &s->ref, err) ||
        manifest_parse(rec->manifest_json.data, rec->manifest_json.len, rec->manifest_type, arena,
                       &s->manifest, err))
        return error_wrap(err, "image %.100s", rec->image->id);
    if (s->manifest.is_index)
        return error_set(err, ERROR_SYSTEM, "image %.100s: an index was kept for its manifest",
                         rec->image->id);
    digest_sha256(rec->manifest_json.data, rec->manifest_json.len, s->manifest_digest);
    return 0;
}

int co_image_source_open(struct backend *b, const Sockerless__ImageRecord *rec, struct arena *arena,
                         struct image_source *out, struct error *err)
{
    *out = (struct image_source){0};
    if (image_source_check(rec, err))
        return -1;
    out->rec = image_record_copy(rec, arena);
    if (source_parse(out, arena, err))
        return -1;
    struct registry_repo_options options = {
        .ref = &out->ref, .login = co_backend_login, .login_arg = b};
    if (registry_repo_open(b->registry, &options, &out->repo, err) == 0 &&
        co_config_get(out, arena, err) == 0)
        return 0;
    image_source_close(out);
    return -1;
}

void image_source_close(struct image_source *s)
{
    registry_repo_close(s->repo);
    s->repo = NULL;
}

int co_image_source_copy(struct backend *b, const struct image_source *s, size_t layer,
                         struct registry_repo *to, void (*progress)(void *arg, int64_t current),
                         void *arg, enum blob_copy_result *result, struct error *err)
{
    const struct descriptor *blob = &s->manifest.layers[layer];
    if (co_places_take(&b->blob_copies, BLOB_COPIES_MAX, "layers are being copied", NULL, NULL,
                       err))
        return -1;
    int rc =
        co_registry_blob_copy(s->repo, to, blob->digest, blob->size, progress, arg, result, err);
    places_give(&b->blob_copies);
    return rc;
}

bool layer_is_foreign(const struct descriptor *layer)
{
    return strstr(layer->media_type, "foreign") || strstr(layer->media_type, "nondistributable");
}

bool layer_is_repeated(const struct descriptor *layers, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(layers[i].digest, layers[index].digest) == 0)
            return true;
    return false;
}
