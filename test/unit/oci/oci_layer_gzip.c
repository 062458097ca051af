/* SPDX-License-Identifier: Apache-2.0
 *
 * Gzip for layers: what comes out is what went in, always the same, and memory does not grow.
 */
#include "test/kit/oci_archive_kit.h"

#include "oci/archive/layer_gzip.h"
#include "test/kit/test.h"

#include <sys/resource.h>

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

/* An archive that is never whole anywhere: a header, zeros without end, documents. */
struct endless {
    struct buf before, after;
    int64_t layer_left, sent;
    int part;
    size_t handed_on;
};

static ssize_t endless_read(void *arg, const void **bytes, struct error *err)
{
    static const char zeros[65536];
    struct endless *e = arg;
    (void)err;
    if (e->part == 0) {
        e->part = 1;
        *bytes = e->before.data;
        return (ssize_t)e->before.len;
    }
    if (e->layer_left) {
        size_t n = e->layer_left < (int64_t)sizeof zeros ? (size_t)e->layer_left : sizeof zeros;
        e->layer_left -= (int64_t)n;
        *bytes = zeros;
        return (ssize_t)n;
    }
    *bytes = e->after.data;
    return e->part++ == 1 ? (ssize_t)e->after.len : 0;
}

static int endless_open(void *arg, struct error *err)
{
    (void)arg;
    (void)err;
    return 0;
}

static int endless_write(void *arg, const void *bytes, size_t len, struct error *err)
{
    (void)bytes;
    (void)err;
    ((struct endless *)arg)->handed_on += len;
    return 0;
}

static int endless_close(void *arg, const struct archive_layer *layer, struct error *err)
{
    struct endless *e = arg;
    (void)err;
    char config[512], name[100];
    assert_int_equal(layer->size, e->handed_on);
    snprintf(config, sizeof config, "{\"rootfs\":{\"diff_ids\":[\"%s\"]}}", layer->diff_id);
    static const char manifest[] = "[{\"Config\":\"c\",\"Layers\":[\"l\"]}]";
    snprintf(name, sizeof name, "c");
    tar_put_header(&e->after, name, (int64_t)strlen(config), 0, 0644);
    buf_puts(&e->after, config);
    tar_put_padding(&e->after, (int64_t)strlen(config));
    tar_put_header(&e->after, "manifest.json", (int64_t)strlen(manifest), 0, 0644);
    buf_puts(&e->after, manifest);
    tar_put_padding(&e->after, (int64_t)strlen(manifest));
    tar_put_end(&e->after);
    return 0;
}

static long load_endless(int64_t size)
{
    struct endless e = {.layer_left = size};
    struct arena arena AUTO(arena);
    struct image_archive out;
    struct error err = {0};
    struct rusage use;
    const struct image_archive_io io = {&e, endless_read, endless_open, endless_write,
                                        endless_close};
    const struct image_archive_options options = {
        .size_max = (int64_t)1 << 40, .platform = {.os = "linux", .architecture = "amd64"}};
    arena_init(&arena);
    /* the end is appended when the layer is known: room first, so that it does not move */
    buf_reserve(&e.after, 8192);
    tar_put_header(&e.before, "l", size, 0, 0644);
    if (image_archive_read(&io, &options, &arena, &out, &err))
        fail_msg("%s", err.message);
    assert_int_equal(out.images[0].layers[0]->diff_size, size);
    buf_free(&e.before);
    buf_free(&e.after);
    getrusage(RUSAGE_SELF, &use);
    return use.ru_maxrss;
}

/* First: the peak of other tests would hide what it measures. */
TEST(memory)
{
    long before = load_endless(16 << 20);
    long after = load_endless(256 << 20);
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
