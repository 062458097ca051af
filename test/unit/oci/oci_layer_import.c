/* SPDX-License-Identifier: Apache-2.0
 *
 * docker import: any tar, in any compression, becomes a layer; what is no tar does not.
 */
#include "test/kit/oci_archive_kit.h"
#include "test/kit/test.h"

static int import(const struct buf *tar, size_t step, int64_t size_max, struct archive_layer *out,
                  struct error *err)
{
    struct kit_sink sink = {.bytes = tar->data, .len = tar->len, .step = step};
    const struct image_archive_io io = kit_io(&sink);
    const struct image_archive_options options = {.size_max = size_max};
    int rc = layer_archive_read(&io, &options, out, err);
    buf_free(&sink.layer);
    return rc;
}

static void rootfs_make(struct buf *out, const char *format)
{
    struct archive *lib = kit_open(out, format, NULL);
    char big[5000];
    memset(big, 'b', sizeof big);
    kit_entry(lib, "./bin/", AE_IFDIR, NULL, NULL, 0);
    kit_file(lib, "./bin/sh", big, sizeof big);
    kit_entry(lib, "./bin/ls", AE_IFLNK, "/bin/sh", NULL, 0);
    kit_entry(lib, "./up", AE_IFLNK, "../../elsewhere", NULL, 0);
    kit_entry(lib, "bin/hard", 0, "./bin/sh", NULL, 0);
    kit_text(lib, "/etc/passwd", "root:x:0:0::/:/bin/sh\n");
    kit_text(lib, "a/../b", "stays inside");
    kit_close(lib);
}

TEST(forms)
{
    static const struct {
        const char *format, *filter, *media_type;
    } cases[] = {
        {"ustar", NULL, "gzip"}, {"pax", NULL, "gzip"},      {"gnutar", NULL, "gzip"},
        {"v7tar", NULL, "gzip"}, {"ustar", "gzip", "gzip"},  {"ustar", "zstd", "zstd"},
        {"ustar", "xz", "gzip"}, {"ustar", "bzip2", "gzip"},
    };
    static const size_t steps[] = {1, 513, 65536};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf tar AUTO(buf) = BUF_INIT;
        rootfs_make(&tar, cases[i].format);
        struct buf in AUTO(buf) = cases[i].filter ? kit_pack(&tar, cases[i].filter) : BUF_INIT;
        char diff_id[DIGEST_MAX], digest[DIGEST_MAX];
        digest_sha256(tar.data, tar.len, diff_id);
        digest_sha256(in.data, in.len, digest);
        for (size_t s = 0; s < ARRAY_LEN(steps); s++) {
            struct archive_layer layer;
            struct error err = {0};
            if (import(cases[i].filter ? &in : &tar, steps[s], KIT_SIZE_MAX, &layer, &err))
                fail_msg("case %zu: %s", i, err.message);
            assert_string_equal(layer.diff_id, diff_id);
            assert_int_equal(layer.diff_size, tar.len);
            assert_string_equal(strrchr(layer.media_type, '+') + 1, cases[i].media_type);
            if (cases[i].filter && (i == 4 || i == 5))
                assert_string_equal(layer.digest, digest);
        }
    }
}

/* dockerd takes nothing for an empty file system. */
TEST(empty)
{
    struct buf tar AUTO(buf) = BUF_INIT;
    struct archive_layer layer;
    struct error err = {0};
    assert_int_equal(import(&tar, 100, KIT_SIZE_MAX, &layer, &err), 0);
    assert_int_equal(layer.diff_size, 0);
    tar_put_end(&tar);
    assert_int_equal(import(&tar, 100, KIT_SIZE_MAX, &layer, &err), 0);
    assert_int_equal(layer.diff_size, 1024);
    assert_true(layer.size > 0);
}

static void expect(const struct buf *in, int64_t size_max, enum error_code code, const char *text)
{
    struct archive_layer layer;
    struct error err = {0};
    assert_int_equal(import(in, 65536, size_max, &layer, &err), -1);
    if (err.code != code || !strstr(err.message, text))
        fail_msg("\"%s\" expected, got %s: \"%s\"", text, error_code_name(err.code), err.message);
}

TEST(errors)
{
    static const char *const filters[] = {"gzip", "zstd", "xz", "bzip2"};
    struct buf tar AUTO(buf) = BUF_INIT, bad AUTO(buf) = BUF_INIT;
    rootfs_make(&tar, "ustar");
    buf_puts(&bad, "garbage");
    expect(&bad, KIT_SIZE_MAX, ERROR_INVALID_PARAMETER,
           "Error processing tar file(exit status 1): unexpected EOF");
    for (int i = 0; i < 2000; i++)
        buf_putc(&bad, (char)(i % 250 + 1));
    expect(&bad, KIT_SIZE_MAX, ERROR_INVALID_PARAMETER, "archive/tar: invalid tar header");
    struct buf cut = {.data = tar.data, .len = 2000};
    expect(&cut, KIT_SIZE_MAX, ERROR_INVALID_PARAMETER, "unexpected EOF");
    expect(&tar, 3000, ERROR_TOO_LARGE, "over 3000 bytes");
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        struct buf packed AUTO(buf) = kit_pack(&tar, filters[i]);
        struct buf junk AUTO(buf) = kit_pack(&bad, filters[i]);
        expect(&packed, 3000, ERROR_TOO_LARGE, "over 3000 bytes");
        packed.len -= 30;
        expect(&packed, KIT_SIZE_MAX, ERROR_INVALID_PARAMETER, "unexpected EOF");
        expect(&junk, KIT_SIZE_MAX, ERROR_INVALID_PARAMETER, "archive/tar: invalid tar header");
    }
}

TEST(names)
{
    static const char *const names[] = {"../x", "a/../../x", "/../x", "./.."};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct buf tar AUTO(buf) = BUF_INIT;
        struct archive *lib = kit_open(&tar, "ustar", NULL);
        kit_text(lib, names[i], "x");
        kit_close(lib);
        expect(&tar, KIT_SIZE_MAX, ERROR_INVALID_PARAMETER, "is outside of the file system");
    }
}
