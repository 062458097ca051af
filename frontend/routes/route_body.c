/* SPDX-License-Identifier: Apache-2.0
 *
 * Request bodies: the content type that Docker insists on, and JSON.
 */
#include "frontend/json/docker_json.h"
#include "frontend/http/http_reply.h"
#include "frontend/routes/routes.h"

#include <string.h>
#include <strings.h>

/* application/json with or without parameters. */
static bool is_json_type(const char *type)
{
    static const char json[] = "application/json";
    size_t len = strcspn(type, "; \t");
    return len == sizeof(json) - 1 && strncasecmp(type, json, len) == 0;
}

json_t *route_body(struct exchange *x)
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
