/* SPDX-License-Identifier: Apache-2.0
 *
 * Containers, the unary requests: create, list, inspect, start, stop, kill, resize, remove.
 */
#include "frontend/json/docker_json.h"
#include "frontend/http/exchange_call.h"
#include "frontend/http/reply.h"
#include "frontend/routes/route.h"

#include "base/str.h"
#include "base/timefmt.h"

enum {
    START_TIMEOUT_MS = 15 * 60 * 1000, /* a cold start with an image pull; the backend's is less */
    STOP_EXTRA_MS = 5 * 60 * 1000,     /* for the cloud, on top of the grace period */
    FOREVER_MS = 24 * 60 * 60 * 1000,
};

/* ---- create ---- */

static void create_done(struct exchange *x, const Sockerless__Reply *reply)
{
    struct buf *out = reply_scratch(x);
    docker_json_put_create(out, reply->container_create);
    reply_json(x, 201, out);
}

void route_container_create(struct exchange *x)
{
    Sockerless__ContainerCreateRequest create = SOCKERLESS__CONTAINER_CREATE_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    struct error err;
    json_t *root = route_request_json(x);
    if (!root)
        return;
    int rc = docker_json_create(root, &x->arena, &create, &err);
    json_decref(root);
    if (rc) {
        reply_failure(x, &err);
        return;
    }
    create.name = text(query_get(&x->query, "name"));
    create.platform = text(x->api >= 41 ? query_get(&x->query, "platform") : NULL);
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_CREATE;
    request.container_create = &create;
    exchange_call(x, &request, START_TIMEOUT_MS, create_done);
}

/* ---- list, inspect ---- */

static void list_done(struct exchange *x, const Sockerless__Reply *reply)
{
    struct buf *out = reply_scratch(x);
    docker_json_put_container_list(out, reply->container_list, x->api, time_now_ns());
    reply_json(x, 200, out);
}

void route_container_list(struct exchange *x)
{
    Sockerless__ContainerListRequest list = SOCKERLESS__CONTAINER_LIST_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    struct error err;
    int64_t limit;
    if (query_int(&x->query, "limit", 0, INT32_MIN, INT32_MAX, &limit, &err) ||
        docker_json_filters(query_get(&x->query, "filters"), &x->arena, &list.filters,
                            &list.n_filters, &err)) {
        reply_failure(x, &err);
        return;
    }
    list.limit = limit > 0 ? (int32_t)limit : 0;
    list.all = query_bool(&x->query, "all", false) || list.limit > 0;
    list.size = query_bool(&x->query, "size", false);
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_LIST;
    request.container_list = &list;
    exchange_call(x, &request, 0, list_done);
}

static void inspect_done(struct exchange *x, const Sockerless__Reply *reply)
{
    struct buf *out = reply_scratch(x);
    if (!reply->container_inspect->container) {
        reply_error(x, 500, "the backend answered without a container");
        return;
    }
    docker_json_put_container(out, reply->container_inspect->container, x->api,
                              query_bool(&x->query, "size", false));
    reply_json(x, 200, out);
}

void route_container_inspect(struct exchange *x)
{
    Sockerless__ContainerInspectRequest inspect = SOCKERLESS__CONTAINER_INSPECT_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    inspect.ref = text(x->arg);
    inspect.size = query_bool(&x->query, "size", false);
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_INSPECT;
    request.container_inspect = &inspect;
    exchange_call(x, &request, 0, inspect_done);
}

/* ---- changes of state: 204, or 304 when there is nothing to change ---- */

void route_container_start(struct exchange *x)
{
    Sockerless__ContainerStartRequest start = SOCKERLESS__CONTAINER_START_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    start.ref = text(x->arg);
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_START;
    request.container_start = &start;
    exchange_call_empty(x, &request, START_TIMEOUT_MS, 204);
}

void route_container_stop(struct exchange *x)
{
    Sockerless__ContainerStopRequest stop = SOCKERLESS__CONTAINER_STOP_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    struct error err;
    int64_t seconds;
    if (query_int(&x->query, "t", 0, INT32_MIN, INT32_MAX, &seconds, &err)) {
        reply_failure(x, &err);
        return;
    }
    stop.ref = text(x->arg);
    stop.has_timeout = !str_empty(query_get(&x->query, "t"));
    stop.timeout_s = seconds < 0 ? -1 : (int32_t)seconds;
    stop.signal = text(query_get(&x->query, "signal"));
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_STOP;
    request.container_stop = &stop;
    bool bounded = seconds >= 0 && seconds * 1000 < FOREVER_MS;
    exchange_call_empty(x, &request, bounded ? seconds * 1000 + STOP_EXTRA_MS : FOREVER_MS, 204);
}

void route_container_kill(struct exchange *x)
{
    Sockerless__ContainerKillRequest kill = SOCKERLESS__CONTAINER_KILL_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    kill.ref = text(x->arg);
    kill.signal = text(query_get(&x->query, "signal"));
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_KILL;
    request.container_kill = &kill;
    exchange_call_empty(x, &request, STOP_EXTRA_MS, 204);
}

void route_container_resize(struct exchange *x)
{
    Sockerless__ContainerResizeRequest resize = SOCKERLESS__CONTAINER_RESIZE_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    resize.ref = text(x->arg);
    if (route_request_window(x, &resize.height, &resize.width))
        return;
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_RESIZE;
    request.container_resize = &resize;
    exchange_call_empty(x, &request, 0, 200);
}

void route_container_remove(struct exchange *x)
{
    Sockerless__ContainerRemoveRequest remove = SOCKERLESS__CONTAINER_REMOVE_REQUEST__INIT;
    Sockerless__Request request = SOCKERLESS__REQUEST__INIT;
    remove.ref = text(x->arg);
    remove.force = query_bool(&x->query, "force", false);
    remove.volumes = query_bool(&x->query, "v", false);
    remove.link = query_bool(&x->query, "link", false);
    request.op_case = SOCKERLESS__REQUEST__OP_CONTAINER_REMOVE;
    request.container_remove = &remove;
    exchange_call_empty(x, &request, STOP_EXTRA_MS, 204);
}
