/* SPDX-License-Identifier: Apache-2.0
 *
 * The images of a backend: metadata only (config, digests, tags), in memory and in the store.
 */
#ifndef SOCKERLESS_BACKEND_IMAGE_STORE_H
#define SOCKERLESS_BACKEND_IMAGE_STORE_H

#include "backend/state/store.h"
#include "base/arena.h"
#include "base/error.h"

#include "proto/state.pb-c.h"

#include <stddef.h>

/* Tags and digests of one image. */
enum { IMAGE_NAMES_MAX = 4096 };

struct image_store;

/* Loads all from the store. */
int image_store_open(struct store *store, struct image_store **out, struct error *err) MUST_CHECK;
void image_store_close(struct image_store *s);

/* By reference (tag, digest), full id, or unique id prefix (with or without "sha256:"). Borrowed
 * until the next change. ERROR_NOT_FOUND "No such image: x" (x with ":latest" added when there was
 * neither tag nor digest, as dockerd words it). */
const Sockerless__ImageRecord *image_store_find(struct image_store *s, const char *ref,
                                                struct error *err) MUST_CHECK;

/* Insert or update: tags and digests are added to those that the image has; a tag moves from the
 * image that had it. Where rec has no pull_reference, no manifest or no configuration, those that
 * are known stay. rec may borrow from the image's own record. Persisted on return. */
int image_store_put(struct image_store *s, const Sockerless__ImageRecord *rec,
                    struct error *err) MUST_CHECK;

/* One more tag (complete reference or familiar form) for an image; it moves from the one that had
 * it. ERROR_NOT_FOUND as image_store_find. */
int image_store_tag(struct image_store *s, const char *id, const char *tag,
                    struct error *err) MUST_CHECK;
/* Drops one tag or digest reference (familiar form). */
int image_store_untag(struct image_store *s, const char *id, const char *reference,
                      struct error *err) MUST_CHECK;
int image_store_remove(struct image_store *s, const char *id, struct error *err) MUST_CHECK;

size_t image_store_count(const struct image_store *s);
/* All, newest first; arena array of borrowed records. */
const Sockerless__ImageRecord **image_store_all(struct image_store *s, struct arena *arena,
                                                size_t *count);

#endif
