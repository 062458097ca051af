/* SPDX-License-Identifier: Apache-2.0
 * Layers and chain ids; see image_layers.h. */
#include "backend/image/image_layers.h"

#include "base/alloc.h"
#include "oci/name/digest.h"
#include "oci/document/manifest.h"

#include <stdio.h>
#include <string.h>

size_t image_layers_shared(const Sockerless__Image *a, const Sockerless__Image *b)
{
    size_t n = 0;
    while (n < a->n_diff_ids && n < b->n_diff_ids && strcmp(a->diff_ids[n], b->diff_ids[n]) == 0)
        n++;
    return n;
}

size_t image_layers_kept(struct image_store *s, const Sockerless__Image *image)
{
    AUTO(arena) struct arena arena;
    size_t count, most = 0;
    arena_init(&arena);
    const Sockerless__ImageRecord **all = image_store_all(s, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(all[i]->image->id, image->id) == 0)
            continue;
        size_t shared = image_layers_shared(all[i]->image, image);
        most = shared > most ? shared : most;
    }
    return most;
}

char **image_chain_ids(const Sockerless__Image *image, struct arena *arena)
{
    char **chain = arena_alloc(arena, (image->n_diff_ids + 1) * sizeof *chain);
    for (size_t i = 0; i < image->n_diff_ids; i++) {
        char text[2 * DIGEST_MAX], digest[DIGEST_MAX];
        if (i == 0) {
            chain[i] = arena_strdup(arena, image->diff_ids[i]);
            continue;
        }
        snprintf(text, sizeof text, "%s %s", chain[i - 1], image->diff_ids[i]);
        digest_sha256(text, strlen(text), digest);
        chain[i] = arena_strdup(arena, digest);
    }
    return chain;
}

int64_t *image_layer_sizes(const Sockerless__ImageRecord *rec, struct arena *arena)
{
    int64_t *sizes = arena_calloc(arena, rec->image->n_diff_ids + 1, sizeof *sizes);
    struct manifest m;
    struct error unreadable;
    if (!rec->manifest_json.len || manifest_parse(rec->manifest_json.data, rec->manifest_json.len,
                                                  rec->manifest_type, arena, &m, &unreadable))
        return sizes;
    for (size_t i = 0; i < m.layer_count && i < rec->image->n_diff_ids; i++)
        sizes[i] = m.layers[i].size;
    return sizes;
}
