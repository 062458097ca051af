/* SPDX-License-Identifier: Apache-2.0
 *
 * What registries send: challenges, manifests, indexes, image configurations.
 */
#include "base/alloc.h"
#include "oci/document/image_config.h"
#include "oci/document/manifest.h"
#include "oci/registry/www_authenticate.h"
#include "test/kit/arena_rig.h"
#include "test/kit/test.h"

#include <string.h>

#define D(c) "sha256:" c c c c c c c c c c c c c c c c
#define DA D("aaaa")
#define DB D("bbbb")
#define DC D("cccc")

TEST(challenges)
{
    struct www_challenge c[4];
    int n = www_authenticate_parse("Bearer realm=\"https://auth.docker.io/token\","
                                   "service=\"registry.docker.io\", scope = "
                                   "\"repository:a/b:pull,push\" ,error=\"insufficient_scope\"",
                                   c, 4);
    assert_int_equal(n, 1);
    assert_int_equal(c[0].scheme, AUTH_BEARER);
    assert_string_equal(c[0].realm, "https://auth.docker.io/token");
    assert_string_equal(c[0].service, "registry.docker.io");
    assert_string_equal(c[0].scope, "repository:a/b:pull,push");
    assert_string_equal(c[0].error, "insufficient_scope");

    n = www_authenticate_parse("Negotiate, NTLM YWJj==, basic realm=x, BEARER Realm=\"a\\\"b\"", c,
                               4);
    assert_int_equal(n, 4);
    assert_int_equal(c[0].scheme, AUTH_OTHER);
    assert_int_equal(c[1].scheme, AUTH_OTHER);
    assert_int_equal(c[2].scheme, AUTH_BASIC);
    assert_string_equal(c[2].realm, "x");
    assert_string_equal(c[3].realm, "a\"b");
    assert_int_equal(www_authenticate_parse("A, B, C, D, E x=1", c, 2), 2);
    assert_int_equal(www_authenticate_parse("", c, 4), 0);
    assert_int_equal(www_authenticate_parse("Bearer realm=\"open", c, 4), -1);
    assert_int_equal(www_authenticate_parse("realm=x", c, 4), -1);
    assert_int_equal(www_authenticate_parse("Basic realm=\"x\" y", c, 4), -1);
    char big[5000] = "Basic realm=\"";
    memset(big + strlen(big), 'x', 4000);
    strcat(big, "\"");
    assert_int_equal(www_authenticate_parse(big, c, 4), 1);
    assert_string_equal(c[0].realm, ""); /* does not fit: as if absent */
}

static struct manifest m; /* the last one that was read */
static struct error err;

static int parse(const char *json, const char *type)
{
    return manifest_parse(json, strlen(json), type, &arena, &m, &err);
}

TEST_USING(arena, manifest)
{
    static const char good[] =
        "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/"
        "vnd.oci.image.config.v1+json\","
        "\"digest\":\"" DA "\",\"size\":10},\"layers\":[{\"digest\":\"" DB "\",\"size\":5},"
        "{\"digest\":\"" DC "\",\"size\":7}]}";
    assert_int_equal(parse(good, "application/vnd.oci.image.manifest.v1+json; x=y"), 0);
    assert_false(m.is_index);
    assert_string_equal(m.config.digest, DA);
    assert_int_equal(m.layer_count, 2);
    assert_string_equal(m.layers[1].digest, DC);
    assert_int_equal(m.layers_size, 12);
    assert_int_equal(parse(good, NULL), 0);
    assert_int_equal(parse(good, "application/vnd.oci.image.index.v1+json"), -1);

    static const struct {
        const char *json, *words;
    } bad[] = {
        {"", "malformed JSON"},
        {"[]", "not an object"},
        {"{}", "unsupported manifest media type"},
        {"{\"schemaVersion\":1,\"fsLayers\":[]}", "schema 1 is not supported"},
        {"{\"config\":{},\"layers\":[]}", "invalid digest"},
        {"{\"config\":{\"digest\":\"" DA "\",\"size\":-1},\"layers\":[]}", "invalid size"},
        {"{\"config\":{\"digest\":\"" DA "\",\"size\":\"1\"},\"layers\":[]}", "invalid size"},
        {"{\"config\":{\"digest\":\"sha256:../x\",\"size\":1},\"layers\":[]}", "invalid digest"},
        {"{\"config\":{\"digest\":\"" DA "\",\"size\":1},\"layers\":{}}", "layers is not a list"},
        {"{\"config\":{\"digest\":\"" DA "\",\"size\":1},\"layers\":[1]}", "invalid digest"},
        {"{\"config\":{\"digest\":\"" DA "\",\"size\":1},\"layers\":["
         "{\"digest\":\"" DB "\",\"size\":9223372036854775807},{\"digest\":\"" DB
         "\",\"size\":1}]}",
         "overflow"},
        {"{\"manifests\":[],\"layers\":[]}", "ambiguous"},
        {"{\"manifests\":{}}", "not a list"},
        {"{\"config\":{\"digest\":\"" DA "\",\"size\":1,\"mediaType\":"
         "\"application/vnd.cncf.helm.config.v1+json\"},\"layers\":[]}",
         "not a container image"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(parse(bad[i].json, NULL), -1);
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
        if (!strstr(err.message, bad[i].words))
            fail_msg("%s: %s", bad[i].json, err.message);
    }
    char deep[5000];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    assert_int_equal(parse(deep, NULL), -1);
    assert_non_null(strstr(err.message, "nested deeper"));
}

static const char *selected(const char *platform)
{
    struct platform want;
    const struct descriptor *d;
    assert_int_equal(platform_parse(platform, &want, &err), 0);
    return manifest_select(&m, &want, &d, &err) ? NULL : d->digest;
}

TEST_USING(arena, index)
{
    static const struct {
        const char *digest, *os, *architecture, *more;
    } entries[] = {
        {D("1111"), "unknown", "unknown", ""},
        {D("3333"), "linux", "arm", ",\"variant\":\"v6\""},
        {D("4444"), "linux", "arm", ",\"variant\":\"v5\""},
        {D("5555"), "linux", "arm64", ",\"variant\":\"v8\""},
        {D("6666"), "linux", "amd64", ""},
        {D("7777"), "linux", "amd64", ",\"variant\":\"v3\""},
        {D("8888"), "windows", "amd64", ",\"os.version\":\"10\""},
    };
    const char *index = "{\"manifests\":[{\"digest\":\"" D(
        "2222") "\",\"size\":1,\"annotations\":{"
                "\"vnd.docker.reference.type\":\"attestation-manifest\"},\"platform\":{"
                "\"os\":\"linux\",\"architecture\":\"amd64\"}}";
    for (size_t i = 0; i < ARRAY_LEN(entries); i++)
        index = arena_printf(&arena,
                             "%s,{\"digest\":\"%s\",\"size\":1,\"platform\":{\"os\":\"%s\","
                             "\"architecture\":\"%s\"%s}}",
                             index, entries[i].digest, entries[i].os, entries[i].architecture,
                             entries[i].more);
    index = arena_printf(&arena, "%s]}", index);
    assert_int_equal(parse(index, "application/vnd.oci.image.index.v1+json"), 0);
    assert_true(m.is_index);
    assert_string_equal(selected("linux/amd64"), D("6666"));
    assert_string_equal(selected("linux/amd64/v3"), D("7777"));
    assert_string_equal(selected("linux/amd64/v2"), D("6666"));
    assert_string_equal(selected("linux/arm64"), D("5555"));
    assert_string_equal(selected("linux/arm/v7"), D("3333"));
    assert_string_equal(selected("linux/arm/v5"), D("4444"));
    assert_string_equal(selected("windows/amd64"), D("8888"));
    assert_null(selected("linux/riscv64"));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_string_equal(err.message,
                        "no matching manifest for linux/riscv64 in the manifest list entries");
    static const char lone[] = "{\"manifests\":[{\"digest\":\"" DA "\",\"size\":1}]}";
    assert_int_equal(parse(lone, NULL), 0);
    assert_string_equal(selected("linux/amd64"), DA);
    assert_int_equal(parse("{\"manifests\":[]}", NULL), 0);
    assert_null(selected("linux/amd64"));
}

TEST_USING(arena, image_config)
{
    Sockerless__Image *image;
    static const char json[] =
        "{\"architecture\":\"amd64\",\"os\":\"linux\",\"author\":\"me\",\"created\":"
        "\"2024-01-02T03:04:05.5Z\",\"docker_version\":\"20.10\",\"config\":{\"User\":\"app\","
        "\"ExposedPorts\":{\"80/tcp\":{},\"443/udp\":{}},\"Env\":[\"PATH=/bin\",\"A=b=c\"],"
        "\"Cmd\":null,\"Entrypoint\":[],\"Volumes\":{\"/data\":{}},\"WorkingDir\":\"/work\","
        "\"Labels\":{\"z\":\"1\",\"a\":\"2\"},\"StopSignal\":\"SIGTERM\",\"StopTimeout\":3,"
        "\"OnBuild\":[\"RUN x\"],\"Shell\":[\"/bin/bash\",\"-c\"],\"Healthcheck\":{\"Test\":"
        "[\"CMD-SHELL\",\"true\"],\"Interval\":1000000000,\"Retries\":2},\"Unknown\":[{}]},"
        "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DA "\",\"" DB "\"]},"
        "\"history\":[{\"comment\":\"old\"},{\"comment\":\"new\"}]}";
    assert_int_equal(image_config_parse(json, strlen(json), &arena, &image, &err), 0);
    assert_string_equal(image->architecture, "amd64");
    assert_string_equal(image->comment, "new");
    assert_int_equal(image->created, 1704164645500000000);
    assert_int_equal(image->n_diff_ids, 2);
    const Sockerless__ContainerConfig *c = image->config;
    assert_string_equal(c->exposed_ports[0], "443/udp");
    assert_string_equal(c->env->items[1], "A=b=c");
    assert_null(c->cmd);
    assert_non_null(c->entrypoint);
    assert_int_equal(c->entrypoint->n_items, 0);
    assert_string_equal(c->labels[0]->key, "a");
    assert_int_equal(c->healthcheck->retries, 2);
    assert_int_equal(c->healthcheck->interval_ns, 1000000000);
    assert_true(c->has_stop_timeout);
    assert_int_equal(c->stop_timeout_s, 3);
    assert_string_equal(c->shell->items[0], "/bin/bash");
    assert_string_equal(c->on_build[0], "RUN x");

    assert_int_equal(image_config_parse("{}", 2, &arena, &image, &err), 0);
    assert_non_null(image->config);
    assert_null(image->config->healthcheck);

    static const char *const bad[] = {
        "",
        "null",
        "{\"config\":3}",
        "{\"config\":{\"Env\":\"x\",\"Cmd\":3}}",
        "{\"config\":{\"Env\":[1]}}",
        "{\"config\":{\"Labels\":[]}}",
        "{\"os\":1}",
        "{\"config\":{\"Volumes\":[\"/a\"]}}",
        "{\"config\":{\"Tty\":\"yes\"}}",
        "{\"config\":{\"Healthcheck\":{\"Retries\":-1}}}",
        "{\"rootfs\":{\"diff_ids\":{}}}",
        "{\"config\":{\"Healthcheck\":{\"Interval\":1.5}}}",
        "{\"created\":5}",
        "{\"config\":{\"StopTimeout\":99999999999}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (image_config_parse(bad[i], strlen(bad[i]), &arena, &image, &err) == 0)
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
    }
}
