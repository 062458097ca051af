/* SPDX-License-Identifier: Apache-2.0
 *
 * Archives into the staging registry: docker load over a real session and a real docker-registry,
 * and everything that can go wrong on the way.
 */
#include "test/kit/transfer_rig.h"

#include "test/kit/free_port.h"
#include "test/kit/http_mock.h"
#include "test/kit/test.h"

#include <openssl/evp.h>

static unsigned images_known(void)
{
    return (unsigned)image_store_count(rig.backend.images);
}

/* ---- memory: first, while nothing is left over from other tests ---- */

static size_t resident(void)
{
    long pages[2] = {0};
    FILE *f = fopen("/proc/self/statm", "r");
    assert_int_equal(fscanf(f, "%ld %ld", &pages[0], &pages[1]), 2);
    fclose(f);
    return (size_t)pages[1] * (size_t)sysconf(_SC_PAGESIZE);
}

static size_t resident_peak;
static void send_measured(struct rig_client *c, const void *bytes, size_t len)
{
    rig_client_send(c, bytes, len);
    size_t now = resident();
    if (now > resident_peak)
        resident_peak = now;
}

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { PIECES = 30, GROWTH_MAX = 1 << 30 }; /* what sanitizers keep counts as resident */
#else
enum { PIECES = 300, GROWTH_MAX = 64 << 20 };
#endif

/* PIECES MB through; the digests are known only at the end, and so are the documents. */
TEST_USING(transfer_rig, memory_is_bounded)
{
    enum { PIECE = 1024 * 1024 };
    Sockerless__ImageLoadOpen open = SOCKERLESS__IMAGE_LOAD_OPEN__INIT;
    struct test_image image = {.layer_count = 1};
    struct buf head = BUF_INIT, docs = BUF_INIT, tail = BUF_INIT;
    struct rig_client c;
    const int64_t file = (int64_t)PIECE * PIECES;
    unsigned char *piece = xmalloc(PIECE);
    tar_put_header(&head, "data", file, 0, 0644);
    tar_put_padding(&tail, file);
    tar_put_end(&tail);
    const int64_t layer = (int64_t)head.len + file + (int64_t)tail.len;
    size_t before = resident();
    resident_peak = before;
    rig_client_open(&c, SOCKERLESS__STREAM_OPEN__KIND_IMAGE_LOAD, &open);
    tar_put_header(&docs, "layer.tar", layer, 0, 0644);
    EVP_MD_CTX *sha = EVP_MD_CTX_new();
    EVP_DigestInit_ex(sha, EVP_sha256(), NULL);
    EVP_DigestUpdate(sha, head.data, head.len);
    rig_client_send(&c, docs.data, docs.len);
    rig_client_send(&c, head.data, head.len);
    for (int i = 0; i < PIECES; i++) {
        test_noise(piece, PIECE, 7 + (uint64_t)i);
        EVP_DigestUpdate(sha, piece, PIECE);
        send_measured(&c, piece, PIECE);
    }
    EVP_DigestUpdate(sha, tail.data, tail.len);
    rig_client_send(&c, tail.data, tail.len);
    unsigned char hash[32];
    EVP_DigestFinal_ex(sha, hash, NULL);
    EVP_MD_CTX_free(sha);
    memcpy(image.diff_ids[0], "sha256:", 7);
    hex_encode(hash, sizeof hash, image.diff_ids[0] + 7);
    test_image_make_config(&image, "large");
    buf_clear(&docs);
    tar_put_padding(&docs, layer);
    tar_put_file(&docs, "config.json", image.config.data, image.config.len);
    static const char manifest[] = "[{\"Config\":\"config.json\",\"RepoTags\":[\"large:1\"],"
                                   "\"Layers\":[\"layer.tar\"]}]";
    tar_put_file(&docs, "manifest.json", manifest, sizeof manifest - 1);
    tar_put_end(&docs);
    rig_client_send(&c, docs.data, docs.len);
    rig_client_finish(&c);
    rig_client_end(&c);
    print_message("peak %zu KiB above %zu KiB\n", (resident_peak - before) / 1024, before / 1024);
    assert_true(resident_peak - before < GROWTH_MAX);
    free(piece);
    rig_client_free(&c);
    buf_free(&head);
    buf_free(&docs);
    buf_free(&tail);
    test_image_free(&image);
}

/* ---- what goes well ---- */

TEST_USING(transfer_rig, docker_archive)
{
    AUTO(test_image) struct test_image image;
    struct buf tar = BUF_INIT;
    struct rig_client c;
    struct registry_question q;
    char expected[512];
    test_image_make_small(&image, "one");
    test_image_put_docker(&tar, &image, "[\"hello:1\",\"reg.example/hello:two\"]");
    load_bytes(&c, &tar, false);
    rig_client_end(&c);
    assert_true(c.opened);
    for (int i = 0; i < 2; i++) { /* side by side: in any order */
        snprintf(expected, sizeof expected, "%.12s: Loading layer\n", image.diff_ids[i] + 7);
        assert_non_null(strstr(rig_client_lines(&c), expected));
    }
    assert_string_equal(strstr(rig_client_lines(&c), "Loaded"),
                        "Loaded image: hello:1\nLoaded image: reg.example/hello:two\n");
    rig_client_free(&c);

    const Sockerless__ImageRecord *rec = rig_image("hello:1");
    assert_string_equal(rec->image->id, image.id);
    assert_string_equal(rec->blob_repository, staging_name);
    assert_int_equal(rec->config_json.len, image.config.len);
    snprintf(expected, sizeof expected, "%s@%s", staging_name, rec->manifest_digest);
    assert_string_equal(rec->pull_reference, expected);
    assert_ptr_equal(rig_image("reg.example/hello:two"), rec);

    registry_ask_staging(&q, image.id);
    assert_string_equal(q.manifest.digest, rec->manifest_digest);
    assert_string_equal(q.parsed.config.digest, image.id);
    assert_int_equal(q.parsed.layer_count, 2);
    registry_question_free(&q);

    /* again: known layers are not mentioned */
    load_bytes(&c, &tar, false);
    assert_true(c.ended);
    assert_string_equal(rig_client_lines(&c),
                        "Loaded image: hello:1\nLoaded image: reg.example/hello:two\n");
    rig_client_free(&c);
    buf_free(&tar);
}

TEST_USING(transfer_rig, tag_moves)
{
    AUTO(test_image) struct test_image first, second;
    AUTO(rig_client) struct rig_client c;
    char expected[512];
    test_image_make_small(&first, "first");
    test_image_make_small(&second, "second");
    load_image(&first, "[\"move:1\"]");
    load_archive(&c, &second, "[\"move:1\"]", true);
    snprintf(expected, sizeof expected,
             "The image move:1 already exists, renaming the old one with ID %s to empty string\n"
             "Loaded image: move:1\n",
             first.id);
    assert_string_equal(rig_client_lines(&c), expected);
    assert_string_equal(rig_image("move:1")->image->id, second.id);
    assert_int_equal(rig_image(first.id)->image->n_repo_tags, 0);
}

TEST_USING(transfer_rig, untagged)
{
    AUTO(test_image) struct test_image image;
    AUTO(rig_client) struct rig_client c;
    char expected[128];
    test_image_make_small(&image, "nameless");
    load_archive(&c, &image, "null", true);
    snprintf(expected, sizeof expected, "Loaded image ID: %s\n", image.id);
    assert_string_equal(rig_client_lines(&c), expected);
}

TEST_USING(transfer_rig, without_staging)
{
    AUTO(test_image) struct test_image image;
    AUTO(rig_client) struct rig_client c;
    rig.config.staging_registry = NULL;
    test_image_make_small(&image, "metadata");
    load_archive(&c, &image, "[\"meta:1\"]", true);
    assert_true(c.ended);
    assert_memory_equal(rig_client_lines(&c), "WARNING: no staging registry", 28);
    assert_non_null(strstr(rig_client_lines(&c), "\nLoaded image: meta:1\n"));
    const Sockerless__ImageRecord *rec = rig_image("meta:1");
    assert_string_equal(rec->pull_reference, "");
    assert_string_equal(rec->blob_repository, "");
    assert_int_equal(rec->manifest_json.len, 0);
}

TEST_USING(transfer_rig, large_layer)
{
    enum { SIZE = 20 * 1024 * 1024 + 8 };
    struct test_image image = {0};
    struct registry_question q;
    unsigned char *bytes = xmalloc(SIZE);
    test_noise(bytes, SIZE, 42);
    test_image_add_layer(&image, "big", bytes, SIZE);
    test_image_add_layer(&image, "small", "x", 1);
    test_image_make_config(&image, "big");
    free(bytes);
    load_image(&image, "[\"big:1\"]");
    load_image(&image, "[\"big:2\"]"); /* the upload is given up where the registry has it */
    registry_ask_staging(&q, image.id);
    assert_true(q.parsed.layers_size > SIZE);
    registry_question_free(&q);
    test_image_free(&image);
}

/* ---- what goes wrong ---- */

TEST_USING(transfer_rig, bad_archives)
{
    AUTO(test_image) struct test_image image;
    struct buf tar = BUF_INIT;
    struct rig_client c;
    test_image_make_small(&image, "torn");
    test_image_put_docker(&tar, &image, "[\"torn:1\"]");
    struct buf torn = tar;
    torn.len = tar.len / 2;
    load_bytes(&c, &torn, true);
    assert_true(c.failed);
    rig_client_free(&c);
    struct buf garbage = {.data = "x", .len = 1};
    load_bytes(&c, &garbage, true);
    assert_true(c.failed);
    assert_string_equal(rig_client_lines(&c), "");
    rig_client_free(&c);
    char *flip = memmem(tar.data, tar.len, "shared by all", 13);
    assert_non_null(flip);
    flip[0] = 'S'; /* another layer than the configuration names */
    load_bytes(&c, &tar, true);
    assert_true(c.failed);
    rig_client_free(&c);
    assert_int_equal(images_known(), 0);
    buf_free(&tar);
}

TEST_USING(transfer_rig, client_gone)
{
    Sockerless__ImageLoadOpen open = SOCKERLESS__IMAGE_LOAD_OPEN__INIT;
    AUTO(test_image) struct test_image image;
    struct buf tar = BUF_INIT;
    struct rig_client c;
    enum { SIZE = 12 * 1024 * 1024 };
    test_image_make_large(&image, SIZE, 9);
    test_image_put_docker(&tar, &image, "[\"gone:1\"]");
    for (int i = 0; i < 4; i++) { /* in the first bytes, and with a chunk on its way */
        rig_client_open(&c, SOCKERLESS__STREAM_OPEN__KIND_IMAGE_LOAD, &open);
        rig_client_send(&c, tar.data, i * (tar.len / 4));
        if (i == 0)
            run_until(c.opened);
        channel_abort(c.channel);
        run_until(c.closed);
        rig_client_free(&c);
    }
    run_until(co_live(&rig.loop) == 0);
    assert_int_equal(images_known(), 0);
    load_bytes(&c, &tar, true); /* places were given back */
    assert_true(c.ended);
    rig_client_free(&c);
    buf_free(&tar);
}

/* All at once: two run, the others wait, all end. */
TEST_USING(transfer_rig, many_at_once)
{
    enum { CLIENTS = 5 };
    struct test_image images[CLIENTS];
    struct buf tars[CLIENTS] = {{0}};
    struct rig_client clients[CLIENTS];
    Sockerless__ImageLoadOpen open = SOCKERLESS__IMAGE_LOAD_OPEN__INIT;
    char text[32];
    for (int i = 0; i < CLIENTS; i++) {
        snprintf(text, sizeof text, "number %d", i);
        test_image_make_small(&images[i], text);
        snprintf(text, sizeof text, "[\"many:%d\"]", i);
        test_image_put_docker(&tars[i], &images[i], text);
        rig_client_open(&clients[i], SOCKERLESS__STREAM_OPEN__KIND_IMAGE_LOAD, &open);
    }
    for (int i = CLIENTS; i-- > 0;) { /* the last to come is the first to send */
        rig_client_send(&clients[i], tars[i].data, tars[i].len);
        channel_send(clients[i].channel, FRAME_CLOSE_STDIN, NULL, 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        run_until(clients[i].closed);
        assert_true(clients[i].ended);
        rig_client_free(&clients[i]);
        buf_free(&tars[i]);
        test_image_free(&images[i]);
    }
    assert_int_equal(images_known(), CLIENTS);
}

static bool refuse_uploads(void *arg, struct mock_request *r)
{
    (void)arg;
    if (strcmp(r->method, "POST") == 0 || strcmp(r->method, "PATCH") == 0 ||
        strcmp(r->method, "PUT") == 0)
        return mock_text(r, 403, "Content-Type: application/json\r\n",
                         "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"no room for you\"}]}");
    return mock_text(r, 404, "", "");
}

static bool stall_uploads(void *arg, struct mock_request *r)
{
    (void)arg;
    if (strcmp(r->method, "HEAD") == 0)
        return mock_text(r, 404, "", "");
    return mock_stall(r);
}

static void load_fails_at(mock_handler handler, int64_t timeout_ms)
{
    enum { SIZE = 20 * 1024 * 1024 };
    AUTO(test_image) struct test_image image;
    struct rig_client c;
    struct mock *mock = mock_start(handler, NULL);
    struct error err;
    rig.registry.timeout_ms = timeout_ms;
    registry_client_close(rig.backend.registry);
    assert_int_equal(
        registry_client_open(rig.backend.http, &rig.registry, &rig.backend.registry, &err), 0);
    snprintf(staging_name, sizeof staging_name, "127.0.0.1:%d/x", mock->port);
    test_image_make_large(&image, SIZE, 3);
    load_archive(&c, &image, "[\"refused:1\"]", true);
    assert_true(c.failed);
    assert_int_not_equal(c.err.code, ERROR_CANCELLED);
    print_message("%s\n", c.err.message);
    assert_int_equal(images_known(), 0);
    rig_client_free(&c);
    run_until(co_live(&rig.loop) == 0);
    mock_stop(mock);
}

TEST_USING(transfer_rig, registry_refuses)
{
    load_fails_at(refuse_uploads, 5000);
}

TEST_USING(transfer_rig, registry_stalls)
{
    load_fails_at(stall_uploads, 300);
}

TEST_USING(transfer_rig, registry_unreachable)
{
    AUTO(test_image) struct test_image image;
    AUTO(rig_client) struct rig_client c;
    snprintf(staging_name, sizeof staging_name, "127.0.0.1:%d/x", free_port());
    test_image_make_small(&image, "nowhere");
    load_archive(&c, &image, "null", true);
    assert_true(c.failed);
    assert_non_null(strstr(c.err.message, "connection refused"));
    assert_int_equal(images_known(), 0);
}
