/* SPDX-License-Identifier: Apache-2.0
 * Resources of Google's APIs; see gcp_resource.h. */
#include "cloud/gcp/gcp_resource.h"

#include "base/alloc.h"
#include "base/str.h"
#include "json/json_doc.h"
#include "loop/http_url.h"

#include <string.h>

enum { PAGE_SIZE = 100, PAGES_MAX = 100 };

int co_gcp_get(const struct gcp_service *s, const char *what, const char *name, json_t **reply,
               struct cloud_error *why, struct error *err)
{
    AUTO_FREE char *path = xasprintf("%s/%s", s->version, name);
    const struct gcp_call call = {
        .service = s->name,
        .what = what,
        .method = "GET",
        .path = path,
        .bucket = s->reads,
        .repeatable = true,
    };
    return co_gcp_call(s->client, &call, reply, why, err);
}

int co_gcp_change(const struct gcp_service *s, const char *what, const char *method,
                  const char *target, const struct buf *body, json_t **reply,
                  struct cloud_error *why, struct error *err)
{
    AUTO_FREE char *path = xasprintf("%s/%s", s->version, target);
    const struct gcp_call call = {
        .service = s->name,
        .what = what,
        .method = method,
        .path = path,
        .body = body,
        .bucket = s->writes,
        .repeatable = true,
    };
    return co_gcp_call(s->client, &call, reply, why, err);
}

int co_gcp_list(const struct gcp_service *s, const char *what, const char *collection,
                const char *key, void (*take)(void *arg, const json_t *item), void *arg,
                struct error *err)
{
    AUTO_FREE char *token = NULL;
    for (int page = 0; page < PAGES_MAX; page++) {
        AUTO_FREE char *path =
            xasprintf("%s%cpageSize=%d%s%s", collection, strchr(collection, '?') ? '&' : '?',
                      PAGE_SIZE, token ? "&pageToken=" : "", str_or_empty(token));
        json_t *reply AUTO(json) = NULL;
        struct cloud_error why;
        if (co_gcp_get(s, what, path, &reply, &why, err))
            return -1;
        const json_t *items = json_object_get(reply, key);
        for (size_t i = 0; i < json_array_size(items); i++)
            take(arg, json_array_get(items, i));
        const char *next = json_doc_string(reply, "nextPageToken");
        free(token);
        token = str_empty(next) ? NULL : http_url_encode(next);
        if (!token)
            return 0;
    }
    return error_set(err, ERROR_SYSTEM, "%s: %s: more than %d pages", s->name, what, PAGES_MAX);
}
