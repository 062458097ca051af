/* SPDX-License-Identifier: Apache-2.0
 *
 * Images made on the spot, and archives of them.
 */
#ifndef SOCKERLESS_TEST_KIT_TEST_IMAGE_H
#define SOCKERLESS_TEST_KIT_TEST_IMAGE_H

#include "base/buf.h"
#include "oci/archive/image_archive.h"
#include "oci/name/digest.h"

enum { TEST_IMAGE_LAYERS_MAX = 8 };

struct test_image {
    struct buf layers[TEST_IMAGE_LAYERS_MAX]; /* tars */
    char diff_ids[TEST_IMAGE_LAYERS_MAX][DIGEST_MAX];
    size_t layer_count;
    struct buf config;
    char id[DIGEST_MAX];
};

/* A layer with that one file; all of them before the configuration. */
void test_image_add_layer(struct test_image *i, const char *file, const void *bytes, size_t len);
void test_image_make_config(struct test_image *i, const char *marker);
/* Two small layers and a configuration. */
void test_image_make_small(struct test_image *i, const char *marker);
/* One layer of so many bytes that cannot be compressed; of the same seed the same. */
void test_image_make_large(struct test_image *i, size_t len, uint64_t seed);
void test_image_free(struct test_image *i);
/* For AUTO(test_image), of one that was made. */
static inline void auto_release_test_image(struct test_image *i)
{
    test_image_free(i);
}

/* As `docker save` of 20.10 has it. tags: JSON, "[\"a:1\"]" or "null". */
void test_image_put_docker(struct buf *tar, struct test_image *i, const char *tags);
void tar_put_file(struct buf *tar, const char *name, const void *bytes, size_t len);
/* Incompressible; len is a multiple of 8. */
void test_noise(void *out, size_t len, uint64_t seed);

#endif
