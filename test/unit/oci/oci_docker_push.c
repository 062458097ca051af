/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing to real docker-registries: large blobs in pieces, mounts, copies from an open one to one
 * with TLS under a private CA and a password, tags, logins.
 */
#include "base/alloc.h"
#include "base/str.h"
#include "loop/co.h"
#include "oci/registry/registry_repo.h"
#include "test/kit/docker_registry.h"
#include "test/kit/test.h"

#include <string.h>

enum { BIG = 20 * 1024 * 1024 + 17 };

struct fixture {
    struct docker_registry open, secure;
    struct loop loop;
    struct http_client *http;
    struct registry_client *registry;
    struct arena arena;
    char *big;
    char digest[DIGEST_MAX];
};

struct task {
    struct fixture *f;
    void (*run)(struct task *t);
    int failed;
    char why[1400];
    struct error err;
};

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition) && !t->failed) {                                                          \
            t->failed = __LINE__;                                                                  \
            snprintf(t->why, sizeof t->why, "%s: %s", #condition, t->err.message);                 \
        }                                                                                          \
    } while (0)

static void task_body(void *arg)
{
    struct task *t = arg;
    t->run(t);
    loop_stop(&t->f->loop);
}

static void task_run(struct fixture *f, void (*run)(struct task *t))
{
    struct task t = {.f = f, .run = run};
    struct error err;
    assert_int_equal(co_spawn(&f->loop, task_body, &t, &err), 0);
    loop_run(&f->loop);
    if (t.failed)
        fail_msg("line %d: %s", t.failed, t.why);
}

static const char alice[] = "{\"username\":\"alice\",\"password\":\"s3cret\"}";

static struct registry_repo *repo_open(struct task *t, const struct docker_registry *at,
                                       const char *name, const char *auth)
{
    struct image_ref ref;
    struct registry_repo *r = NULL;
    char text[128];
    snprintf(text, sizeof text, "127.0.0.1:%d/%s", at->port, name);
    EXPECT(image_ref_parse(text, &ref, &t->err) == 0);
    struct registry_repo_options options = {
        .ref = &ref, .auth_json = auth, .auth_json_len = strlen(auth), .push = true};
    EXPECT(registry_repo_open(t->f->registry, &options, &r, &t->err) == 0);
    return r;
}

static int co_upload(struct task *t, struct registry_repo *r, const char *digest)
{
    struct registry_upload *u = NULL;
    int rc = co_registry_upload_open(r, &u, &t->err);
    for (size_t at = 0; rc == 0 && at < BIG; at += REGISTRY_CHUNK)
        rc = co_registry_upload_write(
            u, t->f->big + at, BIG - at < REGISTRY_CHUNK ? BIG - at : REGISTRY_CHUNK, &t->err);
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
    int rc = co_registry_blob_open(r, t->f->digest, BIG, &b, &t->err);
    while (rc == 0 && got) {
        rc = co_registry_blob_read(b, piece, 1 << 20, &got, &t->err);
        EXPECT(rc || memcmp(piece, t->f->big + have, got) == 0);
        have += got;
    }
    EXPECT(rc || have == BIG);
    registry_blob_close(b);
    return rc;
}

static int64_t progressed;

static void on_progress(void *arg, int64_t current)
{
    (void)arg;
    progressed = current;
}

static void run_blobs(struct task *t)
{
    bool there = true;
    enum blob_copy_result result;
    struct fixture *f = t->f;
    struct registry_repo *a = repo_open(t, &f->open, "some/a", "{}");
    struct registry_repo *b = repo_open(t, &f->open, "some/b", "{}");
    struct registry_repo *s = repo_open(t, &f->secure, "other/s", alice);
    EXPECT(co_registry_blob_exists(a, f->digest, &there, &t->err) == 0 && !there);
    EXPECT(
        co_upload(t, a, "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
    EXPECT(
        strstr(t->err.message, "digest invalid: provided digest did not match uploaded content"));
    EXPECT(co_upload(t, a, f->digest) == 0);
    EXPECT(co_registry_blob_exists(a, f->digest, &there, &t->err) == 0 && there);
    EXPECT(co_compare(t, a) == 0);
    EXPECT(co_registry_blob_mount(b, f->digest, "some/nothing", &there, &t->err) == 0 && !there);
    EXPECT(registry_repo_same_registry(a, b) && !registry_repo_same_registry(a, s));
    EXPECT(co_registry_blob_copy(a, b, f->digest, BIG, on_progress, NULL, &result, &t->err) == 0);
    EXPECT(result == BLOB_MOUNTED && progressed == 0);
    EXPECT(co_registry_blob_copy(a, b, f->digest, BIG, NULL, NULL, &result, &t->err) == 0);
    EXPECT(result == BLOB_EXISTED);
    EXPECT(co_registry_blob_copy(b, s, f->digest, BIG, on_progress, NULL, &result, &t->err) == 0);
    EXPECT(result == BLOB_COPIED && progressed == BIG);
    EXPECT(co_compare(t, s) == 0);
    registry_repo_close(a);
    registry_repo_close(b);
    registry_repo_close(s);
}

static void run_images(struct task *t)
{
    static const char config[] = "{\"architecture\":\"amd64\",\"os\":\"linux\"}";
    static const char type[] = "application/vnd.oci.image.manifest.v1+json";
    char digest[DIGEST_MAX], text[512], **tags;
    struct registry_manifest m;
    size_t count;
    struct registry_repo *s = repo_open(t, &t->f->secure, "other/s", alice);
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
    EXPECT(co_registry_manifest_head(s, "v3", &t->f->arena, &m, &t->err) == -1);
    EXPECT(t->err.code == ERROR_NOT_FOUND);
    registry_repo_close(s);
}

static void run_login(struct task *t)
{
    char host[64], *token;
    struct registry_login login = {.username = (char[]){"alice"}, .password = (char[]){"s3cret"}};
    snprintf(host, sizeof host, "127.0.0.1:%d", t->f->secure.port);
    EXPECT(co_registry_check_login(t->f->registry, host, &login, &token, &t->err) == 0 && !token);
    login.password = (char[]){"wrong"};
    EXPECT(co_registry_check_login(t->f->registry, host, &login, &token, &t->err) == -1);
    EXPECT(t->err.code == ERROR_UNAUTHORIZED);
    struct registry_repo *s = repo_open(t, &t->f->secure, "other/s", "{}");
    EXPECT(co_upload(t, s, t->f->digest) == -1);
    EXPECT(strcmp(t->err.message, "no basic auth credentials") == 0);
    registry_repo_close(s);
}

static int fixture_setup(void **state)
{
    struct fixture *f = NEW(struct fixture);
    struct error err;
    char mirrors[128], ca[128];
    docker_registry_start(&f->open, false);
    docker_registry_start(&f->secure, true);
    snprintf(mirrors, sizeof mirrors, "127.0.0.1:%d=https://127.0.0.1:%d", f->secure.port,
             f->secure.port);
    snprintf(ca, sizeof ca, "%s/cert.pem", f->secure.dir);
    struct registry_options options = {.mirrors = mirrors, .ca_file = ca};
    assert_int_equal(loop_init(&f->loop, &err), 0);
    assert_int_equal(http_client_open(&f->loop, NULL, &f->http, &err), 0);
    assert_int_equal(registry_client_open(f->http, &options, &f->registry, &err), 0);
    arena_init(&f->arena);
    f->big = xmalloc(BIG);
    for (size_t i = 0; i < BIG; i++)
        f->big[i] = (char)(i * 31 + (i >> 11));
    digest_sha256(f->big, BIG, f->digest);
    *state = f;
    return 0;
}

static int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    registry_client_close(f->registry);
    http_client_close(f->http);
    loop_fini(&f->loop);
    arena_fini(&f->arena);
    docker_registry_stop(&f->open);
    docker_registry_stop(&f->secure);
    free(f->big);
    free(f);
    return 0;
}

TEST_USING(fixture, all)
{
    task_run(*state, run_blobs);
    task_run(*state, run_images);
    task_run(*state, run_login);
}
