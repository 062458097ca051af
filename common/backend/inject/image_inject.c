/* SPDX-License-Identifier: Apache-2.0
 *
 * Images with the agent in them; see image_inject.h. One entry a (manifest, agent layer): whoever
 * comes first makes the image, others wait for it. What was made is remembered in the store, too,
 * and believed after a restart only when the registry still has it.
 */
#include "backend/inject/image_inject.h"

#include "backend/inject/agent_layer.h"
#include "backend/image/image_record.h"
#include "backend/image/image_source.h"
#include "loop/parallel.h"
#include "backend/image/staging.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "oci/document/image_edit.h"

#include <string.h>
#include <uthash.h>

enum {
    ENTRIES_MAX = 1024,
    LAYERS_AT_ONCE = 3,
    WAIT_MS = 3600 * 1000, /* for another's work, which has deadlines of its own */
};

struct entry {
    char key[DIGEST_MAX];
    char *reference; /* NULL: being made */
    bool failed;
    struct error why;
    struct co_cond changed;
    unsigned users; /* maker and waiters */
    UT_hash_handle hh;
};

struct image_injector {
    struct agent_layer agent;
    struct entry *entries; /* in order of insertion */
};

struct image_injector *image_injector_new(void)
{
    return NEW(struct image_injector);
}

static void entry_free(struct entry *e)
{
    free(e->reference);
    free(e);
}

void image_injector_free(struct image_injector *in)
{
    struct entry *e, *next;
    if (!in)
        return;
    HASH_ITER(hh, in->entries, e, next)
    {
        HASH_DEL(in->entries, e);
        entry_free(e);
    }
    agent_layer_fini(&in->agent);
    free(in);
}

/* ---- one image ---- */

struct injection {
    struct backend *backend;
    struct arena *arena;
    struct image_ref staging;
    struct image_source source;
    struct registry_repo *target;
    struct archive_layer layer; /* the agent's; its bytes are the injector's */
    bool as_root;
    const char *key;
    char *manifest;
    size_t manifest_len;
    char manifest_digest[DIGEST_MAX];
};

static int co_copy_layer(void *arg, size_t item, struct error *err)
{
    struct injection *i = arg;
    const struct descriptor *layer = &i->source.manifest.layers[item];
    enum blob_copy_result result;
    if (layer_is_foreign(layer) || layer_is_repeated(i->source.manifest.layers, item))
        return 0;
    return co_image_source_copy(i->backend, &i->source, item, i->target, NULL, NULL, &result, err);
}

static int co_copy_layers(struct injection *i, struct error *err)
{
    struct parallel copying = {
        .loop = i->backend->loop,
        .count = i->source.manifest.layer_count,
        .width = LAYERS_AT_ONCE,
        .co_one = co_copy_layer,
        .arg = i,
    };
    return co_parallel(&copying, err);
}

/* The bytes may be replaced by a newer agent's while they are sent: a copy goes. */
static int co_put_agent(struct injection *i, struct error *err)
{
    const struct agent_layer *agent = &i->backend->injector->agent;
    bool there;
    if (co_registry_blob_exists(i->target, i->layer.digest, &there, err))
        return -1;
    if (there)
        return 0;
    if (strcmp(agent->layer.digest, i->layer.digest) != 0)
        return error_set(err, ERROR_UNAVAILABLE,
                         "the agent's binary was replaced meanwhile; try again");
    size_t len = agent->len;
    AUTO_FREE void *bytes = xmalloc(len);
    memcpy(bytes, agent->bytes, len);
    return co_registry_blob_put(i->target, i->layer.digest, bytes, len, err);
}

static int co_put_documents(struct injection *i, struct error *err)
{
    const struct image_source *source = &i->source;
    const ProtobufCBinaryData *manifest = &source->rec->manifest_json;
    char *config, tag[STAGING_TAG_MAX], digest[DIGEST_MAX];
    size_t len;
    const struct image_agent agent = {
        .path = AGENT_IMAGE_PATH, .diff_id = i->layer.diff_id, .as_root = i->as_root};
    const struct descriptor layer = {i->layer.media_type, i->layer.digest, i->layer.size};
    if (image_config_append_agent(source->config, source->config_len, &agent, i->arena, &config,
                                  &len, err))
        return -1;
    digest_sha256(config, len, digest);
    if (image_manifest_append_layer(manifest->data, manifest->len, digest, len, &layer, i->arena,
                                    &i->manifest, &i->manifest_len, err) ||
        co_registry_blob_put(i->target, digest, config, len, err))
        return -1;
    digest_sha256(i->manifest, i->manifest_len, i->manifest_digest);
    return co_registry_manifest_put(i->target, staging_tag("agent-", i->key, tag),
                                    source->rec->manifest_type, i->manifest, i->manifest_len, err);
}

static int co_make(struct injection *i, const Sockerless__ImageRecord *rec, struct error *err)
{
    if (co_image_source_open(i->backend, rec, i->arena, &i->source, err))
        return -1;
    bool same_registry = strcmp(i->source.ref.domain, i->staging.domain) == 0;
    int rc = staging_open(i->backend, &i->staging, same_registry ? i->source.ref.path : NULL,
                          &i->target, err);
    if (rc == 0)
        rc = co_copy_layers(i, err);
    if (rc == 0)
        rc = co_put_agent(i, err);
    if (rc == 0)
        rc = co_put_documents(i, err);
    registry_repo_close(i->target);
    image_source_close(&i->source);
    return rc;
}

/* ---- what was made before ---- */

static char *meta_name(const char *key, struct arena *arena)
{
    return arena_printf(arena, "agent-image:%s", key);
}

/* NULL: nothing usable is remembered. A registry that does not answer is an error. */
static int co_recall(struct injection *i, char **reference, struct error *err)
{
    AUTO_FREE char *kept = store_meta_get(i->backend->store, meta_name(i->key, i->arena));
    struct registry_manifest manifest;
    struct registry_repo *repo;
    *reference = NULL;
    const char *digest = kept ? strrchr(kept, '@') : NULL;
    if (!digest || !digest_valid(digest + 1) ||
        strcmp(kept, repository_at_digest(&i->staging, digest + 1, i->arena)) != 0)
        return 0;
    if (staging_open(i->backend, &i->staging, NULL, &repo, err))
        return -1;
    int rc = co_registry_manifest_head(repo, digest + 1, i->arena, &manifest, err);
    registry_repo_close(repo);
    if (rc)
        return err->code == ERROR_NOT_FOUND ? 0 : -1;
    *reference = arena_strdup(i->arena, kept);
    return 0;
}

static int co_recall_or_make(struct injection *i, const Sockerless__ImageRecord *rec,
                             char **reference, struct error *err)
{
    int64_t began = time_mono_ms();
    if (co_recall(i, reference, err))
        return -1;
    if (*reference)
        return 0;
    if (co_make(i, rec, err))
        return -1;
    *reference = repository_at_digest(&i->staging, i->manifest_digest, i->arena);
    log_info("agent injected", LOG_STR("image", rec->image->id), LOG_STR("as", *reference),
             LOG_INT("took_ms", time_mono_ms() - began));
    return store_meta_put(i->backend->store, meta_name(i->key, i->arena), *reference, err);
}

/* ---- entries ---- */

/* The oldest that nobody waits for goes; the store still knows it. */
static void entries_bound(struct image_injector *in)
{
    struct entry *e, *next;
    if (HASH_COUNT(in->entries) < ENTRIES_MAX)
        return;
    HASH_ITER(hh, in->entries, e, next)
    {
        if (e->users)
            continue;
        HASH_DEL(in->entries, e);
        entry_free(e);
        return;
    }
}

static struct entry *entry_add(struct image_injector *in, const char *key)
{
    struct entry *e = NEW(struct entry);
    entries_bound(in);
    strcpy(e->key, key);
    HASH_ADD_STR(in->entries, key, e);
    return e;
}

/* A failure is not remembered: the entry is freed with its last user. */
static void entry_unref(struct entry *e)
{
    if (--e->users == 0 && e->failed)
        entry_free(e);
}

static void entry_settle(struct image_injector *in, struct entry *e, const char *reference,
                         const struct error *why)
{
    if (reference) {
        e->reference = xstrdup(reference);
    } else {
        e->failed = true;
        e->why = *why;
        HASH_DEL(in->entries, e);
    }
    co_cond_broadcast(&e->changed);
}

static int co_entry_wait(struct entry *e, struct error *err)
{
    int64_t deadline_ms = time_mono_ms() + WAIT_MS;
    while (!e->reference && !e->failed)
        if (co_cond_wait(&e->changed, deadline_ms, err))
            return -1;
    return 0;
}

static int co_find_or_make(struct injection *i, const Sockerless__ImageRecord *rec, char **out,
                           struct error *err)
{
    struct image_injector *in = i->backend->injector;
    struct entry *e;
    struct error why;
    HASH_FIND_STR(in->entries, i->key, e);
    bool is_maker = !e;
    if (is_maker)
        e = entry_add(in, i->key);
    e->users++;
    int rc = -1;
    if (is_maker) {
        char *reference;
        bool made = co_recall_or_make(i, rec, &reference, &why) == 0;
        entry_settle(in, e, made ? reference : NULL, &why);
        rc = 0;
    } else {
        rc = co_entry_wait(e, &why);
    }
    if (rc == 0 && !e->failed)
        *out = arena_strdup(i->arena, e->reference);
    else
        *err = rc ? why : e->why;
    rc = rc || e->failed ? -1 : 0;
    entry_unref(e);
    return rc;
}

/* By content alone: what the image is called and where it came from do not matter. */
static char *key_of(const Sockerless__ImageRecord *rec, const struct archive_layer *layer,
                    bool as_root, struct arena *arena)
{
    char digest[DIGEST_MAX], *key = arena_alloc(arena, DIGEST_MAX);
    digest_sha256(rec->manifest_json.data, rec->manifest_json.len, digest);
    char *both = arena_printf(arena, "%s %s%s", digest, layer->digest, as_root ? " root" : "");
    digest_sha256(both, strlen(both), key);
    return key;
}

int co_image_with_agent(struct backend *b, const Sockerless__ImageRecord *image,
                        struct arena *arena, char **out, struct error *err)
{
    struct injection i = {
        .backend = b, .arena = arena, .as_root = b->driver && b->driver->caps.runs_as_image_user};
    if (staging_agent_ref(b, &i.staging, err) || image_source_check(image, err))
        return error_wrap(err, "the agent cannot be added to the image");
    const Sockerless__ImageRecord *rec = image_record_copy(image, arena); /* we suspend */
    if (co_agent_layer_update(b, &b->injector->agent, err))
        return error_wrap(err, "the agent cannot be added to the image");
    i.layer = b->injector->agent.layer;
    i.key = key_of(rec, &i.layer, i.as_root, arena);
    if (co_find_or_make(&i, rec, out, err))
        return error_wrap(err, "adding the agent to the image");
    return 0;
}

/* ---- images that need it ---- */

bool image_agent_possible(const struct backend *b)
{
    return staging_agent_configured(b);
}

static char *need_name(const char *image_id)
{
    return xasprintf("agent-needed:%s", image_id);
}

bool image_needs_agent(const struct backend *b, const char *image_id)
{
    AUTO_FREE char *name = need_name(image_id);
    AUTO_FREE char *kept = staging_agent_configured(b) ? store_meta_get(b->store, name) : NULL;
    return kept != NULL;
}

int image_set_needs_agent(struct backend *b, const char *image_id, struct error *err)
{
    AUTO_FREE char *name = need_name(image_id);
    return store_meta_put(b->store, name, "yes", err);
}
