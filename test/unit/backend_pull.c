/* SPDX-License-Identifier: Apache-2.0
 *
 * Pulls from a scripted registry, with the words that a recorded dockerd used, and how often the
 * registry is asked for what.
 */
#include "backend/credential_store.h"
#include "backend_rpc_fake.h"
#include "oci/digest.h"
#include "oci/registry.h"
#include "test/unit/http_mock.h"

static void expect_found(const char *ref, const char *id)
{
    struct error err;
    const Sockerless__ImageRecord *rec = image_store_find(rig.backend.images, ref, &err);
    if (!rec)
        fail_msg("%s: %s", ref, err.message);
    assert_string_equal(rec->image->id, id);
}

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
    bool private;
};
static struct registry registry;

static bool serve(void *arg, struct mock_request *r)
{
    char text[256];
    (void)arg;
    if (registry.private && (!mock_header(r, "Authorization", text, sizeof text) ||
                             strcmp(text, "Basic Y2xvdWQ6c2VjcmV0") != 0)) /* cloud:secret */
        return mock_text(r, 401, "WWW-Authenticate: Basic realm=\"x\"\r\n", "{}");
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "/blobs/%s", versions[i].config_digest);
        if (strstr(r->path, text))
            return mock_text(r, 200, "", versions[i].config);
        snprintf(text, sizeof text, "/manifests/%s", versions[i].digest);
        if (strstr(r->path, text) ||
            (i == registry.latest && strstr(r->path, "/library/busybox/manifests/latest")))
            return mock_text(r, 200, MANIFEST_TYPE,
                             strcmp(r->method, "HEAD") ? versions[i].manifest : "");
    }
    return mock_text(r, 404, "",
                     "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\","
                     "\"message\":\"manifest unknown\"}]}");
}

static int co_credentials(void *self, const char *host, struct registry_credentials *out,
                          struct error *err)
{
    (void)self;
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
    struct error err;
    char mirror[64];
    rig_setup(state);
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
    struct http_client_options http = {.user_agent = "test"};
    struct registry_options options = {.mirrors = mirror};
    rig.driver.co_registry_credentials = co_credentials;
    assert_int_equal(http_client_open(&rig.loop, &http, &rig.backend.http, &err), 0);
    assert_int_equal(registry_client_open(rig.backend.http, &options, &rig.backend.registry, &err),
                     0);
    return 0;
}

static int pull_teardown(void **state)
{
    run_until(co_live(&rig.loop) == 0);
    registry_client_close(rig.backend.registry);
    http_client_close(rig.backend.http);
    mock_stop(registry.mock);
    return rig_teardown(state);
}

struct puller {
    struct channel *channel;
    struct buf text; /* "id|status\n" … */
    bool opened, ended, closed;
    char error[ERROR_MESSAGE_MAX];
};

static void puller_frame(void *owner, const struct frame *f)
{
    struct puller *p = owner;
    if (f->type == FRAME_OPENED) {
        p->opened = true;
    } else if (f->type == FRAME_END) {
        p->ended = true;
    } else if (f->type == FRAME_PROGRESS) {
        Sockerless__Progress *m = sockerless__progress__unpack(NULL, f->len, f->payload);
        assert_true(p->opened);
        buf_printf(&p->text, "%s|%s", m->id, m->status);
        if (m->total)
            buf_printf(&p->text, " %d/%d", (int)m->current, (int)m->total);
        buf_putc(&p->text, '\n');
        sockerless__progress__free_unpacked(m, NULL);
    } else if (f->type == FRAME_ERROR) {
        Sockerless__Error *m = sockerless__error__unpack(NULL, f->len, f->payload);
        snprintf(p->error, sizeof p->error, "%s", m->message);
        sockerless__error__free_unpacked(m, NULL);
    }
    if (f->type == FRAME_END || f->type == FRAME_ERROR)
        channel_finish(p->channel); /* who hears the last word closes */
}

static void puller_closed(void *owner, const struct error *why)
{
    struct puller *p = owner;
    (void)why;
    p->closed = true;
}

static void pull_begin(struct puller *p, const char *reference)
{
    static const struct channel_events events = {.frame = puller_frame, .closed = puller_closed};
    struct error err;
    Sockerless__StreamOpen open = SOCKERLESS__STREAM_OPEN__INIT;
    Sockerless__ImagePullOpen pull = SOCKERLESS__IMAGE_PULL_OPEN__INIT;
    memset(p, 0, sizeof *p);
    pull.reference = (char *)reference;
    open.kind_case = SOCKERLESS__STREAM_OPEN__KIND_IMAGE_PULL;
    open.image_pull = &pull;
    assert_int_equal(channel_dial(&rig.loop, rig.url, NULL, &events, p, &p->channel, &err), 0);
    channel_send_message(p->channel, FRAME_OPEN, NULL, 0, &open.base);
}

static void expect_pull(const char *reference, const char *expected)
{
    struct puller p;
    pull_begin(&p, reference);
    run_until(p.closed);
    assert_string_equal(p.error, "");
    assert_true(p.ended);
    assert_string_equal(p.text.data, expected);
    buf_free(&p.text);
}

static void expect_pull_error(const char *reference, const char *expected)
{
    struct puller p;
    pull_begin(&p, reference);
    run_until(p.closed);
    assert_false(p.opened); /* an early failure is a plain error */
    assert_string_equal(p.error, expected);
    buf_free(&p.text);
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

static void test_pull(void **state)
{
    (void)state;
    struct error err;
    const char *status = "Downloaded newer image";
    expect_pull("busybox", text("latest|Pulling from library/busybox\n"
                                "abc1abc1abc1|Pulling fs layer\n"
                                "abc2abc2abc2|Pulling fs layer\n"
                                "abc1abc1abc1|Downloading 10/10\n"
                                "abc1abc1abc1|Verifying Checksum\n"
                                "abc1abc1abc1|Download complete\n"
                                "abc2abc2abc2|Downloading 10/10\n"
                                "abc2abc2abc2|Verifying Checksum\n"
                                "abc2abc2abc2|Download complete\n"
                                "abc1abc1abc1|Extracting 10/10\n"
                                "abc1abc1abc1|Pull complete\n"
                                "abc2abc2abc2|Extracting 10/10\n"
                                "abc2abc2abc2|Pull complete\n"
                                "|Digest: %s\n|Status: %s for busybox:latest\n",
                                versions[0].digest, status));
    const Sockerless__ImageRecord *rec = image_store_find(rig.backend.images, "busybox", &err);
    assert_string_equal(rec->image->id, versions[0].config_digest);
    assert_string_equal(rec->pull_reference,
                        text("docker.io/library/busybox@%s", versions[0].digest));
    assert_string_equal(rec->image->repo_digests[0], text("busybox@%s", versions[0].digest));
    assert_true(rec->checked_at > 0);
    const char *same = text("latest|Pulling from library/busybox\n|Digest: %s\n"
                            "|Status: Image is up to date for busybox:latest\n",
                            versions[0].digest);
    expect_pull("docker.io/library/busybox:latest", same);

    registry.latest = 1; /* the tag points elsewhere now */
    expect_pull("busybox:latest", text("latest|Pulling from library/busybox\n"
                                       "abc1abc1abc1|Already exists\n"
                                       "abc3abc3abc3|Pulling fs layer\n"
                                       "abc3abc3abc3|Downloading 10/10\n"
                                       "abc3abc3abc3|Verifying Checksum\n"
                                       "abc3abc3abc3|Download complete\n"
                                       "abc3abc3abc3|Extracting 10/10\n"
                                       "abc3abc3abc3|Pull complete\n"
                                       "|Digest: %s\n|Status: %s for busybox:latest\n",
                                       versions[1].digest, status));
    expect_found("busybox", versions[1].config_digest);
    expect_found(versions[0].config_digest, versions[0].config_digest);
    assert_int_equal(image_store_count(rig.backend.images), 2);
    char *by_digest = text("busybox@%s", versions[0].digest);
    expect_pull(by_digest, text("%s|Pulling from library/busybox\n|Digest: %s\n"
                                "|Status: Image is up to date for %s\n",
                                by_digest, versions[0].digest, by_digest));
}

static void test_pull_errors(void **state)
{
    (void)state;
    expect_pull_error("BAD/Upper", "invalid reference format: repository name must be lowercase");
    expect_pull_error("nope:1",
                      "manifest for nope:1 not found: manifest unknown: manifest unknown");
    assert_int_equal(image_store_count(rig.backend.images), 0);
}

static void test_pull_with_the_clouds_credentials(void **state)
{
    (void)state;
    struct puller p;
    registry.private = true;
    pull_begin(&p, text("127.0.0.1:%d/library/busybox", registry.mock->port));
    run_until(p.closed);
    assert_string_equal(p.error, "");
    assert_true(p.ended);
    buf_free(&p.text);
}

static void test_pulls_at_once_and_gone(void **state)
{
    (void)state;
    struct puller p[20];
    for (int i = 0; i < 20; i++)
        pull_begin(&p[i], "busybox");
    struct puller gone;
    pull_begin(&gone, "busybox");
    run_until(co_live(&rig.loop) > 0);
    channel_abort(gone.channel);
    for (int i = 0; i < 20; i++) {
        run_until(p[i].closed);
        assert_true(p[i].ended);
        buf_free(&p[i].text);
    }
    run_until(gone.closed);
    buf_free(&gone.text);
    assert_int_equal(image_store_count(rig.backend.images), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, pull_setup, pull_teardown)
    const struct CMUnitTest tests[] = {
        TEST(pull),
        TEST(pull_errors),
        TEST(pull_with_the_clouds_credentials),
        TEST(pulls_at_once_and_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
