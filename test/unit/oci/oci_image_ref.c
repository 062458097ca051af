/* SPDX-License-Identifier: Apache-2.0
 *
 * Image references, digests and platforms: every form, back again, and what is refused.
 */
#include "oci/name/image_ref.h"

#include "base/alloc.h"
#include "oci/name/platform.h"
#include "test/kit/test.h"

#include <stdio.h>
#include <string.h>

static struct image_ref ref;
static struct error err;
static char text[IMAGE_REF_TEXT_MAX]; /* of a reference */

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SHA "sha256:" HEX64

TEST(forms)
{
    static const struct {
        const char *text, *domain, *path, *tag, *digest, *familiar;
    } cases[] = {
        {"busybox", "docker.io", "library/busybox", "", "", "busybox"},
        {"busybox:1.36", "docker.io", "library/busybox", "1.36", "", "busybox:1.36"},
        {"user/x:tag", "docker.io", "user/x", "tag", "", "user/x:tag"},
        {"docker.io/busybox", "docker.io", "library/busybox", "", "", "busybox"},
        {"docker.io/library/busybox:a", "docker.io", "library/busybox", "a", "", "busybox:a"},
        {"index.docker.io/busybox", "docker.io", "library/busybox", "", "", "busybox"},
        {"library/x/y", "docker.io", "library/x/y", "", "", "library/x/y"},
        {"localhost/x", "localhost", "x", "", "", "localhost/x"},
        {"localhost:5000/x:y", "localhost:5000", "x", "y", "", "localhost:5000/x:y"},
        {"host:5000/a/b:tag@" SHA, "host:5000", "a/b", "tag", SHA, "host:5000/a/b:tag@" SHA},
        {"busybox@" SHA, "docker.io", "library/busybox", "", SHA, "busybox@" SHA},
        {"[::1]:5000/x", "[::1]:5000", "x", "", "", "[::1]:5000/x"},
        {"[fe80::1]/x:1", "[fe80::1]", "x", "1", "", "[fe80::1]/x:1"},
        {"1.2.3.4/a__b/c-d.e_f", "1.2.3.4", "a__b/c-d.e_f", "", "", "1.2.3.4/a__b/c-d.e_f"},
        {"a---b", "docker.io", "library/a---b", "", "", "a---b"},
        {"Upper/x", "Upper", "x", "", "", "Upper/x"},
        {"ghcr.io/a/b/c/d:_x", "ghcr.io", "a/b/c/d", "_x", "", "ghcr.io/a/b/c/d:_x"},
        /* where the short form would be taken for another thing, the long one stays */
        {"docker.io/a.b/c", "docker.io", "a.b/c", "", "", "docker.io/a.b/c"},
        {"docker.io/localhost/c", "docker.io", "localhost/c", "", "", "docker.io/localhost/c"},
        {"docker.io/" HEX64, "docker.io", "library/" HEX64, "", "", "docker.io/library/" HEX64},
        {"docker.io/library/" SHA, "docker.io", "library/sha256", HEX64, "",
         "docker.io/library/" SHA},
        {"sha256:abc", "docker.io", "library/sha256", "abc", "", "sha256:abc"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct image_ref again;
        if (image_ref_parse(cases[i].text, &ref, &err))
            fail_msg("%s: %s", cases[i].text, err.message);
        assert_string_equal(ref.domain, cases[i].domain);
        assert_string_equal(ref.path, cases[i].path);
        assert_string_equal(ref.tag, cases[i].tag);
        assert_string_equal(ref.digest, cases[i].digest);
        assert_string_equal(image_ref_familiar(&ref, text, sizeof text), cases[i].familiar);
        assert_int_equal(image_ref_parse(text, &again, &err), 0);
        assert_memory_equal(&again, &ref, sizeof ref);
        image_ref_full(&ref, text, sizeof text);
        assert_int_equal(image_ref_parse(text, &again, &err), 0);
        assert_memory_equal(&again, &ref, sizeof ref);
    }
}

/* fromImage and tag of POST /images/create. */
TEST(pull_names)
{
    static const struct {
        const char *image, *tag, *full;
    } good[] = {
        {"busybox", "latest", "docker.io/library/busybox:latest"},
        {"busybox", "", "docker.io/library/busybox"},
        {"busybox:", "", "docker.io/library/busybox"},
        {"r:5000/b", "", "r:5000/b"},
        {"r:5000/b:1", "", "r:5000/b:1"},
        {"[::1]:5000/b:1", "2", "[::1]:5000/b:2"},
        {"b@" SHA, "", "docker.io/library/b@" SHA},
        {"b", SHA, "docker.io/library/b@" SHA},
        {"b:1@" SHA, SHA, "docker.io/library/b@" SHA},
        {"b@" SHA, "2", "docker.io/library/b:2@" SHA},
    };
    static const struct {
        const char *image, *tag, *words;
    } bad[] = {
        {"b", "!!", "invalid tag format"},
        {"b", "-2", "invalid tag format"},
        {"b", "sha256:aa", "invalid tag format"},
        {"b", "a:b", "invalid tag format"},
        {"B", "!!", "invalid reference format: repository name must be lowercase"},
        {"b:1@sha256:aa", "", "invalid reference format"},
        {"b::", "", "invalid reference format"},
        {":", "", "invalid reference format"},
        {"", "1", "invalid reference format"},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(image_ref_parse_pull(good[i].image, good[i].tag, &ref, &err), 0);
        assert_string_equal(image_ref_full(&ref, text, sizeof text), good[i].full);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(image_ref_parse_pull(bad[i].image, bad[i].tag, &ref, &err), -1);
        assert_string_equal(err.message, bad[i].words);
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
    }
}

static void check_refused(const char *bad, const char *words)
{
    if (image_ref_parse(bad, &ref, &err) == 0)
        fail_msg("accepted: %s", bad);
    assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
    if (strcmp(err.message, words) != 0)
        fail_msg("%s: %s", bad, err.message);
}

TEST(bad_forms)
{
    static const char *const bad[] = {
        "",           ":",
        "@",          "/",
        "//",         "a//b",
        "/a",         "a/",
        "a:",         "a@",
        "a:b:c",      "a@sha256:12",
        "-a",         "a-",
        "a_",         ".a",
        "a..b",       "a___b",
        "a b",        "a\tb",
        "a:-x",       "a:.x",
        "a:x/y",      "http://a/b",
        "a.b:x/c",    "[::1/x",
        "[]/x",       "[::g]/x",
        "-h.a/x",     "h-.a/x",
        "h..a/x",     "a@md5:" HEX64,
        "\xc3\xa9",   "a@sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
        "h:/x",       "a@" SHA "@" SHA,
        "a@" SHA "0",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        check_refused(bad[i], "invalid reference format");
    check_refused("BAD/Upper", "invalid reference format: repository name must be lowercase");
    check_refused("Busybox", "invalid reference format: repository name must be lowercase");
    check_refused(HEX64, "invalid repository name (" HEX64
                         "), cannot specify 64-byte hexadecimal strings");
    char longer[1000];
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    check_refused(longer, "invalid reference format: repository name must not be more than 255 "
                          "characters");
    snprintf(longer, sizeof longer, "a:%0129d", 1);
    check_refused(longer, "invalid reference format");
}

TEST(tags_and_ids)
{
    assert_int_equal(image_ref_parse_any(HEX64, &ref, &err), 0);
    assert_true(image_ref_is_id(&ref));
    assert_string_equal(ref.digest, SHA);
    assert_string_equal(image_ref_familiar(&ref, text, sizeof text), SHA);
    assert_int_equal(image_ref_parse_any(SHA, &ref, &err), 0);
    assert_true(image_ref_is_id(&ref));
    assert_int_equal(image_ref_parse_any("busybox", &ref, &err), 0);
    assert_false(image_ref_is_id(&ref));
    image_ref_default_tag(&ref);
    assert_string_equal(ref.tag, "latest");
    assert_string_equal(image_ref_familiar_name(&ref, text, sizeof text), "busybox");
    assert_int_equal(image_ref_parse("busybox@" SHA, &ref, &err), 0);
    image_ref_default_tag(&ref);
    assert_string_equal(ref.tag, "");
}

TEST(digest)
{
    char out[DIGEST_MAX];
    digest_sha256("abc", 3, out);
    assert_string_equal(out,
                        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(digest_verify(out, "abc", 3, &err), 0);
    assert_int_equal(digest_verify(out, "abd", 3, &err), -1);
    assert_true(digest_valid(out));
    assert_false(digest_valid("sha256:ba78"));
    assert_false(digest_valid("sha512:" HEX64));
    assert_true(digest_valid("sha512:" HEX64 HEX64));
}

/* containerd's words. */
TEST(platform_refused)
{
#define COMPONENT(bad, text)                                                                       \
    {                                                                                              \
        text, "\"" bad "\" is an invalid component of \"" text                                     \
              "\": platform specifier component must match \"^[A-Za-z0-9_-]+$\": invalid argument" \
    }
    static const struct {
        const char *in, *words;
    } bad[] = {
        {"bogus/x/y/z", "\"bogus/x/y/z\": cannot parse platform specifier: invalid argument"},
        {"bogus", "\"bogus\": unknown operating system or architecture: invalid argument"},
        {"linux/*", "\"linux/*\": wildcards not yet supported: invalid argument"},
        COMPONENT("", ""),
        COMPONENT("", "linux//v7"),
        COMPONENT("", "linux/"),
        COMPONENT("li nux", "li nux/amd64"),
        COMPONENT("a.b", "linux/a.b"),
    };
    struct platform p;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(platform_parse(bad[i].in, &p, &err), -1);
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
        assert_string_equal(err.message, bad[i].words);
    }
}

TEST(platform_as_asked)
{
    static const struct {
        const char *in, *out;
    } cases[] = {{"arm64", "linux/arm64"},         {"linux/arm64/v8", "linux/arm64/v8"},
                 {"linux/arm", "linux/arm"},       {"linux/arm/v7", "linux/arm/v7"},
                 {"armhf", "linux/arm"},           {"windows", "windows/amd64"},
                 {"linux/amd64/v1", "linux/amd64"}};
    struct platform p;
    char shown[PLATFORM_TEXT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(platform_parse(cases[i].in, &p, &err), 0);
        assert_string_equal(platform_asked_text(cases[i].in, &p, shown), cases[i].out);
    }
}

TEST(platform)
{
    struct platform p, q;
    char name[PLATFORM_TEXT_MAX];
    static const struct {
        const char *in, *out;
    } good[] = {
        {"linux/amd64", "linux/amd64"},    {"linux/x86_64", "linux/amd64"},
        {"linux/arm64/v8", "linux/arm64"}, {"linux/aarch64", "linux/arm64"},
        {"linux/arm", "linux/arm/v7"},     {"linux/arm/v6", "linux/arm/v6"},
        {"linux/armhf", "linux/arm/v7"},   {"linux", "linux/amd64"},
        {"arm64", "linux/arm64"},          {"Linux/AMD64", "linux/amd64"},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(platform_parse(good[i].in, &p, &err), 0);
        assert_string_equal(platform_text(&p, name), good[i].out);
    }
    assert_int_equal(platform_parse("linux/arm/v7", &p, &err), 0);
    platform_set(&q, "linux", "arm", "v6");
    assert_true(platform_rank(&p, &q) > 0);
    assert_int_equal(platform_rank(&q, &p), 0);
    platform_set(&q, "windows", "arm", "v7");
    assert_int_equal(platform_rank(&p, &q), 0);
}
