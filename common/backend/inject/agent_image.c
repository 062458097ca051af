/* SPDX-License-Identifier: Apache-2.0
 * The agent's layer in an image; see agent_image.h. */
#include "backend/inject/agent_image.h"

#include "backend/image/credential_store.h"
#include "backend/image/staging.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "oci/registry/registry.h"
#include "oci/registry/registry_repo.h"

#include <string.h>

#define SETTING "the agent's image"

/* OCI's name of a layer's type; NULL: nothing that a container's root can be made of. */
static const char *oci_layer_type(const char *type)
{
    static const struct {
        const char *type, *oci;
    } types[] = {
        {"application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar"},
        {"application/vnd.oci.image.layer.v1.tar+gzip",
         "application/vnd.oci.image.layer.v1.tar+gzip"},
        {"application/vnd.oci.image.layer.v1.tar+zstd",
         "application/vnd.oci.image.layer.v1.tar+zstd"},
        {"application/vnd.docker.image.rootfs.diff.tar", "application/vnd.oci.image.layer.v1.tar"},
        {"application/vnd.docker.image.rootfs.diff.tar.gzip",
         "application/vnd.oci.image.layer.v1.tar+gzip"},
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (!strcmp(types[i].type, type))
            return types[i].oci;
    return NULL;
}

static int take_layer(struct agent_image *a, const struct registry_image *image, struct error *err)
{
    const Sockerless__ContainerConfig *config = image->image->config;
    const Sockerless__StringList *entrypoint = config ? config->entrypoint : NULL;
    if (!entrypoint || !entrypoint->n_items || strcmp(entrypoint->items[0], AGENT_IMAGE_PATH) != 0)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "its entrypoint must be " AGENT_IMAGE_PATH ", the agent");
    if (image->layer_count != 1 || image->image->n_diff_ids != 1)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "it must have one layer, with " AGENT_IMAGE_PATH " in it, and has %zu",
                         image->layer_count);
    const char *type = oci_layer_type(image->layers[0].media_type);
    if (!type)
        return error_set(err, ERROR_INVALID_PARAMETER, "its layer has the unknown type %.100s",
                         image->layers[0].media_type);
    a->layer = (struct archive_layer){.size = image->layers[0].size, .media_type = type};
    snprintf(a->layer.digest, sizeof a->layer.digest, "%s", image->layers[0].digest);
    snprintf(a->layer.diff_id, sizeof a->layer.diff_id, "%s", image->image->diff_ids[0]);
    return 0;
}

static int co_read(struct backend *b, struct agent_image *a, struct error *err)
{
    AUTO(arena) struct arena arena;
    struct registry_image image;
    struct agent_image read = {.known = true};
    arena_init(&arena);
    if (image_ref_parse(b->config->agent_image, &read.ref, err))
        return -1;
    image_ref_default_tag(&read.ref);
    const struct registry_fetch fetch = {
        .ref = &read.ref, .login = co_backend_login, .login_arg = b};
    if (co_registry_fetch_image(b->registry, &fetch, &arena, &image, err) ||
        take_layer(&read, &image, err))
        return -1;
    read.read_ms = time_mono_ms();
    if (!a->known || strcmp(a->layer.digest, read.layer.digest) != 0)
        log_info("agent's layer found", LOG_STR("image", b->config->agent_image),
                 LOG_STR("digest", read.layer.digest), LOG_INT("size", read.layer.size));
    *a = read;
    return 0;
}

int co_agent_image_update(struct backend *b, struct agent_image *a, struct error *err)
{
    if (a->known && time_mono_ms() - a->read_ms < b->config->image_ttl_s * 1000)
        return 0;
    return co_read(b, a, err) ? error_wrap(err, SETTING " %s", b->config->agent_image) : 0;
}

int co_agent_image_send(struct backend *b, const struct agent_image *a, const struct image_ref *to,
                        struct error *err)
{
    const struct registry_repo_options options = {
        .ref = &a->ref, .login = co_backend_login, .login_arg = b};
    struct registry_repo *from, *target = NULL;
    enum blob_copy_result result;
    bool same_registry = strcmp(a->ref.domain, to->domain) == 0;
    if (registry_repo_open(b->registry, &options, &from, err))
        return -1;
    int rc = staging_open(b, to, same_registry ? a->ref.path : NULL, &target, err);
    if (rc == 0)
        rc = co_registry_blob_copy(from, target, a->layer.digest, a->layer.size, NULL, NULL,
                                   &result, err);
    registry_repo_close(target);
    registry_repo_close(from);
    return rc ? error_wrap(err, SETTING " %s", b->config->agent_image) : 0;
}
