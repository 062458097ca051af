/* SPDX-License-Identifier: Apache-2.0
 *
 * What several handlers read from a request: its JSON body, of the content type that Docker insists
 * on, and the size of a window.
 */
#include "frontend/json/docker_json.h"
#include "frontend/http/reply.h"
#include "frontend/routes/route.h"

#include <string.h>
#include <strings.h>

/* application/json with or without parameters. */
static bool is_json_type(const char *type)
{
    static const char json[] = "application/json";
    size_t len = strcspn(type, "; \t");
    return len == sizeof(json) - 1 && strncasecmp(type, json, len) == 0;
}

json_t *route_request_json(struct exchange *x)
{
    const char *type = x->content_type ? x->content_type : "";
    struct error err;
    if (!is_json_type(type) && (x->body.len || *type)) {
        reply_error(x, 400, "Content-Type specified (%s) must be 'application/json'", type);
        return NULL;
    }
    json_t *root = docker_json_load(x->body.data, x->body.len, &err);
    if (!root)
        reply_failure(x, &err);
    return root;
}

int route_request_window(struct exchange *x, uint32_t *height, uint32_t *width)
{
    struct error err;
    int64_t h, w;
    if (query_int(&x->query, "h", 0, 0, UINT16_MAX, &h, &err) ||
        query_int(&x->query, "w", 0, 0, UINT16_MAX, &w, &err)) {
        reply_failure(x, &err);
        return -1;
    }
    *height = (uint32_t)h;
    *width = (uint32_t)w;
    return 0;
}
