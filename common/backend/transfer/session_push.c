/* SPDX-License-Identifier: Apache-2.0
 *
 * `docker push`: from the repository that holds an image's layers to the one it is named after, by
 * mounting where both are in one registry. The manifest goes verbatim, so the digest stays what it
 * was. Words and their order are dockerd's; failures come in the stream.
 */
#include "backend/api/session.h"
#include "backend/image/credential_store.h"
#include "backend/image/image_record.h"
#include "backend/image/image_source.h"
#include "loop/parallel.h"
#include "backend/transfer/transfer.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"

#include <stdio.h>
#include <string.h>

enum { LAYERS_AT_ONCE = 3, PROGRESS_EVERY_MS = 100 };

struct push_session {
    struct transfer transfer;
    struct image_ref target; /* repository only */
    const char *tag;         /* "": all */
    unsigned char *auth_json;
    size_t auth_len;
    struct parallel *copying; /* while it runs */
};

struct push { /* of one tag */
    struct push_session *session;
    const struct image_source *source;
    struct registry_repo *repo;
    char (*ids)[13]; /* of diff ids, by layer */
};

/* ---- layers ---- */

struct layer_progress {
    struct push *push;
    size_t layer;
    int64_t said_at_ms;
};

static void on_progress(void *arg, int64_t current)
{
    struct layer_progress *p = arg;
    const struct descriptor *layer = &p->push->source->manifest.layers[p->layer];
    int64_t now = time_mono_ms();
    if (now - p->said_at_ms < PROGRESS_EVERY_MS && current < layer->size)
        return;
    p->said_at_ms = now;
    transfer_progress(&p->push->session->transfer, p->push->ids[p->layer], "Pushing", current,
                      layer->size);
}

static void say_layer(struct push *p, size_t layer, const char *status)
{
    transfer_progress(&p->session->transfer, p->ids[layer], status, 0, 0);
}

static void say_copied(struct push *p, size_t layer, enum blob_copy_result result)
{
    static const char *const said[] = {
        [BLOB_EXISTED] = "Layer already exists", [BLOB_COPIED] = "Pushed"};
    char mounted[IMAGE_REF_NAME_MAX + 32];
    if (result == BLOB_MOUNTED) {
        snprintf(mounted, sizeof mounted, "Mounted from %s", p->source->ref.path);
        say_layer(p, layer, mounted);
    } else {
        say_layer(p, layer, said[result]);
    }
}

/* Base layer first, as dockerd uploads them. */
static int co_push_layer(void *arg, size_t item, struct error *err)
{
    struct push *p = arg;
    const struct descriptor *layer = &p->source->manifest.layers[item];
    struct layer_progress progress = {.push = p, .layer = item};
    enum blob_copy_result result;
    if (layer_is_foreign(layer)) {
        say_layer(p, item, "Skipped foreign layer");
        return 0;
    }
    if (layer_is_repeated(p->source->manifest.layers, item))
        return 0;
    if (co_image_source_copy(p->session->transfer.backend, p->source, item, p->repo, on_progress,
                             &progress, &result, err))
        return -1;
    say_copied(p, item, result);
    return 0;
}

static void layers_prepare(struct push *p)
{
    const Sockerless__Image *image = p->source->rec->image;
    size_t count = p->source->manifest.layer_count;
    p->ids = arena_calloc(&p->session->transfer.arena, count + 1, sizeof *p->ids);
    for (size_t i = 0; i < count; i++)
        image_short_id(i < image->n_diff_ids ? image->diff_ids[i]
                                             : p->source->manifest.layers[i].digest,
                       p->ids[i]);
    for (size_t i = count; i-- > 0;)
        say_layer(p, i, "Preparing");
    for (size_t i = count; i-- > LAYERS_AT_ONCE;)
        say_layer(p, i, "Waiting");
}

static int co_push_layers(struct push *p, struct error *err)
{
    struct parallel copying = {
        .loop = p->session->transfer.backend->loop,
        .count = p->source->manifest.layer_count,
        .width = LAYERS_AT_ONCE,
        .co_one = co_push_layer,
        .arg = p,
    };
    p->session->copying = &copying;
    int rc = co_parallel(&copying, err);
    p->session->copying = NULL;
    return rc;
}

/* ---- one tag ---- */

static void say_pushed(struct push *p, const char *tag)
{
    const struct image_source *source = p->source;
    char line[IMAGE_REF_TAG_MAX + DIGEST_MAX + 64];
    int64_t size = (int64_t)source->rec->manifest_json.len;
    snprintf(line, sizeof line, "%s: digest: %s size: %lld", tag, source->manifest_digest,
             (long long)size);
    transfer_progress(&p->session->transfer, "", line, 0, 0);
    Sockerless__PushedImage pushed = SOCKERLESS__PUSHED_IMAGE__INIT;
    pushed.tag = (char *)tag;
    pushed.digest = (char *)source->manifest_digest;
    pushed.size = size;
    Sockerless__Progress last = SOCKERLESS__PROGRESS__INIT;
    last.aux = &pushed;
    transfer_send(&p->session->transfer, &last);
}

/* The image can from now on be named by the digest that it has over there. */
static int remember_digest(struct push *p, struct error *err)
{
    struct transfer *t = &p->session->transfer;
    char name[IMAGE_REF_TEXT_MAX];
    struct error gone;
    const Sockerless__ImageRecord *found =
        image_store_find(t->backend->images, p->source->rec->image->id, &gone);
    if (!found)
        return 0;
    Sockerless__ImageRecord *rec = image_record_copy(found, &t->arena);
    char *digest = arena_printf(&t->arena, "%s@%s",
                                image_ref_familiar_name(&p->session->target, name, sizeof name),
                                p->source->manifest_digest);
    rec->image->repo_digests = &digest;
    rec->image->n_repo_digests = 1;
    return image_store_put(t->backend->images, rec, err);
}

static int co_push_documents(struct push *p, const char *tag, struct error *err)
{
    const struct image_source *source = p->source;
    const Sockerless__ImageRecord *rec = source->rec;
    if (transfer_check_client(&p->session->transfer, err) ||
        co_registry_blob_put(p->repo, source->manifest.config.digest, source->config,
                             source->config_len, err) ||
        transfer_check_client(&p->session->transfer, err))
        return -1;
    return co_registry_manifest_put(p->repo, tag, rec->manifest_type, rec->manifest_json.data,
                                    rec->manifest_json.len, err);
}

static int co_push_from(struct push_session *s, const struct image_source *source, const char *tag,
                        struct error *err)
{
    struct push p = {.session = s, .source = source};
    bool same_registry = strcmp(source->ref.domain, s->target.domain) == 0;
    struct registry_repo_options options = {
        .ref = &s->target,
        .auth_json = s->auth_len ? s->auth_json : NULL,
        .auth_json_len = s->auth_len,
        .login = co_backend_login,
        .login_arg = s->transfer.backend,
        .push = true,
        .mount_from = same_registry ? source->ref.path : NULL,
    };
    if (registry_repo_open(s->transfer.backend->registry, &options, &p.repo, err))
        return -1;
    layers_prepare(&p);
    int rc = co_push_layers(&p, err);
    if (rc == 0)
        rc = co_push_documents(&p, tag, err);
    if (rc == 0)
        rc = remember_digest(&p, err);
    if (rc == 0)
        say_pushed(&p, tag);
    registry_repo_close(p.repo);
    return rc;
}

static int co_push_tag(struct push_session *s, const char *reference, struct error *err)
{
    struct image_source source;
    struct image_ref ref;
    char text[IMAGE_REF_TEXT_MAX];
    if (image_ref_parse(reference, &ref, err))
        return -1;
    image_ref_default_tag(&ref);
    image_ref_familiar(&ref, text, sizeof text);
    const Sockerless__ImageRecord *rec = image_store_find(s->transfer.backend->images, text, err);
    if (!rec)
        return error_set(err, ERROR_NOT_FOUND, "tag does not exist: %s", text);
    if (co_image_source_open(s->transfer.backend, rec, NULL, &s->transfer.arena, &source, err))
        return -1;
    int rc = co_push_from(s, &source, ref.tag, err);
    image_source_close(&source);
    if (rc == 0)
        log_info("pushed", LOG_STR("image", text), LOG_STR("digest", source.manifest_digest));
    return rc;
}

/* ---- which ---- */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Every "name:tag" of the repository, sorted. */
static void tags_find(struct push_session *s, struct strv *out)
{
    struct transfer *t = &s->transfer;
    char name[IMAGE_REF_TEXT_MAX];
    size_t count;
    image_ref_familiar_name(&s->target, name, sizeof name);
    const Sockerless__ImageRecord **all = image_store_all(t->backend->images, &t->arena, &count);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < all[i]->image->n_repo_tags; j++) {
            const char *tag = all[i]->image->repo_tags[j];
            if (image_tag_is_of(tag, name))
                strv_push(out, tag);
        }
    if (out->count)
        qsort(out->items, out->count, sizeof *out->items, compare_texts);
}

static int co_push(struct transfer *t, struct error *err)
{
    struct push_session *s = CONTAINER_OF(t, struct push_session, transfer);
    char name[IMAGE_REF_TEXT_MAX];
    struct strv tags AUTO(strv) = STRV_INIT;
    transfer_opened(t);
    transfer_progress(t, "",
                      arena_printf(&t->arena, "The push refers to repository [%s/%s]",
                                   s->target.domain, s->target.path),
                      0, 0);
    image_ref_familiar_name(&s->target, name, sizeof name);
    tags_find(s, &tags);
    if (tags.count == 0)
        return error_set(err, ERROR_NOT_FOUND, "An image does not exist locally with the tag: %s",
                         name);
    if (s->tag[0])
        return co_push_tag(s, arena_printf(&t->arena, "%s:%s", name, s->tag), err);
    for (size_t i = 0; i < tags.count; i++)
        if (co_push_tag(s, tags.items[i], err))
            return -1;
    return 0;
}

/* ---- the session ---- */

static void on_gone(struct transfer *t)
{
    struct push_session *s = CONTAINER_OF(t, struct push_session, transfer);
    if (s->copying)
        parallel_cancel(s->copying);
}

static void release(struct transfer *t)
{
    struct push_session *s = CONTAINER_OF(t, struct push_session, transfer);
    if (s->auth_len)
        explicit_bzero(s->auth_json, s->auth_len);
}

static const struct transfer_kind push_kind = {
    .co_run = co_push, .gone = on_gone, .release = release};

static int target_parse(struct push_session *s, const Sockerless__ImagePushOpen *open,
                        struct error *err)
{
    struct image_ref tagged;
    if (image_ref_parse(open->repo, &tagged, err))
        return -1;
    if (tagged.digest[0])
        return error_set(err, ERROR_INVALID_PARAMETER, "cannot push a digest reference");
    if (image_ref_set_tag(&tagged, open->tag, err))
        return -1;
    s->tag = arena_strdup(&s->transfer.arena, tagged.tag);
    s->target = tagged;
    s->target.tag[0] = '\0';
    return 0;
}

void session_push_open(struct backend *b, struct channel *c, const Sockerless__ImagePushOpen *open)
{
    struct push_session *s = NEW(struct push_session);
    struct error err;
    transfer_init(&s->transfer, b, &push_kind);
    if (target_parse(s, open, &err)) {
        channel_fail(c, &err);
        transfer_free(&s->transfer);
        return;
    }
    if (open->registry_auth.len) {
        s->auth_len = open->registry_auth.len;
        s->auth_json = arena_alloc(&s->transfer.arena, s->auth_len);
        memcpy(s->auth_json, open->registry_auth.data, s->auth_len);
    }
    transfer_start(&s->transfer, c);
}
