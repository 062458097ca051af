/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kit/transfer_rig.h"

struct registry_process staging_registry, other_registry;
char staging_name[64];

int transfer_rig_setup(void **state)
{
    (void)state;
    backend_rig_open(RIG_STORE | RIG_CREDENTIALS | RIG_REGISTRY | RIG_TRANSFER);
    staging_registry = other_registry = (struct registry_process){0};
    registry_start(&staging_registry, rig.directory, "staging");
    snprintf(staging_name, sizeof staging_name, "%s/sockerless", staging_registry.host);
    rig.config.staging_registry = staging_name;
    rig.config.image_max_gib = 1;
    return 0;
}

int transfer_rig_teardown(void **state)
{
    backend_rig_settle();
    registry_stop(&staging_registry);
    registry_stop(&other_registry);
    return backend_rig_teardown(state);
}

void agent_binary_write(const char *text)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/agent", rig.directory);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    rig.config.agent_binary = path;
}

/* ---- load ---- */

void load_bytes(struct rig_client *c, const struct buf *tar, bool quiet)
{
    Sockerless__ImageLoadOpen open = SOCKERLESS__IMAGE_LOAD_OPEN__INIT;
    open.quiet = quiet;
    rig_client_open(c, SOCKERLESS__STREAM_OPEN__KIND_IMAGE_LOAD, &open);
    rig_client_send(c, tar->data, tar->len);
    rig_client_finish(c);
}

void load_archive(struct rig_client *c, struct test_image *i, const char *tags, bool quiet)
{
    AUTO(buf) struct buf tar = BUF_INIT;
    test_image_put_docker(&tar, i, tags);
    load_bytes(c, &tar, quiet);
}

void load_image(struct test_image *i, const char *tags)
{
    struct rig_client c;
    load_archive(&c, i, tags, true);
    if (!c.ended)
        fail_msg("load: %s", c.err.message);
    rig_client_free(&c);
}

void load_small(struct test_image *i, const char *marker, const char *tags)
{
    test_image_make_small(i, marker);
    load_image(i, tags);
}

/* ---- asking a registry ---- */

static int co_ask(struct registry_question *q)
{
    struct image_ref ref;
    struct registry_repo *repo;
    struct registry_repo_options options = {.ref = &ref};
    if (image_ref_parse(q->repository, &ref, &q->err) ||
        registry_repo_open(rig.backend.registry, &options, &repo, &q->err))
        return -1;
    int rc = co_registry_manifest_get(repo, q->reference, &q->arena, &q->manifest, &q->err);
    if (rc == 0)
        rc = manifest_parse(q->manifest.bytes, q->manifest.len, q->manifest.media_type, &q->arena,
                            &q->parsed, &q->err);
    if (rc == 0)
        rc = co_registry_blob_get(repo, q->parsed.config.digest, q->parsed.config.size, 1 << 20,
                                  &q->arena, &q->config, &q->config_len, &q->err);
    for (size_t l = 0; rc == 0 && l < q->parsed.layer_count; l++) {
        void *bytes;
        size_t len;
        rc = co_registry_blob_get(repo, q->parsed.layers[l].digest, q->parsed.layers[l].size,
                                  64 << 20, &q->arena, &bytes, &len, &q->err);
    }
    registry_repo_close(repo);
    return rc;
}

static void co_question(void *arg)
{
    struct registry_question *q = arg;
    q->rc = co_ask(q);
    q->over = true;
}

void registry_ask(struct registry_question *q, const char *repository, const char *reference)
{
    struct error err;
    memset(q, 0, sizeof *q);
    q->repository = repository;
    q->reference = reference;
    arena_init(&q->arena);
    assert_int_equal(co_spawn(&rig.loop, co_question, q, &err), 0);
    run_until(q->over);
}

void registry_ask_staging(struct registry_question *q, const char *id)
{
    char tag[64];
    snprintf(tag, sizeof tag, "sha256-%.40s", id + 7);
    registry_ask(q, staging_name, tag);
    if (q->rc)
        fail_msg("staging: %s", q->err.message);
}

void registry_question_free(struct registry_question *q)
{
    arena_fini(&q->arena);
}
