/* SPDX-License-Identifier: Apache-2.0
 *
 * Gzip for layers: what comes out is what went in, always the same, and memory does not grow.
 */
#include "test/kit/endless_archive.h"
#include "test/kit/oci_archive_kit.h"

#include "oci/archive/layer_gzip.h"
#include "test/kit/test.h"

static int to_buf(void *arg, const void *bytes, size_t len, struct error *err)
{
    (void)err;
    buf_append(arg, bytes, len);
    return 0;
}

static struct buf gzip_of(const char *bytes, size_t len, size_t step)
{
    struct buf out = BUF_INIT;
    struct error err;
    struct layer_gzip *g = layer_gzip_new(to_buf, &out);
    for (size_t at = 0; at < len; at += step)
        assert_int_equal(layer_gzip_write(g, bytes + at, len - at < step ? len - at : step, &err),
                         0);
    assert_int_equal(layer_gzip_finish(g, &err), 0);
    layer_gzip_free(g);
    return out;
}

enum content { CONTENT_ZEROS, CONTENT_TEXT, CONTENT_RANDOM, CONTENT_KINDS };

static char *content_make(enum content kind, size_t len)
{
    char *bytes = xmalloc(len + 1);
    uint32_t x = 1;
    for (size_t i = 0; i < len; i++) {
        x = x * 1664525 + 1013904223;
        if (kind == CONTENT_RANDOM)
            bytes[i] = (char)(x >> 24);
        else
            bytes[i] = kind == CONTENT_TEXT ? "etaoin shrdlu"[x >> 24 & 7] : '\0';
    }
    return bytes;
}

static int full(void *arg, const void *bytes, size_t len, struct error *err)
{
    (void)bytes;
    (void)len;
    int *left = arg;
    return (*left)-- > 0 ? 0 : error_set(err, ERROR_UNAVAILABLE, "full");
}

/* ---- memory ---- */

/* First: the peak of other tests would hide what it measures. */
TEST(memory)
{
    long before = endless_archive_load(16 << 20);
    long after = endless_archive_load(256 << 20);
    if (after - before > 8 * 1024)
        fail_msg("16 times the layer cost %ld KiB more", after - before);
}

TEST(round_trip)
{
    static const size_t sizes[] = {0,          1,       512,         512 * 1024 - 1,
                                   512 * 1024, 1 << 20, 3145728 + 7, 5 * 1048576};
    for (int kind = 0; kind < CONTENT_KINDS; kind++)
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            char *bytes AUTO_FREE = content_make((enum content)kind, sizes[i]);
            struct buf a AUTO(buf) = gzip_of(bytes, sizes[i], 65536);
            struct buf b AUTO(buf) = gzip_of(bytes, sizes[i], 99991);
            struct buf plain AUTO(buf) = kit_unpack(a.data, a.len);
            assert_true(a.len >= 18);
            assert_int_equal(a.len, b.len);
            assert_memory_equal(a.data, b.data, a.len);
            assert_int_equal(plain.len, sizes[i]);
            assert_true(sizes[i] == 0 || memcmp(plain.data, bytes, sizes[i]) == 0);
            assert_true(a.len < sizes[i] + sizes[i] / 1000 + 1024);
            if (kind != CONTENT_RANDOM && sizes[i] >= 1 << 20)
                assert_true(a.len < sizes[i] / 2);
        }
}

/* A receiver that fails, at every block; and writers that give up, with blocks under way. */
TEST(failures)
{
    size_t len = 6 << 20;
    char *bytes AUTO_FREE = content_make(CONTENT_TEXT, len);
    for (int blocks = 0; blocks < 12; blocks++) {
        struct error err = {0};
        int left = blocks;
        struct layer_gzip *g = layer_gzip_new(full, &left);
        int rc = layer_gzip_write(g, bytes, len, &err);
        if (rc == 0)
            rc = layer_gzip_finish(g, &err);
        assert_int_equal(rc, -1);
        assert_string_equal(err.message, "full");
        layer_gzip_free(g);
    }
    for (size_t given = 0; given < len; given += 700000) {
        struct buf out AUTO(buf) = BUF_INIT;
        struct error err;
        struct layer_gzip *g = layer_gzip_new(to_buf, &out);
        assert_int_equal(layer_gzip_write(g, bytes, given, &err), 0);
        layer_gzip_free(g);
    }
    layer_gzip_free(NULL);
}
