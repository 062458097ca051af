/* SPDX-License-Identifier: Apache-2.0
 *
 * image_layer injection: the user's image with the agent in it, made in a real docker-registry.
 */
#include "test/kit/transfer_rig.h"

#include "backend/inject/image_inject.h"
#include "backend/inject/staged_image.h"
#include "json/json_doc.h"
#include "test/kit/test.h"

enum { CALLS_MAX = 8 };

struct call {
    const char *image;
    struct arena arena;
    char *reference;
    bool over;
    int rc;
    struct error err;
};

static void co_call(void *arg)
{
    struct call *c = arg;
    const Sockerless__ImageRecord *rec = image_store_find(rig.backend.images, c->image, &c->err);
    c->rc = rec ? co_image_with_agent(&rig.backend, rec, &c->arena, &c->reference, &c->err) : -1;
    c->over = true;
}

static void call_start(struct call *c, const char *image)
{
    struct error err;
    memset(c, 0, sizeof *c);
    c->image = image;
    arena_init(&c->arena);
    assert_int_equal(co_spawn(&rig.loop, co_call, c, &err), 0);
}

static void call_end(struct call *c)
{
    run_until(c->over);
    if (c->rc)
        fail_msg("%s", c->err.message);
}

/* One call, which succeeds. */
static void call(struct call *c)
{
    call_start(c, "app:1");
    call_end(c);
}

static void ask_for(struct registry_question *q, const char *reference)
{
    const char *at = strchr(reference, '@');
    assert_non_null(at);
    assert_memory_equal(reference, staging_name, strlen(staging_name));
    registry_ask(q, staging_name, at + 1);
    if (q->rc)
        fail_msg("%s: %s", reference, q->err.message);
}

/* Config and manifest as they should be; every blob is there (registry_ask reads them all). */
static void expect_injected(const struct registry_question *q, const struct test_image *image)
{
    struct error err;
    json_t *config AUTO(json) = json_doc_load(q->config, q->config_len, &err);
    assert_non_null(config);
    json_t *entrypoint = json_object_get(json_object_get(config, "config"), "Entrypoint");
    json_t *diff_ids = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
    assert_int_equal(json_array_size(entrypoint), 3);
    assert_string_equal(json_string_value(json_array_get(entrypoint, 0)), AGENT_IMAGE_PATH);
    assert_string_equal(json_string_value(json_array_get(entrypoint, 1)), "--");
    assert_string_equal(json_string_value(json_array_get(entrypoint, 2)), "/bin/sh");
    assert_int_equal(json_array_size(diff_ids), image->layer_count + 1);
    assert_int_equal(q->parsed.layer_count, image->layer_count + 1);
    for (size_t i = 0; i < image->layer_count; i++)
        assert_string_equal(json_string_value(json_array_get(diff_ids, i)), image->diff_ids[i]);
}

TEST_USING(transfer_rig, inject)
{
    AUTO(test_image) struct test_image image;
    struct call first, again, newer;
    struct registry_question q;
    agent_binary_write("the agent");
    load_small(&image, "inject", "[\"app:1\"]");
    call(&first);
    ask_for(&q, first.reference);
    expect_injected(&q, &image);
    registry_question_free(&q);
    call(&again);
    assert_string_equal(again.reference, first.reference);
    agent_binary_write("another agent, which is longer");
    call(&newer);
    assert_string_not_equal(newer.reference, first.reference);
    arena_fini(&first.arena);
    arena_fini(&again.arena);
    arena_fini(&newer.arena);
}

/* A cloud that lets the image say who runs gets images that say root; they are images of their own.
 */
TEST_USING(transfer_rig, inject_as_root)
{
    AUTO(test_image) struct test_image image;
    struct call plain, root;
    struct registry_question q;
    struct error err;
    agent_binary_write("the agent");
    load_small(&image, "root", "[\"app:1\"]");
    call(&plain);
    fake_driver.caps->runs_as_image_user = true;
    call(&root);
    assert_string_not_equal(root.reference, plain.reference);
    ask_for(&q, root.reference);
    expect_injected(&q, &image);
    json_t *config AUTO(json) = json_doc_load(q.config, q.config_len, &err);
    assert_string_equal(json_doc_string(json_object_get(config, "config"), "User"), "0:0");
    registry_question_free(&q);
    arena_fini(&plain.arena);
    arena_fini(&root.arena);
}

/* The source is another registry: blobs go through us. */
TEST_USING(transfer_rig, inject_from_elsewhere)
{
    AUTO(test_image) struct test_image image;
    struct call one;
    struct registry_question q;
    char other_name[64];
    registry_start(&other_registry, rig.directory, "other");
    snprintf(other_name, sizeof other_name, "%s/app", other_registry.host);
    agent_binary_write("the agent");
    test_image_make_small(&image, "elsewhere");
    rig.config.staging_registry = other_name; /* as if it had been pulled from there */
    load_image(&image, "[\"app:1\"]");
    rig.config.staging_registry = staging_name;
    call(&one);
    ask_for(&q, one.reference);
    expect_injected(&q, &image);
    registry_question_free(&q);
    arena_fini(&one.arena);
}

/* A repository of its own for images with the agent, beside the staging registry. */
TEST_USING(transfer_rig, inject_into_the_agents_registry)
{
    AUTO(test_image) struct test_image image;
    struct call one;
    char agents[80];
    snprintf(agents, sizeof agents, "%s/agents", staging_registry.host);
    agent_binary_write("the agent");
    load_small(&image, "agents", "[\"app:1\"]");
    rig.config.agent_registry = agents;
    call(&one);
    rig.config.agent_registry = NULL;
    assert_memory_equal(one.reference, agents, strlen(agents));
    assert_int_equal(one.reference[strlen(agents)], '@');
    arena_fini(&one.arena);
}

static void expect_refused(const char *word)
{
    struct call one;
    call_start(&one, "app:1");
    run_until(one.over);
    assert_int_equal(one.rc, -1);
    assert_int_equal(one.err.code, ERROR_INVALID_PARAMETER);
    if (!strstr(one.err.message, word))
        fail_msg("%s", one.err.message);
    arena_fini(&one.arena);
}

/* An image with that entrypoint and a layer for each word, in a registry; its name. */
static const char *agent_image_make(const char *host, const char *entrypoint, const char *layers)
{
    static char name[96];
    AUTO_FREE char *config_dir = xasprintf("%s/agent-image", rig.directory);
    snprintf(name, sizeof name, "%s/team/agent:7", host);
    AUTO_FREE char *command = xasprintf(
        "d=%s; rm -rf $d; mkdir -p $d && cd $d && for n in %s; do mkdir -p $n && "
        "echo agent $n >$n/sockerless-agent && tar -C $n -cf $n.tar . || exit 1; done && "
        "umoci init --layout o && umoci new --image o:x && "
        "for n in %s; do umoci raw add-layer --image o:x $n.tar || exit 1; done && "
        "umoci config --image o:x --config.entrypoint %s --os linux --architecture amd64 && "
        "skopeo --insecure-policy copy -q --dest-tls-verify=false oci:o:x docker://%s",
        config_dir, layers, layers, entrypoint, name);
    assert_int_equal(system(command), 0);
    return name;
}

/* No binary is read; in the same registry the layer is mounted: nothing is uploaded. */
TEST_USING(transfer_rig, the_agents_layer_of_an_image)
{
    struct test_image image;
    struct call mounted, streamed;
    struct registry_question q;
    staging_registry.watch_for = "from=team";
    rig.config.agent_binary = (char *)"/nowhere/agent";
    rig.config.image_ttl_s = 0; /* looked at for every call */
    rig.config.agent_image = agent_image_make(staging_registry.host, "/sockerless-agent", "one");
    load_small(&image, "agent image", "[\"app:1\"]");
    call(&mounted);
    ask_for(&q, mounted.reference);
    expect_injected(&q, &image);
    registry_question_free(&q);
    registry_start(&other_registry, rig.directory, "other");
    rig.config.agent_image = agent_image_make(other_registry.host, "/sockerless-agent", "two");
    call(&streamed);
    assert_string_not_equal(streamed.reference, mounted.reference);
    ask_for(&q, streamed.reference);
    expect_injected(&q, &image);
    registry_question_free(&q);
    registry_stop(&other_registry);
    rig.config.agent_image = NULL;
    arena_fini(&mounted.arena);
    arena_fini(&streamed.arena);
    test_image_free(&image);
    registry_stop(&staging_registry);
    assert_true(staging_registry.seen > 0);
}

TEST_USING(transfer_rig, images_that_are_not_the_agents)
{
    struct test_image image;
    rig.config.image_ttl_s = 0;
    load_small(&image, "not an agent", "[\"app:1\"]");
    rig.config.agent_image = agent_image_make(staging_registry.host, "/bin/sh", "one");
    expect_refused("its entrypoint must be /sockerless-agent");
    rig.config.agent_image =
        agent_image_make(staging_registry.host, "/sockerless-agent", "one two");
    expect_refused("it must have one layer");
    rig.config.agent_image = NULL;
    test_image_free(&image);
}

TEST_USING(transfer_rig, simultaneous)
{
    struct test_image image;
    struct call calls[CALLS_MAX];
    staging_registry.watch_for = "\"PUT /v2/sockerless/manifests/agent-";
    agent_binary_write("the agent");
    load_small(&image, "simultaneous", "[\"app:1\"]");
    for (int i = 0; i < CALLS_MAX; i++)
        call_start(&calls[i], "app:1");
    call_end(&calls[0]);
    for (int i = 1; i < CALLS_MAX; i++) { /* none of them asks anybody any more */
        call_end(&calls[i]);
        assert_string_equal(calls[i].reference, calls[0].reference);
    }
    for (int i = 0; i < CALLS_MAX; i++)
        arena_fini(&calls[i].arena);
    test_image_free(&image);
    registry_stop(&staging_registry);
    assert_int_equal(staging_registry.seen, 1);
}

static void forget_memory(void)
{
    staged_images_free(rig.backend.staged);
    rig.backend.staged = staged_images_new();
}

static void remove_staging_data(void)
{
    AUTO_FREE char *command =
        xasprintf("rm -rf %s/staging/docker/registry/v2/repositories/sockerless/"
                  "_manifests",
                  rig.directory);
    assert_int_equal(system(command), 0);
}

/* What is remembered over a restart is believed only when it is still there. */
TEST_USING(transfer_rig, restart)
{
    AUTO(test_image) struct test_image image;
    struct call before, after, remade;
    struct registry_question q;
    agent_binary_write("the agent");
    load_small(&image, "restart", "[\"app:1\"]");
    call(&before);
    forget_memory();
    call(&after);
    assert_string_equal(after.reference, before.reference);
    forget_memory();
    remove_staging_data();
    call(&remade);
    ask_for(&q, remade.reference);
    expect_injected(&q, &image);
    registry_question_free(&q);
    arena_fini(&before.arena);
    arena_fini(&after.arena);
    arena_fini(&remade.arena);
}

TEST_USING(transfer_rig, refusals)
{
    AUTO(test_image) struct test_image image, nowhere;
    struct call one;
    load_small(&image, "refused", "[\"app:1\"]");
    rig.config.agent_binary = (char *)"/nowhere/agent";
    expect_refused("SOCKERLESS_AGENT_BINARY");
    agent_binary_write("the agent");
    rig.config.staging_registry = NULL;
    expect_refused("SOCKERLESS_STAGING_REGISTRY");
    load_small(&nowhere, "nowhere", "[\"app:1\"]");
    rig.config.staging_registry = staging_name;
    expect_refused("in no registry");
    load_image(&image, "[\"app:1\"]");
    registry_stop(&staging_registry);
    call_start(&one, "app:1"); /* a failure is not remembered */
    run_until(one.over);
    assert_int_equal(one.rc, -1);
    arena_fini(&one.arena);
}
