/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies of images that the cloud cannot pull from where they are: from a registry that it does not
 * pull from, or with a user's login only. A copy is made in the staging registry, once a manifest;
 * layers are mounted where both are in one registry, else they stream through the backend.
 */
#ifndef SOCKERLESS_BACKEND_IMAGE_COPY_H
#define SOCKERLESS_BACKEND_IMAGE_COPY_H

#include "backend/state/backend_internal.h"
#include "base/arena.h"

/* Why the cloud cannot pull `reference`, the image's, by itself; NULL: it can. Static text. */
const char *image_copy_reason(const struct backend *b, const Sockerless__ImageRecord *image,
                              const char *reference);
/* *out: "staging/repository@sha256:…" in the arena. auth_json: a login that came with the request,
 * decoded; NULL: stored logins and the cloud's own. why: of image_copy_reason. Without a staging
 * registry: ERROR_INVALID_PARAMETER, with what to configure. */
int co_image_copy(struct backend *b, const Sockerless__ImageRecord *image, const char *why,
                  const void *auth_json, size_t auth_json_len, struct arena *arena, char **out,
                  struct error *err) MUST_CHECK;

#endif
