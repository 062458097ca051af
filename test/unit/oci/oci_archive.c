/* SPDX-License-Identifier: Apache-2.0
 *
 * Image archives in every layout and compression that tools write.
 */
#include "test/kit/oci_archive_kit.h"
#include "test/kit/test.h"

/* As dockerd 20.10 has it: folders, layers before the manifest, the same layer twice by a link. */
static void docker_save_make(struct buf *out, const struct kit_image *k, const char *filter,
                             const char *prefix)
{
    char name[256], text[1024];
    struct archive *lib = kit_open(out, "ustar", filter);
    snprintf(name, sizeof name, "%saaaa/", prefix);
    kit_entry(lib, name, AE_IFDIR, NULL, NULL, 0);
    snprintf(name, sizeof name, "%saaaa/VERSION", prefix);
    kit_text(lib, name, "1.0");
    snprintf(name, sizeof name, "%saaaa/json", prefix);
    kit_text(lib, name, "{\"id\":\"aaaa\"}");
    snprintf(name, sizeof name, "%sbbbb/layer.tar", prefix);
    kit_entry(lib, name, AE_IFLNK, "../aaaa/layer.tar", NULL, 0);
    snprintf(name, sizeof name, "%saaaa/layer.tar", prefix);
    kit_file(lib, name, k->layer.data, k->layer.len);
    snprintf(name, sizeof name, "%s%s.json", prefix, k->config_digest + 7);
    kit_text(lib, name, k->config);
    snprintf(text, sizeof text,
             "[{\"Config\":\"%s.json\",\"RepoTags\":[\"busybox:1\",\"host:5000/a/b:c\"],"
             "\"Layers\":[\"bbbb/layer.tar\"]}]\n",
             k->config_digest + 7);
    snprintf(name, sizeof name, "%smanifest.json", prefix);
    kit_text(lib, name, text);
    snprintf(name, sizeof name, "%srepositories", prefix);
    kit_text(lib, name, "{\"busybox\":{\"1\":\"aaaa\"}}\n");
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

TEST(docker_save)
{
    static const struct {
        const char *filter, *prefix;
        size_t step;
    } cases[] = {{NULL, "", 65536}, {NULL, "./", 65536}, {NULL, "", 1},
                 {NULL, "", 511},   {"gzip", "", 700},   {"gzip", "./", 7},
                 {"zstd", "", 100}, {"xz", "", 65536},   {"bzip2", "", 1000}};
    struct kit_image k;
    kit_image_make(&k, "content", NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena AUTO(arena);
        struct buf archive AUTO(buf) = BUF_INIT;
        struct image_archive out;
        struct error err = {0};
        arena_init(&arena);
        docker_save_make(&archive, &k, cases[i].filter, cases[i].prefix);
        struct kit_sink sink = {.bytes = archive.data, .len = archive.len, .step = cases[i].step};
        if (kit_load_sized(&sink, KIT_SIZE_MAX, &arena, &out, &err))
            fail_msg("case %zu: %s", i, err.message);
        assert_int_equal(sink.layers, 1);
        check_docker_save(&out, &k);
    }
    kit_image_free(&k);
}

/* An OCI layout; `docker`: with a manifest.json beside, as Docker 25. */
static void layout_make(struct buf *out, const struct kit_image *k, const char *annotations,
                        bool docker)
{
    struct archive *lib = kit_open(out, "ustar", NULL);
    char text[1024];
    kit_entry(lib, "blobs/", AE_IFDIR, NULL, NULL, 0);
    kit_image_blobs(lib, k);
    kit_index(lib, k->manifest_digest, strlen(k->manifest), annotations);
    if (docker) {
        snprintf(text, sizeof text,
                 "[{\"Config\":\"blobs/sha256/%s\",\"RepoTags\":null,\"Layers\":"
                 "[\"blobs/sha256/%s\"]}]",
                 k->config_digest + 7, k->blob + 7);
        kit_text(lib, "manifest.json", text);
    }
    kit_text(lib, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    kit_close(lib);
}

TEST(layouts)
{
    static const struct {
        const char *filter; /* of the layer */
        bool docker, verbatim;
        const char *media_type;
    } cases[] = {
        {NULL, false, false, "application/vnd.oci.image.layer.v1.tar+gzip"},
        {NULL, true, false, "application/vnd.oci.image.layer.v1.tar+gzip"},
        {"gzip", false, true, "application/vnd.oci.image.layer.v1.tar+gzip"},
        {"gzip", true, true, "application/vnd.oci.image.layer.v1.tar+gzip"},
        {"zstd", false, true, "application/vnd.oci.image.layer.v1.tar+zstd"},
        {"xz", false, false, "application/vnd.oci.image.layer.v1.tar+gzip"},
        {"bzip2", false, false, "application/vnd.oci.image.layer.v1.tar+gzip"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena AUTO(arena);
        struct buf archive AUTO(buf) = BUF_INIT;
        struct image_archive out;
        struct error err = {0};
        struct kit_image k;
        arena_init(&arena);
        kit_image_make(&k, "content", cases[i].filter);
        layout_make(&archive, &k, "", cases[i].docker);
        if (kit_load(&archive, &arena, &out, &err))
            fail_msg("case %zu: %s", i, err.message);
        assert_int_equal(out.count, 1);
        assert_int_equal(out.images[0].tag_count, 0);
        assert_string_equal(out.images[0].config_digest, k.config_digest);
        assert_string_equal(out.images[0].layers[0]->diff_id, k.diff_id);
        assert_string_equal(out.images[0].layers[0]->media_type, cases[i].media_type);
        assert_int_equal(strcmp(out.images[0].manifest_digest, k.manifest_digest) == 0,
                         cases[i].verbatim);
        if (cases[i].verbatim)
            assert_string_equal(out.images[0].layers[0]->digest, k.blob);
        kit_image_free(&k);
    }
}

TEST(annotations)
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
    struct kit_image k;
    kit_image_make(&k, "content", "gzip");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena AUTO(arena);
        struct buf archive AUTO(buf) = BUF_INIT;
        struct image_archive out;
        struct error err = {0};
        arena_init(&arena);
        layout_make(&archive, &k, cases[i].annotations, false);
        assert_int_equal(kit_load(&archive, &arena, &out, &err), 0);
        assert_int_equal(out.images[0].tag_count, cases[i].tag ? 1 : 0);
        if (cases[i].tag)
            assert_string_equal(out.images[0].tags[0], cases[i].tag);
    }
    kit_image_free(&k);
}

/* index.json → index with a foreign platform, an attestation and ours. */
TEST(platforms)
{
    struct arena arena AUTO(arena);
    struct buf archive AUTO(buf) = BUF_INIT;
    struct image_archive out;
    struct error err = {0};
    struct kit_image ours, other;
    char index[2048], digest[DIGEST_MAX];
    arena_init(&arena);
    kit_image_make(&ours, "amd64", "gzip");
    kit_image_make(&other, "arm64", "gzip");
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
    if (kit_load(&archive, &arena, &out, &err))
        fail_msg("%s", err.message);
    assert_int_equal(out.count, 1);
    assert_string_equal(out.images[0].config_digest, ours.config_digest);
    assert_string_equal(out.images[0].manifest_digest, ours.manifest_digest);
    assert_string_equal(out.images[0].tags[0], "docker.io/library/m:1");
    kit_image_free(&ours);
    kit_image_free(&other);
}

/* What we save, we load: several images, tags, a shared layer. */
TEST(saved_by_us)
{
    struct arena arena AUTO(arena);
    struct buf archive AUTO(buf) = BUF_INIT;
    struct image_archive out;
    struct error err = {0};
    struct kit_image k[2] = {0};
    static const char *const tags[2][2] = {{"busybox:1", "busybox:2"}, {"host:5000/x:y"}};
    struct saved_image saved[2];
    arena_init(&arena);
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
            char name[256];
            snprintf(name, sizeof name, "blobs/sha256/%s", blobs[b].digest + 7);
            tar_put_header(&archive, name, (int64_t)blobs[b].len, 1700000000, 0644);
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
    if (kit_load(&archive, &arena, &out, &err))
        fail_msg("%s", err.message);
    assert_int_equal(out.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(out.images[i].manifest_digest, k[i].manifest_digest);
        assert_int_equal(out.images[i].tag_count, saved[i].tag_count);
        kit_image_free(&k[i]);
    }
    assert_string_equal(out.images[0].tags[1], "docker.io/library/busybox:2");
    assert_string_equal(out.images[1].tags[0], "host:5000/x:y");
    assert_non_null(memmem(archive.data, archive.len, "{\"busybox\":{\"1\":\"",
                           strlen("{\"busybox\":{\"1\":\"")));
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
TEST(odd_layers)
{
    struct arena arena AUTO(arena);
    struct buf archive AUTO(buf) = BUF_INIT, old = kit_layer("f", "old");
    struct image_archive out;
    struct error err = {0};
    char empty[1024] = {0}, config[1024], ids[3][DIGEST_MAX];
    arena_init(&arena);
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
    if (kit_load(&archive, &arena, &out, &err))
        fail_msg("%s", err.message);
    assert_int_equal(out.images[0].layer_count, 3);
    assert_string_equal(out.images[0].layers[1]->diff_id, ids[1]);
    assert_ptr_equal(out.images[0].layers[0], out.images[0].layers[2]);
    buf_free(&old);
}
