/* SPDX-License-Identifier: Apache-2.0
 *
 * Removing images as dockerd does (daemon/images/image_delete.go): shared by rmi and prune.
 */
#ifndef SOCKERLESS_BACKEND_IMAGE_REMOVE_H
#define SOCKERLESS_BACKEND_IMAGE_REMOVE_H

#include "backend/state/backend_internal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One reference of an image. */
struct image_name {
    char *familiar; /* "busybox:1", "busybox@sha256:…" */
    char *full;
    char *repository; /* "docker.io/library/busybox" */
    bool is_digest;
};
/* Tags and digests, sorted by `full`; in the arena. */
struct image_name *image_names(const Sockerless__Image *image, struct arena *arena, size_t *count);

/* What was done, in order, and the bytes that nothing uses any more. Zero-initialise; fill the
 * first two. */
struct image_removal {
    struct backend *backend;
    struct arena *arena;
    Sockerless__ImageRemoved **items;
    size_t count, cap;
    int64_t space;
};

/* ref: a tag, a digest reference, an id or its prefix. What was removed before an error stays
 * removed. ERROR_NOT_FOUND, ERROR_CONFLICT in Docker's words. */
int image_remove(struct image_removal *r, const char *ref, bool force,
                 struct error *err) MUST_CHECK;

#endif
