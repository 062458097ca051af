/* SPDX-License-Identifier: Apache-2.0
 *
 * Images: the store, what is found by which reference, list filters.
 */
#include "test/kit/ask.h"
#include "test/kit/test.h"

#define ID_A "sha256:aaaa60f58c2a6914ec94ee141884264274399d328d030d3fae1fb733d01560a4"
#define ID_B "sha256:aabb593f1b7a5f9ecf360a7a5119aad087a7a73c9fc97083856fc15843d6c6d0"
#define DIGEST "sha256:ca78494325eda8c7b60e8fbff158af2211ecbfab60c11cdeb3e587945c96b11a"

static void put(const char *id, int64_t created, const char *tag, const char *digest,
                const char *label)
{
    RIG_IMAGE(.id = id, .created = created, .tags = {tag}, .digests = {digest}, .label = label,
              .pull_reference = "docker.io/library/x");
}

static void expect_missing(const char *ref, enum error_code code, const char *message)
{
    struct error err;
    assert_null(image_store_find(rig.backend.images, ref, &err));
    assert_int_equal(err.code, code);
    assert_string_equal(err.message, message);
}

TEST_USING(backend_rig, find)
{
    put(ID_A, 10, "busybox:1", "busybox@" DIGEST, NULL);
    put(ID_B, 20, "127.0.0.1:5000/full:latest", NULL, NULL);
    rig_image_expect("busybox:1", ID_A);
    rig_image_expect("docker.io/library/busybox:1", ID_A);
    rig_image_expect("busybox@" DIGEST, ID_A);
    rig_image_expect("busybox:7@" DIGEST, ID_A); /* the digest decides */
    rig_image_expect(ID_A, ID_A);
    rig_image_expect(&ID_A[7], ID_A);
    rig_image_expect("aaaa", ID_A);
    rig_image_expect("sha256:aaaa", ID_A);
    rig_image_expect("aab", ID_B);
    rig_image_expect("127.0.0.1:5000/full", ID_B);
    expect_missing("aa", ERROR_NOT_FOUND, "No such image: aa:latest"); /* ambiguous */
    expect_missing("busybox", ERROR_NOT_FOUND, "No such image: busybox:latest");
    expect_missing("nope:1", ERROR_NOT_FOUND, "No such image: nope:1");
    expect_missing("full@" DIGEST, ERROR_NOT_FOUND, "No such image: full@" DIGEST);
    expect_missing("BAD/Upper", ERROR_INVALID_PARAMETER,
                   "invalid reference format: repository name must be lowercase");
}

TEST_USING(backend_rig, tags_move)
{
    put(ID_A, 10, "x:1", NULL, NULL);
    put(ID_A, 10, "x:2", "x@" DIGEST, NULL); /* added */
    rig_image_expect("x:1", ID_A);
    put(ID_B, 20, "x:2", NULL, NULL); /* moved */
    for (int i = 0; i < 2; i++) {
        rig_image_expect("x:1", ID_A);
        rig_image_expect("x:2", ID_B);
        rig_image_expect("x@" DIGEST, ID_A);
        assert_int_equal(image_store_count(rig.backend.images), 2);
        backend_rig_reload_images();
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
    char tags[512] = "";
    const Sockerless__Reply *reply = ask_image_list((ask_filters){key, value});
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

TEST_USING(backend_rig, list)
{
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
    assert_string_equal(ask_image_inspect("oracle:lab")->image_inspect->image->id, ID_B);
    assert_null(ask_image_inspect("nope"));
    assert_string_equal(rig.err.message, "no such image: nope: No such image: nope:latest");
}
