/* SPDX-License-Identifier: Apache-2.0
 *
 * create: name, image, merged configuration, one row. The cloud is not called until start.
 */
#include "backend/api/op.h"
#include "backend/state/backend_internal.h"
#include "backend/container/container_rules.h"
#include "backend/container/host_rules.h"
#include "backend/container/name_generator.h"
#include "backend/logs/log_options.h"
#include "backend/run/preparation.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "json/json_doc.h"
#include "oci/document/container_config_merge.h"
#include "oci/name/image_ref.h"
#include "oci/name/platform.h"

#include <stdio.h>
#include <string.h>

static int choose_name(struct backend *b, const char *wanted, char out[CONTAINER_NAME_MAX + 1],
                       struct error *err)
{
    struct container *c = NULL;
    if (str_empty(wanted)) {
        name_generate(&b->containers, out);
        return 0;
    }
    const char *name = container_rules_name(wanted, err);
    if (!name)
        return -1;
    HASH_FIND(by_name, b->containers.by_name, name, strlen(name), c);
    if (c)
        return error_set(err, ERROR_CONFLICT,
                         "Conflict. The container name \"/%s\" is already in use by container "
                         "\"%s\". You have to remove (or rename) that container to be able to "
                         "reuse that name.",
                         name, c->id);
    snprintf(out, CONTAINER_NAME_MAX + 1, "%s", name);
    return 0;
}

static void view_fill(Sockerless__Container *v, const Sockerless__ContainerCreateRequest *request,
                      Sockerless__HostOptions *host, char *id, char *name)
{
    v->id = id;
    v->name = name;
    v->created = time_now_ns();
    v->host = host;
    v->host_config_json = request->host_config_json;
    v->networking_config_json = request->networking_config_json;
    v->image = request->config->image;
    v->platform = (char *)"linux";
    v->state = SOCKERLESS__CONTAINER_STATE__CREATED;
}

static bool has_tag(const Sockerless__Image *image, const char *familiar)
{
    for (size_t i = 0; i < image->n_repo_tags; i++)
        if (strcmp(image->repo_tags[i], familiar) == 0)
            return true;
    return false;
}

/* The digest by which the asked repository itself has the image: the same image may have been
 * pulled from several, and the others may be gone or closed to the cloud. NULL: none is known. */
static char *own_reference(const Sockerless__Image *image, const char *asked, struct arena *arena)
{
    struct image_ref ref;
    struct error unreadable;
    char text[IMAGE_REF_TEXT_MAX];
    if (image_ref_parse(asked, &ref, &unreadable))
        return NULL;
    size_t len = strlen(image_ref_familiar_name(&ref, text, sizeof text));
    for (size_t i = 0; i < image->n_repo_digests; i++) {
        const char *known = image->repo_digests[i];
        if (strncmp(known, text, len) == 0 && known[len] == '@' &&
            image_ref_parse(known, &ref, &unreadable) == 0)
            return arena_strdup(arena, image_ref_full(&ref, text, sizeof text));
    }
    return NULL;
}

/* What the cloud is told to pull. An image that was loaded without a staging registry has a name at
 * most (the one that was asked for, if it is one): the cloud finds it or says that it does not. */
static char *cloud_reference(const Sockerless__ImageRecord *image, const char *asked,
                             struct arena *arena)
{
    struct image_ref ref;
    struct error unreadable;
    char text[IMAGE_REF_TEXT_MAX];
    char *own = own_reference(image->image, asked, arena);
    if (own)
        return own;
    if (!str_empty(image->pull_reference))
        return arena_strdup(arena, image->pull_reference);
    if (image_ref_parse(asked, &ref, &unreadable) == 0) {
        image_ref_default_tag(&ref);
        if (has_tag(image->image, image_ref_familiar(&ref, text, sizeof text)))
            return arena_strdup(arena, image_ref_full(&ref, text, sizeof text));
    }
    const char *name = image->image->n_repo_tags ? image->image->repo_tags[0] : asked;
    if (image_ref_parse_any(name, &ref, &unreadable) || image_ref_is_id(&ref))
        return arena_strdup(arena, name);
    return arena_strdup(arena, image_ref_full(&ref, text, sizeof text));
}

/* NULL platform: none was asked for. */
static const Sockerless__ImageRecord *find_image(struct backend *b, const char *reference,
                                                 const char *asked, const struct platform *platform,
                                                 struct error *err)
{
    char wanted[PLATFORM_TEXT_MAX], actual[PLATFORM_TEXT_MAX];
    struct platform have;
    const Sockerless__ImageRecord *record = image_store_find(b->images, reference, err);
    if (!record || !platform)
        return record;
    platform_set(&have, record->image->os, record->image->architecture, record->image->variant);
    if (platform_rank(platform, &have))
        return record;
    error_set(err, ERROR_NOT_FOUND,
              "image with reference %.200s was found but does not match the specified platform: "
              "wanted %s, actual: %s",
              reference, platform_asked_text(asked, platform, wanted),
              platform_text(&have, actual));
    return NULL;
}

/* What the request alone tells. *platform is set when one was asked for. */
static int check_request(const Sockerless__ContainerCreateRequest *request,
                         const Sockerless__HostOptions *host, const json_t *host_json,
                         struct platform *platform, struct error *err)
{
    if (!str_empty(request->platform) && platform_parse(request->platform, platform, err))
        return -1;
    if (!request->config)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "Config cannot be empty in order to create a container");
    return container_rules_config(request->config, err) || container_rules_host(host, err) ||
                   host_rules_early(host_json, request->config, err)
               ? -1
               : 0;
}

/* In dockerd's order: of several faults the same one is told. */
static struct container *create(struct op *op, const json_t *host_json, struct error *err)
{
    const Sockerless__ContainerCreateRequest *request = op->request->container_create;
    struct backend *b = op->backend;
    Sockerless__HostOptions no_host = SOCKERLESS__HOST_OPTIONS__INIT;
    Sockerless__HostOptions *host = request->host ? request->host : &no_host;
    Sockerless__Container view = SOCKERLESS__CONTAINER__INIT;
    char id[ID_HEX_LEN + 1], name[CONTAINER_NAME_MAX + 1];
    struct platform platform;
    if (check_request(request, host, host_json, &platform, err))
        return NULL;
    const Sockerless__ImageRecord *image =
        find_image(b, request->config->image, request->platform,
                   str_empty(request->platform) ? NULL : &platform, err);
    if (!image)
        return NULL;
    struct container_command merged;
    if (container_config_merge(request->config, image->image->config, op->arena, &merged, err) ||
        log_options_check(host, err) || choose_name(b, request->name, name, err) ||
        host_rules_late(host_json, &b->containers, err))
        return NULL;
    id_new(id);
    view_fill(&view, request, host, id, name);
    view.config = merged.config;
    view.path = merged.path;
    view.args = merged.args;
    view.n_args = merged.arg_count;
    view.image_id = image->image->id;
    if (str_empty(view.config->hostname))
        view.config->hostname = arena_strndup(op->arena, id, ID_SHORT_LEN);
    struct container *c = container_new(b, &view);
    c->image_reference = cloud_reference(image, request->config->image, &c->arena);
    if (op->request->id.len == sizeof c->request_id)
        memcpy(c->request_id, op->request->id.data, sizeof c->request_id);
    if (container_save(c, err)) {
        container_unref(c);
        return NULL;
    }
    container_table_add(&b->containers, c);
    return c;
}

void op_container_create(struct op *op)
{
    struct error err;
    const ProtobufCBinaryData *id = &op->request->id;
    /* The frontend repeats a request when its connection broke: answered as the first time, by the
     * row that the first left. */
    struct container *c = container_find_request(&op->backend->containers, id->data, id->len);
    bool is_new = !c;
    json_t *host AUTO(json) =
        host_rules_load(&op->request->container_create->host_config_json, &err);
    if (is_new && host)
        c = create(op, host, &err);
    if (!c) {
        op_fail(op, &err);
        return;
    }
    log_debug("created", LOG_STR("container", c->id), LOG_STR("name", c->name),
              LOG_STR("image", c->image_reference));
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    Sockerless__ContainerCreateReply created = SOCKERLESS__CONTAINER_CREATE_REPLY__INIT;
    created.id = c->id;
    created.n_warnings =
        host_rules_warnings(host, op->request->container_create, c->view,
                            &op->backend->driver->caps, op->arena, &created.warnings);
    reply.result_case = SOCKERLESS__REPLY__RESULT_CONTAINER_CREATE;
    reply.container_create = &created;
    op_reply(op, &reply);
    if (is_new)
        preparation_begin(c);
}
