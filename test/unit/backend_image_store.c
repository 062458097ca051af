/* SPDX-License-Identifier: Apache-2.0
 *
 * Images: the store, what is found by which reference, list filters, and pulls from a scripted
 * registry with the words that a recorded dockerd used.
 */
#include "backend_rpc_fake.h"
#include "oci/digest.h"
#include "oci/registry.h"
#include "test/unit/http_mock.h"

#define ID_A "sha256:aaaa60f58c2a6914ec94ee141884264274399d328d030d3fae1fb733d01560a4"
#define ID_B "sha256:aabb593f1b7a5f9ecf360a7a5119aad087a7a73c9fc97083856fc15843d6c6d0"
#define DIGEST "sha256:ca78494325eda8c7b60e8fbff158af2211ecbfab60c11cdeb3e587945c96b11a"

static void put(const char *id, int64_t created, const char *tag, const char *digest,
                const char *label)
{
    Sockerless__Image image = SOCKERLESS__IMAGE__INIT;
    Sockerless__ImageRecord rec = SOCKERLESS__IMAGE_RECORD__INIT;
    Sockerless__ContainerConfig config = SOCKERLESS__CONTAINER_CONFIG__INIT;
    Sockerless__KeyValue kv = SOCKERLESS__KEY_VALUE__INIT, *labels = &kv;
    struct error err;
    image.id = (char *)id;
    image.created = created;
    image.repo_tags = (char **)&tag;
    image.n_repo_tags = tag ? 1 : 0;
    image.repo_digests = (char **)&digest;
    image.n_repo_digests = digest ? 1 : 0;
    image.config = &config;
    kv.key = (char *)"color";
    kv.value = (char *)label;
    config.labels = &labels;
    config.n_labels = label ? 1 : 0;
    rec.image = &image;
    rec.pull_reference = (char *)"docker.io/library/x";
    assert_int_equal(image_store_put(rig.backend.images, &rec, &err), 0);
}

static void expect_found(const char *ref, const char *id)
{
    struct error err;
    const Sockerless__ImageRecord *rec = image_store_find(rig.backend.images, ref, &err);
    if (!rec)
        fail_msg("%s: %s", ref, err.message);
    assert_string_equal(rec->image->id, id);
}

static void expect_missing(const char *ref, enum error_code code, const char *message)
{
    struct error err;
    assert_null(image_store_find(rig.backend.images, ref, &err));
    assert_int_equal(err.code, code);
    assert_string_equal(err.message, message);
}

static void test_find(void **state)
{
    (void)state;
    put(ID_A, 10, "busybox:1", "busybox@" DIGEST, NULL);
    put(ID_B, 20, "127.0.0.1:5000/full:latest", NULL, NULL);
    expect_found("busybox:1", ID_A);
    expect_found("docker.io/library/busybox:1", ID_A);
    expect_found("busybox@" DIGEST, ID_A);
    expect_found("busybox:7@" DIGEST, ID_A); /* the digest decides */
    expect_found(ID_A, ID_A);
    expect_found(&ID_A[7], ID_A);
    expect_found("aaaa", ID_A);
    expect_found("sha256:aaaa", ID_A);
    expect_found("aab", ID_B);
    expect_found("127.0.0.1:5000/full", ID_B);
    expect_missing("aa", ERROR_NOT_FOUND, "No such image: aa:latest"); /* ambiguous */
    expect_missing("busybox", ERROR_NOT_FOUND, "No such image: busybox:latest");
    expect_missing("nope:1", ERROR_NOT_FOUND, "No such image: nope:1");
    expect_missing("full@" DIGEST, ERROR_NOT_FOUND, "No such image: full@" DIGEST);
    expect_missing("BAD/Upper", ERROR_INVALID_PARAMETER,
                   "invalid reference format: repository name must be lowercase");
}

static void test_tags_move(void **state)
{
    (void)state;
    put(ID_A, 10, "x:1", NULL, NULL);
    put(ID_A, 10, "x:2", "x@" DIGEST, NULL); /* added */
    expect_found("x:1", ID_A);
    put(ID_B, 20, "x:2", NULL, NULL); /* moved */
    for (int i = 0; i < 2; i++) {
        expect_found("x:1", ID_A);
        expect_found("x:2", ID_B);
        expect_found("x@" DIGEST, ID_A);
        assert_int_equal(image_store_count(rig.backend.images), 2);
        rig_reload_images();
    }
    put(ID_B, 20, "x:1", NULL, NULL);
    struct error err;
    assert_int_equal(image_store_find(rig.backend.images, "aaaa", &err)->image->n_repo_tags, 0);
    AUTO(arena) struct arena arena;
    size_t count;
    arena_init(&arena);
    const Sockerless__ImageRecord **all = image_store_all(rig.backend.images, &arena, &count);
    assert_int_equal(count, 2);
    assert_string_equal(all[0]->image->id, ID_B); /* newest first */
}

static void expect_list(const char *key, const char *value, const char *expected)
{
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    Sockerless__ImageListRequest list = SOCKERLESS__IMAGE_LIST_REQUEST__INIT;
    Sockerless__Filter filter = SOCKERLESS__FILTER__INIT, *filters = &filter;
    char *values = (char *)value, tags[512] = "";
    request.op_case = SOCKERLESS__REQUEST__OP_IMAGE_LIST;
    request.image_list = &list;
    filter.key = (char *)key;
    filter.values = &values;
    filter.n_values = 1;
    list.filters = &filters;
    list.n_filters = key ? 1 : 0;
    const Sockerless__Reply *reply = ask(&request);
    if (!reply) {
        assert_string_equal(rig.err.message, expected);
        return;
    }
    for (size_t i = 0; i < reply->image_list->n_images; i++) {
        const Sockerless__Image *image = reply->image_list->images[i];
        for (size_t t = 0; t < image->n_repo_tags; t++) {
            strcat(tags, image->repo_tags[t]);
            strcat(tags, " ");
        }
        if (!image->n_repo_tags)
            strcat(tags, "<none> ");
    }
    if (strcmp(tags, expected) != 0)
        fail_msg("%s=%s: %s", key, value, tags);
}

static void test_list(void **state)
{
    (void)state;
    put(ID_A, 10, "busybox:1", NULL, NULL);
    put(ID_A, 10, "x:2", NULL, NULL);
    put("sha256:cc", 20, NULL, NULL, "blue");
    put("sha256:dd", 30, "oracle:full", NULL, NULL);
    put(ID_B, 40, "oracle:lab", NULL, "red");
    expect_list(NULL, NULL, "oracle:lab oracle:full <none> busybox:1 x:2 ");
    expect_list("reference", "oracle", "oracle:lab oracle:full ");
    expect_list("reference", "oracle:full", "oracle:full ");
    expect_list("reference", "or*:f*", "oracle:full ");
    expect_list("reference", "busybox", "busybox:1 ");
    expect_list("reference", "nope", "");
    expect_list("dangling", "true", "<none> ");
    expect_list("dangling", "false", "oracle:lab oracle:full busybox:1 x:2 ");
    expect_list("dangling", "x", "Invalid filter 'dangling=[x]'");
    expect_list("label", "color", "oracle:lab <none> ");
    expect_list("label", "color=red", "oracle:lab ");
    expect_list("before", "oracle:lab", "oracle:full <none> busybox:1 x:2 ");
    expect_list("since", "busybox:1", "oracle:lab oracle:full <none> ");
    expect_list("before", "nope", "No such image: nope:latest");
    expect_list("bogus", "1", "Invalid filter 'bogus'");
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    Sockerless__ImageInspectRequest inspect = SOCKERLESS__IMAGE_INSPECT_REQUEST__INIT;
    request.op_case = SOCKERLESS__REQUEST__OP_IMAGE_INSPECT;
    request.image_inspect = &inspect;
    inspect.ref = (char *)"oracle:lab";
    assert_string_equal(ask(&request)->image_inspect->image->id, ID_B);
    inspect.ref = (char *)"nope";
    assert_null(ask(&request));
    assert_string_equal(rig.err.message, "no such image: nope: No such image: nope:latest");
}

/* ---- pulls ---- */

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
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, rig_setup, rig_teardown)
#define PULL_TEST(name) cmocka_unit_test_setup_teardown(test_##name, pull_setup, pull_teardown)
    const struct CMUnitTest tests[] = {
        TEST(find),
        TEST(tags_move),
        TEST(list),
        PULL_TEST(pull),
        PULL_TEST(pull_errors),
        PULL_TEST(pull_with_the_clouds_credentials),
        PULL_TEST(pulls_at_once_and_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
