/* SPDX-License-Identifier: Apache-2.0
 *
 * Image archives that are broken, hostile or too large: a clear error, no image.
 */
#include "test/kit/oci_archive_kit.h"

#include "oci/archive/image_archive_meter.h"
#include "test/kit/test.h"

static void expect_of(struct kit_sink sink, int64_t size_max, enum error_code code,
                      const char *text)
{
    struct arena arena AUTO(arena);
    struct image_archive out;
    struct error err = {0};
    arena_init(&arena);
    assert_int_equal(kit_load_sized(&sink, size_max, &arena, &out, &err), -1);
    if (err.code != code || !strstr(err.message, text))
        fail_msg("\"%s\" expected, got %s: \"%s\"", text, error_code_name(err.code), err.message);
}

static void expect(const struct buf *archive, int64_t size_max, enum error_code code,
                   const char *text)
{
    expect_of((struct kit_sink){.bytes = archive->data, .len = archive->len}, size_max, code, text);
}

static void expect_invalid(const struct buf *archive, const char *text)
{
    expect(archive, KIT_SIZE_MAX, ERROR_INVALID_PARAMETER, text);
}

/* The archive that is written is one of those. */
static void close_invalid(struct archive *lib, const struct buf *archive, const char *text)
{
    kit_close(lib);
    expect_invalid(archive, text);
}

/* manifest.json naming "c" and one layer "l"; any of them may be left out */
static void simple_make(struct buf *out, const struct kit_image *k, const char *config,
                        const char *manifest, bool layer)
{
    struct archive *lib = kit_open(out, "ustar", NULL);
    if (layer)
        kit_file(lib, "l", k->layer.data, k->layer.len);
    if (config)
        kit_text(lib, "c", config);
    if (manifest)
        kit_text(lib, "manifest.json", manifest);
    kit_close(lib);
}

static void fill(struct buf *b, char with, size_t len)
{
    memset(buf_reserve(b, len), with, len);
    buf_commit(b, len);
}

#define GOOD "[{\"Config\":\"c\",\"RepoTags\":[\"a:1\"],\"Layers\":[\"l\"]}]"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

TEST(documents)
{
    struct kit_image k AUTO(kit_image) = kit_image_of("content", NULL);
    static const char wrong_diff[] = "{\"rootfs\":{\"diff_ids\":[\"sha256:" ZEROS "\"]}}";
    const struct {
        const char *config, *manifest;
        bool layer;
        const char *text;
    } cases[] = {
        {k.config, NULL, true, "open manifest.json: no such file or directory"},
        {k.config, "[]", true, "manifest.json lists no image"},
        {k.config, "{}", true, "manifest.json lists no image"},
        {k.config, "[1]", true, "an image without Config"},
        {k.config, "[{]", true, "manifest.json: malformed JSON"},
        {NULL, GOOD, true, "open \"c\": no such file or directory"},
        {k.config, GOOD, false, "open \"l\": no such file or directory"},
        {"{]", GOOD, true, "image configuration: malformed JSON"},
        {"{}", GOOD, true, "invalid manifest, layers length mismatch: expected 0, got 1"},
        {wrong_diff, GOOD, true, "invalid diffID for layer 0: expected \"sha256:" ZEROS "\", got"},
        {k.config, "[{\"Config\":\"c\",\"RepoTags\":[\"A:1\"],\"Layers\":[\"l\"]}]", true,
         "invalid reference format"},
        {k.config, "[{\"Config\":\"c\",\"RepoTags\":[\"a\"],\"Layers\":[\"l\"]}]", true,
         "invalid tag \"a\""},
        {k.config, "[{\"Config\":\"c\",\"Layers\":[\"../l\"]}]", true, "open \"../l\""},
        {k.config, "[{\"Config\":\"c\",\"Layers\":[\"\\n\"]}]", true, "open \"\\x0a\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf archive AUTO(buf) = BUF_INIT;
        simple_make(&archive, &k, cases[i].config, cases[i].manifest, cases[i].layer);
        expect_invalid(&archive, cases[i].text);
    }
}

TEST(digests)
{
    struct kit_image k AUTO(kit_image) = kit_image_of("content", "gzip");
    const struct {
        const void *bytes;
        size_t len;
    } blobs[] = {{k.config, strlen(k.config)},  /* a document */
                 {k.layer.data, k.layer.len},   /* a plain layer */
                 {k.packed.data, k.packed.len}, /* a compressed one */
                 {"VERSION", 7}};               /* nothing of interest */
    for (size_t i = 0; i < ARRAY_LEN(blobs); i++) {
        struct buf archive AUTO(buf) = BUF_INIT;
        struct archive *lib = kit_open(&archive, "ustar", NULL);
        kit_blob(lib, "sha256:" ZEROS, blobs[i].bytes, blobs[i].len);
        close_invalid(lib, &archive, "blob sha256:" ZEROS " has the digest sha256:");
    }
    struct buf archive AUTO(buf) = BUF_INIT;
    struct archive *lib = kit_open(&archive, "ustar", NULL);
    kit_file(lib, "l", k.layer.data, k.layer.len);
    kit_text(lib, ZEROS ".json", k.config);
    kit_text(lib, "manifest.json", "[{\"Config\":\"" ZEROS ".json\",\"Layers\":[\"l\"]}]");
    close_invalid(lib, &archive, "configuration \"" ZEROS ".json\" has the digest sha256:");
}

/* Damage within a compressed layer, whose own name still fits. */
TEST(damaged_layers)
{
    static const char *const filters[] = {"gzip", "zstd", "xz", "bzip2"};
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        struct kit_image k AUTO(kit_image) = kit_image_of("content", filters[i]);
        for (int cut = 0; cut < 2; cut++) {
            struct buf archive AUTO(buf) = BUF_INIT;
            struct archive *lib = kit_open(&archive, "ustar", NULL);
            size_t len = cut ? k.packed.len - 20 : k.packed.len;
            if (!cut)
                memset(k.packed.data + k.packed.len / 2, 0xA5, 6);
            kit_file(lib, "l", k.packed.data, len);
            kit_text(lib, "c", k.config);
            kit_text(lib, "manifest.json", GOOD);
            close_invalid(lib, &archive, "");
        }
    }
}

TEST(cut)
{
    static const char *const filters[] = {NULL, "gzip", "zstd", "xz", "bzip2"};
    struct kit_image k AUTO(kit_image) = kit_image_of("content", NULL);
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        struct buf plain AUTO(buf) = BUF_INIT, archive AUTO(buf) = BUF_INIT;
        simple_make(&plain, &k, k.config, GOOD, true);
        archive = filters[i] ? kit_pack(&plain, filters[i]) : plain;
        /* what may be missing from a plain one: padding and end-of-archive blocks */
        size_t needed = archive.len - (filters[i] ? 0 : 1024 + 512 - strlen(GOOD));
        size_t step = filters[i] ? 1 : 37;
        for (size_t len = 1; len < needed; len += step) {
            struct buf cut = {.data = archive.data, .len = len};
            expect_invalid(&cut, "unexpected EOF");
            if (len % 512 > 512 - step)
                step = 512 - len % 512; /* block ends, too */
            else
                step = filters[i] ? 1 : 37;
        }
        if (filters[i])
            buf_free(&archive);
        else
            archive = BUF_INIT;
    }
}

TEST(garbage)
{
    struct buf garbage AUTO(buf) = BUF_INIT;
    expect_invalid(&garbage, "open manifest.json: no such file or directory");
    buf_puts(&garbage, "x");
    expect_invalid(&garbage, "Error processing tar file(exit status 1): unexpected EOF");
    for (unsigned i = 1; i < 3000; i++)
        buf_putc(&garbage, (char)(i * i % 251 + 1));
    expect_invalid(&garbage, "Error processing tar file(exit status 1): archive/tar: invalid tar "
                             "header");
}

TEST(names)
{
    static char overlong[1500];
    memset(overlong, 'n', sizeof overlong - 1);
    static const struct {
        const char *name;
        unsigned type;
        const char *target, *text;
    } cases[] = {
        {"../x", 0, NULL, "entry \"../x\" is outside of the archive"},
        {"a/../../x", 0, NULL, "outside of the archive"},
        {"a/..", 0, NULL, "outside of the archive"},
        {"/etc/passwd", 0, NULL, "entry \"/etc/passwd\" has an absolute name"},
        {"a\n\"\\\x7f", 0, NULL, NULL},
        {overlong, 0, NULL, "has an overlong name"},
        {"a/l", AE_IFLNK, "../../x", "entry \"a/l\" is a link that leads outside"},
        {"a/l", AE_IFLNK, "/etc/passwd", "is a link that leads outside"},
        {"a/l", 0, "../x", "entry \"../x\" is outside"},
        {"a/l", 0, "/x", "absolute name"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf archive AUTO(buf) = BUF_INIT;
        struct archive *lib = kit_open(&archive, "pax", NULL);
        kit_entry(lib, cases[i].name, cases[i].type, cases[i].target, NULL, 0);
        close_invalid(lib, &archive, cases[i].text ? cases[i].text : "open manifest.json");
    }
}

TEST(link_cycle)
{
    struct buf archive AUTO(buf) = BUF_INIT;
    struct kit_image k AUTO(kit_image) = kit_image_of("content", NULL);
    struct archive *lib = kit_open(&archive, "ustar", NULL);
    kit_entry(lib, "l", AE_IFLNK, "m", NULL, 0);
    kit_entry(lib, "m", AE_IFLNK, "l", NULL, 0);
    kit_text(lib, "c", k.config);
    kit_text(lib, "manifest.json", GOOD);
    close_invalid(lib, &archive, "open \"l\": no such file or directory");
}

/* A digest cannot really lead back to itself; depth and missing blobs can be had. */
TEST(indexes)
{
    struct buf archive AUTO(buf) = BUF_INIT;
    char index[512], digest[DIGEST_MAX] = "sha256:" ZEROS;
    struct archive *lib = kit_open(&archive, "ustar", NULL);
    snprintf(index, sizeof index, "{\"schemaVersion\":2,\"manifests\":[]}");
    for (int i = 0; i < 12; i++) {
        snprintf(index, sizeof index,
                 "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":"
                 "\"application/vnd.oci.image.index.v1+json\",\"digest\":\"%s\",\"size\":1,"
                 "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}]}",
                 digest);
        digest_sha256(index, strlen(index), digest);
        kit_blob(lib, digest, index, strlen(index));
    }
    kit_text(lib, "index.json", index);
    close_invalid(lib, &archive, "indexes nested deeper than 8 levels");

    buf_clear(&archive);
    lib = kit_open(&archive, "ustar", NULL);
    kit_index(lib, "sha256:" ZEROS, 1, "");
    close_invalid(lib, &archive, "blob sha256:" ZEROS ": no such file or directory");

    buf_clear(&archive);
    lib = kit_open(&archive, "ustar", NULL);
    kit_text(lib, "index.json", "{\"schemaVersion\":2,\"manifests\":[]}");
    close_invalid(lib, &archive, "index.json lists no image for linux/amd64");
}

TEST(bombs)
{
    struct buf zeros AUTO(buf) = BUF_INIT, archive AUTO(buf) = BUF_INIT;
    fill(&zeros, 0, 8 << 20);
    struct buf layer AUTO(buf) = kit_pack(&zeros, "gzip");
    struct archive *lib = kit_open(&archive, "ustar", NULL); /* a layer that grows */
    kit_file(lib, "l", layer.data, layer.len);
    kit_close(lib);
    assert_true(archive.len < 100000);
    expect(&archive, 4 << 20, ERROR_TOO_LARGE, "over 4194304 bytes uncompressed");

    buf_clear(&archive); /* an archive that grows */
    lib = kit_open(&archive, "ustar", "gzip");
    kit_file(lib, "VERSION", zeros.data + 1, zeros.len - 1);
    kit_close(lib);
    expect(&archive, 4 << 20, ERROR_TOO_LARGE, "over 4194304 bytes uncompressed");

    buf_clear(&archive); /* one in the other */
    lib = kit_open(&archive, "ustar", "xz");
    kit_file(lib, "l", layer.data, layer.len);
    kit_close(lib);
    expect(&archive, 4 << 20, ERROR_TOO_LARGE, "uncompressed");
}

TEST(ratio)
{
    struct error err;
    struct archive_meter m = {.size_max = INT64_MAX, .received = 1, .container = 1};
    m.layers = ARCHIVE_RATIO_FREE - 1;
    assert_int_equal(archive_meter_check(&m, &err), 0);
    m.layers++;
    assert_int_equal(archive_meter_check(&m, &err), -1);
    assert_int_equal(err.code, ERROR_TOO_LARGE);
    m.received = ARCHIVE_RATIO_FREE / 100 + 1;
    assert_int_equal(archive_meter_check(&m, &err), 0);
    m.container = m.layers = INT64_MAX;
    assert_int_equal(archive_meter_check(&m, &err), -1);
}

TEST(entries)
{
    struct kit_image k AUTO(kit_image) = kit_image_of("content", NULL);
    for (int over = 0; over < 2; over++) {
        struct arena arena AUTO(arena);
        struct buf archive AUTO(buf) = BUF_INIT;
        struct image_archive out;
        struct error err = {0};
        struct archive *lib = kit_open(&archive, "ustar", NULL);
        char name[32];
        arena_init(&arena);
        for (int i = 0; i < (over ? ARCHIVE_ENTRIES_MAX : 100000); i++) {
            snprintf(name, sizeof name, "d%d/f%d", i % 100, i);
            kit_entry(lib, name, i % 4 ? AE_IFREG : AE_IFDIR, NULL, NULL, 0);
        }
        kit_file(lib, "l", k.layer.data, k.layer.len);
        kit_text(lib, "c", k.config);
        kit_text(lib, "manifest.json", GOOD);
        kit_close(lib);
        int rc = kit_load(&archive, &arena, &out, &err);
        assert_int_equal(rc, over ? -1 : 0);
        if (over)
            assert_int_equal(err.code, ERROR_TOO_LARGE);
    }
}

TEST(many_documents)
{
    struct buf archive AUTO(buf) = BUF_INIT, big AUTO(buf) = BUF_INIT;
    buf_puts(&big, "[");
    fill(&big, ' ', 7 << 20);
    struct archive *lib = kit_open(&archive, "ustar", NULL);
    kit_file(lib, "a", big.data, big.len);
    kit_file(lib, "b", big.data, big.len);
    kit_file(lib, "c", big.data, big.len);
    kit_close(lib);
    expect(&archive, KIT_SIZE_MAX, ERROR_TOO_LARGE, "bytes of documents at entry \"c\"");
}

/* Small entries that all name one large document. */
TEST(repeated_documents)
{
    struct buf archive AUTO(buf) = BUF_INIT, config AUTO(buf) = BUF_INIT, list AUTO(buf) = BUF_INIT;
    buf_puts(&config, "{\"rootfs\":{\"diff_ids\":[]}");
    fill(&config, ' ', 1 << 20);
    buf_putc(&config, '}');
    for (int i = 0; i < 200; i++)
        buf_printf(&list, "%c{\"Config\":\"c\",\"Layers\":[]}", i ? ',' : '[');
    buf_putc(&list, ']');
    struct archive *lib = kit_open(&archive, "ustar", NULL);
    kit_file(lib, "c", config.data, config.len);
    kit_file(lib, "manifest.json", list.data, list.len);
    kit_close(lib);
    expect(&archive, KIT_SIZE_MAX, ERROR_TOO_LARGE, "referred to too often");
}

/* The stream's and the receiver's own errors come back as they are. */
TEST(foreign_errors)
{
    struct kit_image k AUTO(kit_image) = kit_image_of("content", NULL);
    struct buf archive AUTO(buf) = BUF_INIT;
    simple_make(&archive, &k, k.config, GOOD, true);
    struct kit_sink sink = {.bytes = archive.data, .len = archive.len, .step = 100};
    for (sink.fail_at = 1; sink.fail_at < archive.len - 1024; sink.fail_at += 300)
        expect_of(sink, KIT_SIZE_MAX, ERROR_CANCELLED, "client went away");
    sink = (struct kit_sink){.bytes = archive.data, .len = archive.len, .refuse_layers = true};
    expect_of(sink, KIT_SIZE_MAX, ERROR_UNAVAILABLE, "registry is full");
}

/* What follows the archive is taken, but not for ever. */
TEST(trailer)
{
    struct kit_image k AUTO(kit_image) = kit_image_of("content", NULL);
    struct arena arena AUTO(arena);
    struct image_archive out;
    struct error err = {0};
    struct buf archive AUTO(buf) = BUF_INIT;
    arena_init(&arena);
    simple_make(&archive, &k, k.config, GOOD, true);
    size_t end = archive.len;
    fill(&archive, 'x', 4 << 20);
    struct kit_sink sink = {.bytes = archive.data, .len = archive.len};
    if (kit_load_sized(&sink, KIT_SIZE_MAX, &arena, &out, &err))
        fail_msg("%s", err.message);
    assert_true(sink.at >= end + (1 << 20) - 65536 && sink.at < end + (2 << 20));
}
