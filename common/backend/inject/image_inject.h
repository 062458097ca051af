/* SPDX-License-Identifier: Apache-2.0
 *
 * image_layer injection: the user's image with the agent as one more layer, made in the staging
 * registry by manifest surgery: blobs are mounted (same registry) or copied, config and manifest
 * are new. Cached by (image's manifest digest, agent layer's digest, user), in memory and in the
 * store.
 */
#ifndef SOCKERLESS_BACKEND_IMAGE_INJECT_H
#define SOCKERLESS_BACKEND_IMAGE_INJECT_H

#include "backend/state/backend_internal.h"
#include "base/arena.h"

/* What is in memory; struct backend holds it. */
struct image_injector *image_injector_new(void);
void image_injector_free(struct image_injector *in); /* no call may be under way; NULL allowed */

/* *out: "staging/repository@sha256:…" in the arena. Simultaneous calls for one image do the work
 * once. ERROR_INVALID_PARAMETER, with what to configure, when there is no staging registry or no
 * agent (a binary, or config->agent_image), or when the image's layers are in no registry. */
int co_image_with_agent(struct backend *b, const Sockerless__ImageRecord *image,
                        struct arena *arena, char **out, struct error *err) MUST_CHECK;

/* What a run has taught: this image (by id) cannot bring the agent, it has to be put into it. Kept
 * in the store; without a staging registry it changes nothing. */
bool image_agent_possible(const struct backend *b);
bool image_needs_agent(const struct backend *b, const char *image_id);
int image_set_needs_agent(struct backend *b, const char *image_id, struct error *err) MUST_CHECK;

#endif
