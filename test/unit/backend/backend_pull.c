/* SPDX-License-Identifier: Apache-2.0
 *
 * Pulls from a scripted registry, with the words that a recorded dockerd used, and how often the
 * registry is asked for what.
 */
#include "backend/image/credential_store.h"
#include "backend/image/image_place.h"
#include "test/kit/ask.h"
#include "oci/name/digest.h"
#include "oci/registry/registry.h"
#include "test/kit/http_mock.h"
#include "test/kit/rig_client.h"
#include "test/kit/test.h"

/* ---- the registry ---- */

#define DIFF(c) "sha256:" c c c c c c c c c c c c c c c c
#define LAYER(c)                                                                                   \
    "{\"mediaType\":\"application/"                                                                \
    "vnd.oci.image.layer.v1.tar+gzip\",\"size\":10,\"digest\":\"" DIFF(c) "\"}"
#define MANIFEST_TYPE "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n"

struct version {
    const char *config;
    const char *layers;
    char config_digest[DIGEST_MAX], digest[DIGEST_MAX];
    char *manifest;
};

static struct version versions[2] = {
    {.config = "{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":\"2020-01-01T00:00:00Z\","
               "\"config\":{\"Cmd\":[\"sh\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":"
               "[\"" DIFF("1111") "\",\"" DIFF("2222") "\"]}}",
     .layers = LAYER("abc1") "," LAYER("abc2")},
    {.config = "{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":\"2021-01-01T00:00:00Z\","
               "\"config\":{\"Cmd\":[\"ash\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":"
               "[\"" DIFF("1111") "\",\"" DIFF("3333") "\"]}}",
     .layers = LAYER("abc1") "," LAYER("abc3")},
};

struct registry {
    struct mock *mock;
    _Atomic int latest;
    const char *wants; /* Basic credentials in base64; NULL: nobody's */
    const char *tag_list;
    _Atomic int heads, manifests, configs;
};
static struct registry registry;

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
        return registry.latest;
    for (size_t i = 0; i < ARRAY_LEN(tags); i++)
        if (strstr(path, tags[i].end))
            return tags[i].version;
    return -1;
}

static bool serve_manifest(struct mock_request *r, const struct version *v)
{
    char headers[512];
    if (strcmp(r->method, "HEAD") == 0)
        registry.heads++;
    else
        registry.manifests++;
    snprintf(headers, sizeof headers, MANIFEST_TYPE "Docker-Content-Digest: %s\r\n", v->digest);
    return mock_text(r, 200, headers, v->manifest);
}

#define INDEX_TYPE "Content-Type: application/vnd.oci.image.index.v1+json\r\n"
static const char index_document[] =
    "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":["
    "{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"size\":5,\"digest\":\"" DIFF(
        "aaaa") "\",\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}},"
                "{\"mediaType\":\"application/"
                "vnd.oci.image.manifest.v1+json\",\"size\":5,\"digest\":\"" DIFF(
                    "bbbb") "\",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\","
                            "\"variant\":\"v8\"}}]}";

static bool serve(void *arg, struct mock_request *r)
{
    char text[256];
    (void)arg;
    if (registry.wants && (!mock_header(r, "Authorization", text, sizeof text) ||
                           strncmp(text, "Basic ", 6) != 0 || strcmp(text + 6, registry.wants)))
        return mock_text(r, 401, "WWW-Authenticate: Basic realm=\"x\"\r\n", "{}");
    if (registry.tag_list && strstr(r->path, "/library/many/tags/list"))
        return mock_text(r, 200, "Content-Type: application/json\r\n", registry.tag_list);
    if (strstr(r->path, "/busybox/manifests/multi"))
        return mock_text(r, 200, INDEX_TYPE, index_document);
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "/blobs/%s", versions[i].config_digest);
        if (strstr(r->path, text)) {
            registry.configs++;
            return mock_text(r, 200, "", versions[i].config);
        }
        snprintf(text, sizeof text, "/manifests/%s", versions[i].digest);
        if (strstr(r->path, text) || tag_version(r->path) == i)
            return serve_manifest(r, &versions[i]);
    }
    return mock_text(r, 404, "",
                     "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\","
                     "\"message\":\"manifest unknown\"}]}");
}

/* Since the last look: how often the registry was asked for what. */
static void expect_asked(int heads, int manifests, int configs)
{
    assert_int_equal(registry.heads, heads);
    assert_int_equal(registry.manifests, manifests);
    assert_int_equal(registry.configs, configs);
    registry.heads = registry.manifests = registry.configs = 0;
}

static int co_credentials(const char *host, struct registry_credentials *out, struct error *err)
{
    (void)err;
    char mine[64];
    snprintf(mine, sizeof mine, "127.0.0.1:%d", registry.mock->port);
    if (strcmp(host, mine) != 0)
        return 0;
    out->found = true;
    out->username = xstrdup("cloud");
    out->password = xstrdup("secret");
    return 0;
}

static int pull_setup(void **state)
{
    static char mirror[64];
    (void)state;
    backend_rig_open(RIG_STORE | RIG_CREDENTIALS);
    memset(&registry, 0, sizeof registry);
    for (int i = 0; i < 2; i++) {
        struct version *v = &versions[i];
        digest_sha256(v->config, strlen(v->config), v->config_digest);
        free(v->manifest);
        v->manifest = xasprintf(
            "{\"schemaVersion\":2,\"config\":{\"mediaType\":"
            "\"application/vnd.oci.image.config.v1+json\",\"size\":%zu,\"digest\":\"%s\"},"
            "\"layers\":[%s]}",
            strlen(v->config), v->config_digest, v->layers);
        digest_sha256(v->manifest, strlen(v->manifest), v->digest);
    }
    registry.mock = mock_start(serve, NULL);
    snprintf(mirror, sizeof mirror, "docker.io=http://127.0.0.1:%d", registry.mock->port);
    rig.registry = (struct registry_options){.mirrors = mirror};
    backend_rig_add(RIG_REGISTRY);
    fake_driver.co_credentials = co_credentials;
    rig.config.image_ttl_s = 300;
    return 0;
}

static int pull_teardown(void **state)
{
    backend_rig_teardown(state);
    mock_stop(registry.mock);
    return 0;
}

static void pull_begin_with(struct rig_client *c, Sockerless__ImagePullOpen *pull)
{
    rig_client_open(c, SOCKERLESS__STREAM_OPEN__KIND_IMAGE_PULL, pull);
    c->totals = true;
}

/* A client names latest itself: without any tag it wants all. */
static void pull_begin(struct rig_client *p, const char *reference)
{
    Sockerless__ImagePullOpen pull = SOCKERLESS__IMAGE_PULL_OPEN__INIT;
    const char *slash = strrchr(reference, '/');
    pull.reference = (char *)reference;
    pull.tag = (char *)(strpbrk(slash ? slash : reference, ":@") ? "" : "latest");
    pull_begin_with(p, &pull);
}

static void pull_end(struct rig_client *c, const char *expected)
{
    run_until(c->closed);
    assert_string_equal(c->err.message, "");
    assert_true(c->ended);
    if (expected)
        assert_string_equal(rig_client_lines(c), expected);
    rig_client_free(c);
}

static void expect_pull(const char *reference, const char *expected)
{
    struct rig_client p;
    pull_begin(&p, reference);
    pull_end(&p, expected);
}

static void expect_pull_error(const char *reference, const char *expected)
{
    struct rig_client p;
    pull_begin(&p, reference);
    run_until(p.closed);
    assert_false(p.opened); /* an early failure is a plain error */
    assert_string_equal(p.err.message, expected);
    rig_client_free(&p);
}

static char *text(const char *fmt, ...)
{
    static char out[4][2048];
    static int next;
    va_list args;
    va_start(args, fmt);
    vsnprintf(out[next %= 4], sizeof *out, fmt, args);
    va_end(args);
    return out[next++];
}

TEST_USING(pull, pull)
{
    const char *status = "Downloaded newer image";
    expect_pull("busybox", text("latest: Pulling from library/busybox\n"
                                "abc1abc1abc1: Pulling fs layer\n"
                                "abc2abc2abc2: Pulling fs layer\n"
                                "abc1abc1abc1: Downloading 10/10\n"
                                "abc1abc1abc1: Verifying Checksum\n"
                                "abc1abc1abc1: Download complete\n"
                                "abc2abc2abc2: Downloading 10/10\n"
                                "abc2abc2abc2: Verifying Checksum\n"
                                "abc2abc2abc2: Download complete\n"
                                "abc1abc1abc1: Extracting 10/10\n"
                                "abc1abc1abc1: Pull complete\n"
                                "abc2abc2abc2: Extracting 10/10\n"
                                "abc2abc2abc2: Pull complete\n"
                                "Digest: %s\nStatus: %s for busybox:latest\n",
                                versions[0].digest, status));
    const Sockerless__ImageRecord *rec = rig_image("busybox");
    assert_string_equal(rec->image->id, versions[0].config_digest);
    assert_string_equal(rec->pull_reference,
                        text("docker.io/library/busybox@%s", versions[0].digest));
    assert_string_equal(rec->image->repo_digests[0], text("busybox@%s", versions[0].digest));
    assert_true(rec->checked_at > 0);
    const char *same = text("latest: Pulling from library/busybox\nDigest: %s\n"
                            "Status: Image is up to date for busybox:latest\n",
                            versions[0].digest);
    expect_pull("docker.io/library/busybox:latest", same);

    registry.latest = 1; /* the tag points elsewhere now */
    expect_pull("busybox:latest", text("latest: Pulling from library/busybox\n"
                                       "abc1abc1abc1: Already exists\n"
                                       "abc3abc3abc3: Pulling fs layer\n"
                                       "abc3abc3abc3: Downloading 10/10\n"
                                       "abc3abc3abc3: Verifying Checksum\n"
                                       "abc3abc3abc3: Download complete\n"
                                       "abc3abc3abc3: Extracting 10/10\n"
                                       "abc3abc3abc3: Pull complete\n"
                                       "Digest: %s\nStatus: %s for busybox:latest\n",
                                       versions[1].digest, status));
    rig_image_expect("busybox", versions[1].config_digest);
    rig_image_expect(versions[0].config_digest, versions[0].config_digest);
    assert_int_equal(image_store_count(rig.backend.images), 2);
    char *by_digest = text("busybox@%s", versions[0].digest);
    expect_pull(by_digest, text("%s: Pulling from library/busybox\nDigest: %s\n"
                                "Status: Image is up to date for %s\n",
                                by_digest, versions[0].digest, by_digest));
}

TEST_USING(pull, pull_errors)
{
    expect_pull_error("BAD/Upper", "invalid reference format: repository name must be lowercase");
    expect_pull_error("nope:1",
                      "manifest for nope:1 not found: manifest unknown: manifest unknown");
    struct rig_client p;
    Sockerless__ImagePullOpen pull = SOCKERLESS__IMAGE_PULL_OPEN__INIT;
    pull.reference = (char *)"busybox";
    pull.tag = (char *)"!!";
    pull_begin_with(&p, &pull);
    run_until(p.closed);
    assert_string_equal(p.err.message, "invalid tag format");
    pull.platform = (char *)"a/b/c/d"; /* dockerd looks at it first */
    pull_begin_with(&p, &pull);
    run_until(p.closed);
    assert_string_equal(p.err.message,
                        "\"a/b/c/d\": cannot parse platform specifier: invalid argument");
    assert_int_equal(image_store_count(rig.backend.images), 0);
}

/* ---- what is asked of the registry ---- */

TEST_USING(pull, pull_again_is_one_head)
{
    const char *same = text("latest: Pulling from library/busybox\nDigest: %s\n"
                            "Status: Image is up to date for busybox:latest\n",
                            versions[0].digest);
    expect_pull("busybox", NULL);
    expect_asked(1, 1, 1);
    for (int i = 0; i < 2; i++) {
        expect_pull("busybox", same);
        expect_asked(1, 0, 0);
        backend_rig_reload_images();
    }
    registry.latest = 1;
    expect_pull("busybox", NULL);
    expect_asked(2, 1, 1);
    rig_image_expect("busybox", versions[1].config_digest);
}

TEST_USING(pull, tag_older_than_its_ttl_is_fetched_again)
{
    expect_pull("busybox", NULL);
    expect_asked(1, 1, 1);
    rig.config.image_ttl_s = 0;
    expect_pull("busybox", NULL);
    expect_asked(2, 1, 1);
    expect_pull(text("busybox@%s", versions[0].digest), NULL); /* digests do not age */
    expect_asked(1, 0, 0);
}

TEST_USING(pull, known_digest_is_not_fetched_for_another_tag)
{
    expect_pull("busybox", NULL);
    expect_asked(1, 1, 1);
    expect_pull("busybox:old", text("old: Pulling from library/busybox\nDigest: %s\n"
                                    "Status: Downloaded newer image for busybox:old\n",
                                    versions[0].digest));
    expect_asked(1, 0, 0);
    const Sockerless__ImageRecord *rec = rig_image("busybox:old");
    assert_int_equal(rec->image->n_repo_tags, 2);
    assert_int_equal(rec->image->n_repo_digests, 1);
    assert_int_equal(image_store_count(rig.backend.images), 1);
}

TEST_USING(pull, another_platform_is_fetched)
{
    struct rig_client p;
    Sockerless__ImagePullOpen pull = SOCKERLESS__IMAGE_PULL_OPEN__INIT;
    expect_pull("busybox", NULL);
    expect_asked(1, 1, 1);
    pull.reference = (char *)"busybox";
    pull.tag = (char *)"latest";
    pull.platform = (char *)"linux/arm64";
    pull_begin_with(&p, &pull);
    run_until(p.closed);
    assert_non_null(strstr(p.err.message, "does not match the specified platform"));
    rig_client_free(&p);
    expect_asked(2, 1, 1);
    pull.platform = (char *)"linux/x86_64";
    pull_begin_with(&p, &pull);
    pull_end(&p, NULL);
    expect_asked(1, 0, 0);
}

TEST_USING(pull, pull_remembers_documents_verbatim)
{
    char digest[DIGEST_MAX];
    expect_pull("busybox", NULL);
    const Sockerless__ImageRecord *rec = rig_image("busybox");
    digest_sha256(rec->config_json.data, rec->config_json.len, digest);
    assert_string_equal(digest, rec->image->id);
    assert_string_equal(rec->blob_repository, "docker.io/library/busybox");
    digest_sha256(rec->manifest_json.data, rec->manifest_json.len, digest);
    assert_string_equal(digest, versions[0].digest);
    assert_string_equal(rec->manifest_type, "application/vnd.oci.image.manifest.v1+json");
}

TEST_USING(pull, tag_that_is_gone_has_dockers_words)
{
    expect_pull("busybox", NULL);
    registry.latest = 7;
    expect_pull_error("busybox",
                      "manifest for busybox:latest not found: manifest unknown: manifest unknown");
    rig_image_expect("busybox", versions[0].config_digest); /* what we had stays */
}

/* ---- all tags ---- */

static void pull_all(struct rig_client *p, const char *tags)
{
    Sockerless__ImagePullOpen pull = SOCKERLESS__IMAGE_PULL_OPEN__INIT;
    registry.tag_list = tags;
    pull.reference = (char *)"many";
    pull_begin_with(p, &pull);
}

TEST_USING(pull, pull_all_tags)
{
    struct rig_client p;
    const char *tags = "{\"name\":\"library/many\",\"tags\":[\"b\",\"a\",\"c\"]}";
    pull_all(&p, tags);
    pull_end(&p, text("b: Pulling from library/many\n"
                      "abc1abc1abc1: Pulling fs layer\nabc3abc3abc3: Pulling fs layer\n"
                      "abc1abc1abc1: Downloading 10/10\nabc1abc1abc1: Verifying Checksum\n"
                      "abc1abc1abc1: Download complete\n"
                      "abc3abc3abc3: Downloading 10/10\nabc3abc3abc3: Verifying Checksum\n"
                      "abc3abc3abc3: Download complete\n"
                      "abc1abc1abc1: Extracting 10/10\nabc1abc1abc1: Pull complete\n"
                      "abc3abc3abc3: Extracting 10/10\nabc3abc3abc3: Pull complete\n"
                      "Digest: %s\n"
                      "a: Pulling from library/many\n"
                      "abc1abc1abc1: Already exists\nabc2abc2abc2: Pulling fs layer\n"
                      "abc2abc2abc2: Downloading 10/10\nabc2abc2abc2: Verifying Checksum\n"
                      "abc2abc2abc2: Download complete\n"
                      "abc2abc2abc2: Extracting 10/10\nabc2abc2abc2: Pull complete\n"
                      "Digest: %s\n"
                      "c: Pulling from library/many\nDigest: %s\n"
                      "Status: Downloaded newer image for many\n",
                      versions[1].digest, versions[0].digest, versions[0].digest));
    rig_image_expect("many:b", versions[1].config_digest);
    rig_image_expect("many:c", versions[0].config_digest);
    expect_asked(4, 2, 2);
    pull_all(&p, tags);
    pull_end(&p, text("b: Pulling from library/many\nDigest: %s\n"
                      "a: Pulling from library/many\nDigest: %s\n"
                      "c: Pulling from library/many\nDigest: %s\n"
                      "Status: Image is up to date for many\n",
                      versions[1].digest, versions[0].digest, versions[0].digest));
    expect_asked(3, 0, 0);
}

/* The first tag's pull ends; no other begins. */
TEST_USING(pull, pull_all_ends_with_its_client)
{
    struct rig_client p;
    pull_all(&p, "{\"tags\":[\"b\",\"a\",\"c\"]}");
    run_until(p.opened);
    channel_abort(p.channel);
    run_until(p.closed);
    run_until(co_live(&rig.loop) == 0);
    rig_client_free(&p);
    assert_true(image_store_count(rig.backend.images) >= 1);
}

TEST_USING(pull, tags_that_are_none_are_passed_over)
{
    struct rig_client p;
    pull_all(&p, "{\"tags\":[\"../../x\",\"a b\",7]}");
    pull_end(&p, "Status: Image is up to date for many\n");
    pull_all(&p, NULL);
    run_until(p.closed);
    assert_false(p.opened);
    assert_non_null(strstr(p.err.message, "not found"));
    rig_client_free(&p);
    assert_int_equal(image_store_count(rig.backend.images), 0);
}

/* ---- credentials ---- */

#define CLOUD "Y2xvdWQ6c2VjcmV0"  /* cloud:secret */
#define STORED "Ym9iOnN0b3JlZA==" /* bob:stored */
#define SENT "ZXZlOnNlbnQ="       /* eve:sent */

TEST_USING(pull, pull_with_the_clouds_credentials)
{
    char *name = text("127.0.0.1:%d/library/busybox", registry.mock->port);
    registry.wants = CLOUD;
    expect_pull(name, NULL);
    assert_false(image_place_is_private(&rig.backend, rig_image(name)));
}

static void store_bob(void)
{
    struct error err;
    char host[64];
    struct registry_login login = {.username = (char *)"bob", .password = (char *)"stored"};
    snprintf(host, sizeof host, "127.0.0.1:%d", registry.mock->port);
    assert_int_equal(credential_store_put(rig.backend.credentials, host, &login, &err), 0);
}

TEST_USING(pull, stored_login_is_used_for_pulls)
{
    char *name = text("127.0.0.1:%d/library/busybox", registry.mock->port);
    store_bob();
    registry.wants = STORED;
    expect_pull(name, NULL);
    expect_asked(1, 1, 1);
    assert_true(
        image_place_is_private(&rig.backend, rig_image(name))); /* the cloud cannot pull it */
    expect_pull(name, NULL);
    expect_asked(1, 0, 0);
}

/* A login is at hand, but nobody needs one. */
TEST_USING(pull, public_images_are_not_private_to_who_has_logged_in)
{
    char *name = text("127.0.0.1:%d/library/busybox", registry.mock->port);
    fake_driver.co_credentials = NULL;
    store_bob();
    expect_pull(name, NULL);
    assert_false(image_place_is_private(&rig.backend, rig_image(name)));
}

TEST_USING(pull, sent_credentials_come_first)
{
    struct rig_client p;
    static const char auth[] = "{\"username\":\"eve\",\"password\":\"sent\"}";
    Sockerless__ImagePullOpen pull = SOCKERLESS__IMAGE_PULL_OPEN__INIT;
    store_bob();
    registry.wants = SENT;
    pull.reference = text("127.0.0.1:%d/library/busybox", registry.mock->port);
    pull.tag = (char *)"latest";
    pull.registry_auth.data = (uint8_t *)auth;
    pull.registry_auth.len = strlen(auth);
    for (int i = 0; i < 2; i++) {
        pull_begin_with(&p, &pull);
        pull_end(&p, NULL);
    }
    expect_asked(2, 1, 1);
    assert_true(image_place_is_private(&rig.backend, rig_image(pull.reference)));
}

/* The cloud has no login of its own there. */
TEST_USING(pull, an_image_for_a_password_only_is_private)
{
    char *name = text("127.0.0.1:%d/library/busybox", registry.mock->port);
    fake_driver.co_credentials = NULL;
    store_bob();
    registry.wants = STORED;
    expect_pull(name, NULL);
    assert_true(image_place_is_private(&rig.backend, rig_image(name)));
}

/* ---- distribution inspect ---- */

static const Sockerless__DistributionReply *distribution(const char *ref, const char *auth)
{
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    Sockerless__DistributionRequest r = SOCKERLESS__DISTRIBUTION_REQUEST__INIT;
    request.op_case = SOCKERLESS__REQUEST__OP_DISTRIBUTION;
    request.distribution = &r;
    r.ref = (char *)ref;
    r.registry_auth.data = (uint8_t *)auth;
    r.registry_auth.len = auth ? strlen(auth) : 0;
    const Sockerless__Reply *reply = ask(&request);
    return reply ? reply->distribution : NULL;
}

TEST_USING(pull, distribution_of_a_manifest)
{
    const Sockerless__DistributionReply *d = distribution("busybox", NULL);
    if (!d)
        fail_msg("%s", rig.err.message);
    assert_string_equal(d->digest, versions[0].digest);
    assert_string_equal(d->media_type, "application/vnd.oci.image.manifest.v1+json");
    assert_int_equal(d->size, strlen(versions[0].manifest));
    assert_int_equal(d->n_platforms, 1);
    assert_string_equal(d->platforms[0]->os, "linux");
    assert_string_equal(d->platforms[0]->architecture, "amd64");
    d = distribution(text("busybox@%s", versions[1].digest), NULL);
    assert_string_equal(d->digest, versions[1].digest);
}

TEST_USING(pull, distribution_of_an_index)
{
    char digest[DIGEST_MAX];
    digest_sha256(index_document, strlen(index_document), digest);
    const Sockerless__DistributionReply *d = distribution("busybox:multi", NULL);
    if (!d)
        fail_msg("%s", rig.err.message);
    assert_string_equal(d->digest, digest);
    assert_string_equal(d->media_type, "application/vnd.oci.image.index.v1+json");
    assert_int_equal(d->n_platforms, 2);
    assert_string_equal(d->platforms[0]->variant, "");
    assert_string_equal(d->platforms[1]->architecture, "arm64");
    assert_string_equal(d->platforms[1]->variant, "v8"); /* as written */
}

TEST_USING(pull, distribution_errors)
{
    assert_null(distribution("nope:1", NULL));
    ask_expect_error(ERROR_NOT_FOUND, "manifest unknown: manifest unknown");
    assert_null(distribution("BAD/Upper", NULL));
    assert_int_equal(rig.err.code, ERROR_INVALID_PARAMETER);
    assert_null(distribution(DIFF("1234"), NULL));
    ask_expect_error(ERROR_INVALID_PARAMETER, "no manifest found for full image ID");
    registry.wants = SENT;
    fake_driver.co_credentials = NULL;
    char *name = text("127.0.0.1:%d/library/busybox:latest", registry.mock->port);
    assert_null(distribution(name, NULL));
    assert_int_equal(rig.err.code, ERROR_SYSTEM);
    assert_non_null(strstr(rig.err.message, "no basic auth credentials"));
    assert_non_null(distribution(name, "{\"username\":\"eve\",\"password\":\"sent\"}"));
}

TEST_USING(pull, pulls_at_once_and_gone)
{
    struct rig_client p[20];
    for (int i = 0; i < 20; i++)
        pull_begin(&p[i], "busybox");
    struct rig_client gone;
    pull_begin(&gone, "busybox");
    run_until(co_live(&rig.loop) > 0);
    channel_abort(gone.channel);
    for (int i = 0; i < 20; i++) {
        run_until(p[i].closed);
        assert_true(p[i].ended);
        rig_client_free(&p[i]);
    }
    run_until(gone.closed);
    rig_client_free(&gone);
    assert_int_equal(image_store_count(rig.backend.images), 1);
}
