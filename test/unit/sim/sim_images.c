/* SPDX-License-Identifier: Apache-2.0
 * The simulator's images: references, registry mapping, users, and layers with hostile or special
 * entries unpacked into a temporary root. */
#include "test/sim/host/files.h"
#include "test/sim/host/passwd.h"
#include "test/sim/host/reference.h"
#include "test/sim/host/unpack.h"

#include "base/alloc.h"
#include "test/kit/test.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct error err; /* of the last call */

TEST(normalises_references)
{
    static const char *const table[][2] = {
        {"busybox", "docker.io/library/busybox:latest"},
        {"busybox:1", "docker.io/library/busybox:1"},
        {"sockerless/agent:latest", "docker.io/sockerless/agent:latest"},
        {"docker.io/library/x", "docker.io/library/x:latest"},
        {"index.docker.io/a/b", "docker.io/a/b:latest"},
        {"127.0.0.1:5000/x", "127.0.0.1:5000/x:latest"},
        {"localhost/x:t", "localhost/x:t"},
        {"r.example.com/a/b/c:v1.2-x", "r.example.com/a/b/c:v1.2-x"},
        {"a@sha256:0123456789012345678901234567890123456789012345678901234567890123",
         "docker.io/library/a@sha256:0123456789012345678901234567890123456789012345678901234567890"
         "123"}};
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct image_reference ref;
        assert_int_equal(image_reference_parse(table[i][0], &ref, &err), 0);
        AUTO_FREE char *text = image_reference_text(&ref);
        assert_string_equal(text, table[i][1]);
        image_reference_fini(&ref);
    }
}

TEST(refuses_bad_references)
{
    static const char *const bad[] = {
        "",   "UPPER",          "a:", "a:b c", "/x", "x/", "a//b", "a@sha256:12", "a:!",
        "-x", "127.0.0.1:5000/"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct image_reference ref;
        assert_int_equal(image_reference_parse(bad[i], &ref, &err), -1);
    }
}

TEST(maps_registries)
{
    static const char *const table[][2] = {{"docker.io", "http://127.0.0.1:5000"},
                                           {"x.example", "https://y"},
                                           {"127.0.0.1:99", "http://127.0.0.1:99"},
                                           {"docker.iox", "https://docker.iox"}};
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        AUTO_FREE char *url =
            registry_base_url("docker.io=http://127.0.0.1:5000/,x.example=https://y", table[i][0]);
        assert_string_equal(url, table[i][1]);
    }
    AUTO_FREE char *hub = registry_base_url(NULL, "docker.io");
    assert_string_equal(hub, "https://registry-1.docker.io");
}

TEST(cleans_paths)
{
    static const char *const table[][2] = {
        {"./a//b/", "a/b"}, {"/etc/x", "etc/x"}, {".", ""}, {"/", ""}, {"..a/b..", "..a/b.."}};
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        AUTO_FREE char *clean = unpack_clean_path(table[i][0]);
        assert_string_equal(clean, table[i][1]);
    }
    assert_null(unpack_clean_path("../x"));
    assert_null(unpack_clean_path("a/../../x"));
    assert_null(unpack_clean_path("a/.."));
}

TEST(knows_whiteouts)
{
    const char *target;
    assert_int_equal(unpack_whiteout("file", &target), WHITEOUT_NONE);
    assert_int_equal(unpack_whiteout(".wh.file", &target), WHITEOUT_FILE);
    assert_string_equal(target, "file");
    assert_int_equal(unpack_whiteout(".wh..wh..opq", &target), WHITEOUT_OPAQUE);
    assert_int_equal(unpack_whiteout(".wh..wh.plnk", &target), WHITEOUT_IGNORE);
    assert_int_equal(unpack_whiteout(".wh...", &target), WHITEOUT_IGNORE);
    assert_int_equal(unpack_whiteout(".wh.", &target), WHITEOUT_IGNORE);
}

TEST(resolves_users)
{
    static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/var/www:/bin/sh\n";
    static const char group[] = "root:x:0:\nweb:x:34:\nextra:x:77:web,root\nmore:x:78:other,web\n";
    struct passwd_user user;
    assert_int_equal(passwd_resolve("web", passwd, group, &user, &err), 0);
    assert_int_equal(user.uid, 33);
    assert_int_equal(user.gid, 34);
    assert_int_equal(user.group_count, 2);
    assert_int_equal(user.groups[1], 78);
    assert_string_equal(user.home, "/var/www");
    assert_int_equal(passwd_resolve("33:extra", passwd, group, &user, &err), 0);
    assert_int_equal(user.uid, 33);
    assert_int_equal(user.gid, 77);
    assert_int_equal(user.group_count, 0);
    assert_int_equal(passwd_resolve("1234:5", "", "", &user, &err), 0);
    assert_int_equal(user.uid, 1234);
    assert_int_equal(user.gid, 5);
    assert_int_equal(passwd_resolve("", "", "", &user, &err), 0);
    assert_int_equal(user.uid, 0);
    assert_string_equal(user.home, "/root");
    assert_int_equal(passwd_resolve("nobody", passwd, group, &user, &err), -1);
    assert_int_equal(passwd_resolve("web:none", passwd, group, &user, &err), -1);
}

/* ---- layers ---- */

struct item {
    const char *path;
    mode_t type;      /* AE_IF…, 0 for a hard link */
    const char *data; /* content or link target */
};

static void write_layer(const char *path, const struct item *items, size_t count, bool gzip)
{
    struct archive *a = archive_write_new();
    archive_write_set_format_pax(a);
    if (gzip)
        archive_write_add_filter_gzip(a);
    assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
    for (size_t i = 0; i < count; i++) {
        struct archive_entry *e = archive_entry_new();
        bool file = items[i].type == AE_IFREG;
        archive_entry_set_pathname(e, items[i].path);
        archive_entry_set_filetype(e, items[i].type ? items[i].type : AE_IFREG);
        archive_entry_set_perm(e, items[i].type == AE_IFDIR ? 0751 : 0640);
        archive_entry_set_uid(e, getuid());
        archive_entry_set_gid(e, getgid());
        archive_entry_set_mtime(e, 1600000000, 0);
        if (items[i].type == AE_IFLNK)
            archive_entry_set_symlink(e, items[i].data);
        if (items[i].type == 0)
            archive_entry_set_hardlink(e, items[i].data);
        archive_entry_set_size(e, file ? (la_int64_t)strlen(items[i].data) : 0);
        assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
        if (file)
            archive_write_data(a, items[i].data, strlen(items[i].data));
        archive_entry_free(e);
    }
    archive_write_close(a);
    archive_write_free(a);
}

struct world {
    char dir[64], layer[96], root[96];
};

static int fixture_setup(void **state)
{
    struct world *w = NEW(struct world);
    snprintf(w->dir, sizeof w->dir, "/tmp/sim_images.XXXXXX");
    if (!mkdtemp(w->dir))
        return -1;
    snprintf(w->layer, sizeof w->layer, "%s/layer", w->dir);
    snprintf(w->root, sizeof w->root, "%s/root", w->dir);
    *state = w;
    return mkdir(w->root, 0755);
}

static int fixture_teardown(void **state)
{
    struct world *w = *state;
    int rc = files_remove_tree(w->dir, &err);
    free(w);
    return rc;
}

static int apply(struct world *w, const struct item *items, size_t count)
{
    write_layer(w->layer, items, count, count % 2);
    return unpack_layer(w->layer, w->root, &err);
}

static bool has(const struct world *w, const char *path)
{
    AUTO_FREE char *full = xasprintf("%s/%s", w->root, path);
    return files_exists(full);
}

TEST_WITH(fixture, struct world *w, applies_whiteouts)
{
    const struct item lower[] = {{"d/", AE_IFDIR, NULL},      {"d/keep", AE_IFREG, "k"},
                                 {"d/gone", AE_IFREG, "g"},   {"t/", AE_IFDIR, NULL},
                                 {"t/sub/", AE_IFDIR, NULL},  {"t/sub/f", AE_IFREG, "f"},
                                 {"op/", AE_IFDIR, NULL},     {"op/old", AE_IFREG, "o"},
                                 {"op/dir/", AE_IFDIR, NULL}, {"op/dir/old", AE_IFREG, "o"}};
    const struct item upper[] = {{"d/.wh.gone", AE_IFREG, ""},  {".wh.t", AE_IFREG, ""},
                                 {"op/", AE_IFDIR, NULL},       {"op/new", AE_IFREG, "n"},
                                 {"op/dir/new", AE_IFREG, "n"}, {"op/.wh..wh..opq", AE_IFREG, ""},
                                 {"d/same", AE_IFREG, "s"},     {"d/.wh.same", AE_IFREG, ""}};
    assert_int_equal(apply(w, lower, ARRAY_LEN(lower)), 0);
    assert_int_equal(apply(w, upper, ARRAY_LEN(upper)), 0);
    assert_true(has(w, "d/keep"));
    assert_false(has(w, "d/gone"));
    assert_false(has(w, "t"));
    assert_true(has(w, "op/new"));
    assert_false(has(w, "op/old"));
    assert_true(has(w, "op/dir/new"));
    assert_false(has(w, "op/dir/old"));
    assert_true(has(w, "d/same")); /* a whiteout hides lower layers only */
}

TEST_WITH(fixture, struct world *w, never_leaves_the_root)
{
    AUTO_FREE char *outside = xasprintf("%s/outside", w->dir);
    AUTO_FREE char *up = xasprintf("/../../../../../..%s", w->dir);
    assert_int_equal(mkdir(outside, 0755), 0);
    const struct item dots[] = {{"../outside/x", AE_IFREG, "x"}};
    const struct item hard[] = {{"h", 0, "../outside"}};
    const struct item link[] = {{"l", AE_IFLNK, up}, {"l/outside/x", AE_IFREG, "x"}};
    const struct item abs[] = {{outside, AE_IFREG, "x"}};
    assert_int_equal(apply(w, dots, 1), -1);
    assert_int_equal(apply(w, hard, 1), -1);
    (void)!apply(w, link, 2);              /* may fail; must not write outside */
    assert_int_equal(apply(w, abs, 1), 0); /* lands below the root */
    AUTO_FREE char *inside = xasprintf("%s%s", w->root, outside);
    AUTO_FREE char *escaped = xasprintf("%s/x", outside);
    assert_true(files_exists(inside));
    assert_false(files_exists(escaped));
}

TEST_WITH(fixture, struct world *w, keeps_links_and_attributes)
{
    const struct item items[] = {{"d/", AE_IFDIR, NULL},      {"d/f", AE_IFREG, "text"},
                                 {"d/hard", 0, "d/f"},        {"real/", AE_IFDIR, NULL},
                                 {"alias", AE_IFLNK, "real"}, {"alias/through", AE_IFREG, "t"},
                                 {"fifo", AE_IFIFO, NULL}};
    struct stat f, hard, d, fifo;
    assert_int_equal(apply(w, items, ARRAY_LEN(items)), 0);
    AUTO_FREE char *f_path = xasprintf("%s/d/f", w->root);
    AUTO_FREE char *hard_path = xasprintf("%s/d/hard", w->root);
    AUTO_FREE char *d_path = xasprintf("%s/d", w->root);
    AUTO_FREE char *fifo_path = xasprintf("%s/fifo", w->root);
    assert_int_equal(
        stat(f_path, &f) | stat(hard_path, &hard) | stat(d_path, &d) | lstat(fifo_path, &fifo), 0);
    assert_int_equal(f.st_ino, hard.st_ino);
    assert_int_equal(f.st_mode & 07777, 0640);
    assert_int_equal(d.st_mode & 07777, 0751);
    assert_int_equal(f.st_mtime, 1600000000);
    assert_int_equal(d.st_mtime, 1600000000); /* not when its files were written */
    assert_true(S_ISFIFO(fifo.st_mode));
    assert_true(has(w, "real/through"));
}
