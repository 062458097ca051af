/* SPDX-License-Identifier: Apache-2.0
 *
 * Image archives in every layout and compression that tools write.
 */
#include "test/kit/oci_archive_kit.h"
#include "test/kit/arena_rig.h"
#include "test/kit/test.h"

static struct image_archive load(const struct buf *archive)
{
    struct image_archive out;
    struct error err = {0};
    if (kit_load(archive, &arena, &out, &err))
        fail_msg("%s", err.message);
    return out;
}

static const char *join(const char *a, const char *b)
{
    return arena_printf(&arena, "%s%s", a, b);
}

/* As dockerd 20.10 has it: folders, layers before the manifest, the same layer twice by a link. */
static void docker_save_make(struct buf *out, const struct kit_image *k, const char *filter,
                             const char *prefix)
{
    struct archive *lib = kit_open(out, "ustar", filter);
    const char *config = join(k->config_digest + 7, ".json");
    kit_entry(lib, join(prefix, "aaaa/"), AE_IFDIR, NULL, NULL, 0);
    kit_text(lib, join(prefix, "aaaa/VERSION"), "1.0");
    kit_text(lib, join(prefix, "aaaa/json"), "{\"id\":\"aaaa\"}");
    kit_entry(lib, join(prefix, "bbbb/layer.tar"), AE_IFLNK, "../aaaa/layer.tar", NULL, 0);
    kit_file(lib, join(prefix, "aaaa/layer.tar"), k->layer.data, k->layer.len);
    kit_text(lib, join(prefix, config), k->config);
    kit_text(lib, join(prefix, "manifest.json"),
             arena_printf(&arena,
                          "[{\"Config\":\"%s\",\"RepoTags\":[\"busybox:1\",\"host:5000/a/b:c\"],"
                          "\"Layers\":[\"bbbb/layer.tar\"]}]\n",
                          config));
    kit_text(lib, join(prefix, "repositories"), "{\"busybox\":{\"1\":\"aaaa\"}}\n");
    kit_close(lib);
}

static void check_docker_save(const struct image_archive *out, const struct kit_image *k)
{
    assert_int_equal(out->count, 1);
    const struct archived_image *image = &out->images[0];
    assert_string_equal(image->config_digest, k->config_digest);
    assert_int_equal(image->config_len, strlen(k->config));
    assert_memory_equal(image->config, k->config, image->config_len);
    assert_int_equal(image->layer_count, 1);
    assert_string_equal(image->layers[0]->diff_id, k->diff_id);
    assert_string_equal(image->layers[0]->media_type,
                        "application/vnd.oci.image.layer.v1.tar+gzip");
    assert_int_equal(image->tag_count, 2);
    assert_string_equal(image->tags[0], "docker.io/library/busybox:1");
    assert_string_equal(image->tags[1], "host:5000/a/b:c");
    assert_string_equal(image->manifest_type, "application/vnd.oci.image.manifest.v1+json");
    char digest[DIGEST_MAX];
    digest_sha256(image->manifest, image->manifest_len, digest);
    assert_string_equal(image->manifest_digest, digest);
    assert_non_null(strstr(image->manifest, image->layers[0]->digest));
    assert_non_null(strstr(image->manifest, k->config_digest));
}

TEST_USING(arena, docker_save)
{
    static const struct {
        const char *filter, *prefix;
        size_t step;
    } cases[] = {{NULL, "", 65536}, {NULL, "./", 65536}, {NULL, "", 1},
                 {NULL, "", 511},   {"gzip", "", 700},   {"gzip", "./", 7},
                 {"zstd", "", 100}, {"xz", "", 65536},   {"bzip2", "", 1000}};
    struct kit_image k AUTO(kit_image) = kit_image_of("content", NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf archive AUTO(buf) = BUF_INIT;
        struct image_archive out;
        struct error err = {0};
        docker_save_make(&archive, &k, cases[i].filter, cases[i].prefix);
        struct kit_sink sink = {.bytes = archive.data, .len = archive.len, .step = cases[i].step};
        if (kit_load_sized(&sink, KIT_SIZE_MAX, &arena, &out, &err))
            fail_msg("case %zu: %s", i, err.message);
        assert_int_equal(sink.layers, 1);
        check_docker_save(&out, &k);
    }
}

/* An OCI layout; `docker`: with a manifest.json beside, as Docker 25. */
static void layout_make(struct buf *out, const struct kit_image *k, const char *annotations,
                        bool docker)
{
    struct archive *lib = kit_open(out, "ustar", NULL);
    kit_entry(lib, "blobs/", AE_IFDIR, NULL, NULL, 0);
    kit_image_blobs(lib, k);
    kit_index(lib, k->manifest_digest, strlen(k->manifest), annotations);
    if (docker)
        kit_text(lib, "manifest.json",
                 arena_printf(&arena,
                              "[{\"Config\":\"blobs/sha256/%s\",\"RepoTags\":null,\"Layers\":"
                              "[\"blobs/sha256/%s\"]}]",
                              k->config_digest + 7, k->blob + 7));
    kit_text(lib, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    kit_close(lib);
}

TEST_USING(arena, layouts)
{
    static const struct {
        const char *filter; /* of the layer */
        bool docker, verbatim;
        const char *stored; /* its filter where it was loaded */
    } cases[] = {
        {NULL, false, false, "gzip"},    {NULL, true, false, "gzip"},
        {"gzip", false, true, "gzip"},   {"gzip", true, true, "gzip"},
        {"zstd", false, true, "zstd"},   {"xz", false, false, "gzip"},
        {"bzip2", false, false, "gzip"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf archive AUTO(buf) = BUF_INIT;
        struct kit_image k AUTO(kit_image) = kit_image_of("content", cases[i].filter);
        layout_make(&archive, &k, "", cases[i].docker);
        struct image_archive out = load(&archive);
        assert_int_equal(out.count, 1);
        assert_int_equal(out.images[0].tag_count, 0);
        assert_string_equal(out.images[0].config_digest, k.config_digest);
        assert_string_equal(out.images[0].layers[0]->diff_id, k.diff_id);
        assert_string_equal(out.images[0].layers[0]->media_type,
                            join("application/vnd.oci.image.layer.v1.tar+", cases[i].stored));
        assert_int_equal(strcmp(out.images[0].manifest_digest, k.manifest_digest) == 0,
                         cases[i].verbatim);
        if (cases[i].verbatim)
            assert_string_equal(out.images[0].layers[0]->digest, k.blob);
    }
}

TEST_USING(arena, annotations)
{
    static const struct {
        const char *annotations, *tag;
    } cases[] = {
        {"{\"org.opencontainers.image.ref.name\":\"busybox:1\"}", "docker.io/library/busybox:1"},
        {"{\"org.opencontainers.image.ref.name\":\"h:5/a:b\"}", "h:5/a:b"},
        {"{\"org.opencontainers.image.ref.name\":\"latest\"}", NULL},
        {"{\"org.opencontainers.image.ref.name\":\"Not:A:Name\"}", NULL},
        {"{\"io.containerd.image.name\":\"docker.io/library/a:1\","
         "\"org.opencontainers.image.ref.name\":\"1\"}",
         "docker.io/library/a:1"},
    };
    struct kit_image k AUTO(kit_image) = kit_image_of("content", "gzip");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf archive AUTO(buf) = BUF_INIT;
        layout_make(&archive, &k, cases[i].annotations, false);
        struct image_archive out = load(&archive);
        assert_int_equal(out.images[0].tag_count, cases[i].tag ? 1 : 0);
        if (cases[i].tag)
            assert_string_equal(out.images[0].tags[0], cases[i].tag);
    }
}

/* index.json → index with a foreign platform, an attestation and ours. */
TEST_USING(arena, platforms)
{
    struct buf archive AUTO(buf) = BUF_INIT;
    struct kit_image ours AUTO(kit_image) = kit_image_of("amd64", "gzip");
    struct kit_image other AUTO(kit_image) = kit_image_of("arm64", "gzip");
    char index[2048], digest[DIGEST_MAX];
    snprintf(
        index, sizeof index,
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\","
        "\"manifests\":[{\"digest\":\"%s\",\"size\":1,\"platform\":{\"os\":\"linux\","
        "\"architecture\":\"arm64\"}},{\"digest\":\"%s\",\"size\":1,\"platform\":{\"os\":"
        "\"unknown\",\"architecture\":\"unknown\"}},{\"digest\":\"%s\",\"size\":1,\"platform\":"
        "{\"os\":\"linux\",\"architecture\":\"amd64\"}}]}",
        other.manifest_digest, other.config_digest, ours.manifest_digest);
    digest_sha256(index, strlen(index), digest);
    struct archive *lib = kit_open(&archive, "pax", NULL);
    kit_index(lib, digest, strlen(index), "{\"org.opencontainers.image.ref.name\":\"m:1\"}");
    kit_blob(lib, digest, index, strlen(index));
    kit_image_blobs(lib, &ours);
    kit_image_blobs(lib, &other);
    kit_close(lib);
    struct image_archive out = load(&archive);
    assert_int_equal(out.count, 1);
    assert_string_equal(out.images[0].config_digest, ours.config_digest);
    assert_string_equal(out.images[0].manifest_digest, ours.manifest_digest);
    assert_string_equal(out.images[0].tags[0], "docker.io/library/m:1");
}

/* What we save, we load: several images, tags, a shared layer. */
TEST_USING(arena, saved_by_us)
{
    struct buf archive AUTO(buf) = BUF_INIT;
    struct kit_image k[2] = {0};
    static const char *const tags[2][2] = {{"busybox:1", "busybox:2"}, {"host:5000/x:y"}};
    struct saved_image saved[2];
    tar_put_header(&archive, "blobs", -1, 1, 0755);
    for (size_t i = 0; i < 2; i++) {
        kit_image_make(&k[i], i ? "one" : "two", "gzip");
        const struct {
            const char *digest;
            const void *bytes;
            size_t len;
        } blobs[] = {{k[i].blob, k[i].packed.data, k[i].packed.len},
                     {k[i].config_digest, k[i].config, strlen(k[i].config)},
                     {k[i].manifest_digest, k[i].manifest, strlen(k[i].manifest)}};
        for (size_t b = 0; b < ARRAY_LEN(blobs); b++) {
            tar_put_header(&archive, join("blobs/sha256/", blobs[b].digest + 7),
                           (int64_t)blobs[b].len, 1700000000, 0644);
            buf_append(&archive, blobs[b].bytes, blobs[b].len);
            tar_put_padding(&archive, (int64_t)blobs[b].len);
        }
        const char **layers = arena_alloc(&arena, sizeof *layers);
        *layers = k[i].blob;
        saved[i] = (struct saved_image){
            .config_digest = k[i].config_digest,
            .manifest_digest = k[i].manifest_digest,
            .manifest_type = "application/vnd.oci.image.manifest.v1+json",
            .manifest_len = (int64_t)strlen(k[i].manifest),
            .layer_digests = layers,
            .layer_count = 1,
            .tags = tags[i],
            .tag_count = i ? 1 : 2,
        };
    }
    image_archive_put_index(&archive, saved, 2);
    tar_put_end(&archive);
    assert_int_equal(archive.len % 512, 0);
    struct image_archive out = load(&archive);
    assert_int_equal(out.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(out.images[i].manifest_digest, k[i].manifest_digest);
        assert_int_equal(out.images[i].tag_count, saved[i].tag_count);
        kit_image_free(&k[i]);
    }
    assert_string_equal(out.images[0].tags[1], "docker.io/library/busybox:2");
    assert_string_equal(out.images[1].tags[0], "host:5000/x:y");
    static const char repositories[] = "{\"busybox\":{\"1\":\"";
    assert_non_null(memmem(archive.data, archive.len, repositories, strlen(repositories)));
}

TEST(tar_headers)
{
    struct buf out AUTO(buf) = BUF_INIT;
    char name[300];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    tar_put_header(&out, "a", 3, 7, 0640);
    assert_int_equal(out.len, 512); /* no pax part */
    buf_append(&out, "abc", 3);
    tar_put_padding(&out, 3);
    tar_put_header(&out, name, 0, 0, 0644);
    size_t before = out.len;
    tar_put_header(&out, "big", (int64_t)9 << 30, 0, 0644);
    buf_consume(&out, 0);
    out.len = before; /* its data is not made here */
    tar_put_end(&out);
    struct archive *lib = archive_read_new();
    struct archive_entry *e;
    archive_read_support_format_tar(lib);
    assert_int_equal(archive_read_open_memory(lib, out.data, out.len), ARCHIVE_OK);
    assert_int_equal(archive_read_next_header(lib, &e), ARCHIVE_OK);
    assert_string_equal(archive_entry_pathname(e), "a");
    assert_int_equal(archive_entry_mode(e), AE_IFREG | 0640);
    assert_int_equal(archive_entry_mtime(e), 7);
    assert_int_equal(archive_entry_uid(e), 0);
    assert_int_equal(archive_entry_size(e), 3);
    assert_int_equal(archive_read_next_header(lib, &e), ARCHIVE_OK);
    assert_string_equal(archive_entry_pathname(e), name);
    assert_int_equal(archive_read_next_header(lib, &e), ARCHIVE_EOF);
    archive_read_free(lib);
}

/* Links forward and back, hard ones, layers under odd names and old-style or empty tars. */
TEST_USING(arena, odd_layers)
{
    struct buf archive AUTO(buf) = BUF_INIT, old = kit_layer("f", "old");
    char empty[1024] = {0}, config[1024], ids[3][DIGEST_MAX];
    memset(old.data + 257, 0, 8); /* no magic: the checksum tells */
    unsigned sum = 0;
    memset(old.data + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++)
        sum += (unsigned char)old.data[i];
    snprintf(old.data + 148, 8, "%06o", sum);
    digest_sha256(old.data, old.len, ids[0]);
    digest_sha256(empty, sizeof empty, ids[1]);
    snprintf(config, sizeof config,
             "{\"rootfs\":{\"diff_ids\":[\"%s\",\"%s\",\"%s\"]},\"config\":{}}", ids[0], ids[1],
             ids[0]);
    struct archive *lib = kit_open(&archive, "gnutar", NULL);
    kit_text(lib, "manifest.json",
             "[{\"Config\":\"c\",\"Layers\":[\"x/hard\",\"./empty.tar\",\"x/soft\"]}]");
    kit_text(lib, "c", config);
    kit_entry(lib, "x/soft", AE_IFLNK, "../x/./deep/../hard", NULL, 0);
    kit_file(lib, "odd name.bin", old.data, old.len);
    kit_entry(lib, "x/hard", 0, "odd name.bin", NULL, 0);
    kit_file(lib, "empty.tar", empty, sizeof empty);
    kit_close(lib);
    struct image_archive out = load(&archive);
    assert_int_equal(out.images[0].layer_count, 3);
    assert_string_equal(out.images[0].layers[1]->diff_id, ids[1]);
    assert_ptr_equal(out.images[0].layers[0], out.images[0].layers[2]);
    buf_free(&old);
}
