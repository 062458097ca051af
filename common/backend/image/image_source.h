/* SPDX-License-Identifier: Apache-2.0
 *
 * A known image as something to copy from: its manifest, its configuration, and the repository that
 * holds its layers. Under push, save and image_layer injection.
 */
#ifndef SOCKERLESS_BACKEND_IMAGE_SOURCE_H
#define SOCKERLESS_BACKEND_IMAGE_SOURCE_H

#include "backend/state/backend_internal.h"
#include "base/arena.h"
#include "oci/name/image_ref.h"
#include "oci/document/manifest.h"
#include "oci/registry/registry_repo.h"

struct image_source {
    const Sockerless__ImageRecord *rec; /* a copy */
    struct image_ref ref;               /* the repository of the layers */
    struct registry_repo *repo;
    struct manifest manifest;
    char manifest_digest[DIGEST_MAX];
    const void *config;
    size_t config_len;
};

/* Without a request: is it known where the layers are? ERROR_INVALID_PARAMETER says what to
 * configure. */
int image_source_check(const Sockerless__ImageRecord *rec, struct error *err) MUST_CHECK;
/* Who reads it. NULL for the functions below: stored logins and the cloud's own. */
struct image_source_login {
    const void *auth_json; /* what came with the request, decoded; NULL: nothing */
    size_t auth_json_len;
    bool original; /* where it came from, even if a private image has a copy (image_place.h) */
};
/* rec is copied into the arena. Asks the registry only for a configuration that was not kept. */
int co_image_source_open(struct backend *b, const Sockerless__ImageRecord *rec,
                         const struct image_source_login *login, struct arena *arena,
                         struct image_source *out, struct error *err) MUST_CHECK;
void image_source_close(struct image_source *s);

/* One of its layers; progress as co_registry_blob_copy. At most BLOB_COPIES_MAX at once in the
 * whole backend: each holds a piece of REGISTRY_CHUNK. */
enum { BLOB_COPIES_MAX = 4 };
int co_image_source_copy(struct backend *b, const struct image_source *s, size_t layer,
                         struct registry_repo *to, void (*progress)(void *arg, int64_t current),
                         void *arg, enum blob_copy_result *result, struct error *err) MUST_CHECK;

/* Opens the repository for writing and brings all layers there, mounted where that is possible.
 * *target: the caller's to close in every case; NULL when it could not be opened. */
int co_image_source_send(struct backend *b, const struct image_source *s,
                         const struct image_ref *to, struct registry_repo **target,
                         struct error *err) MUST_CHECK;

/* "Foreign" layers are elsewhere, as their manifest says, and are never copied. */
bool layer_is_foreign(const struct descriptor *layer);
/* The same blob occurs earlier in the list. */
bool layer_is_repeated(const struct descriptor *layers, size_t index);

#endif
