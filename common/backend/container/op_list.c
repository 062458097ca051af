/* SPDX-License-Identifier: Apache-2.0
 *
 * Container list: newest first, filtered, and each container reduced to what a list shows, so that
 * a thousand of them are cheap to pack, to send and to unpack.
 */
#include "backend/api/op.h"
#include "backend/state/backend_internal.h"
#include "backend/container/container_filter.h"
#include "base/alloc.h"

#include <string.h>

/* What `docker ps` calls running. */
static bool is_running(const struct container *c)
{
    return container_alive(c) && c->view->state != SOCKERLESS__CONTAINER_STATE__STARTING;
}

static Sockerless__ContainerConfig *reduced_config(struct arena *arena,
                                                   const Sockerless__ContainerConfig *config)
{
    Sockerless__ContainerConfig *out = arena_alloc(arena, sizeof *out);
    sockerless__container_config__init(out);
    if (!config)
        return out;
    out->image = config->image;
    out->cmd = config->cmd;
    out->n_labels = config->n_labels;
    out->labels = config->labels;
    out->n_exposed_ports = config->n_exposed_ports;
    out->exposed_ports = config->exposed_ports;
    return out;
}

static Sockerless__HostOptions *reduced_host(struct arena *arena,
                                             const Sockerless__HostOptions *host)
{
    Sockerless__HostOptions *out = arena_alloc(arena, sizeof *out);
    sockerless__host_options__init(out);
    if (!host)
        return out;
    out->network_mode = host->network_mode;
    out->n_binds = host->n_binds;
    out->binds = host->binds;
    return out;
}

/* The name that the image had at create, as long as it is still that image's; else its id. */
static char *image_shown(const struct container *c)
{
    struct error ignored;
    Sockerless__Container *v = c->view;
    const Sockerless__ImageRecord *image = image_store_find(c->backend->images, v->image, &ignored);
    return image && strcmp(image->image->id, v->image_id) == 0 ? v->image : v->image_id;
}

/* Shallow: strings stay the container's own. */
static Sockerless__Container *reduced(struct arena *arena, const struct container *c)
{
    Sockerless__Container *out = arena_alloc(arena, sizeof *out);
    *out = *c->view;
    out->config = reduced_config(arena, c->view->config);
    out->host = reduced_host(arena, c->view->host);
    out->image = image_shown(c);
    out->host_config_json = (ProtobufCBinaryData){0};
    out->networking_config_json = (ProtobufCBinaryData){0};
    out->n_exec_ids = 0;
    out->exec_ids = NULL;
    return out;
}

void op_container_list(struct op *op)
{
    const Sockerless__ContainerListRequest *request = op->request->container_list;
    const struct container_table *table = &op->backend->containers;
    AUTO(container_filter) struct container_filter *filter = NULL;
    struct error err;
    if (container_filter_new(op->backend, request->filters, request->n_filters, &filter, &err)) {
        op_fail(op, &err);
        return;
    }
    bool all = request->all || request->limit > 0 || container_filter_implies_all(filter);
    size_t limit = request->limit > 0 ? (size_t)request->limit : table->count;
    Sockerless__ContainerListReply list = SOCKERLESS__CONTAINER_LIST_REPLY__INIT;
    list.containers = arena_alloc(op->arena, (table->count + 1) * sizeof *list.containers);
    for (const struct container *c = table->newest; c && list.n_containers < limit; c = c->older)
        if ((all || is_running(c)) && container_filter_matches(filter, c))
            list.containers[list.n_containers++] = reduced(op->arena, c);
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    reply.result_case = SOCKERLESS__REPLY__RESULT_CONTAINER_LIST;
    reply.container_list = &list;
    op_reply(op, &reply);
}
