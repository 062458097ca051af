/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing to real docker-registries: large blobs in pieces, mounts, copies from an open one to one
 * with TLS under a private CA and a password, tags, logins.
 */
#include "test/kit/docker_rig.h"

enum { BIG = 20 * 1024 * 1024 + 17 };

static struct docker_registry open_registry, secure_registry;
static char *big;
static char big_digest[DIGEST_MAX];
static const char alice[] = REGISTRY_ALICE;

static struct registry_repo *repo_open(struct task *t, const struct docker_registry *at,
                                       const char *name, const char *auth)
{
    const struct registry_repo_options pushing = {.push = true};
    return registry_rig_repo(t, at->port, name, pushing, auth);
}

static int co_upload(struct task *t, struct registry_repo *r, const char *digest)
{
    struct registry_upload *u = NULL;
    int rc = co_registry_upload_open(r, &u, &t->err);
    for (size_t at = 0; rc == 0 && at < BIG; at += REGISTRY_CHUNK)
        rc = co_registry_upload_write(
            u, big + at, BIG - at < REGISTRY_CHUNK ? BIG - at : REGISTRY_CHUNK, &t->err);
    if (rc == 0)
        rc = co_registry_upload_finish(u, digest, &t->err);
    co_registry_upload_close(u);
    return rc;
}

static int co_compare(struct task *t, struct registry_repo *r)
{
    struct registry_blob *b = NULL;
    char *piece AUTO_FREE = xmalloc(1 << 20);
    size_t have = 0, got = 1;
    int rc = co_registry_blob_open(r, big_digest, BIG, &b, &t->err);
    while (rc == 0 && got) {
        rc = co_registry_blob_read(b, piece, 1 << 20, &got, &t->err);
        EXPECT(rc || memcmp(piece, big + have, got) == 0);
        have += got;
    }
    EXPECT(rc || have == BIG);
    registry_blob_close(b);
    return rc;
}

static struct rig *open_both(void)
{
    docker_registry_start(&open_registry, false);
    big = registry_rig_bytes(BIG, big_digest);
    return docker_rig_open(&secure_registry, true);
}

static void close_both(struct rig *f)
{
    docker_rig_close(f, &secure_registry);
    docker_registry_stop(&open_registry);
    free(big);
}

TEST_RIG(fixture, *state = open_both(), close_both(*state));

static int64_t progressed;

static void on_progress(void *arg, int64_t current)
{
    (void)arg;
    progressed = current;
}

TASK_TEST(fixture, blobs)
{
    bool there = true;
    enum blob_copy_result result;
    struct registry_repo *a AUTO(repo) = repo_open(t, &open_registry, "some/a", "{}");
    struct registry_repo *b AUTO(repo) = repo_open(t, &open_registry, "some/b", "{}");
    struct registry_repo *s AUTO(repo) = repo_open(t, &secure_registry, "other/s", alice);
    EXPECT(co_registry_blob_exists(a, big_digest, &there, &t->err) == 0 && !there);
    EXPECT_ERROR(
        co_upload(t, a, "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ERROR_SYSTEM, "digest invalid: provided digest did not match uploaded content");
    EXPECT(co_upload(t, a, big_digest) == 0);
    EXPECT(co_registry_blob_exists(a, big_digest, &there, &t->err) == 0 && there);
    EXPECT(co_compare(t, a) == 0);
    EXPECT(co_registry_blob_mount(b, big_digest, "some/nothing", &there, &t->err) == 0 && !there);
    EXPECT(registry_repo_same_registry(a, b) && !registry_repo_same_registry(a, s));
    EXPECT(co_registry_blob_copy(a, b, big_digest, BIG, on_progress, NULL, &result, &t->err) == 0);
    EXPECT(result == BLOB_MOUNTED && progressed == 0);
    EXPECT(co_registry_blob_copy(a, b, big_digest, BIG, NULL, NULL, &result, &t->err) == 0);
    EXPECT(result == BLOB_EXISTED);
    EXPECT(co_registry_blob_copy(b, s, big_digest, BIG, on_progress, NULL, &result, &t->err) == 0);
    EXPECT(result == BLOB_COPIED && progressed == BIG);
    EXPECT(co_compare(t, s) == 0);
}

TASK_TEST(fixture, images)
{
    static const char config[] = "{\"architecture\":\"amd64\",\"os\":\"linux\"}";
    static const char type[] = "application/vnd.oci.image.manifest.v1+json";
    char digest[DIGEST_MAX], text[512], **tags;
    struct registry_manifest m;
    size_t count;
    struct registry_repo *s AUTO(repo) = repo_open(t, &secure_registry, "other/s", alice);
    digest_sha256(config, strlen(config), digest);
    EXPECT(co_registry_blob_put(s, digest, config, strlen(config), &t->err) == 0);
    EXPECT(co_registry_blob_put(s, digest, config, strlen(config), &t->err) == 0);
    snprintf(text, sizeof text,
             "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{\"mediaType\":"
             "\"application/vnd.oci.image.config.v1+json\",\"size\":%zu,\"digest\":\"%s\"},"
             "\"layers\":[]}",
             type, strlen(config), digest);
    EXPECT(co_registry_manifest_put(s, "v1", type, text, strlen(text), &t->err) == 0);
    EXPECT(co_registry_manifest_put(s, "v2", type, text, strlen(text), &t->err) == 0);
    EXPECT(co_registry_manifest_head(s, "v2", &t->f->arena, &m, &t->err) == 0);
    EXPECT(m.len == strlen(text) && strcmp(m.media_type, type) == 0);
    EXPECT(co_registry_manifest_get(s, m.digest, &t->f->arena, &m, &t->err) == 0);
    EXPECT(m.len == strlen(text) && memcmp(m.bytes, text, m.len) == 0);
    EXPECT(co_registry_tags(s, &t->f->arena, &tags, &count, &t->err) == 0);
    EXPECT(count == 2 && strcmp(tags[0], "v1") == 0 && strcmp(tags[1], "v2") == 0);
    EXPECT_ERROR(co_registry_manifest_head(s, "v3", &t->f->arena, &m, &t->err), ERROR_NOT_FOUND,
                 "");
}

TASK_TEST(fixture, login)
{
    char host[64], *token;
    struct registry_login login = {.username = (char[]){"alice"}, .password = (char[]){"s3cret"}};
    snprintf(host, sizeof host, "127.0.0.1:%d", secure_registry.port);
    EXPECT(co_registry_check_login(t->f->registry, host, &login, &token, &t->err) == 0 && !token);
    login.password = (char[]){"wrong"};
    EXPECT_ERROR(co_registry_check_login(t->f->registry, host, &login, &token, &t->err),
                 ERROR_UNAUTHORIZED, "");
    struct registry_repo *s AUTO(repo) = repo_open(t, &secure_registry, "other/s", "{}");
    EXPECT(co_upload(t, s, big_digest) == -1);
    EXPECT(strcmp(t->err.message, "no basic auth credentials") == 0);
}
