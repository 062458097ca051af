/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests that move images: the backend without a cloud, real docker-registries, a client that
 * speaks sessions, and archives made on the spot.
 */
#ifndef SOCKERLESS_TEST_BACKEND_TRANSFER_RIG_H
#define SOCKERLESS_TEST_BACKEND_TRANSFER_RIG_H

#include "test/kit/backend_rpc_fake.h"

#include "backend/image/credential_store.h"
#include "backend/inject/image_inject.h"
#include "backend/transfer/image_intake.h"
#include "oci/name/digest.h"
#include "oci/archive/image_archive.h"
#include "oci/document/manifest.h"
#include "oci/registry/registry_repo.h"
#include "test/kit/registry_process.h"

enum { IMAGE_LAYERS_MAX = 8 };

static struct registry_process staging_registry, other_registry;
static char staging_name[64];

static void registries_stop(void)
{
    registry_stop(&staging_registry);
    registry_stop(&other_registry);
}

static int transfer_setup(void **state)
{
    struct error err;
    struct http_client_options http = {.user_agent = "test"};
    struct registry_options options = {.timeout_ms = 5000};
    rig_setup(state);
    staging_registry = other_registry = (struct registry_process){0};
    registry_start(&staging_registry, rig.directory, "staging");
    snprintf(staging_name, sizeof staging_name, "%s/sockerless", staging_registry.host);
    rig.config.staging_registry = staging_name;
    rig.config.image_max_gib = 1;
    assert_int_equal(http_client_open(&rig.loop, &http, &rig.backend.http, &err), 0);
    assert_int_equal(registry_client_open(rig.backend.http, &options, &rig.backend.registry, &err),
                     0);
    assert_int_equal(
        credential_store_open(rig.backend.store, rig.directory, &rig.backend.credentials, &err), 0);
    rig.backend.intakes = image_intake_pool_new();
    rig.backend.injector = image_injector_new();
    return 0;
}

static int transfer_teardown(void **state)
{
    run_until(co_live(&rig.loop) == 0);
    registries_stop();
    image_injector_free(rig.backend.injector);
    image_intake_pool_free(rig.backend.intakes);
    credential_store_close(rig.backend.credentials);
    registry_client_close(rig.backend.registry);
    http_client_close(rig.backend.http);
    return rig_teardown(state);
}

/* ---- the client's side of a session ---- */

struct client {
    struct channel *channel;
    bool opened, ended, failed, closed;
    struct error err;
    struct buf lines; /* what was said, a line each */
    struct buf bytes;
    size_t bytes_max; /* pauses there; 0: takes all */
};

static void client_progress(struct client *c, const struct frame *f)
{
    Sockerless__Progress *p = sockerless__progress__unpack(NULL, f->len, f->payload);
    assert_non_null(p);
    if (p->stream[0])
        buf_printf(&c->lines, "%s", p->stream);
    else if (p->aux)
        buf_printf(&c->lines, "aux %s %s %lld\n", p->aux->tag, p->aux->digest,
                   (long long)p->aux->size);
    else if (p->id[0])
        buf_printf(&c->lines, "%s: %s\n", p->id, p->status);
    else
        buf_printf(&c->lines, "%s\n", p->status);
    sockerless__progress__free_unpacked(p, NULL);
}

static void client_error(struct client *c, const struct frame *f)
{
    Sockerless__Error *e = sockerless__error__unpack(NULL, f->len, f->payload);
    assert_non_null(e);
    error_set(&c->err, (enum error_code)e->code, "%s", e->message);
    c->failed = true;
    sockerless__error__free_unpacked(e, NULL);
}

static void client_frame(void *owner, const struct frame *f)
{
    struct client *c = owner;
    switch (f->type) {
    case FRAME_OPENED: c->opened = true; break;
    case FRAME_PROGRESS: client_progress(c, f); break;
    case FRAME_STDOUT: buf_append(&c->bytes, f->payload, f->len); break;
    case FRAME_END: c->ended = true; break;
    case FRAME_ERROR: client_error(c, f); break;
    default: fail_msg("unexpected frame %d", f->type);
    }
    if (f->type == FRAME_END || f->type == FRAME_ERROR)
        channel_finish(c->channel);
    else if (c->bytes_max && c->bytes.len >= c->bytes_max)
        channel_pause(c->channel);
}

static void client_closed(void *owner, const struct error *why)
{
    struct client *c = owner;
    (void)why;
    c->closed = true;
    c->channel = NULL;
}

static const struct channel_events client_events = {.frame = client_frame, .closed = client_closed};

static void client_open(struct client *c, Sockerless__StreamOpen__KindCase kind, void *open)
{
    struct error err;
    Sockerless__StreamOpen stream = SOCKERLESS__STREAM_OPEN__INIT;
    memset(c, 0, sizeof *c);
    stream.kind_case = kind;
    stream.image_load = open; /* a union of pointers */
    assert_int_equal(channel_dial(&rig.loop, rig.url, NULL, &client_events, c, &c->channel, &err),
                     0);
    channel_send_message(c->channel, FRAME_OPEN, NULL, 0, &stream.base);
}

/* At the backend's pace; stops when the session is over. */
static void client_send(struct client *c, const void *bytes, size_t len)
{
    const char *p = bytes;
    while (len && !c->closed && !c->failed) {
        size_t n = len < FRAME_DATA_MAX ? len : FRAME_DATA_MAX;
        bool more = channel_send(c->channel, FRAME_STDIN, p, n);
        p += n;
        len -= n;
        if (!more)
            run_until(c->closed || c->failed || channel_writable(c->channel));
    }
}

static void client_finish(struct client *c)
{
    if (c->channel && !c->failed)
        channel_send(c->channel, FRAME_CLOSE_STDIN, NULL, 0);
    run_until(c->closed);
}

static void client_free(struct client *c)
{
    buf_free(&c->lines);
    buf_free(&c->bytes);
}

/* ---- archives ---- */

struct test_image {
    struct buf layers[IMAGE_LAYERS_MAX]; /* tars */
    char diff_ids[IMAGE_LAYERS_MAX][DIGEST_MAX];
    size_t layer_count;
    struct buf config;
    char id[DIGEST_MAX];
};

static void image_add_layer(struct test_image *i, const char *file, const void *bytes, size_t len)
{
    struct buf *layer = &i->layers[i->layer_count];
    tar_put_header(layer, file, (int64_t)len, 0, 0644);
    buf_append(layer, bytes, len);
    tar_put_padding(layer, (int64_t)len);
    tar_put_end(layer);
    digest_sha256(layer->data, layer->len, i->diff_ids[i->layer_count++]);
}

static void image_make_config(struct test_image *i, const char *marker)
{
    buf_printf(&i->config,
               "{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":\"2024-01-02T03:04:05Z\","
               "\"config\":{\"Cmd\":[\"%s\"],\"Entrypoint\":[\"/bin/sh\"]},\"rootfs\":{\"type\":"
               "\"layers\",\"diff_ids\":[",
               marker);
    for (size_t l = 0; l < i->layer_count; l++)
        buf_printf(&i->config, "%s\"%s\"", l ? "," : "", i->diff_ids[l]);
    buf_puts(&i->config, "]},\"history\":[");
    for (size_t l = 0; l < i->layer_count; l++)
        buf_printf(&i->config, "%s{\"created_by\":\"step %zu\"}", l ? "," : "", l);
    buf_puts(&i->config, "]}");
    digest_sha256(i->config.data, i->config.len, i->id);
}

static void image_free(struct test_image *i)
{
    for (size_t l = 0; l < i->layer_count; l++)
        buf_free(&i->layers[l]);
    buf_free(&i->config);
}

static void tar_put_file(struct buf *tar, const char *name, const void *bytes, size_t len)
{
    tar_put_header(tar, name, (int64_t)len, 0, 0644);
    buf_append(tar, bytes, len);
    tar_put_padding(tar, (int64_t)len);
}

/* As `docker save` of 20.10 has it. tags: JSON, "[\"a:1\"]" or "null". */
static void image_put_docker(struct buf *tar, struct test_image *i, const char *tags)
{
    struct buf manifest = BUF_INIT;
    char name[128];
    snprintf(name, sizeof name, "%s.json", i->id + 7);
    tar_put_file(tar, name, i->config.data, i->config.len);
    buf_printf(&manifest, "[{\"Config\":\"%s\",\"RepoTags\":%s,\"Layers\":[", name, tags);
    for (size_t l = 0; l < i->layer_count; l++) {
        snprintf(name, sizeof name, "%s/layer.tar", i->diff_ids[l] + 7);
        tar_put_file(tar, name, i->layers[l].data, i->layers[l].len);
        buf_printf(&manifest, "%s\"%s\"", l ? "," : "", name);
    }
    buf_puts(&manifest, "]}]");
    tar_put_file(tar, "manifest.json", manifest.data, manifest.len);
    tar_put_end(tar);
    buf_free(&manifest);
}

/* Two small layers under a tag. */
static void image_make_small(struct test_image *i, const char *marker)
{
    memset(i, 0, sizeof *i);
    image_add_layer(i, "base", "shared by all", 13);
    image_add_layer(i, "top", marker, strlen(marker));
    image_make_config(i, marker);
}

static void load_bytes(struct client *c, const struct buf *tar, bool quiet)
{
    Sockerless__ImageLoadOpen open = SOCKERLESS__IMAGE_LOAD_OPEN__INIT;
    open.quiet = quiet;
    client_open(c, SOCKERLESS__STREAM_OPEN__KIND_IMAGE_LOAD, &open);
    client_send(c, tar->data, tar->len);
    client_finish(c);
}

/* The image as given, through load; fails the test when that does. */
UNUSED_HERE static void load_image(struct test_image *i, const char *tags)
{
    struct buf tar = BUF_INIT;
    struct client c;
    image_put_docker(&tar, i, tags);
    load_bytes(&c, &tar, true);
    if (!c.ended)
        fail_msg("load: %s", c.err.message);
    client_free(&c);
    buf_free(&tar);
}

/* ---- asking a registry ---- */

struct question {
    const char *repository, *reference;
    struct arena arena;
    struct registry_manifest manifest;
    struct manifest parsed;
    void *config;
    size_t config_len;
    int rc;
    bool over;
    struct error err;
};

static int co_ask(struct question *q)
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
    struct question *q = arg;
    q->rc = co_ask(q);
    q->over = true;
}

/* Manifest, configuration and every layer, all verified by the client; question_free. */
UNUSED_HERE static void registry_ask(struct question *q, const char *repository,
                                     const char *reference)
{
    struct error err;
    memset(q, 0, sizeof *q);
    q->repository = repository;
    q->reference = reference;
    arena_init(&q->arena);
    assert_int_equal(co_spawn(&rig.loop, co_question, q, &err), 0);
    run_until(q->over);
}

UNUSED_HERE static void question_free(struct question *q)
{
    arena_fini(&q->arena);
}

UNUSED_HERE static const Sockerless__ImageRecord *known_image(const char *reference)
{
    struct error err;
    const Sockerless__ImageRecord *rec = image_store_find(rig.backend.images, reference, &err);
    if (!rec)
        fail_msg("%s: %s", reference, err.message);
    return rec;
}

#endif
