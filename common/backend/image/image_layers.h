/* SPDX-License-Identifier: Apache-2.0
 *
 * An image's layers as Docker counts them: a layer is the chain of all layers up to it, so two
 * images share one only when everything below is the same (OCI image-spec config.md, chain id).
 */
#ifndef SOCKERLESS_BACKEND_IMAGE_LAYERS_H
#define SOCKERLESS_BACKEND_IMAGE_LAYERS_H

#include "backend/state/image_store.h"
#include "base/arena.h"

#include <stddef.h>
#include <stdint.h>

/* How many layers, from the lowest on, both have. */
size_t image_layers_shared(const Sockerless__Image *a, const Sockerless__Image *b);
/* The most that `image` shares with any other image of the store. */
size_t image_layers_kept(struct image_store *s, const Sockerless__Image *image);
/* Chain ids, lowest first; image->n_diff_ids of them, in the arena. */
char **image_chain_ids(const Sockerless__Image *image, struct arena *arena);
/* Sizes of the layers as stored, lowest first: image->n_diff_ids of them, in the arena; zeros when
 * no manifest is known. */
int64_t *image_layer_sizes(const Sockerless__ImageRecord *rec, struct arena *arena);

#endif
