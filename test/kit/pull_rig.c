/* SPDX-License-Identifier: Apache-2.0
 * Pulls from a scripted registry; see pull_rig.h. */
#include "test/kit/pull_rig.h"

#include "test/kit/http_mock.h"

#define LAYER(c)                                                                                   \
    "{\"mediaType\":\"application/"                                                                \
    "vnd.oci.image.layer.v1.tar+gzip\",\"size\":10,\"digest\":\"" PULL_RIG_DIGEST(c) "\"}"
#define MANIFEST_TYPE "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n"

struct pull_rig_version pull_rig_versions[2] = {
    {.config = "{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":\"2020-01-01T00:00:00Z\","
               "\"config\":{\"Cmd\":[\"sh\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":"
               "[\"" PULL_RIG_DIGEST("1111") "\",\"" PULL_RIG_DIGEST("2222") "\"]}}",
     .layers = LAYER("abc1") "," LAYER("abc2")},
    {.config = "{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":\"2021-01-01T00:00:00Z\","
               "\"config\":{\"Cmd\":[\"ash\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":"
               "[\"" PULL_RIG_DIGEST("1111") "\",\"" PULL_RIG_DIGEST("3333") "\"]}}",
     .layers = LAYER("abc1") "," LAYER("abc3")},
};

struct pull_rig pull_rig;

/* Which of the versions a tag of library/busybox or library/many means; -1: none. */
static int tag_version(const char *path)
{
    static const struct {
        const char *end;
        int version;
    } tags[] = {{"/busybox/manifests/old", 0},
                {"/many/manifests/a", 0},
                {"/many/manifests/b", 1},
                {"/many/manifests/c", 0}};
    if (strstr(path, "/library/busybox/manifests/latest"))
        return pull_rig.latest;
    for (size_t i = 0; i < ARRAY_LEN(tags); i++)
        if (strstr(path, tags[i].end))
            return tags[i].version;
    return -1;
}

static bool serve_manifest(struct mock_request *r, const struct pull_rig_version *v)
{
    if (strcmp(r->method, "HEAD") == 0)
        pull_rig.heads++;
    else
        pull_rig.manifests++;
    return mock_textf(r, 200, v->manifest, MANIFEST_TYPE "Docker-Content-Digest: %s\r\n",
                      v->digest);
}

#define INDEX_TYPE "Content-Type: application/vnd.oci.image.index.v1+json\r\n"
const char pull_rig_index[] =
    "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":["
    "{\"mediaType\":\"application/"
    "vnd.oci.image.manifest.v1+json\",\"size\":5,\"digest\":\"" PULL_RIG_DIGEST(
        "aaaa") "\",\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}},"
                "{\"mediaType\":\"application/"
                "vnd.oci.image.manifest.v1+json\",\"size\":5,\"digest\":\"" PULL_RIG_DIGEST(
                    "bbbb") "\",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\","
                            "\"variant\":\"v8\"}}]}";

static bool serve(void *arg, struct mock_request *r)
{
    char text[256];
    (void)arg;
    if (pull_rig.wanted && (!mock_header(r, "Authorization", text, sizeof text) ||
                            strncmp(text, "Basic ", 6) != 0 || strcmp(text + 6, pull_rig.wanted)))
        return mock_text(r, 401, "WWW-Authenticate: Basic realm=\"x\"\r\n", "{}");
    if (pull_rig.tag_list && strstr(r->path, "/library/many/tags/list"))
        return mock_text(r, 200, "Content-Type: application/json\r\n", pull_rig.tag_list);
    if (strstr(r->path, "/busybox/manifests/multi"))
        return mock_text(r, 200, INDEX_TYPE, pull_rig_index);
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "/blobs/%s", pull_rig_versions[i].config_digest);
        if (strstr(r->path, text)) {
            pull_rig.configs++;
            return mock_text(r, 200, "", pull_rig_versions[i].config);
        }
        snprintf(text, sizeof text, "/manifests/%s", pull_rig_versions[i].digest);
        if (strstr(r->path, text) || tag_version(r->path) == i)
            return serve_manifest(r, &pull_rig_versions[i]);
    }
    return mock_text(r, 404, "",
                     "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\","
                     "\"message\":\"manifest unknown\"}]}");
}

void pull_rig_expect_asked(int heads, int manifests, int configs)
{
    assert_int_equal(pull_rig.heads, heads);
    assert_int_equal(pull_rig.manifests, manifests);
    assert_int_equal(pull_rig.configs, configs);
    pull_rig.heads = pull_rig.manifests = pull_rig.configs = 0;
}

static int co_credentials(const char *host, struct registry_credentials *out, struct error *err)
{
    (void)err;
    char mine[64];
    snprintf(mine, sizeof mine, "127.0.0.1:%d", pull_rig.port);
    if (strcmp(host, mine) != 0)
        return 0;
    out->found = true;
    out->username = xstrdup("cloud");
    out->password = xstrdup("secret");
    return 0;
}

int pull_rig_setup(void **state)
{
    static char mirror[64];
    (void)state;
    backend_rig_open(RIG_STORE | RIG_CREDENTIALS);
    memset(&pull_rig, 0, sizeof pull_rig);
    for (int i = 0; i < 2; i++) {
        struct pull_rig_version *v = &pull_rig_versions[i];
        digest_sha256(v->config, strlen(v->config), v->config_digest);
        free(v->manifest);
        v->manifest = xasprintf(
            "{\"schemaVersion\":2,\"config\":{\"mediaType\":"
            "\"application/vnd.oci.image.config.v1+json\",\"size\":%zu,\"digest\":\"%s\"},"
            "\"layers\":[%s]}",
            strlen(v->config), v->config_digest, v->layers);
        digest_sha256(v->manifest, strlen(v->manifest), v->digest);
    }
    pull_rig.mock = mock_start(serve, NULL);
    pull_rig.port = pull_rig.mock->port;
    snprintf(mirror, sizeof mirror, "docker.io=http://127.0.0.1:%d", pull_rig.port);
    rig.registry = (struct registry_options){.mirrors = mirror};
    backend_rig_add(RIG_REGISTRY);
    fake_driver.co_credentials = co_credentials;
    rig.config.image_ttl_s = 300;
    return 0;
}

int pull_rig_teardown(void **state)
{
    backend_rig_teardown(state);
    mock_stop(pull_rig.mock);
    return 0;
}

void pull_rig_begin_with(struct rig_client *c, Sockerless__ImagePullOpen *pull)
{
    rig_client_open(c, SOCKERLESS__STREAM_OPEN__KIND_IMAGE_PULL, pull);
    c->totals = true;
}

void pull_rig_begin(struct rig_client *p, const char *reference)
{
    Sockerless__ImagePullOpen pull = SOCKERLESS__IMAGE_PULL_OPEN__INIT;
    const char *slash = strrchr(reference, '/');
    pull.reference = (char *)reference;
    pull.tag = (char *)(strpbrk(slash ? slash : reference, ":@") ? "" : "latest");
    pull_rig_begin_with(p, &pull);
}

void pull_rig_end(struct rig_client *c, const char *expected)
{
    run_until(c->closed);
    assert_string_equal(c->err.message, "");
    assert_true(c->ended);
    if (expected)
        assert_string_equal(rig_client_lines(c), expected);
    rig_client_free(c);
}

void pull_rig_expect(const char *reference, const char *expected)
{
    struct rig_client p;
    pull_rig_begin(&p, reference);
    pull_rig_end(&p, expected);
}

void pull_rig_expect_error(const char *reference, const char *expected)
{
    struct rig_client p;
    pull_rig_begin(&p, reference);
    run_until(p.closed);
    assert_false(p.opened); /* an early failure is a plain error */
    assert_string_equal(p.err.message, expected);
    rig_client_free(&p);
}
