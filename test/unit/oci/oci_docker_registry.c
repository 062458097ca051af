/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry client against a real docker-registry: an open one, and one with TLS under a private
 * CA and a password. Images are pushed through the registry's API with the same HTTP client.
 */
#include "oci/registry/registry.h"

#include "base/alloc.h"
#include "base/str.h"
#include "loop/co.h"
#include "test/kit/docker_registry.h"
#include "test/kit/test.h"

#include <string.h>

struct fixture {
    struct docker_registry process;
    struct loop loop;
    struct http_client *http;
    struct registry_client *registry;
    struct arena arena;
};

/* ---- pushing ---- */

struct task {
    struct fixture *f;
    void (*run)(struct task *t);
    int failed; /* line of the first failure in the coroutine */
    char why[512];
    struct image_ref ref;
    struct registry_fetch what;
    struct registry_image image;
    struct error err;
    int rc;
};

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition) && !t->failed) {                                                          \
            t->failed = __LINE__;                                                                  \
            snprintf(t->why, sizeof t->why, "%s: %.300s", #condition, t->err.message);             \
        }                                                                                          \
    } while (0)

static void task_body(void *arg)
{
    struct task *t = arg;
    t->run(t);
    loop_stop(&t->f->loop);
}

static void task_run(struct task *t)
{
    struct error err;
    assert_int_equal(co_spawn(&t->f->loop, task_body, t, &err), 0);
    loop_run(&t->f->loop);
    if (t->failed)
        fail_msg("line %d: %s", t->failed, t->why);
}

static struct http_response co_send(struct task *t, const char *method, const char *url,
                                    const char *type, const void *body, size_t len)
{
    struct fixture *f = t->f;
    char ca[128], header[128];
    snprintf(ca, sizeof ca, "%s/cert.pem", f->process.dir);
    snprintf(header, sizeof header, "Content-Type: %s", type);
    const char *headers[] = {header, "Authorization: Basic YWxpY2U6czNjcmV0", NULL};
    struct http_request req = {.method = method,
                               .url = url,
                               .headers = headers,
                               .body = body,
                               .body_len = len,
                               .ca_file = f->process.secure ? ca : NULL};
    struct http_response res;
    EXPECT(co_http_do(f->http, &req, &res, &t->err) == 0);
    return res;
}

static void co_push_blob(struct task *t, const char *repo, const void *bytes, size_t len,
                         char digest[DIGEST_MAX])
{
    char url[2048];
    digest_sha256(bytes, len, digest);
    snprintf(url, sizeof url, "%s://127.0.0.1:%d/v2/%s/blobs/uploads/",
             t->f->process.secure ? "https" : "http", t->f->process.port, repo);
    struct http_response res = co_send(t, "POST", url, "application/octet-stream", "", 0);
    EXPECT(res.status == 202);
    const char *location = http_response_header(&res, "Location");
    EXPECT(location != NULL);
    if (location) {
        snprintf(url, sizeof url, "%.1800s&digest=%s", location, digest);
        struct http_response put = co_send(t, "PUT", url, "application/octet-stream", bytes, len);
        EXPECT(put.status == 201);
        http_response_free(&put);
    }
    http_response_free(&res);
}

static void co_push_manifest(struct task *t, const char *repo, const char *reference,
                             const char *type, const char *text, char digest[DIGEST_MAX])
{
    char url[512];
    digest_sha256(text, strlen(text), digest);
    snprintf(url, sizeof url, "%s://127.0.0.1:%d/v2/%s/manifests/%s",
             t->f->process.secure ? "https" : "http", t->f->process.port, repo, reference);
    struct http_response res = co_send(t, "PUT", url, type, text, strlen(text));
    EXPECT(res.status == 201);
    http_response_free(&res);
}

static struct {
    char config[DIGEST_MAX], layer[DIGEST_MAX], manifest[DIGEST_MAX], index[DIGEST_MAX];
} pushed;

static const char layer[] = "not really a tar";

static void push_image(struct task *t)
{
    static const char config[] =
        "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Cmd\":[\"sh\"]},\"rootfs\":{"
        "\"type\":\"layers\",\"diff_ids\":[\"sha256:"
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"]}}";
    char text[2048];
    co_push_blob(t, "a/b", config, strlen(config), pushed.config);
    co_push_blob(t, "a/b", layer, strlen(layer), pushed.layer);
    snprintf(text, sizeof text,
             "{\"schemaVersion\":2,\"mediaType\":"
             "\"application/vnd.docker.distribution.manifest.v2+json\",\"config\":{\"mediaType\":"
             "\"application/vnd.docker.container.image.v1+json\",\"size\":%zu,\"digest\":\"%s\"},"
             "\"layers\":[{\"mediaType\":\"application/vnd.docker.image.rootfs.diff.tar.gzip\","
             "\"size\":%zu,\"digest\":\"%s\"}]}",
             strlen(config), pushed.config, strlen(layer), pushed.layer);
    co_push_manifest(t, "a/b", "1", "application/vnd.docker.distribution.manifest.v2+json", text,
                     pushed.manifest);
    size_t manifest_size = strlen(text);
    snprintf(text, sizeof text,
             "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\","
             "\"manifests\":[{\"mediaType\":\"application/vnd.docker.distribution.manifest.v2+json"
             "\",\"size\":%zu,\"digest\":\"%s\",\"platform\":{\"os\":\"linux\",\"architecture\":"
             "\"amd64\"}}]}",
             manifest_size, pushed.manifest);
    co_push_manifest(t, "a/b", "multi", "application/vnd.oci.image.index.v1+json", text,
                     pushed.index);
}

/* ---- pulling ---- */

static void pull_run(struct task *t)
{
    t->what.ref = &t->ref;
    t->rc = co_registry_fetch_image(t->f->registry, &t->what, &t->f->arena, &t->image, &t->err);
}

static struct task pull(struct fixture *f, const char *name, const char *auth)
{
    struct task t = {.f = f, .run = pull_run};
    struct error err;
    char text[512];
    snprintf(text, sizeof text, "127.0.0.1:%d/%s", f->process.port, name);
    assert_int_equal(image_ref_parse(text, &t.ref, &err), 0);
    image_ref_default_tag(&t.ref);
    t.what.auth_json = auth;
    t.what.auth_json_len = auth ? strlen(auth) : 0;
    task_run(&t);
    return t;
}

static void check_good(const struct task *t, const char *manifest_digest)
{
    if (t->rc)
        fail_msg("%s", t->err.message);
    assert_string_equal(t->image.image->id, pushed.config);
    assert_string_equal(t->image.manifest_digest, manifest_digest);
    assert_string_equal(t->image.platform_digest, pushed.manifest);
    assert_string_equal(t->image.layers[0].digest, pushed.layer);
    assert_int_equal(t->image.size, strlen(layer));
}

static void check_error(const struct task *t, enum error_code code, const char *words)
{
    char expected[512];
    snprintf(expected, sizeof expected, words, t->f->process.port);
    assert_int_equal(t->rc, -1);
    if (t->err.code != code || !strstr(t->err.message, expected))
        fail_msg("%s: %s\nexpected: %s", error_code_name(t->err.code), t->err.message, expected);
}

/* ---- fixture ---- */

static int setup_with(void **state, bool secure)
{
    struct fixture *f = NEW(struct fixture);
    struct error err;
    char mirrors[128], ca[128];
    docker_registry_start(&f->process, secure);
    snprintf(mirrors, sizeof mirrors, "127.0.0.1:%d=%s://127.0.0.1:%d", f->process.port,
             secure ? "https" : "http", f->process.port);
    snprintf(ca, sizeof ca, "%s/cert.pem", f->process.dir);
    struct registry_options options = {.mirrors = mirrors, .ca_file = secure ? ca : NULL};
    assert_int_equal(loop_init(&f->loop, &err), 0);
    assert_int_equal(http_client_open(&f->loop, NULL, &f->http, &err), 0);
    assert_int_equal(registry_client_open(f->http, &options, &f->registry, &err), 0);
    arena_init(&f->arena);
    *state = f;
    return 0;
}

static int setup_open(void **state)
{
    return setup_with(state, false);
}

static int setup_secure(void **state)
{
    return setup_with(state, true);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    registry_client_close(f->registry);
    http_client_close(f->http);
    loop_fini(&f->loop);
    arena_fini(&f->arena);
    docker_registry_stop(&f->process);
    free(f);
    return 0;
}

TEST_CASE(open_registry, setup_open, teardown)
{
    struct fixture *f = *state;
    struct task push = {.f = f, .run = push_image};
    task_run(&push);
    struct task t = pull(f, "a/b:1", NULL);
    check_good(&t, pushed.manifest);
    t = pull(f, "a/b:multi", "{}");
    check_good(&t, pushed.index);
    char name[256];
    snprintf(name, sizeof name, "a/b@%s", pushed.index);
    t = pull(f, name, NULL);
    check_good(&t, pushed.index);
    /* The recorded texts. */
    t = pull(f, "a/b:nope", NULL);
    check_error(&t, ERROR_NOT_FOUND,
                "manifest for 127.0.0.1:%d/a/b:nope not found: manifest unknown: manifest unknown");
    t = pull(f, "norepo:1", NULL);
    check_error(&t, ERROR_NOT_FOUND,
                "manifest for 127.0.0.1:%d/norepo:1 not found: manifest unknown: manifest unknown");
    t = pull(f, "a/b@sha256:0000000000000000000000000000000000000000000000000000000000000000",
             NULL);
    check_error(&t, ERROR_NOT_FOUND,
                "manifest for 127.0.0.1:%d/a/b@sha256:"
                "0000000000000000000000000000000000000000000000000000000000000000 not found: "
                "manifest unknown: manifest unknown");
}

struct crowd {
    struct fixture *f;
    int left, good;
};

static void crowd_member(void *arg)
{
    struct crowd *c = arg;
    struct arena arena AUTO(arena);
    struct registry_image image;
    struct error err;
    struct image_ref ref;
    char text[64];
    arena_init(&arena);
    snprintf(text, sizeof text, "127.0.0.1:%d/a/b:multi", c->f->process.port);
    struct registry_fetch what = {.ref = &ref};
    if (image_ref_parse(text, &ref, &err) == 0 &&
        co_registry_fetch_image(c->f->registry, &what, &arena, &image, &err) == 0 &&
        strcmp(image.image->id, pushed.config) == 0)
        c->good++;
    if (--c->left == 0)
        loop_stop(&c->f->loop);
}

TEST_CASE(many_at_once, setup_open, teardown)
{
    struct fixture *f = *state;
    struct task push = {.f = f, .run = push_image};
    task_run(&push);
    struct crowd crowd = {.f = f, .left = 50};
    struct error err;
    for (int i = 0; i < 50; i++)
        assert_int_equal(co_spawn(&f->loop, crowd_member, &crowd, &err), 0);
    loop_run(&f->loop);
    assert_int_equal(crowd.good, 50);
}

TEST_CASE(secure_registry, setup_secure, teardown)
{
    struct fixture *f = *state;
    struct task push = {.f = f, .run = push_image};
    task_run(&push);
    struct task t = pull(f, "a/b:1", "{\"username\":\"alice\",\"password\":\"s3cret\"}");
    check_good(&t, pushed.manifest);
    t = pull(f, "a/b:1", NULL);
    check_error(&t, ERROR_SYSTEM,
                "Head \"https://127.0.0.1:%d/v2/a/b/manifests/1\": no basic auth credentials");
    t = pull(f, "a/b:1", "{\"username\":\"alice\",\"password\":\"bad\"}");
    check_error(&t, ERROR_UNAUTHORIZED, "unauthorized: authentication required");
    /* A client that does not know the CA. */
    struct registry_client *was = f->registry;
    struct error err;
    char mirrors[128];
    snprintf(mirrors, sizeof mirrors, "127.0.0.1:%d=https://127.0.0.1:%d", f->process.port,
             f->process.port);
    struct registry_options options = {.mirrors = mirrors};
    assert_int_equal(registry_client_open(f->http, &options, &f->registry, &err), 0);
    t = pull(f, "a/b:1", NULL);
    check_error(&t, ERROR_SYSTEM, "Get \"https://127.0.0.1:%1$d/v2/\": tls: 127.0.0.1:%1$d: ");
    registry_client_close(f->registry);
    f->registry = was;
}
