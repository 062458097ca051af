/* SPDX-License-Identifier: Apache-2.0
 * Images: list with Docker's filters (daemon/images of moby), inspect. */
#include "backend/api/op.h"
#include "backend/state/backend_internal.h"
#include "backend/api/label_filter.h"
#include "backend/api/time_filter.h"
#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"

#include <fnmatch.h>
#include <string.h>

/* One image on its way into the list: a shallow copy whose tags and digests a filter may reduce. */
struct image_test {
    Sockerless__Image *image;
    struct arena *arena;
};

/* Values of one key: how they are checked, and whether an image passes. value: compiled. */
struct image_filter {
    const char *key;
    int (*compile)(struct backend *b, const char *key, const char *text, int64_t *value,
                   struct error *err);
    bool (*matches)(struct image_test *t, char *const *texts, size_t count, int64_t value);
};

/* ---- compiling: the last value counts where there can be only one ---- */

static int compile_image(struct backend *b, const char *key, const char *text, int64_t *value,
                         struct error *err)
{
    (void)key;
    const Sockerless__ImageRecord *rec = image_store_find(b->images, text, err);
    if (!rec)
        return -1;
    *value = rec->image->created;
    return 0;
}

static int compile_time(struct backend *b, const char *key, const char *text, int64_t *value,
                        struct error *err)
{
    (void)b;
    (void)key;
    return time_filter_parse(text, time_now_ns(), value, err);
}

/* One character of a class, past which *at is set. */
static bool class_character(const char **at)
{
    if (**at == '\0' || **at == '-' || **at == ']')
        return false;
    if (**at == '\\' && !*++*at)
        return false;
    ++*at;
    return true;
}

/* "[…]", past which *at is set. */
static bool class_valid(const char **at)
{
    *at += 1 + ((*at)[1] == '^');
    do {
        if (!class_character(at))
            return false;
        if (**at == '-') {
            ++*at;
            if (!class_character(at))
                return false;
        }
    } while (**at != ']');
    ++*at;
    return true;
}

/* What Go's path.Match calls a bad pattern. */
static int compile_reference(struct backend *b, const char *key, const char *text, int64_t *value,
                             struct error *err)
{
    (void)b;
    (void)key;
    (void)value;
    bool valid = true;
    for (const char *at = text; *at && valid;) {
        if (*at == '[')
            valid = class_valid(&at);
        else if (*at++ == '\\')
            valid = *at++ != '\0';
    }
    return valid ? 0 : error_set(err, ERROR_INVALID_PARAMETER, "syntax error in pattern");
}

/* ---- matching ---- */

static bool match_dangling(struct image_test *t, char *const *texts, size_t count, int64_t value)
{
    (void)texts;
    (void)count;
    return value ? t->image->n_repo_tags == 0 : t->image->n_repo_tags || t->image->n_repo_digests;
}

static bool match_before(struct image_test *t, char *const *texts, size_t count, int64_t value)
{
    (void)texts;
    (void)count;
    return t->image->created < value;
}

static bool match_since(struct image_test *t, char *const *texts, size_t count, int64_t value)
{
    (void)texts;
    (void)count;
    return t->image->created > value;
}

static bool match_label(struct image_test *t, char *const *texts, size_t count, int64_t value)
{
    (void)value;
    const Sockerless__ContainerConfig *config = t->image->config;
    for (size_t i = 0; i < count; i++)
        if (!config || !label_filter_matches(texts[i], config->labels, config->n_labels))
            return false;
    return true;
}

/* A pattern is compared with "name:tag" and with "name" (distribution/reference FamiliarMatch). */
static bool pattern_matches(const char *pattern, const char *reference, char separator)
{
    char name[1024];
    if (fnmatch(pattern, reference, FNM_PATHNAME) == 0)
        return true;
    const char *end = strrchr(reference, separator);
    if (!end || (size_t)(end - reference) >= sizeof name)
        return false;
    memcpy(name, reference, (size_t)(end - reference));
    name[end - reference] = '\0';
    return fnmatch(pattern, name, FNM_PATHNAME) == 0;
}

static void keep_matching(struct arena *arena, char ***list, size_t *list_count,
                          char *const *patterns, size_t count, char separator)
{
    char **kept = arena_alloc(arena, (*list_count + 1) * sizeof *kept);
    size_t n = 0;
    for (size_t i = 0; i < *list_count; i++)
        for (size_t p = 0; p < count; p++)
            if (pattern_matches(patterns[p], (*list)[i], separator)) {
                kept[n++] = (*list)[i];
                break;
            }
    *list = kept;
    *list_count = n;
}

/* Shows only the names that match, and no image without any. */
static bool match_reference(struct image_test *t, char *const *texts, size_t count, int64_t value)
{
    (void)value;
    Sockerless__Image *image = t->image;
    keep_matching(t->arena, &image->repo_tags, &image->n_repo_tags, texts, count, ':');
    keep_matching(t->arena, &image->repo_digests, &image->n_repo_digests, texts, count, '@');
    return image->n_repo_tags || image->n_repo_digests;
}

/* reference comes last: it reduces what others look at. */
static const struct image_filter filters[] = {
    {"dangling", NULL, match_dangling},    {"before", compile_image, match_before},
    {"since", compile_image, match_since}, {"until", compile_time, match_before},
    {"label", NULL, match_label},          {"reference", compile_reference, match_reference},
};

enum { DANGLING = 0 };

/* The request's filters, by index in the table above. */
struct image_query {
    const Sockerless__Filter *given[ARRAY_LEN(filters)];
    int64_t values[ARRAY_LEN(filters)];
};

static int query_compile(struct backend *b, const Sockerless__ImageListRequest *request,
                         struct image_query *q, struct error *err)
{
    for (size_t i = 0; i < request->n_filters; i++) {
        const Sockerless__Filter *given = request->filters[i];
        size_t k = 0;
        while (k < ARRAY_LEN(filters) && strcmp(filters[k].key, given->key) != 0)
            k++;
        if (k == ARRAY_LEN(filters))
            return error_set(err, ERROR_INVALID_PARAMETER, "Invalid filter '%s'", given->key);
        q->given[k] = given->n_values ? given : NULL;
        if (k == DANGLING) {
            bool flag;
            if (filter_flag(given, false, &flag, err))
                return -1;
            q->values[k] = flag;
        }
        for (size_t v = 0; v < given->n_values && filters[k].compile; v++)
            if (filters[k].compile(b, given->key, given->values[v], &q->values[k], err))
                return -1;
    }
    return 0;
}

static bool query_matches(const struct image_query *q, struct image_test *t)
{
    for (size_t k = 0; k < ARRAY_LEN(filters); k++)
        if (q->given[k] &&
            !filters[k].matches(t, q->given[k]->values, q->given[k]->n_values, q->values[k]))
            return false;
    return true;
}

/* ---- operations ---- */

static int64_t containers_of(const struct backend *b, const char *image_id)
{
    int64_t count = 0;
    for (const struct container *c = b->containers.newest; c; c = c->older)
        count += strcmp(c->view->image_id, image_id) == 0;
    return count;
}

static Sockerless__Image *shown_image(struct op *op, const Sockerless__ImageRecord *rec)
{
    Sockerless__Image *image = arena_alloc(op->arena, sizeof *image);
    *image = *rec->image;
    image->containers = containers_of(op->backend, image->id);
    return image;
}

void op_image_list(struct op *op)
{
    struct image_query query = {0};
    struct error err;
    if (query_compile(op->backend, op->request->image_list, &query, &err)) {
        op_fail(op, &err);
        return;
    }
    size_t count;
    const Sockerless__ImageRecord **all = image_store_all(op->backend->images, op->arena, &count);
    Sockerless__ImageListReply list = SOCKERLESS__IMAGE_LIST_REPLY__INIT;
    list.images = arena_alloc(op->arena, (count + 1) * sizeof *list.images);
    for (size_t i = 0; i < count; i++) {
        struct image_test test = {.image = shown_image(op, all[i]), .arena = op->arena};
        if (query_matches(&query, &test))
            list.images[list.n_images++] = test.image;
    }
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    reply.result_case = SOCKERLESS__REPLY__RESULT_IMAGE_LIST;
    reply.image_list = &list;
    op_reply(op, &reply);
}

void op_image_inspect(struct op *op)
{
    struct error err;
    const char *ref = op->request->image_inspect->ref;
    const Sockerless__ImageRecord *rec = image_store_find(op->backend->images, ref, &err);
    if (!rec) {
        if (err.code == ERROR_NOT_FOUND)
            error_wrap(&err, "no such image: %s", ref); /* dockerd's words, twice and all */
        op_fail(op, &err);
        return;
    }
    Sockerless__ImageInspectReply inspect = SOCKERLESS__IMAGE_INSPECT_REPLY__INIT;
    inspect.image = shown_image(op, rec);
    Sockerless__Reply reply = SOCKERLESS__REPLY__INIT;
    reply.result_case = SOCKERLESS__REPLY__RESULT_IMAGE_INSPECT;
    reply.image_inspect = &inspect;
    op_reply(op, &reply);
}
