/* SPDX-License-Identifier: Apache-2.0
 *
 * The tags of a repository, page by page (distribution spec, end-8); see registry_repo.h.
 */
#include "base/alloc.h"
#include "base/str.h"
#include "loop/http_url.h"
#include "json/json_doc.h"
#include "oci/registry/registry_internal.h"

#include <string.h>
#include <strings.h>

enum { PAGE_TAGS = 1000, PAGE_MAX_BYTES = 2 * 1024 * 1024, PAGES_MAX = 1000 };

struct tag_list {
    struct arena *arena;
    char **tags;
    size_t count, cap;
};

static void list_add(struct tag_list *l, const char *tag)
{
    if (l->count == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 64;
        char **wider = arena_calloc(l->arena, cap, sizeof *wider);
        if (l->count)
            memcpy(wider, l->tags, l->count * sizeof *wider);
        l->tags = wider;
        l->cap = cap;
    }
    l->tags[l->count++] = arena_strdup(l->arena, tag);
}

static int take_page(struct tag_list *l, const struct http_response *res, struct error *err)
{
    json_t *doc AUTO(json) = json_doc_load(str_or_empty(res->body.data), res->body.len, err);
    if (!doc)
        return error_wrap(err, "list of tags");
    json_t *tags = json_object_get(doc, "tags"); /* null when there are none */
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const char *tag = json_string_value(json_array_get(tags, i));
        if (!tag || !image_ref_tag_valid(tag))
            continue; /* nothing that could be asked for */
        if (l->count == REGISTRY_TAGS_MAX)
            return error_set(err, ERROR_TOO_LARGE, "the repository has more than %d tags",
                             REGISTRY_TAGS_MAX);
        list_add(l, tag);
    }
    return 0;
}

/* `Link: </v2/a/tags/list?last=x&n=1000>; rel="next"`. Heap string; NULL: this was the last. */
static char *next_page(const struct http_response *res, const char *url)
{
    const char *link = http_response_header(res, "Link");
    const char *end = link && *link == '<' ? strchr(link, '>') : NULL;
    if (!end || (!strstr(end, "rel=\"next\"") && !strstr(end, "rel=next")))
        return NULL;
    char *target AUTO_FREE = xstrndup(link + 1, (size_t)(end - link - 1));
    return http_url_resolve(url, target);
}

static int co_page(struct registry_repo *r, const char *url, struct tag_list *l, char **next,
                   struct error *err)
{
    struct registry_call call = {
        .method = "GET", .url = url, .max = PAGE_MAX_BYTES, .repeat = REPEAT_ALL};
    struct http_response res AUTO(http_response);
    if (co_registry_call(r, &call, &res, err))
        return -1;
    if (res.status != 200)
        return registry_refused(r, &res, err);
    *next = next_page(&res, url);
    return take_page(l, &res, err);
}

int co_registry_tags(struct registry_repo *r, struct arena *arena, char ***out, size_t *count,
                     struct error *err)
{
    struct tag_list list = {.arena = arena};
    char *first AUTO_FREE = registry_url(r, "tags", "list");
    char *url = xasprintf("%s?n=%d", first, PAGE_TAGS);
    int rc = 0;
    for (int pages = 0; url && rc == 0; pages++) {
        char *next = NULL;
        if (pages == PAGES_MAX)
            rc = error_set(err, ERROR_TOO_LARGE, "the list of tags has more than %d pages",
                           PAGES_MAX);
        else if (!http_url_same_origin(url, r->endpoint.base))
            rc = error_set(err, ERROR_SYSTEM, "registry %s: the list of tags goes on elsewhere",
                           r->endpoint.host);
        else
            rc = co_page(r, url, &list, &next, err);
        free(url);
        url = next;
    }
    free(url);
    *out = list.tags;
    *count = list.count;
    return rc;
}
