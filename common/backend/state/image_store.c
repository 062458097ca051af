/* SPDX-License-Identifier: Apache-2.0
 *
 * Image store; see image_store.h. Tags and digests are kept in familiar form ("busybox:1",
 * "busybox@sha256:…"). There are hundreds of images, not millions: look-ups walk the list.
 */
#include "backend/state/image_store.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "oci/name/image_ref.h"

#include <stdio.h>
#include <string.h>

struct image_entry {
    struct arena arena; /* holds rec */
    Sockerless__ImageRecord *rec;
};

struct image_store {
    struct store *store;
    struct image_entry **items; /* newest first */
    size_t count, cap;
};

/* ---- entries ---- */

static void entry_free(struct image_entry *e)
{
    if (!e)
        return;
    arena_fini(&e->arena);
    free(e);
}

/* A deep copy. */
static struct image_entry *entry_new(const Sockerless__ImageRecord *rec)
{
    struct image_entry *e = NEW(struct image_entry);
    arena_init(&e->arena);
    size_t size = sockerless__image_record__get_packed_size(rec);
    uint8_t *packed = xmalloc(size + 1);
    sockerless__image_record__pack(rec, packed);
    e->rec = sockerless__image_record__unpack(&e->arena.protobuf, size, packed);
    free(packed);
    if (!e->rec || !e->rec->image) { /* a row that is no image */
        entry_free(e);
        return NULL;
    }
    return e;
}

static int entry_compare(const struct image_entry *a, const struct image_entry *b)
{
    if (a->rec->image->created != b->rec->image->created)
        return a->rec->image->created > b->rec->image->created ? -1 : 1;
    return strcmp(a->rec->image->id, b->rec->image->id);
}

static void insert(struct image_store *s, struct image_entry *e)
{
    if (s->count == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 16;
        s->items = xrealloc(s->items, s->cap * sizeof *s->items);
    }
    size_t at = 0;
    while (at < s->count && entry_compare(s->items[at], e) < 0)
        at++;
    memmove(s->items + at + 1, s->items + at, (s->count - at) * sizeof *s->items);
    s->items[at] = e;
    s->count++;
}

static void drop(struct image_store *s, size_t at)
{
    entry_free(s->items[at]);
    memmove(s->items + at, s->items + at + 1, (s->count - at - 1) * sizeof *s->items);
    s->count--;
}

static size_t index_of_id(const struct image_store *s, const char *id)
{
    size_t i = 0;
    while (i < s->count && strcmp(s->items[i]->rec->image->id, id) != 0)
        i++;
    return i;
}

/* ---- opening ---- */

static void load_one(void *arg, const Sockerless__ImageRecord *rec)
{
    struct image_entry *e = entry_new(rec);
    if (e)
        insert(arg, e);
}

int image_store_open(struct store *store, struct image_store **out, struct error *err)
{
    struct image_store *s = NEW(struct image_store);
    s->store = store;
    if (store_image_each(store, load_one, s, err)) {
        image_store_close(s);
        return error_wrap(err, "load images");
    }
    *out = s;
    return 0;
}

void image_store_close(struct image_store *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++)
        entry_free(s->items[i]);
    free(s->items);
    free(s);
}

/* ---- finding ---- */

static bool has_text(char *const *list, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], text) == 0)
            return true;
    return false;
}

static const Sockerless__ImageRecord *find_reference(const struct image_store *s,
                                                     struct image_ref ref)
{
    char text[IMAGE_REF_TEXT_MAX];
    bool by_digest = ref.digest[0];
    if (by_digest)
        ref.tag[0] = '\0'; /* the digest decides */
    image_ref_default_tag(&ref);
    image_ref_familiar(&ref, text, sizeof text);
    for (size_t i = 0; i < s->count; i++) {
        const Sockerless__Image *image = s->items[i]->rec->image;
        if (by_digest ? has_text(image->repo_digests, image->n_repo_digests, text)
                      : has_text(image->repo_tags, image->n_repo_tags, text))
            return s->items[i]->rec;
    }
    return NULL;
}

/* A unique prefix of an id, with or without "sha256:". */
static const Sockerless__ImageRecord *find_id(const struct image_store *s, const char *text)
{
    static const char algorithm[] = "sha256:";
    const char *hex = str_starts(text, algorithm) ? text + strlen(algorithm) : text;
    size_t len = strlen(hex);
    const Sockerless__ImageRecord *found = NULL;
    if (len == 0 || len > 64 || !str_is_hex(hex, len))
        return NULL;
    for (size_t i = 0; i < s->count; i++) {
        const char *id = s->items[i]->rec->image->id;
        if (str_starts(id, algorithm) && strncmp(id + strlen(algorithm), hex, len) == 0) {
            if (found)
                return NULL;
            found = s->items[i]->rec;
        }
    }
    return found;
}

const Sockerless__ImageRecord *image_store_find(struct image_store *s, const char *ref,
                                                struct error *err)
{
    struct image_ref parsed;
    const Sockerless__ImageRecord *found = NULL;
    if (image_ref_parse_any(ref, &parsed, err))
        return NULL;
    if (!image_ref_is_id(&parsed))
        found = find_reference(s, parsed);
    if (!found)
        found = find_id(s, ref);
    if (found)
        return found;
    char text[IMAGE_REF_TEXT_MAX];
    if (image_ref_is_id(&parsed)) {
        error_set(err, ERROR_NOT_FOUND, "No such image: %s", ref);
        return NULL;
    }
    image_ref_default_tag(&parsed);
    error_set(err, ERROR_NOT_FOUND, "No such image: %s",
              image_ref_familiar(&parsed, text, sizeof text));
    return NULL;
}

/* ---- changing ---- */

static int persist(struct image_store *s, const struct image_entry *e, struct error *err)
{
    return store_image_put(s->store, e->rec->image->id, e->rec, err);
}

/* Docker's order: that of complete references. */
static int reference_compare(const char *a, const char *b)
{
    const char *const texts[] = {a, b};
    struct image_ref ref;
    struct error ignored;
    char full[2][IMAGE_REF_TEXT_MAX];
    for (int i = 0; i < 2; i++)
        if (image_ref_parse(texts[i], &ref, &ignored))
            snprintf(full[i], sizeof full[i], "%s", texts[i]);
        else
            image_ref_full(&ref, full[i], sizeof full[i]);
    return strcmp(full[0], full[1]);
}

static void list_insert(char **list, size_t count, char *text)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (reference_compare(list[middle], text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    memmove(list + low + 1, list + low, (count - low) * sizeof *list);
    list[low] = text;
}

/* The lists of both, without doubles; known is in order. Heap array of borrowed strings. */
static char **merged_list(char *const *known, size_t known_count, char *const *more,
                          size_t more_count, size_t *count)
{
    char **out = xcalloc(known_count + more_count + 1, sizeof *out);
    size_t n = known_count;
    for (size_t i = 0; i < known_count; i++)
        out[i] = known[i];
    for (size_t i = 0; i < more_count; i++)
        if (!has_text(out, n, more[i]))
            list_insert(out, n++, more[i]);
    *count = n;
    return out;
}

/* What only a registry can say is kept when a load of the same image does not say it. */
static void keep_known(Sockerless__ImageRecord *merged, const Sockerless__ImageRecord *known)
{
    if (str_empty(merged->pull_reference)) {
        merged->pull_reference = known->pull_reference;
        merged->manifest_digest = known->manifest_digest;
        merged->checked_at = known->checked_at;
    }
    if (!merged->manifest_json.len) {
        merged->manifest_json = known->manifest_json;
        merged->manifest_type = known->manifest_type;
        merged->blob_repository = known->blob_repository;
    }
    if (!merged->config_json.len)
        merged->config_json = known->config_json;
}

/* rec plus the tags and digests that the image has already; old: NULL when it is a new one. */
static struct image_entry *entry_merged(const struct image_entry *old,
                                        const Sockerless__ImageRecord *rec)
{
    static const Sockerless__Image none = SOCKERLESS__IMAGE__INIT;
    const Sockerless__Image *known = old ? old->rec->image : &none;
    Sockerless__Image image = *rec->image;
    AUTO_FREE char **tags = merged_list(known->repo_tags, known->n_repo_tags, image.repo_tags,
                                        image.n_repo_tags, &image.n_repo_tags);
    AUTO_FREE char **digests =
        merged_list(known->repo_digests, known->n_repo_digests, image.repo_digests,
                    image.n_repo_digests, &image.n_repo_digests);
    image.repo_tags = tags;
    image.repo_digests = digests;
    Sockerless__ImageRecord merged = *rec;
    merged.image = &image;
    if (old)
        keep_known(&merged, old->rec);
    return entry_new(&merged);
}

/* Drop from e the tags that `winner` has. True when there were any. */
static bool entry_lose_tags(struct image_entry *e, const Sockerless__Image *winner)
{
    Sockerless__Image *image = e->rec->image;
    size_t kept = 0, before = image->n_repo_tags;
    for (size_t i = 0; i < before; i++)
        if (!has_text(winner->repo_tags, winner->n_repo_tags, image->repo_tags[i]))
            image->repo_tags[kept++] = image->repo_tags[i];
    image->n_repo_tags = kept;
    return kept != before;
}

/* Takes over fresh; what had its place is freed. */
static int replace(struct image_store *s, size_t at, struct image_entry *fresh, struct error *err)
{
    if (!fresh)
        return error_set(err, ERROR_SYSTEM, "an image record that cannot be read back");
    if (persist(s, fresh, err)) {
        entry_free(fresh);
        return -1;
    }
    if (at < s->count)
        drop(s, at);
    insert(s, fresh);
    return 0;
}

static int check_names(const Sockerless__Image *image, struct error *err)
{
    return image->n_repo_tags + image->n_repo_digests <= IMAGE_NAMES_MAX
               ? 0
               : error_set(err, ERROR_TOO_LARGE, "an image may have %d tags and digests, not more",
                           IMAGE_NAMES_MAX);
}

/* Dying in between leaves a tag on no image rather than on two. */
static int take_tags(struct image_store *s, size_t winner, const Sockerless__Image *image,
                     struct error *err)
{
    for (size_t i = 0; i < s->count; i++)
        if (i != winner && entry_lose_tags(s->items[i], image) && persist(s, s->items[i], err))
            return -1;
    return 0;
}

int image_store_put(struct image_store *s, const Sockerless__ImageRecord *rec, struct error *err)
{
    size_t at = index_of_id(s, rec->image->id);
    struct image_entry *fresh = entry_merged(at < s->count ? s->items[at] : NULL, rec);
    if (fresh &&
        (check_names(fresh->rec->image, err) || take_tags(s, at, fresh->rec->image, err))) {
        entry_free(fresh);
        return -1;
    }
    return replace(s, at, fresh, err);
}

static int find_index(const struct image_store *s, const char *id, size_t *at, struct error *err)
{
    *at = index_of_id(s, id);
    return *at < s->count ? 0 : error_set(err, ERROR_NOT_FOUND, "No such image: %s", id);
}

int image_store_tag(struct image_store *s, const char *id, const char *tag, struct error *err)
{
    struct image_ref ref;
    char text[IMAGE_REF_TEXT_MAX], *tags = text;
    size_t at;
    if (find_index(s, id, &at, err) || image_ref_parse(tag, &ref, err))
        return -1;
    if (ref.digest[0])
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "refusing to create a tag with a digest reference");
    image_ref_default_tag(&ref);
    image_ref_familiar(&ref, text, sizeof text);
    Sockerless__ImageRecord rec = *s->items[at]->rec;
    Sockerless__Image image = *rec.image;
    rec.image = &image;
    image.repo_tags = &tags;
    image.n_repo_tags = 1;
    image.last_tagged = time_now_ns();
    return image_store_put(s, &rec, err);
}

/* list without text; the strings stay where they are. */
static void list_drop(char **list, size_t *count, const char *text)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++)
        if (strcmp(list[i], text) != 0)
            list[kept++] = list[i];
    *count = kept;
}

/* When the place that the cloud pulls from is the one that was given up, and the image has the same
 * manifest elsewhere, it is pulled from there. */
static void place_lost(struct image_entry *e, const char *reference)
{
    Sockerless__ImageRecord *rec = e->rec;
    struct image_ref lost, other;
    struct error unreadable;
    char text[IMAGE_REF_TEXT_MAX];
    if (image_ref_parse(reference, &lost, &unreadable) || !lost.digest[0] ||
        strcmp(image_ref_full(&lost, text, sizeof text), str_or_empty(rec->pull_reference)) != 0)
        return;
    for (size_t i = 0; i < rec->image->n_repo_digests; i++)
        if (image_ref_parse(rec->image->repo_digests[i], &other, &unreadable) == 0 &&
            strcmp(other.digest, lost.digest) == 0) {
            image_ref_full(&other, text, sizeof text);
            rec->pull_reference = arena_strdup(&e->arena, text);
            rec->blob_repository = arena_printf(&e->arena, "%s/%s", other.domain, other.path);
            return;
        }
}

int image_store_untag(struct image_store *s, const char *id, const char *reference,
                      struct error *err)
{
    size_t at;
    if (find_index(s, id, &at, err))
        return -1;
    struct image_entry *fresh = entry_new(s->items[at]->rec);
    if (fresh) {
        Sockerless__Image *image = fresh->rec->image;
        list_drop(image->repo_tags, &image->n_repo_tags, reference);
        list_drop(image->repo_digests, &image->n_repo_digests, reference);
        place_lost(fresh, reference);
    }
    return replace(s, at, fresh, err);
}

int image_store_remove(struct image_store *s, const char *id, struct error *err)
{
    size_t at;
    if (find_index(s, id, &at, err) || store_image_delete(s->store, id, err))
        return -1;
    drop(s, at);
    return 0;
}

/* ---- all ---- */

size_t image_store_count(const struct image_store *s)
{
    return s->count;
}

const Sockerless__ImageRecord **image_store_all(struct image_store *s, struct arena *arena,
                                                size_t *count)
{
    const Sockerless__ImageRecord **all = arena_alloc(arena, (s->count + 1) * sizeof *all);
    for (size_t i = 0; i < s->count; i++)
        all[i] = s->items[i]->rec;
    *count = s->count;
    return all;
}
