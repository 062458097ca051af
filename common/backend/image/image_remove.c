/* SPDX-License-Identifier: Apache-2.0
 *
 * Removing images; see image_remove.h. A reference goes first; the image follows when that was its
 * last one. Images have no parents here, so dockerd's rules about children have no part in it.
 */
#include "backend/image/image_remove.h"

#include "backend/image/image_layers.h"
#include "base/alloc.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "oci/name/image_ref.h"

#include <stdlib.h>
#include <string.h>

/* ---- references ---- */

static int name_compare(const void *a, const void *b)
{
    const struct image_name *x = a, *y = b;
    return strcmp(x->full, y->full);
}

static void name_fill(struct image_name *out, const char *familiar, bool is_digest,
                      struct arena *arena)
{
    struct image_ref ref;
    struct error unreadable;
    char text[IMAGE_REF_TEXT_MAX];
    *out = (struct image_name){.familiar = arena_strdup(arena, familiar), .is_digest = is_digest};
    out->full = out->repository = out->familiar;
    if (image_ref_parse(familiar, &ref, &unreadable))
        return;
    out->full = arena_strdup(arena, image_ref_full(&ref, text, sizeof text));
    ref.tag[0] = ref.digest[0] = '\0';
    out->repository = arena_strdup(arena, image_ref_full(&ref, text, sizeof text));
}

struct image_name *image_names(const Sockerless__Image *image, struct arena *arena, size_t *count)
{
    size_t n = 0;
    struct image_name *names =
        arena_alloc(arena, (image->n_repo_tags + image->n_repo_digests + 1) * sizeof *names);
    for (size_t i = 0; i < image->n_repo_tags; i++)
        name_fill(&names[n++], image->repo_tags[i], false, arena);
    for (size_t i = 0; i < image->n_repo_digests; i++)
        name_fill(&names[n++], image->repo_digests[i], true, arena);
    if (n > 1)
        qsort(names, n, sizeof *names, name_compare);
    *count = n;
    return names;
}

/* moby's isSingleReference: one reference; or at most one tag and all digests of its repository. */
static bool is_single_reference(const struct image_name *names, size_t count)
{
    const struct image_name *single = NULL;
    if (count <= 1)
        return count == 1;
    for (size_t i = 0; i < count; i++) {
        if (names[i].is_digest)
            continue;
        if (single)
            return false;
        single = &names[i];
    }
    if (!single)
        single = &names[0];
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i].repository, single->repository) != 0)
            return false;
    return true;
}

static bool is_id_prefix(const char *id, const char *text)
{
    const char *colon = strchr(id, ':');
    return str_starts(id, text) || (colon && str_starts(colon + 1, text));
}

/* ---- what was done ---- */

static Sockerless__ImageRemoved *add_item(struct image_removal *r)
{
    if (r->count == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 16;
        Sockerless__ImageRemoved **items = arena_alloc(r->arena, cap * sizeof *items);
        if (r->count)
            memcpy(items, r->items, r->count * sizeof *items);
        r->items = items;
        r->cap = cap;
    }
    Sockerless__ImageRemoved *item = arena_alloc(r->arena, sizeof *item);
    sockerless__image_removed__init(item);
    return r->items[r->count++] = item;
}

static int untag(struct image_removal *r, const char *id, const char *stored, const char *shown,
                 struct error *err)
{
    char *text = arena_strdup(r->arena, shown);
    if (image_store_untag(r->backend->images, id, stored, err))
        return -1;
    add_item(r)->untagged = text;
    return 0;
}

/* ---- conflicts ---- */

static const struct container *find_user(const struct backend *b, const char *id, bool alive_only)
{
    for (const struct container *c = b->containers.newest; c; c = c->older)
        if (strcmp(c->view->image_id, id) == 0 && (!alive_only || container_alive(c)))
            return c;
    return NULL;
}

static const char *short_id(const char *id)
{
    const char *colon = strchr(id, ':');
    return colon ? colon + 1 : id;
}

static int conflict(const char *id, bool hard, const char *why, const char *who, struct error *err)
{
    return error_set(err, ERROR_CONFLICT, "conflict: unable to delete %.*s (%s) - %s%.*s",
                     ID_SHORT_LEN, short_id(id), hard ? "cannot be forced" : "must be forced", why,
                     ID_SHORT_LEN, who);
}

/* names_count: references that would be lost; force overlooks them and stopped containers. */
static int check_conflicts(const struct backend *b, const char *id, size_t names_count, bool force,
                           bool *used, struct error *err)
{
    const struct container *c = find_user(b, id, true);
    *used = c;
    if (c)
        return conflict(id, true, "image is being used by running container ", c->id, err);
    if (!force && names_count)
        return conflict(id, false, "image is referenced in multiple repositories", "", err);
    c = force ? NULL : find_user(b, id, false);
    *used = c;
    return c ? conflict(id, false, "image is being used by stopped container ", c->id, err) : 0;
}

/* ---- the image itself ---- */

/* Layers from the top down to the first that another image, or a container, still has. */
static void report_layers(struct image_removal *r, const Sockerless__ImageRecord *rec)
{
    if (find_user(r->backend, rec->image->id, false))
        return;
    char **chain = image_chain_ids(rec->image, r->arena);
    const int64_t *sizes = image_layer_sizes(rec, r->arena);
    size_t kept = image_layers_kept(r->backend->images, rec->image);
    for (size_t i = rec->image->n_diff_ids; i > kept; i--) {
        add_item(r)->deleted = chain[i - 1];
        r->space += sizes[i - 1];
    }
}

/* quiet: the reference that was asked for is gone already, so a container that still uses the image
 * is no error. */
static int delete_image(struct image_removal *r, const char *id, bool force, bool quiet,
                        struct error *err)
{
    const Sockerless__ImageRecord *rec = image_store_find(r->backend->images, id, err);
    if (!rec)
        return -1;
    size_t count;
    bool used;
    struct image_name *names = image_names(rec->image, r->arena, &count);
    if (check_conflicts(r->backend, id, count, force, &used, err))
        return quiet && used ? 0 : -1;
    for (size_t i = 0; i < count; i++)
        add_item(r)->untagged = names[i].familiar;
    add_item(r)->deleted = arena_strdup(r->arena, id);
    report_layers(r, rec);
    if (image_store_remove(r->backend->images, id, err))
        return -1;
    log_info("image removed", LOG_STR("image", id));
    return 0;
}

/* Digests are there for the sake of the repository's tags: they go with the last one. */
static int drop_lone_digests(struct image_removal *r, const char *id, const char *repository,
                             struct image_name *names, size_t *count, struct error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++)
        if (!names[i].is_digest && strcmp(names[i].repository, repository) == 0)
            return 0;
    for (size_t i = 0; i < *count; i++)
        if (!names[i].is_digest || strcmp(names[i].repository, repository) != 0)
            names[kept++] = names[i];
        else if (untag(r, id, names[i].familiar, names[i].familiar, err))
            return -1;
    *count = kept;
    return 0;
}

/* remaining: references that are left. */
static int remove_reference(struct image_removal *r, const char *id, const char *text,
                            size_t *remaining, struct error *err)
{
    struct image_ref ref, stored;
    char shown[IMAGE_REF_TEXT_MAX], key[IMAGE_REF_TEXT_MAX], repository[IMAGE_REF_TEXT_MAX];
    if (image_ref_parse(text, &ref, err))
        return -1;
    image_ref_default_tag(&ref);
    image_ref_familiar(&ref, shown, sizeof shown);
    stored = ref;
    if (stored.digest[0])
        stored.tag[0] = '\0'; /* the digest decides */
    image_ref_familiar(&stored, key, sizeof key);
    stored.tag[0] = stored.digest[0] = '\0';
    image_ref_full(&stored, repository, sizeof repository);
    if (untag(r, id, key, shown, err))
        return -1;
    const Sockerless__ImageRecord *rec = image_store_find(r->backend->images, id, err);
    if (!rec)
        return -1;
    struct image_name *names = image_names(rec->image, r->arena, remaining);
    return ref.digest[0] ? 0 : drop_lone_digests(r, id, repository, names, remaining, err);
}

static int check_last_reference(const struct backend *b, const char *id, const char *text,
                                struct error *err)
{
    const struct container *c = find_user(b, id, false);
    if (!c)
        return 0;
    return error_set(err, ERROR_CONFLICT,
                     "conflict: unable to remove repository reference \"%s\" (must force) - "
                     "container %.*s is using its referenced image %.*s",
                     text, ID_SHORT_LEN, c->id, ID_SHORT_LEN, short_id(id));
}

int image_remove(struct image_removal *r, const char *ref, bool force, struct error *err)
{
    if (!ref[strspn(ref, " \t\r\n")])
        return error_set(err, ERROR_INVALID_PARAMETER, "image name cannot be blank");
    const Sockerless__ImageRecord *rec = image_store_find(r->backend->images, ref, err);
    if (!rec)
        return -1;
    const char *id = arena_strdup(r->arena, rec->image->id);
    size_t count;
    bool used;
    struct image_name *names = image_names(rec->image, r->arena, &count);
    bool single = is_single_reference(names, count);
    if (!is_id_prefix(id, ref)) {
        if (!force && single && check_last_reference(r->backend, id, ref, err))
            return -1;
        if (remove_reference(r, id, ref, &count, err))
            return -1;
        return count ? 0 : delete_image(r, id, force, true, err);
    }
    if (single) { /* by id: the one name goes without being asked for */
        if (check_conflicts(r->backend, id, 0, force, &used, err))
            return -1;
        for (size_t i = 0; i < count; i++)
            if (untag(r, id, names[i].familiar, names[i].familiar, err))
                return -1;
    }
    return delete_image(r, id, force, false, err);
}
