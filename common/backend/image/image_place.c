/* SPDX-License-Identifier: Apache-2.0
 * Where the cloud can get an image; see image_place.h. */
#include "backend/image/image_place.h"

#include "backend/state/store.h"
#include "base/alloc.h"

#include <string.h>

char *image_place_key(const Sockerless__ImageRecord *rec, char out[DIGEST_MAX])
{
    digest_sha256(rec->manifest_json.data, rec->manifest_json.len, out);
    return out;
}

static char *meta_name(const char *kind, const Sockerless__ImageRecord *rec)
{
    char key[DIGEST_MAX];
    return xasprintf("%s:%s", kind, image_place_key(rec, key));
}

bool image_place_is_private(const struct backend *b, const Sockerless__ImageRecord *rec)
{
    AUTO_FREE char *name = meta_name("image-private", rec);
    AUTO_FREE char *kept = rec->manifest_json.len ? store_meta_get(b->store, name) : NULL;
    return kept != NULL;
}

int image_place_set_private(struct backend *b, const Sockerless__ImageRecord *rec,
                            struct error *err)
{
    AUTO_FREE char *name = meta_name("image-private", rec);
    return store_meta_put(b->store, name, "yes", err);
}

char *image_place_copy(const struct backend *b, const Sockerless__ImageRecord *rec)
{
    AUTO_FREE char *name = meta_name(IMAGE_COPY_KIND, rec);
    if (!image_place_is_private(b, rec))
        return NULL;
    char *kept = store_meta_get(b->store, name);
    char *at = kept ? strrchr(kept, '@') : NULL;
    if (at)
        *at = '\0';
    return kept;
}
