/* SPDX-License-Identifier: Apache-2.0
 * Images to copy from; see image_source.h. */
#include "backend/image/image_source.h"

#include "backend/image/credential_store.h"
#include "backend/image/image_place.h"
#include "backend/image/image_record.h"
#include "backend/image/staging.h"
#include "base/alloc.h"
#include "base/str.h"
#include "loop/parallel.h"

#include <string.h>

enum { LAYERS_AT_ONCE = 3 };

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

/* place: the repository; NULL: the record's. */
static int source_parse(struct image_source *s, const char *place, struct arena *arena,
                        struct error *err)
{
    const Sockerless__ImageRecord *rec = s->rec;
    if (image_ref_parse(place ? place : rec->blob_repository, &s->ref, err) ||
        manifest_parse(rec->manifest_json.data, rec->manifest_json.len, rec->manifest_type, arena,
                       &s->manifest, err))
        return error_wrap(err, "image %.100s", rec->image->id);
    if (s->manifest.is_index)
        return error_set(err, ERROR_SYSTEM, "image %.100s: an index was kept for its manifest",
                         rec->image->id);
    digest_sha256(rec->manifest_json.data, rec->manifest_json.len, s->manifest_digest);
    return 0;
}

int co_image_source_open(struct backend *b, const Sockerless__ImageRecord *rec,
                         const struct image_source_login *login, struct arena *arena,
                         struct image_source *out, struct error *err)
{
    static const struct image_source_login stored;
    login = login ? login : &stored;
    *out = (struct image_source){0};
    if (image_source_check(rec, err))
        return -1;
    out->rec = image_record_copy(rec, arena);
    AUTO_FREE char *copy = login->original ? NULL : image_place_copy(b, rec);
    if (source_parse(out, copy, arena, err))
        return -1;
    struct registry_repo_options options = {.ref = &out->ref,
                                            .auth_json = login->auth_json,
                                            .auth_json_len = login->auth_json_len,
                                            .login = co_backend_login,
                                            .login_arg = b};
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

struct sending {
    struct backend *backend;
    const struct image_source *source;
    struct registry_repo *target;
};

static int co_send_layer(void *arg, size_t item, struct error *err)
{
    const struct sending *s = arg;
    const struct descriptor *layers = s->source->manifest.layers;
    enum blob_copy_result result;
    if (layer_is_foreign(&layers[item]) || layer_is_repeated(layers, item))
        return 0;
    return co_image_source_copy(s->backend, s->source, item, s->target, NULL, NULL, &result, err);
}

int co_image_source_send(struct backend *b, const struct image_source *s,
                         const struct image_ref *to, struct registry_repo **target,
                         struct error *err)
{
    bool same_registry = strcmp(s->ref.domain, to->domain) == 0;
    *target = NULL;
    if (staging_open(b, to, same_registry ? s->ref.path : NULL, target, err))
        return -1;
    struct sending sending = {.backend = b, .source = s, .target = *target};
    struct parallel copying = {.loop = b->loop,
                               .count = s->manifest.layer_count,
                               .width = LAYERS_AT_ONCE,
                               .co_one = co_send_layer,
                               .arg = &sending};
    return co_parallel(&copying, err);
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
