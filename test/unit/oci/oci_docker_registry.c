/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry client against a real docker-registry: an open one, and one with TLS under a private
 * CA and a password. Images are pushed through the registry's API with the same HTTP client.
 */
#include "test/kit/docker_rig.h"

static struct docker_registry registry;
static const char alice[] = REGISTRY_ALICE;

/* ---- pushing ---- */

#define DOCKER "application/vnd.docker."
#define OCI_INDEX "application/vnd.oci.image.index.v1+json"

static struct {
    char config[DIGEST_MAX], layer[DIGEST_MAX], manifest[DIGEST_MAX], index[DIGEST_MAX];
} pushed;

static const char layer[] = "not really a tar";

static void run_push(struct task *t)
{
    static const char config[] =
        "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Cmd\":[\"sh\"]},\"rootfs\":{"
        "\"type\":\"layers\",\"diff_ids\":[\"sha256:"
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"]}}";
    static const char type[] = DOCKER "distribution.manifest.v2+json";
    const struct registry_repo_options pushing = {.push = true};
    struct registry_repo *r AUTO(repo) = registry_rig_repo(t, registry.port, "a/b", pushing, alice);
    digest_sha256(config, strlen(config), pushed.config);
    digest_sha256(layer, strlen(layer), pushed.layer);
    EXPECT(co_registry_blob_put(r, pushed.config, config, strlen(config), &t->err) == 0);
    EXPECT(co_registry_blob_put(r, pushed.layer, layer, strlen(layer), &t->err) == 0);
    char *image AUTO_FREE = xasprintf(
        "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{\"mediaType\":\"" DOCKER
        "container.image.v1+json\",\"size\":%zu,\"digest\":\"%s\"},\"layers\":[{\"mediaType\":"
        "\"" DOCKER "image.rootfs.diff.tar.gzip\",\"size\":%zu,\"digest\":\"%s\"}]}",
        type, strlen(config), pushed.config, strlen(layer), pushed.layer);
    digest_sha256(image, strlen(image), pushed.manifest);
    char *index AUTO_FREE = xasprintf(
        "{\"schemaVersion\":2,\"mediaType\":\"" OCI_INDEX "\",\"manifests\":[{\"mediaType\":\"%s\","
        "\"size\":%zu,\"digest\":\"%s\",\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}"
        "]}",
        type, strlen(image), pushed.manifest);
    digest_sha256(index, strlen(index), pushed.index);
    EXPECT(co_registry_manifest_put(r, "1", type, image, strlen(image), &t->err) == 0);
    EXPECT(co_registry_manifest_put(r, "multi", OCI_INDEX, index, strlen(index), &t->err) == 0);
}

/* ---- pulling ---- */

static void check_pull(struct rig *f, const char *name, const char *auth,
                       const char *manifest_digest)
{
    struct pull p = pull(f, registry.port, name, auth);
    if (p.rc)
        fail_msg("%s: %s", name, p.err.message);
    assert_string_equal(p.image.image->id, pushed.config);
    assert_string_equal(p.image.manifest_digest, manifest_digest);
    assert_string_equal(p.image.platform_digest, pushed.manifest);
    assert_string_equal(p.image.layers[0].digest, pushed.layer);
    assert_int_equal(p.image.size, strlen(layer));
}

static void check_error(struct rig *f, const char *name, const char *auth, enum error_code code,
                        const char *words)
{
    struct pull p = pull(f, registry.port, name, auth);
    pull_check_error(&p, code, words);
}

/* ---- rigs: the image is in the registry ---- */

static struct rig *open_pushed(bool secure)
{
    struct rig *f = docker_rig_open(&registry, secure);
    registry_rig_run(f, run_push);
    return f;
}

TEST_RIG(open, *state = open_pushed(false), docker_rig_close(*state, &registry));
TEST_RIG(secure, *state = open_pushed(true), docker_rig_close(*state, &registry));

#define NOWHERE "sha256:0000000000000000000000000000000000000000000000000000000000000000"

TEST_WITH(open, struct rig *f, open_registry)
{
    char name[256];
    check_pull(f, "a/b:1", NULL, pushed.manifest);
    check_pull(f, "a/b:multi", "{}", pushed.index);
    snprintf(name, sizeof name, "a/b@%s", pushed.index);
    check_pull(f, name, NULL, pushed.index);
    /* The recorded texts. */
    check_error(f, "a/b:nope", NULL, ERROR_NOT_FOUND,
                "manifest for 127.0.0.1:%d/a/b:nope not found: manifest unknown: manifest unknown");
    check_error(f, "norepo:1", NULL, ERROR_NOT_FOUND,
                "manifest for 127.0.0.1:%d/norepo:1 not found: manifest unknown: manifest unknown");
    check_error(f, "a/b@" NOWHERE, NULL, ERROR_NOT_FOUND,
                "manifest for 127.0.0.1:%d/a/b@" NOWHERE
                " not found: manifest unknown: manifest unknown");
}

static void run_one_of_many(struct task *t)
{
    struct arena arena AUTO(arena);
    struct registry_image image;
    struct image_ref ref;
    char text[64];
    arena_init(&arena);
    snprintf(text, sizeof text, "127.0.0.1:%d/a/b:multi", registry.port);
    struct registry_fetch what = {.ref = &ref};
    EXPECT(image_ref_parse(text, &ref, &t->err) == 0 &&
           co_registry_fetch_image(t->f->registry, &what, &arena, &image, &t->err) == 0 &&
           strcmp(image.image->id, pushed.config) == 0);
}

TEST_WITH(open, struct rig *f, many_at_once)
{
    task_crowd(&f->loop, f, 50, run_one_of_many);
}

TEST_WITH(secure, struct rig *f, secure_registry)
{
    check_pull(f, "a/b:1", alice, pushed.manifest);
    check_error(f, "a/b:1", NULL, ERROR_SYSTEM,
                "Head \"https://127.0.0.1:%d/v2/a/b/manifests/1\": no basic auth credentials");
    check_error(f, "a/b:1", "{\"username\":\"alice\",\"password\":\"bad\"}", ERROR_UNAUTHORIZED,
                "unauthorized: authentication required");
    /* A client that does not know the CA. */
    registry_client_close(f->registry);
    f->registry = docker_rig_client(f->http, &registry, false);
    check_error(f, "a/b:1", NULL, ERROR_SYSTEM,
                "Get \"https://127.0.0.1:%d/v2/\": tls: 127.0.0.1:%d: ");
}
