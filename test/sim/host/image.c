/* SPDX-License-Identifier: Apache-2.0
 * The image store; see image.h. An image directory appears by rename, so what is there is whole. */
#include "test/sim/host/image.h"

#include "base/alloc.h"
#include "base/directory.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "test/sim/host/files.h"
#include "test/sim/host/reference.h"
#include "test/sim/host/registry.h"
#include "test/sim/host/unpack.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>
#include <unistd.h>

enum { CONFIG_MAX = 4 * 1024 * 1024, LAYERS_MAX = 512 };

struct stored {
    struct stored *next;
    struct image image;
    bool loading; /* a thread is pulling it; wait on store->changed */
};

struct image_store {
    char *dir, *registries;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct stored *images;
};

struct image_store *image_store_open(const char *state_dir, const char *registries,
                                     struct error *err)
{
    struct image_store *s = NEW(struct image_store);
    s->dir = xasprintf("%s/images", state_dir);
    s->registries = registries ? xstrdup(registries) : NULL;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    if (directory_make(s->dir, 0755, err)) {
        image_store_close(s);
        return NULL;
    }
    return s;
}

static void stored_free(struct stored *image)
{
    free(image->image.rootfs);
    strv_free(&image->image.entrypoint);
    strv_free(&image->image.cmd);
    strv_free(&image->image.env);
    free(image->image.user);
    free(image->image.workdir);
    free(image);
}

void image_store_close(struct image_store *s)
{
    if (!s)
        return;
    struct stored *image, *next;
    LL_FOREACH_SAFE(s->images, image, next)
    {
        stored_free(image);
    }
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->changed);
    free(s->dir);
    free(s->registries);
    free(s);
}

static const char *member(const json_t *object, const char *key)
{
    return str_or_empty(json_string_value(json_object_get(object, key)));
}

/* The digest in a manifest list for linux/amd64; attestation entries say unknown/unknown. */
static const char *pick_platform(const json_t *list)
{
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(list, "manifests"), i, entry)
    {
        const json_t *platform = json_object_get(entry, "platform");
        if (!strcmp(member(platform, "os"), "linux") &&
            !strcmp(member(platform, "architecture"), "amd64"))
            return json_string_value(json_object_get(entry, "digest"));
    }
    return NULL;
}

/* The manifest for our platform, parsed; digest receives its digest. */
static json_t *fetch_manifest(struct registry *r, const char *name, char digest[72],
                              struct error *err)
{
    char wanted[128];
    snprintf(wanted, sizeof wanted, "%s", name);
    for (int depth = 0; depth < 3; depth++) {
        struct buf body = BUF_INIT;
        if (registry_manifest(r, wanted, &body, digest, err)) {
            buf_free(&body);
            return NULL;
        }
        json_t *manifest = json_loadb(body.data, body.len, 0, NULL);
        buf_free(&body);
        if (json_is_array(json_object_get(manifest, "layers")))
            return manifest;
        const char *next = pick_platform(manifest);
        if (!next) {
            error_set(err, ERROR_NOT_FOUND,
                      json_object_get(manifest, "manifests")
                          ? "no matching manifest for linux/amd64 in the manifest list entries"
                          : "unsupported manifest format");
            json_decref(manifest);
            return NULL;
        }
        snprintf(wanted, sizeof wanted, "%s", next);
        json_decref(manifest);
    }
    error_set(err, ERROR_INVALID_PARAMETER, "manifest lists are nested too deeply");
    return NULL;
}

static int unpack_layers(struct registry *r, const json_t *layers, const char *dir,
                         struct error *err)
{
    AUTO_FREE char *rootfs = xasprintf("%s/rootfs", dir);
    AUTO_FREE char *blob = xasprintf("%s/layer", dir);
    if (directory_make(rootfs, 0755, err))
        return -1;
    if (json_array_size(layers) > LAYERS_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER, "more than %d layers", LAYERS_MAX);
    size_t i;
    json_t *layer;
    json_array_foreach(layers, i, layer)
    {
        if (registry_blob_to_file(r, member(layer, "digest"), blob, err))
            return -1;
        int rc = unpack_layer(blob, rootfs, err);
        unlink(blob);
        if (rc)
            return error_wrap(err, "failed to extract layer %s", member(layer, "digest"));
    }
    return 0;
}

static int download(struct registry *r, const json_t *manifest, const char *dir, struct error *err)
{
    AUTO_FREE char *partial = xasprintf("%s.partial", dir);
    AUTO_FREE char *config_path = xasprintf("%s/config.json", partial);
    struct buf config = BUF_INIT;
    int rc = files_remove_tree(partial, err);
    if (rc == 0)
        rc = directory_make(partial, 0755, err);
    if (rc == 0)
        rc = registry_blob(r, member(json_object_get(manifest, "config"), "digest"), &config, err);
    if (rc == 0)
        rc = files_write(config_path, config.data, config.len, err);
    buf_free(&config);
    if (rc == 0)
        rc = unpack_layers(r, json_object_get(manifest, "layers"), partial, err);
    if (rc == 0 && rename(partial, dir) && errno != EEXIST && errno != ENOTEMPTY)
        rc = error_errno(err, ERROR_SYSTEM, errno, "rename %s", partial);
    if (rc) {
        struct error ignored;
        (void)!files_remove_tree(partial, &ignored);
    }
    return rc;
}

static void load_strings(struct strv *out, const json_t *array)
{
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item) if (json_is_string(item))
        strv_push(out, json_string_value(item));
}

static int load_config(struct image *image, const char *dir, struct error *err)
{
    AUTO_FREE char *path = xasprintf("%s/config.json", dir);
    struct buf text = BUF_INIT;
    int rc = files_read(path, CONFIG_MAX, &text, err);
    json_t *root = rc ? NULL : json_loadb(text.data, text.len, 0, NULL);
    buf_free(&text);
    if (!root)
        return rc ? rc : error_set(err, ERROR_INVALID_PARAMETER, "image config is not JSON");
    const json_t *config = json_object_get(root, "config");
    load_strings(&image->entrypoint, json_object_get(config, "Entrypoint"));
    load_strings(&image->cmd, json_object_get(config, "Cmd"));
    load_strings(&image->env, json_object_get(config, "Env"));
    image->user = xstrdup(member(config, "User"));
    image->workdir = xstrdup(member(config, "WorkingDir"));
    image->rootfs = xasprintf("%s/rootfs", dir);
    json_decref(root);
    return 0;
}

static int materialise(struct image_store *s, struct registry *r, const json_t *manifest,
                       struct image *image, struct error *err)
{
    AUTO_FREE char *dir = xasprintf("%s/%s", s->dir, image->digest + 7);
    int64_t begun = time_mono_ms();
    if (!files_exists(dir)) {
        if (download(r, manifest, dir, err))
            return -1;
        log_info("image unpacked", LOG_STR("digest", image->digest),
                 LOG_INT("took_ms", time_mono_ms() - begun));
    }
    return load_config(image, dir, err);
}

static struct stored *find(struct image_store *s, const char *digest)
{
    struct stored *image = s->images;
    while (image && strcmp(image->image.digest, digest))
        image = image->next;
    return image;
}

/* Single flight: the first caller for a digest works, the others wait for it. */
static const struct image *acquire(struct image_store *s, struct registry *r,
                                   const json_t *manifest, const char *digest, struct error *err)
{
    struct stored *image;
    pthread_mutex_lock(&s->lock);
    while ((image = find(s, digest)) && image->loading)
        pthread_cond_wait(&s->changed, &s->lock);
    if (!image) {
        image = NEW(struct stored);
        snprintf(image->image.digest, sizeof image->image.digest, "%s", digest);
        image->loading = true;
        LL_PREPEND(s->images, image);
        pthread_mutex_unlock(&s->lock);
        int rc = materialise(s, r, manifest, &image->image, err);
        pthread_mutex_lock(&s->lock);
        image->loading = false;
        if (rc) {
            LL_DELETE(s->images, image);
            stored_free(image);
            image = NULL;
        }
        pthread_cond_broadcast(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
    return image ? &image->image : NULL;
}

const struct image *image_store_pull(struct image_store *s, const char *reference,
                                     struct error *err)
{
    struct image_reference ref;
    if (image_reference_parse(reference, &ref, err))
        return NULL;
    AUTO_FREE char *base = registry_base_url(s->registries, ref.host);
    AUTO_FREE char *text = image_reference_text(&ref);
    struct registry *r = registry_open(base, ref.repository);
    char digest[72];
    json_t *manifest = fetch_manifest(r, ref.digest ? ref.digest : ref.tag, digest, err);
    const struct image *image = manifest ? acquire(s, r, manifest, digest, err) : NULL;
    if (!manifest)
        error_wrap(err, "failed to resolve ref %s: %s", text, text);
    else if (!image)
        error_wrap(err, "%s", text);
    json_decref(manifest);
    registry_close(r);
    image_reference_fini(&ref);
    return image;
}
