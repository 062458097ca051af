/* SPDX-License-Identifier: Apache-2.0
 *
 * Images, the unary requests: list, inspect, history, tag, remove, prune.
 */
#include "frontend/json/docker_json.h"
#include "frontend/http/exchange_call.h"
#include "frontend/http/reply.h"
#include "frontend/routes/route.h"

#include <string.h>

enum { PRUNE_TIMEOUT_MS = 5 * 60 * 1000 };

/* ---- list, inspect ---- */

static void list_done(struct exchange *x, const Sockerless__Reply *reply)
{
    struct buf *out = reply_scratch(x);
    docker_json_put_image_list(out, reply->image_list, x->api);
    reply_json(x, 200, out);
}

void route_image_list(struct exchange *x)
{
    Sockerless__ImageListRequest list = SOCKERLESS__IMAGE_LIST_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    struct error err;
    if (docker_json_filters(query_get(&x->query, "filters"), &x->arena, &list.filters,
                            &list.n_filters, &err)) {
        reply_failure(x, &err);
        return;
    }
    list.all = query_bool(&x->query, "all", false);
    list.digests = query_bool(&x->query, "digests", false);
    request.op_case = SOCKERLESS__REQUEST__OP_IMAGE_LIST;
    request.image_list = &list;
    exchange_call(x, &request, 0, list_done);
}

static void inspect_done(struct exchange *x, const Sockerless__Reply *reply)
{
    struct buf *out = reply_scratch(x);
    if (!reply->image_inspect->image) {
        reply_error(x, 500, "the backend answered without an image");
        return;
    }
    docker_json_put_image(out, reply->image_inspect->image, x->api);
    reply_json(x, 200, out);
}

void route_image_inspect(struct exchange *x)
{
    Sockerless__ImageInspectRequest inspect = SOCKERLESS__IMAGE_INSPECT_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    inspect.ref = text(x->arg);
    request.op_case = SOCKERLESS__REQUEST__OP_IMAGE_INSPECT;
    request.image_inspect = &inspect;
    exchange_call(x, &request, 0, inspect_done);
}

static void history_done(struct exchange *x, const Sockerless__Reply *reply)
{
    struct buf *out = reply_scratch(x);
    docker_json_put_history(out, reply->image_history);
    reply_json(x, 200, out);
}

void route_image_history(struct exchange *x)
{
    Sockerless__ImageHistoryRequest history = SOCKERLESS__IMAGE_HISTORY_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    history.ref = text(x->arg);
    request.op_case = SOCKERLESS__REQUEST__OP_IMAGE_HISTORY;
    request.image_history = &history;
    exchange_call(x, &request, 0, history_done);
}

/* ---- tag, remove, prune ---- */

void route_image_tag(struct exchange *x)
{
    Sockerless__ImageTagRequest tag = SOCKERLESS__IMAGE_TAG_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    tag.ref = text(x->arg);
    tag.repo = text(query_get(&x->query, "repo"));
    tag.tag = text(query_get(&x->query, "tag"));
    request.op_case = SOCKERLESS__REQUEST__OP_IMAGE_TAG;
    request.image_tag = &tag;
    exchange_call_empty(x, &request, 0, 201);
}

static void remove_done(struct exchange *x, const Sockerless__Reply *reply)
{
    struct buf *out = reply_scratch(x);
    docker_json_put_image_removed(out, reply->image_remove);
    reply_json(x, 200, out);
}

void route_image_remove(struct exchange *x)
{
    Sockerless__ImageRemoveRequest remove = SOCKERLESS__IMAGE_REMOVE_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    remove.ref = text(x->arg);
    remove.force = query_bool(&x->query, "force", false);
    remove.no_prune = query_bool(&x->query, "noprune", false);
    request.op_case = SOCKERLESS__REQUEST__OP_IMAGE_REMOVE;
    request.image_remove = &remove;
    exchange_call(x, &request, 0, remove_done);
}

static void prune_done(struct exchange *x, const Sockerless__Reply *reply)
{
    struct buf *out = reply_scratch(x);
    docker_json_put_image_prune(out, reply->image_prune);
    reply_json(x, 200, out);
}

void route_image_prune(struct exchange *x)
{
    Sockerless__ImagePruneRequest prune = SOCKERLESS__IMAGE_PRUNE_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    struct error err;
    if (docker_json_filters(query_get(&x->query, "filters"), &x->arena, &prune.filters,
                            &prune.n_filters, &err)) {
        reply_failure(x, &err);
        return;
    }
    request.op_case = SOCKERLESS__REQUEST__OP_IMAGE_PRUNE;
    request.image_prune = &prune;
    exchange_call(x, &request, PRUNE_TIMEOUT_MS, prune_done);
}
