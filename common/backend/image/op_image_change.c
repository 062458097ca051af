/* SPDX-License-Identifier: Apache-2.0
 * Images: tag, rmi, prune (daemon/images/image_prune.go of moby). */
#include "backend/api/op.h"
#include "backend/image/image_remove.h"
#include "backend/api/label_filter.h"
#include "backend/api/time_filter.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "oci/name/image_ref.h"

#include <string.h>

/* ---- tag ---- */

/* repo may carry a tag of its own; tag takes its place. */
static int tag_reference(const Sockerless__ImageTagRequest *request, struct image_ref *ref,
                         struct error *err)
{
    char name[IMAGE_REF_TEXT_MAX];
    if (image_ref_parse(request->repo, ref, err))
        return -1;
    if (image_ref_set_tag(ref, request->tag, err))
        return -1;
    if (!str_empty(request->tag))
        ref->digest[0] = '\0';
    if (ref->digest[0])
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "refusing to create a tag with a digest reference");
    if (strcmp(image_ref_familiar_name(ref, name, sizeof name), "sha256") == 0)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "refusing to create an ambiguous tag using digest algorithm as name");
    image_ref_default_tag(ref);
    return 0;
}

static int tag_image(struct backend *b, const Sockerless__ImageTagRequest *request,
                     struct error *err)
{
    struct image_ref ref;
    char full[IMAGE_REF_TEXT_MAX];
    const Sockerless__ImageRecord *rec = image_store_find(b->images, request->ref, err);
    if (!rec || tag_reference(request, &ref, err))
        return -1;
    image_ref_full(&ref, full, sizeof full);
    if (image_store_tag(b->images, rec->image->id, full, err))
        return -1;
    log_info("tagged", LOG_STR("image", request->ref), LOG_STR("tag", full));
    return 0;
}

void op_image_tag(struct op *op)
{
    struct error err;
    if (tag_image(op->backend, op->request->image_tag, &err))
        op_fail(op, &err);
    else
        op_reply_empty(op);
}

/* ---- remove ---- */

void op_image_remove(struct op *op)
{
    const Sockerless__ImageRemoveRequest *request = op->request->image_remove;
    struct image_removal removal = {.backend = op->backend, .arena = op->arena};
    struct error err;
    if (image_remove(&removal, request->ref, request->force, &err)) {
        op_fail(op, &err);
        return;
    }
    Sockerless__ImageRemoveReply removed = SOCKERLESS__IMAGE_REMOVE_REPLY__INIT;
    removed.items = removal.items;
    removed.n_items = removal.count;
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    reply.result_case = SOCKERLESS__REPLY__RESULT_IMAGE_REMOVE;
    reply.image_remove = &removed;
    op_reply(op, &reply);
}

/* ---- prune ---- */

struct prune_query {
    bool tagged_too; /* dangling=false */
    bool has_until;
    int64_t until_ns;
    const Sockerless__Filter *labels, *not_labels;
};

static int take_dangling(struct prune_query *q, const Sockerless__Filter *f, struct error *err)
{
    bool flag;
    if (filter_flag(f, true, &flag, err))
        return -1;
    q->tagged_too = !flag;
    return 0;
}

static int take_until(struct prune_query *q, const Sockerless__Filter *f, struct error *err)
{
    if (f->n_values > 1)
        return error_set(err, ERROR_INVALID_PARAMETER, "more than one until filter specified");
    q->has_until = f->n_values;
    return f->n_values ? time_filter_parse(f->values[0], time_now_ns(), &q->until_ns, err) : 0;
}

static int take_labels(struct prune_query *q, const Sockerless__Filter *f, struct error *err)
{
    (void)err;
    q->labels = f;
    return 0;
}

static int take_not_labels(struct prune_query *q, const Sockerless__Filter *f, struct error *err)
{
    (void)err;
    q->not_labels = f;
    return 0;
}

static int prune_query_compile(const Sockerless__ImagePruneRequest *request, struct prune_query *q,
                               struct error *err)
{
    static const struct {
        const char *key;
        int (*take)(struct prune_query *q, const Sockerless__Filter *f, struct error *err);
    } keys[] = {
        {"dangling", take_dangling},
        {"until", take_until},
        {"label", take_labels},
        {"label!", take_not_labels},
    };
    for (size_t i = 0; i < request->n_filters; i++) {
        const Sockerless__Filter *given = request->filters[i];
        size_t k = 0;
        while (k < ARRAY_LEN(keys) && strcmp(keys[k].key, given->key) != 0)
            k++;
        if (k == ARRAY_LEN(keys))
            return error_set(err, ERROR_INVALID_PARAMETER, "Invalid filter '%.100s'", given->key);
        if (keys[k].take(q, given, err))
            return -1;
    }
    return 0;
}

/* All of the filter's labels are there (moby's MatchKVList). */
static bool has_labels(const Sockerless__Image *image, const Sockerless__Filter *f)
{
    for (size_t i = 0; i < f->n_values; i++)
        if (!image->config ||
            !label_filter_matches(f->values[i], image->config->labels, image->config->n_labels))
            return false;
    return true;
}

static bool prune_wants(const struct prune_query *q, const Sockerless__Image *image)
{
    if (image->n_repo_tags && !q->tagged_too)
        return false;
    if (q->has_until && image->created > q->until_ns)
        return false;
    if (q->labels && !has_labels(image, q->labels))
        return false;
    return !q->not_labels || !q->not_labels->n_values || !has_labels(image, q->not_labels);
}

/* Reference by reference, so that a container in use keeps what it uses, as with rmi. A digest
 * reference that went with its repository's last tag is no error. */
static int prune_image(struct image_removal *r, const Sockerless__Image *image, struct error *err)
{
    size_t count;
    const char *id = arena_strdup(r->arena, image->id);
    struct image_name *names = image_names(image, r->arena, &count);
    for (size_t i = 0; i < (count ? count : 1); i++)
        if (image_remove(r, count ? names[i].full : id, false, err) &&
            err->code != ERROR_CONFLICT && err->code != ERROR_NOT_FOUND)
            return -1;
    return 0;
}

static int prune(struct op *op, struct image_removal *r, struct error *err)
{
    struct prune_query q = {0};
    size_t count, wanted = 0;
    if (prune_query_compile(op->request->image_prune, &q, err))
        return -1;
    const Sockerless__ImageRecord **all = image_store_all(op->backend->images, op->arena, &count);
    const char **ids = arena_alloc(op->arena, (count + 1) * sizeof *ids);
    for (size_t i = 0; i < count; i++)
        if (prune_wants(&q, all[i]->image))
            ids[wanted++] = arena_strdup(op->arena, all[i]->image->id);
    for (size_t i = 0; i < wanted; i++) {
        const Sockerless__ImageRecord *rec = image_store_find(op->backend->images, ids[i], err);
        if (rec && prune_image(r, rec->image, err))
            return -1;
    }
    return 0;
}

void op_image_prune(struct op *op)
{
    struct image_removal removal = {.backend = op->backend, .arena = op->arena};
    struct error err;
    if (prune(op, &removal, &err)) {
        op_fail(op, &err);
        return;
    }
    Sockerless__ImagePruneReply pruned = SOCKERLESS__IMAGE_PRUNE_REPLY__INIT;
    pruned.items = removal.items;
    pruned.n_items = removal.count;
    pruned.space_reclaimed = removal.space;
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    reply.result_case = SOCKERLESS__REPLY__RESULT_IMAGE_PRUNE;
    reply.image_prune = &pruned;
    op_reply(op, &reply);
}
