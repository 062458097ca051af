/* SPDX-License-Identifier: Apache-2.0
 * Images with the agent in them; see image_inject.h. */
#include "backend/inject/image_inject.h"

#include "backend/inject/agent_image.h"
#include "backend/inject/agent_layer.h"
#include "backend/inject/staged_image.h"
#include "backend/image/image_record.h"
#include "backend/image/image_source.h"
#include "backend/image/staging.h"
#include "base/alloc.h"
#include "base/str.h"
#include "oci/document/image_edit.h"

#include <string.h>

struct image_injector {
    struct agent_layer agent; /* of the local binary */
    struct agent_image image; /* … or of an image, when one is configured */
};

struct image_injector *image_injector_new(void)
{
    return NEW(struct image_injector);
}

void image_injector_free(struct image_injector *in)
{
    if (!in)
        return;
    agent_layer_fini(&in->agent);
    free(in);
}

/* ---- one image ---- */

struct injection {
    struct backend *backend;
    struct arena *arena;
    const Sockerless__ImageRecord *rec;
    struct image_ref staging;
    struct image_source source;
    struct registry_repo *target;
    struct archive_layer layer; /* the agent's; its bytes are the injector's, or … */
    struct agent_image image;   /* … where this was read, if known */
    bool as_root;
    const char *key;
};

/* The bytes may be replaced by a newer agent's while they are sent: a copy goes. */
static int co_put_agent(struct injection *i, struct error *err)
{
    const struct agent_layer *agent = &i->backend->injector->agent;
    bool there;
    if (i->image.known)
        return co_agent_image_send(i->backend, &i->image, &i->staging, err);
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

static int co_put_documents(struct injection *i, char manifest_digest[DIGEST_MAX],
                            struct error *err)
{
    const struct image_source *source = &i->source;
    const ProtobufCBinaryData *manifest = &source->rec->manifest_json;
    char *config, *edited, tag[STAGING_TAG_MAX], digest[DIGEST_MAX];
    size_t len, edited_len;
    const struct image_agent agent = {
        .path = AGENT_IMAGE_PATH, .diff_id = i->layer.diff_id, .as_root = i->as_root};
    const struct descriptor layer = {i->layer.media_type, i->layer.digest, i->layer.size};
    if (image_config_append_agent(source->config, source->config_len, &agent, i->arena, &config,
                                  &len, err))
        return -1;
    digest_sha256(config, len, digest);
    if (image_manifest_append_layer(manifest->data, manifest->len, digest, len, &layer, i->arena,
                                    &edited, &edited_len, err) ||
        co_registry_blob_put(i->target, digest, config, len, err))
        return -1;
    digest_sha256(edited, edited_len, manifest_digest);
    return co_registry_manifest_put(i->target, staging_tag("agent-", i->key, tag),
                                    source->rec->manifest_type, edited, edited_len, err);
}

static int co_make(void *arg, char digest[DIGEST_MAX], struct error *err)
{
    struct injection *i = arg;
    if (co_image_source_open(i->backend, i->rec, NULL, i->arena, &i->source, err))
        return -1;
    int rc = co_image_source_send(i->backend, &i->source, &i->staging, &i->target, err);
    if (rc == 0)
        rc = co_put_agent(i, err);
    if (rc == 0)
        rc = co_put_documents(i, digest, err);
    registry_repo_close(i->target);
    image_source_close(&i->source);
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

static int co_find_agent(struct injection *i, struct error *err)
{
    struct image_injector *in = i->backend->injector;
    if (!str_empty(i->backend->config->agent_image)) {
        if (co_agent_image_update(i->backend, &in->image, err))
            return -1;
        i->image = in->image;
        i->layer = in->image.layer;
        return 0;
    }
    if (co_agent_layer_update(i->backend, &in->agent, err))
        return -1;
    i->layer = in->agent.layer;
    return 0;
}

int co_image_with_agent(struct backend *b, const Sockerless__ImageRecord *image,
                        struct arena *arena, char **out, struct error *err)
{
    struct injection i = {
        .backend = b, .arena = arena, .as_root = b->driver && b->driver->caps.runs_as_image_user};
    if (staging_agent_ref(b, &i.staging, err) || image_source_check(image, err))
        return error_wrap(err, "the agent cannot be added to the image");
    i.rec = image_record_copy(image, arena); /* we suspend */
    if (co_find_agent(&i, err))
        return error_wrap(err, "the agent cannot be added to the image");
    i.key = key_of(i.rec, &i.layer, i.as_root, arena);
    const struct staged_image staged = {.repository = &i.staging,
                                        .kind = "agent-image",
                                        .key = i.key,
                                        .from = i.rec->image->id,
                                        .co_make = co_make,
                                        .arg = &i};
    if (co_staged_image(b, &staged, arena, out, err))
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
