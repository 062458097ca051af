/* SPDX-License-Identifier: Apache-2.0
 *
 * Images that the backend makes in a repository for the cloud to pull: each is made once, however
 * many ask for it at the same time. What was made is remembered in the store, too, and believed
 * after a restart only when the registry still has it.
 */
#ifndef SOCKERLESS_BACKEND_STAGED_IMAGE_H
#define SOCKERLESS_BACKEND_STAGED_IMAGE_H

#include "backend/state/backend_internal.h"
#include "base/arena.h"
#include "oci/name/digest.h"
#include "oci/name/image_ref.h"

/* What is in memory; struct backend holds it. */
struct staged_images *staged_images_new(void);
void staged_images_free(struct staged_images *s); /* no call may be under way; NULL allowed */

struct staged_image {                   /* all borrowed for the call */
    const struct image_ref *repository; /* where it is made */
    const char *kind;                   /* "agent-image": short, for the store and the log */
    const char *key;                    /* a digest of all that it is made of */
    const char *from;                   /* id of the image it is made from, for the log */
    /* Makes it in the repository; its manifest's digest into `digest`. */
    int (*co_make)(void *arg, char digest[DIGEST_MAX], struct error *err);
    void *arg;
};
/* *out: "repository@sha256:…" in the arena. A failure is told to all who wait and is forgotten. */
int co_staged_image(struct backend *b, const struct staged_image *image, struct arena *arena,
                    char **out, struct error *err) MUST_CHECK;

#endif
