/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole archives, as an image and as an import. What is accepted is consistent: every image has its
 * layers, every layer was handed on completely.
 */
#include "base/alloc.h"
#include "oci/archive/image_archive.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct stream {
    const uint8_t *data;
    size_t left, step;
    bool open;
    int64_t written;
};

static ssize_t on_read(void *arg, const void **bytes, struct error *err)
{
    struct stream *s = arg;
    size_t n = s->left < s->step ? s->left : s->step;
    (void)err;
    *bytes = s->data;
    s->data += n;
    s->left -= n;
    return (ssize_t)n;
}

static int on_open(void *arg, struct error *err)
{
    struct stream *s = arg;
    (void)err;
    if (s->open)
        abort();
    s->open = true;
    s->written = 0;
    return 0;
}

static int on_write(void *arg, const void *bytes, size_t len, struct error *err)
{
    struct stream *s = arg;
    (void)bytes;
    (void)err;
    if (!s->open)
        abort();
    s->written += (int64_t)len;
    return 0;
}

static int on_close(void *arg, const struct archive_layer *layer, struct error *err)
{
    struct stream *s = arg;
    (void)err;
    if (!s->open || layer->size != s->written || !digest_valid(layer->digest) ||
        !digest_valid(layer->diff_id))
        abort();
    s->open = false;
    return 0;
}

static void check(const struct image_archive *all)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct archived_image *image = &all->images[i];
        if (!image->config || !image->manifest || !digest_valid(image->manifest_digest))
            abort();
        for (size_t l = 0; l < image->layer_count; l++)
            if (!image->layers[l])
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct image_archive_options options = {
        .size_max = 4 << 20, .platform = {.os = "linux", .architecture = "amd64"}};
    struct arena arena AUTO(arena);
    struct image_archive all;
    struct archive_layer layer;
    struct error err = {0};
    size_t step = size % 3 == 0 ? 100 : 65536;
    arena_init(&arena);
    struct stream s = {.data = data, .left = size, .step = step};
    const struct image_archive_io io = {&s, on_read, on_open, on_write, on_close};
    if (image_archive_read(&io, &options, &arena, &all, &err) == 0)
        check(&all);
    else if (err.code == ERROR_NONE || !*err.message)
        abort();
    s = (struct stream){.data = data, .left = size, .step = step};
    if (layer_archive_read(&io, &options, &layer, &err) == 0 && s.open)
        abort();
    return 0;
}
