/* SPDX-License-Identifier: Apache-2.0
 *
 * Image documents made from others: the agent's layer, imported configurations, Dockerfile changes.
 * What dockerd says and does was read off dockerd 20.10.
 */
#include "test/kit/oci_archive_kit.h"
#include "test/kit/oci_dockerfile_changes.h"

#include "oci/archive/agent_layer.h"
#include "oci/document/image_config.h"
#include "oci/document/image_edit.h"
#include "oci/document/manifest.h"
#include "test/kit/arena_rig.h"
#include "test/kit/test.h"

#include <unistd.h>

#define DIFF "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define NEXT "sha256:2222222222222222222222222222222222222222222222222222222222222222"

static const struct image_agent agent = {.path = "/sockerless-agent", .diff_id = NEXT};

static struct error err;
static char *out; /* the document that was made */
static size_t len;

static void check_append_of(const struct image_agent *which, const char *before, const char *after)
{
    if (image_config_append_agent(before, strlen(before), which, &arena, &out, &len, &err))
        fail_msg("%s", err.message);
    assert_string_equal(out, after);
    assert_int_equal(len, strlen(after));
}

static void check_append(const char *before, const char *after)
{
    check_append_of(&agent, before, after);
}

#define HISTORY(created)                                                                           \
    "{" created "\"created_by\":\"COPY /sockerless-agent\",\"comment\":\"sockerless: agent\"}"

TEST_USING(arena, config_append)
{
    check_append("{\"z\":1.5,\"config\":{\"Entrypoint\":[\"/e\",\"x\"],\"Cmd\":[\"c\"],\"New\":{}},"
                 "\"created\":\"2020-01-01T00:00:00Z\",\"history\":[{\"created_by\":\"a\"}],"
                 "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIFF "\"]},\"a\":[1,null]}",
                 "{\"z\":1.5,\"config\":{\"Entrypoint\":[\"/sockerless-agent\",\"--\",\"/e\","
                 "\"x\"],\"Cmd\":[\"c\"],\"New\":{}},\"created\":\"2020-01-01T00:00:00Z\","
                 "\"history\":[{\"created_by\":\"a\"}," HISTORY(
                     "\"created\":\"2020-01-01T00:00:00Z\",") "],\"rootfs\":{\"type\":\"layers\","
                                                              "\"diff_ids\":[\"" DIFF "\",\"" NEXT
                                                              "\"]},\"a\":[1,null]}");
    /* no Entrypoint; layers but no history */
    check_append("{\"config\":{\"Cmd\":[\"c\"],\"Entrypoint\":null},\"rootfs\":{\"type\":"
                 "\"layers\",\"diff_ids\":[\"" DIFF "\"]}}",
                 "{\"config\":{\"Cmd\":[\"c\"],\"Entrypoint\":[\"/sockerless-agent\",\"--\"]},"
                 "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIFF "\",\"" NEXT "\"]}}");
    /* from scratch */
    check_append("{}",
                 "{\"rootfs\":{\"diff_ids\":[\"" NEXT "\"],\"type\":\"layers\"},\"config\":{"
                 "\"Entrypoint\":[\"/sockerless-agent\",\"--\"]},\"history\":[" HISTORY("") "]}");
    /* a cloud that lets the image say who runs */
    static const struct image_agent as_root = {"/sockerless-agent", NEXT, true};
    check_append_of(&as_root, "{\"config\":{\"User\":\"app\"},\"history\":null}",
                    "{\"config\":{\"User\":\"0:0\",\"Entrypoint\":[\"/sockerless-agent\",\"--\"]},"
                    "\"history\":[" HISTORY("") "],\"rootfs\":{\"diff_ids\":[\"" NEXT
                                                "\"],\"type\":\"layers\"}}");
    static const char *const bad[] = {"[]", "{\"config\":1}", "{\"config\":{\"Entrypoint\":1}}",
                                      "{\"rootfs\":{\"diff_ids\":1}}", "{\"history\":{}}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        err = (struct error){0};
        assert_int_equal(
            image_config_append_agent(bad[i], strlen(bad[i]), &agent, &arena, &out, &len, &err),
            -1);
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
    }
}

TEST_USING(arena, manifest_append)
{
    static const struct {
        const char *manifest, *config, *layer, *given, *expected;
    } cases[] = {
        {"application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.config.v1+json",
         "application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+gzip",
         "application/vnd.oci.image.layer.v1.tar+gzip"},
        {"application/vnd.docker.distribution.manifest.v2+json",
         "application/vnd.docker.container.image.v1+json",
         "application/vnd.docker.image.rootfs.diff.tar.gzip",
         "application/vnd.oci.image.layer.v1.tar+gzip",
         "application/vnd.docker.image.rootfs.diff.tar.gzip"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct manifest m;
        struct descriptor layer = {.digest = NEXT, .size = 77, .media_type = cases[i].given};
        char text[1024];
        snprintf(text, sizeof text,
                 "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{\"mediaType\":\"%s\","
                 "\"digest\":\"" DIFF "\",\"size\":9,\"data\":\"e30=\"},\"layers\":[{\"mediaType\":"
                 "\"%s\",\"digest\":\"" DIFF "\",\"size\":5}],\"annotations\":{\"k\":\"v\"}}",
                 cases[i].manifest, cases[i].config, cases[i].layer);
        if (image_manifest_append_layer(text, strlen(text), NEXT, 10, &layer, &arena, &out, &len,
                                        &err) ||
            manifest_parse(out, len, NULL, &arena, &m, &err))
            fail_msg("%s", err.message);
        assert_string_equal(m.config.digest, NEXT);
        assert_int_equal(m.config.size, 10);
        assert_string_equal(m.config.media_type, cases[i].config);
        assert_int_equal(m.layer_count, 2);
        assert_string_equal(m.layers[0].media_type, cases[i].layer);
        assert_string_equal(m.layers[1].media_type, cases[i].expected);
        assert_string_equal(m.layers[1].digest, NEXT);
        assert_int_equal(m.layers_size, 82);
        assert_non_null(strstr(out, "\"annotations\":{\"k\":\"v\"}"));
        assert_null(strstr(out, "e30="));
        static const char index[] = "{\"schemaVersion\":2,\"manifests\":[]}";
        assert_int_equal(image_manifest_append_layer(index, strlen(index), NEXT, 10, &layer, &arena,
                                                     &out, &len, &err),
                         -1);
    }
}

TEST(agent_layer)
{
    char path[] = "/tmp/oci_image_edit.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd,
                           "\x7f"
                           "ELF",
                           4),
                     4);
    close(fd);
    struct archive_layer layers[2];
    void *bytes[2];
    size_t lens[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            agent_layer_make(path, "/sockerless-agent", &layers[i], &bytes[i], &lens[i], &err), 0);
    unlink(path);
    assert_int_equal(lens[0], lens[1]);
    assert_memory_equal(bytes[0], bytes[1], lens[0]);
    struct buf tar AUTO(buf) = kit_unpack(bytes[0], lens[0]);
    char digest[DIGEST_MAX];
    digest_sha256(tar.data, tar.len, digest);
    assert_string_equal(layers[0].diff_id, digest);
    digest_sha256(bytes[0], lens[0], digest);
    assert_string_equal(layers[0].digest, digest);
    assert_int_equal(layers[0].size, lens[0]);
    struct archive *lib = archive_read_new();
    struct archive_entry *e;
    archive_read_support_format_tar(lib);
    assert_int_equal(archive_read_open_memory(lib, tar.data, tar.len), ARCHIVE_OK);
    assert_int_equal(archive_read_next_header(lib, &e), ARCHIVE_OK);
    assert_string_equal(archive_entry_pathname(e), "sockerless-agent");
    assert_int_equal(archive_entry_mode(e), AE_IFREG | 0755);
    assert_int_equal(archive_entry_size(e), 4);
    assert_int_equal(archive_entry_mtime(e), 0);
    assert_int_equal(archive_entry_uid(e) | archive_entry_gid(e), 0);
    assert_int_equal(archive_read_next_header(lib, &e), ARCHIVE_EOF);
    archive_read_free(lib);
    free(bytes[0]);
    free(bytes[1]);
    assert_int_equal(agent_layer_make(path, "/a", &layers[0], &bytes[0], &lens[0], &err), -1);
    assert_int_equal(err.code, ERROR_NOT_FOUND);
}

TEST_USING(arena, history)
{
    static const char config[] =
        "{\"history\":[{\"created\":\"1970-01-01T00:00:01Z\",\"created_by\":\"a\"},"
        "{\"comment\":\"c\",\"empty_layer\":true},1]}";
    struct image_history_item *items;
    size_t count;
    assert_int_equal(image_config_history(config, strlen(config), &arena, &items, &count, &err), 0);
    assert_int_equal(count, 3);
    assert_string_equal(items[0].created_by, "a");
    assert_int_equal(items[0].created_ns, 1000000000);
    assert_false(items[0].empty_layer);
    assert_string_equal(items[1].comment, "c");
    assert_true(items[1].empty_layer);
    assert_string_equal(items[2].comment, "");
    assert_int_equal(image_config_history("{}", 2, &arena, &items, &count, &err), 0);
    assert_int_equal(count, 0);
}

TEST_USING(arena, imported_config)
{
    static char *const changes[] = {"CMD [\"sh\"]", "ENV A=b", "EXPOSE 80"};
    struct imported_image what = {.diff_id = DIFF,
                                  .source = "-",
                                  .message = "",
                                  .platform = "linux/arm64",
                                  .changes = changes,
                                  .change_count = 3,
                                  .created_ns = 1500000000};
    Sockerless__Image *image;
    if (imported_config_make(&what, &arena, &out, &len, &err))
        fail_msg("%s", err.message);
    assert_string_equal(
        out,
        "{\"architecture\":\"arm64\",\"comment\":\"Imported from -\",\"config\":{\"Hostname\":\"\","
        "\"Domainname\":\"\",\"User\":\"\",\"AttachStdin\":false,\"AttachStdout\":false,"
        "\"AttachStderr\":false,\"ExposedPorts\":{\"80/tcp\":{}},\"Tty\":false,\"OpenStdin\":false,"
        "\"StdinOnce\":false,\"Env\":[\"A=b\"],\"Cmd\":[\"sh\"],\"Image\":\"\",\"Volumes\":null,"
        "\"WorkingDir\":\"\",\"Entrypoint\":null,\"OnBuild\":null,\"Labels\":null},\"created\":"
        "\"1970-01-01T00:00:01.5Z\",\"history\":[{\"created\":\"1970-01-01T00:00:01.5Z\","
        "\"comment\":\"Imported from -\"}],\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\","
        "\"diff_ids\":[\"" DIFF "\"]}}");
    assert_int_equal(image_config_parse(out, len, &arena, &image, &err), 0);
    what.message = "m\xff\"";
    what.change_count = 0;
    assert_int_equal(imported_config_make(&what, &arena, &out, &len, &err), 0);
    assert_int_equal(image_config_parse(out, len, &arena, &image, &err), 0);
    assert_string_equal(image->comment, "m\xef\xbf\xbd\"");
    what.platform = "a/b/c/d/e";
    assert_int_equal(imported_config_make(&what, &arena, &out, &len, &err), -1);
}

TEST_USING(arena, changes)
{
    for (size_t i = 0; i < ARRAY_LEN(dockerfile_changes); i++) {
        char *change = (char *)(uintptr_t)dockerfile_changes[i].change;
        err = (struct error){0};
        struct imported_image what = {
            .diff_id = DIFF, .platform = "linux/amd64", .changes = &change, .change_count = 1};
        int rc = imported_config_make(&what, &arena, &out, &len, &err);
        assert_int_equal(rc, dockerfile_changes_check(&change, 1, &err));
        if (rc != (dockerfile_changes[i].is_error ? -1 : 0))
            fail_msg("%s: %s", change, rc ? err.message : out);
        if (rc)
            assert_string_equal(err.message, dockerfile_changes[i].expected);
        else if (!strstr(out, dockerfile_changes[i].expected))
            fail_msg("%s: %s expected in %s", change, dockerfile_changes[i].expected, out);
        assert_true(!rc || err.code == ERROR_INVALID_PARAMETER);
    }
}

/* Variables made of variables double with every instruction. */
TEST(growth)
{
    char *changes[40], *long_one;
    changes[0] = (char *)(uintptr_t) "ENV A=aaaaaaaaaaaaaaaa";
    for (size_t i = 1; i < ARRAY_LEN(changes); i++)
        changes[i] = (char *)(uintptr_t) "ENV A=$A$A";
    assert_int_equal(dockerfile_changes_check(changes, ARRAY_LEN(changes), &err), -1);
    assert_non_null(strstr(err.message, "expand to too much"));
    size_t big = 300000;
    long_one = xmalloc(big + 1);
    memset(long_one, 'x', big);
    long_one[big] = '\0';
    assert_int_equal(dockerfile_changes_check(&long_one, 1, &err), -1);
    assert_string_equal(err.message, "changes too long");
    free(long_one);
    assert_int_equal(dockerfile_changes_check(NULL, 0, &err), 0);
}
