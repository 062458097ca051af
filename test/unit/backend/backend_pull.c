/* SPDX-License-Identifier: Apache-2.0
 *
 * Pulls from a scripted registry, with the words that a recorded dockerd used, and how often the
 * registry is asked for what.
 */
#include "backend/image/credential_store.h"
#include "backend/image/image_place.h"
#include "test/kit/ask.h"
#include "test/kit/pull_rig.h"
#include "test/kit/test.h"

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

TEST_USING(pull_rig, pull)
{
    const char *status = "Downloaded newer image";
    pull_rig_expect("busybox", text("latest: Pulling from library/busybox\n"
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
                                    pull_rig_versions[0].digest, status));
    const Sockerless__ImageRecord *rec = rig_image("busybox");
    assert_string_equal(rec->image->id, pull_rig_versions[0].config_digest);
    assert_string_equal(rec->pull_reference,
                        text("docker.io/library/busybox@%s", pull_rig_versions[0].digest));
    assert_string_equal(rec->image->repo_digests[0],
                        text("busybox@%s", pull_rig_versions[0].digest));
    assert_true(rec->checked_at > 0);
    const char *same = text("latest: Pulling from library/busybox\nDigest: %s\n"
                            "Status: Image is up to date for busybox:latest\n",
                            pull_rig_versions[0].digest);
    pull_rig_expect("docker.io/library/busybox:latest", same);

    pull_rig.latest = 1; /* the tag points elsewhere now */
    pull_rig_expect("busybox:latest", text("latest: Pulling from library/busybox\n"
                                           "abc1abc1abc1: Already exists\n"
                                           "abc3abc3abc3: Pulling fs layer\n"
                                           "abc3abc3abc3: Downloading 10/10\n"
                                           "abc3abc3abc3: Verifying Checksum\n"
                                           "abc3abc3abc3: Download complete\n"
                                           "abc3abc3abc3: Extracting 10/10\n"
                                           "abc3abc3abc3: Pull complete\n"
                                           "Digest: %s\nStatus: %s for busybox:latest\n",
                                           pull_rig_versions[1].digest, status));
    rig_image_expect("busybox", pull_rig_versions[1].config_digest);
    rig_image_expect(pull_rig_versions[0].config_digest, pull_rig_versions[0].config_digest);
    assert_int_equal(image_store_count(rig.backend.images), 2);
    char *by_digest = text("busybox@%s", pull_rig_versions[0].digest);
    pull_rig_expect(by_digest, text("%s: Pulling from library/busybox\nDigest: %s\n"
                                    "Status: Image is up to date for %s\n",
                                    by_digest, pull_rig_versions[0].digest, by_digest));
}

TEST_USING(pull_rig, pull_errors)
{
    pull_rig_expect_error("BAD/Upper",
                          "invalid reference format: repository name must be lowercase");
    pull_rig_expect_error("nope:1",
                          "manifest for nope:1 not found: manifest unknown: manifest unknown");
    struct rig_client p;
    Sockerless__ImagePullOpen pull = SOCKERLESS__IMAGE_PULL_OPEN__INIT;
    pull.reference = (char *)"busybox";
    pull.tag = (char *)"!!";
    pull_rig_begin_with(&p, &pull);
    run_until(p.closed);
    assert_string_equal(p.err.message, "invalid tag format");
    pull.platform = (char *)"a/b/c/d"; /* dockerd looks at it first */
    pull_rig_begin_with(&p, &pull);
    run_until(p.closed);
    assert_string_equal(p.err.message,
                        "\"a/b/c/d\": cannot parse platform specifier: invalid argument");
    assert_int_equal(image_store_count(rig.backend.images), 0);
}

/* ---- what is asked of the pull_rig ---- */

TEST_USING(pull_rig, pull_again_is_one_head)
{
    const char *same = text("latest: Pulling from library/busybox\nDigest: %s\n"
                            "Status: Image is up to date for busybox:latest\n",
                            pull_rig_versions[0].digest);
    pull_rig_expect("busybox", NULL);
    pull_rig_expect_asked(1, 1, 1);
    for (int i = 0; i < 2; i++) {
        pull_rig_expect("busybox", same);
        pull_rig_expect_asked(1, 0, 0);
        backend_rig_reload_images();
    }
    pull_rig.latest = 1;
    pull_rig_expect("busybox", NULL);
    pull_rig_expect_asked(2, 1, 1);
    rig_image_expect("busybox", pull_rig_versions[1].config_digest);
}

TEST_USING(pull_rig, tag_older_than_its_ttl_is_fetched_again)
{
    pull_rig_expect("busybox", NULL);
    pull_rig_expect_asked(1, 1, 1);
    rig.config.image_ttl_s = 0;
    pull_rig_expect("busybox", NULL);
    pull_rig_expect_asked(2, 1, 1);
    pull_rig_expect(text("busybox@%s", pull_rig_versions[0].digest), NULL); /* digests do not age */
    pull_rig_expect_asked(1, 0, 0);
}

TEST_USING(pull_rig, known_digest_is_not_fetched_for_another_tag)
{
    pull_rig_expect("busybox", NULL);
    pull_rig_expect_asked(1, 1, 1);
    pull_rig_expect("busybox:old", text("old: Pulling from library/busybox\nDigest: %s\n"
                                        "Status: Downloaded newer image for busybox:old\n",
                                        pull_rig_versions[0].digest));
    pull_rig_expect_asked(1, 0, 0);
    const Sockerless__ImageRecord *rec = rig_image("busybox:old");
    assert_int_equal(rec->image->n_repo_tags, 2);
    assert_int_equal(rec->image->n_repo_digests, 1);
    assert_int_equal(image_store_count(rig.backend.images), 1);
}

TEST_USING(pull_rig, another_platform_is_fetched)
{
    struct rig_client p;
    Sockerless__ImagePullOpen pull = SOCKERLESS__IMAGE_PULL_OPEN__INIT;
    pull_rig_expect("busybox", NULL);
    pull_rig_expect_asked(1, 1, 1);
    pull.reference = (char *)"busybox";
    pull.tag = (char *)"latest";
    pull.platform = (char *)"linux/arm64";
    pull_rig_begin_with(&p, &pull);
    run_until(p.closed);
    assert_non_null(strstr(p.err.message, "does not match the specified platform"));
    rig_client_free(&p);
    pull_rig_expect_asked(2, 1, 1);
    pull.platform = (char *)"linux/x86_64";
    pull_rig_begin_with(&p, &pull);
    pull_rig_end(&p, NULL);
    pull_rig_expect_asked(1, 0, 0);
}

TEST_USING(pull_rig, pull_remembers_documents_verbatim)
{
    char digest[DIGEST_MAX];
    pull_rig_expect("busybox", NULL);
    const Sockerless__ImageRecord *rec = rig_image("busybox");
    digest_sha256(rec->config_json.data, rec->config_json.len, digest);
    assert_string_equal(digest, rec->image->id);
    assert_string_equal(rec->blob_repository, "docker.io/library/busybox");
    digest_sha256(rec->manifest_json.data, rec->manifest_json.len, digest);
    assert_string_equal(digest, pull_rig_versions[0].digest);
    assert_string_equal(rec->manifest_type, "application/vnd.oci.image.manifest.v1+json");
}

TEST_USING(pull_rig, tag_that_is_gone_has_dockers_words)
{
    pull_rig_expect("busybox", NULL);
    pull_rig.latest = 7;
    pull_rig_expect_error(
        "busybox", "manifest for busybox:latest not found: manifest unknown: manifest unknown");
    rig_image_expect("busybox", pull_rig_versions[0].config_digest); /* what we had stays */
}

/* ---- all tags ---- */

static void pull_all(struct rig_client *p, const char *tags)
{
    Sockerless__ImagePullOpen pull = SOCKERLESS__IMAGE_PULL_OPEN__INIT;
    pull_rig.tag_list = tags;
    pull.reference = (char *)"many";
    pull_rig_begin_with(p, &pull);
}

TEST_USING(pull_rig, pull_all_tags)
{
    struct rig_client p;
    const char *tags = "{\"name\":\"library/many\",\"tags\":[\"b\",\"a\",\"c\"]}";
    pull_all(&p, tags);
    pull_rig_end(&p, text("b: Pulling from library/many\n"
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
                          pull_rig_versions[1].digest, pull_rig_versions[0].digest,
                          pull_rig_versions[0].digest));
    rig_image_expect("many:b", pull_rig_versions[1].config_digest);
    rig_image_expect("many:c", pull_rig_versions[0].config_digest);
    pull_rig_expect_asked(4, 2, 2);
    pull_all(&p, tags);
    pull_rig_end(&p, text("b: Pulling from library/many\nDigest: %s\n"
                          "a: Pulling from library/many\nDigest: %s\n"
                          "c: Pulling from library/many\nDigest: %s\n"
                          "Status: Image is up to date for many\n",
                          pull_rig_versions[1].digest, pull_rig_versions[0].digest,
                          pull_rig_versions[0].digest));
    pull_rig_expect_asked(3, 0, 0);
}

/* The first tag's pull ends; no other begins. */
TEST_USING(pull_rig, pull_all_ends_with_its_client)
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

TEST_USING(pull_rig, tags_that_are_none_are_passed_over)
{
    struct rig_client p;
    pull_all(&p, "{\"tags\":[\"../../x\",\"a b\",7]}");
    pull_rig_end(&p, "Status: Image is up to date for many\n");
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

TEST_USING(pull_rig, pull_with_the_clouds_credentials)
{
    char *name = text("127.0.0.1:%d/library/busybox", pull_rig.port);
    pull_rig.wanted = CLOUD;
    pull_rig_expect(name, NULL);
    assert_false(image_place_is_private(&rig.backend, rig_image(name)));
}

static void store_bob(void)
{
    struct error err;
    char host[64];
    struct registry_login login = {.username = (char *)"bob", .password = (char *)"stored"};
    snprintf(host, sizeof host, "127.0.0.1:%d", pull_rig.port);
    assert_int_equal(credential_store_put(rig.backend.credentials, host, &login, &err), 0);
}

TEST_USING(pull_rig, stored_login_is_used_for_pulls)
{
    char *name = text("127.0.0.1:%d/library/busybox", pull_rig.port);
    store_bob();
    pull_rig.wanted = STORED;
    pull_rig_expect(name, NULL);
    pull_rig_expect_asked(1, 1, 1);
    assert_true(
        image_place_is_private(&rig.backend, rig_image(name))); /* the cloud cannot pull it */
    pull_rig_expect(name, NULL);
    pull_rig_expect_asked(1, 0, 0);
}

/* A login is at hand, but nobody needs one. */
TEST_USING(pull_rig, public_images_are_not_private_to_who_has_logged_in)
{
    char *name = text("127.0.0.1:%d/library/busybox", pull_rig.port);
    fake_driver.co_credentials = NULL;
    store_bob();
    pull_rig_expect(name, NULL);
    assert_false(image_place_is_private(&rig.backend, rig_image(name)));
}

TEST_USING(pull_rig, sent_credentials_come_first)
{
    struct rig_client p;
    static const char auth[] = "{\"username\":\"eve\",\"password\":\"sent\"}";
    Sockerless__ImagePullOpen pull = SOCKERLESS__IMAGE_PULL_OPEN__INIT;
    store_bob();
    pull_rig.wanted = SENT;
    pull.reference = text("127.0.0.1:%d/library/busybox", pull_rig.port);
    pull.tag = (char *)"latest";
    pull.registry_auth.data = (uint8_t *)auth;
    pull.registry_auth.len = strlen(auth);
    for (int i = 0; i < 2; i++) {
        pull_rig_begin_with(&p, &pull);
        pull_rig_end(&p, NULL);
    }
    pull_rig_expect_asked(2, 1, 1);
    assert_true(image_place_is_private(&rig.backend, rig_image(pull.reference)));
}

/* The cloud has no login of its own there. */
TEST_USING(pull_rig, an_image_for_a_password_only_is_private)
{
    char *name = text("127.0.0.1:%d/library/busybox", pull_rig.port);
    fake_driver.co_credentials = NULL;
    store_bob();
    pull_rig.wanted = STORED;
    pull_rig_expect(name, NULL);
    assert_true(image_place_is_private(&rig.backend, rig_image(name)));
}

/* ---- distribution inspect ---- */

static const Sockerless__DistributionReply *distribution(const char *ref, const char *auth)
{
    Sockerless__DistributionRequest r = SOCKERLESS__DISTRIBUTION_REQUEST__INIT;
    r.ref = (char *)ref;
    r.registry_auth.data = (uint8_t *)auth;
    r.registry_auth.len = auth ? strlen(auth) : 0;
    const Sockerless__Reply *reply = ask_with(SOCKERLESS__REQUEST__OP_DISTRIBUTION, &r);
    return reply ? reply->distribution : NULL;
}

TEST_USING(pull_rig, distribution_of_a_manifest)
{
    const Sockerless__DistributionReply *d = distribution("busybox", NULL);
    if (!d)
        fail_msg("%s", rig.err.message);
    assert_string_equal(d->digest, pull_rig_versions[0].digest);
    assert_string_equal(d->media_type, "application/vnd.oci.image.manifest.v1+json");
    assert_int_equal(d->size, strlen(pull_rig_versions[0].manifest));
    assert_int_equal(d->n_platforms, 1);
    assert_string_equal(d->platforms[0]->os, "linux");
    assert_string_equal(d->platforms[0]->architecture, "amd64");
    d = distribution(text("busybox@%s", pull_rig_versions[1].digest), NULL);
    assert_string_equal(d->digest, pull_rig_versions[1].digest);
}

TEST_USING(pull_rig, distribution_of_an_index)
{
    char digest[DIGEST_MAX];
    digest_sha256(pull_rig_index, strlen(pull_rig_index), digest);
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

TEST_USING(pull_rig, distribution_errors)
{
    assert_null(distribution("nope:1", NULL));
    ask_expect_error(ERROR_NOT_FOUND, "manifest unknown: manifest unknown");
    assert_null(distribution("BAD/Upper", NULL));
    assert_int_equal(rig.err.code, ERROR_INVALID_PARAMETER);
    assert_null(distribution(PULL_RIG_DIGEST("1234"), NULL));
    ask_expect_error(ERROR_INVALID_PARAMETER, "no manifest found for full image ID");
    pull_rig.wanted = SENT;
    fake_driver.co_credentials = NULL;
    char *name = text("127.0.0.1:%d/library/busybox:latest", pull_rig.port);
    assert_null(distribution(name, NULL));
    assert_int_equal(rig.err.code, ERROR_SYSTEM);
    assert_non_null(strstr(rig.err.message, "no basic auth credentials"));
    assert_non_null(distribution(name, "{\"username\":\"eve\",\"password\":\"sent\"}"));
}

TEST_USING(pull_rig, pulls_at_once_and_gone)
{
    struct rig_client p[20];
    for (int i = 0; i < 20; i++)
        pull_rig_begin(&p[i], "busybox");
    struct rig_client gone;
    pull_rig_begin(&gone, "busybox");
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
