/* SPDX-License-Identifier: Apache-2.0
 * Images: history, from the stored configuration (daemon/images/image_history.go of moby). */
#include "backend/api/op.h"
#include "backend/state/backend_internal.h"
#include "backend/image/image_layers.h"
#include "base/alloc.h"
#include "base/str.h"
#include "oci/document/image_edit.h"

/* An image remembered by a version that kept no configurations: itself, and no more. */
static void history_of_unknown(const Sockerless__ImageRecord *rec, struct arena *arena,
                               struct image_history_item **out, size_t *count)
{
    *out = arena_calloc(arena, 1, sizeof **out);
    **out = (struct image_history_item){.created_by = "",
                                        .comment = rec->image->comment,
                                        .created_ns = rec->image->created,
                                        .empty_layer = true};
    *count = 1;
}

static int read_history(const Sockerless__ImageRecord *rec, struct arena *arena,
                        struct image_history_item **items, size_t *count, struct error *err)
{
    *count = 0;
    if (rec->config_json.len &&
        image_config_history(rec->config_json.data, rec->config_json.len, arena, items, count, err))
        return error_wrap(err, "history of %s", rec->image->id);
    if (!*count)
        history_of_unknown(rec, arena, items, count);
    size_t layers = 0;
    for (size_t i = 0; i < *count; i++)
        layers += !(*items)[i].empty_layer;
    return layers <= rec->image->n_diff_ids
               ? 0
               : error_set(err, ERROR_SYSTEM, "too many non-empty layers in History section");
}

/* Oldest first comes in, newest first goes out. */
static void reply_fill(Sockerless__ImageHistoryReply *reply, const Sockerless__ImageRecord *rec,
                       const struct image_history_item *items, size_t count, struct arena *arena)
{
    const int64_t *sizes = image_layer_sizes(rec, arena);
    size_t layer = 0;
    reply->n_items = count;
    reply->items = arena_alloc(arena, count * sizeof *reply->items);
    for (size_t i = 0; i < count; i++) {
        Sockerless__ImageHistoryItem *item = arena_alloc(arena, sizeof *item);
        sockerless__image_history_item__init(item);
        item->id = (char *)"<missing>";
        item->created = items[i].created_ns;
        item->created_by = (char *)str_or_empty(items[i].created_by);
        item->comment = (char *)str_or_empty(items[i].comment);
        item->size = items[i].empty_layer ? 0 : sizes[layer++];
        reply->items[count - 1 - i] = item;
    }
    Sockerless__ImageHistoryItem *newest = reply->items[0];
    newest->id = rec->image->id;
    newest->tags = rec->image->repo_tags;
    newest->n_tags = rec->image->n_repo_tags;
}

void op_image_history(struct op *op)
{
    struct image_history_item *items;
    size_t count;
    struct error err;
    const Sockerless__ImageRecord *rec =
        image_store_find(op->backend->images, op->request->image_history->ref, &err);
    if (!rec || read_history(rec, op->arena, &items, &count, &err)) {
        op_fail(op, &err);
        return;
    }
    Sockerless__ImageHistoryReply history = SOCKERLESS__IMAGE_HISTORY_REPLY__INIT;
    reply_fill(&history, rec, items, count, op->arena);
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    reply.result_case = SOCKERLESS__REPLY__RESULT_IMAGE_HISTORY;
    reply.image_history = &history;
    op_reply(op, &reply);
}
