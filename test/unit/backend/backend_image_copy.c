/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies of images that the cloud cannot pull from where they are, between real registries.
 */
#include "test/kit/transfer_rig.h"

#include "backend/image/credential_store.h"
#include "backend/image/image_place.h"
#include "backend/inject/image_copy.h"
#include "backend/inject/staged_image.h"
#include "test/kit/test.h"

#include <string.h>

enum { CALLS_MAX = 6 };
#define WHY "the cloud pulls from its own registry only"
#define ALICE "{\"username\":\"alice\",\"password\":\"s3cret\"}"

struct call {
    const char *auth, *why;
    struct arena arena;
    char *reference;
    bool over;
    int rc;
    struct error err;
};

static void co_call(void *arg)
{
    struct call *c = arg;
    const Sockerless__ImageRecord *rec = rig_image("app:1");
    c->rc = co_image_copy(&rig.backend, rec, c->why, c->auth, c->auth ? strlen(c->auth) : 0,
                          &c->arena, &c->reference, &c->err);
    c->over = true;
}

static void call_start(struct call *c, const char *auth)
{
    struct error err;
    *c = (struct call){.auth = auth, .why = WHY};
    arena_init(&c->arena);
    assert_int_equal(co_spawn(&rig.loop, co_call, c, &err), 0);
}

static void call_end(struct call *c)
{
    run_until(c->over);
    if (c->rc)
        fail_msg("%s", c->err.message);
}

static void expect_refused(const char *auth, const char *words)
{
    struct call c;
    call_start(&c, auth);
    run_until(c.over);
    assert_int_equal(c.rc, -1);
    if (!strstr(c.err.message, words))
        fail_msg("%s", c.err.message);
    arena_fini(&c.arena);
}

/* An image in the other registry, known here by app:1, as a pull from there leaves it. more: of the
 * registry's configuration. */
static void image_elsewhere(struct test_image *image, const char *marker, const char *more)
{
    static char other_name[64];
    if (!other_registry.pid)
        registry_start_with(&other_registry, rig.directory, "other", more);
    snprintf(other_name, sizeof other_name, "%s/app", other_registry.host);
    test_image_make_small(image, marker);
    rig.config.staging_registry = other_name;
    load_image(image, "[\"app:1\"]");
    rig.config.staging_registry = staging_name;
}

static void stored_login_is(const char *password)
{
    struct registry_login alice = {.username = (char *)"alice", .password = (char *)password};
    struct error err;
    assert_int_equal(
        credential_store_put(rig.backend.credentials, other_registry.host, &alice, &err), 0);
}

/* The same in a registry that wants alice's password. */
static void image_locked_away(struct test_image *image, const char *marker)
{
    AUTO_FREE char *make =
        xasprintf("htpasswd -Bbc %s/htpasswd alice s3cret 2>/dev/null", rig.directory);
    AUTO_FREE char *more =
        xasprintf("auth:\n  htpasswd:\n    realm: test\n    path: %s/htpasswd\n", rig.directory);
    struct error err;
    assert_int_equal(system(make), 0);
    registry_start_with(&other_registry, rig.directory, "other", more);
    stored_login_is("s3cret");
    image_elsewhere(image, marker, more);
    stored_login_is("forgotten");
    assert_int_equal(image_place_set_private(&rig.backend, rig_image("app:1"), &err), 0);
}

static const char *refuse_other(const char *host)
{
    return strcmp(host, other_registry.host) ? NULL : WHY;
}

TEST_USING(transfer_rig, what_the_cloud_does_not_pull_is_copied_once)
{
    struct test_image image;
    struct call calls[CALLS_MAX], again;
    struct registry_question q;
    char key[DIGEST_MAX];
    image_elsewhere(&image, "copied", "");
    const Sockerless__ImageRecord *rec = rig_image("app:1");
    assert_null(image_copy_reason(&rig.backend, rec, rec->pull_reference));
    fake_driver.pull_refusal = refuse_other;
    assert_string_equal(image_copy_reason(&rig.backend, rec, rec->pull_reference), WHY);
    assert_null(image_copy_reason(&rig.backend, rec, "docker.io/library/app:1"));
    assert_null(image_copy_reason(&rig.backend, rec, staging_name));

    staging_registry.watch_for = "\"PUT /v2/sockerless/manifests/copy-";
    for (int i = 0; i < CALLS_MAX; i++)
        call_start(&calls[i], NULL);
    for (int i = 0; i < CALLS_MAX; i++) {
        call_end(&calls[i]);
        assert_string_equal(calls[i].reference, calls[0].reference);
    }
    /* The manifest is the same, byte by byte; every blob is there. */
    image_place_key(rig_image("app:1"), key);
    assert_non_null(strstr(calls[0].reference, key));
    registry_ask(&q, staging_name, key);
    if (q.rc)
        fail_msg("%s", q.err.message);
    registry_question_free(&q);
    /* After a restart nothing is copied again, even without the registry that it came from. */
    registry_stop(&other_registry);
    staged_images_free(rig.backend.staged);
    rig.backend.staged = staged_images_new();
    call_start(&again, NULL);
    call_end(&again);
    for (int i = 0; i < CALLS_MAX; i++)
        arena_fini(&calls[i].arena);
    arena_fini(&again.arena);
    test_image_free(&image);
    registry_stop(&staging_registry);
    assert_int_equal(staging_registry.seen, 1);
}

/* With what came with the request, or with what docker login has left. */
TEST_USING(transfer_rig, private_images_are_copied_with_the_users_login)
{
    struct test_image image, another;
    struct call sent, stored;
    image_locked_away(&image, "private");
    const Sockerless__ImageRecord *rec = rig_image("app:1");
    assert_non_null(strstr(image_copy_reason(&rig.backend, rec, rec->pull_reference), "login"));
    expect_refused(NULL, "copying app:1 to the staging registry");
    expect_refused("{\"username\":\"alice\",\"password\":\"wrong\"}", "copying app:1");
    assert_null(image_place_copy(&rig.backend, rec));
    call_start(&sent, ALICE);
    call_end(&sent);
    AUTO_FREE char *copy = image_place_copy(&rig.backend, rig_image("app:1"));
    assert_string_equal(copy, staging_name); /* push, save and the agent's layer read it there */

    stored_login_is("s3cret");
    image_elsewhere(&another, "private, too", "");
    call_start(&stored, NULL);
    call_end(&stored);
    assert_string_not_equal(sent.reference, stored.reference);
    arena_fini(&sent.arena);
    arena_fini(&stored.arena);
    registry_stop(&other_registry);
    test_image_free(&image);
    test_image_free(&another);
}

TEST_USING(transfer_rig, without_a_staging_registry_it_is_said_what_to_set)
{
    struct test_image image;
    image_elsewhere(&image, "nowhere", "");
    rig.config.staging_registry = NULL;
    expect_refused(NULL, "the cloud cannot pull app:1 by itself: " WHY
                         ": there is no staging registry: set SOCKERLESS_STAGING_REGISTRY");
    rig.config.staging_registry = staging_name;
    registry_stop(&other_registry);
    test_image_free(&image);
}
