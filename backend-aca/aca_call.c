/* SPDX-License-Identifier: Apache-2.0
 * Single calls of Microsoft.App; see aca_call.h. */
#include "aca_call.h"

#include "aca_names.h"
#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloud/azure/azure_operation.h"
#include "json/json_doc.h"

#include <string.h>

enum { PAGES_MAX = 200 };

int co_aca_get(struct aca_api *api, const char *what, const char *id, const char *suffix,
               struct azure_reply *reply, struct cloud_error *why, struct error *err)
{
    AUTO_FREE char *path = aca_path(api->config, id, suffix);
    const struct azure_call call = {
        .service = "aca",
        .what = what,
        .method = "GET",
        .path = path,
        .bucket = &api->reads,
        .repeatable = true,
    };
    return co_azure_call(api->client, &call, reply, why, err);
}

int co_aca_act(struct aca_api *api, const struct aca_action *action, struct azure_reply *reply,
               struct cloud_error *why, struct error *err)
{
    bool deletes = strcmp(action->method, "DELETE") == 0;
    AUTO_FREE char *path = aca_path(api->config, action->id, action->suffix);
    const struct azure_call call = {
        .service = "aca",
        .what = action->what,
        .method = action->method,
        .path = path,
        .bucket = deletes ? &api->deletes : &api->writes,
        .repeatable = action->repeatable,
        .deadline_ms = action->deadline_ms,
    };
    return co_azure_call(api->client, &call, reply, why, err);
}

int co_aca_wait(struct aca_api *api, const char *what, const char *resource, int64_t longest_ms,
                struct azure_reply *reply, struct cloud_error *why, struct error *err)
{
    AUTO_FREE char *path = resource ? aca_path(api->config, resource, "") : NULL;
    const struct azure_operation_wait wait = {
        .service = "aca",
        .what = what,
        .resource = path,
        .bucket = &api->reads,
        .deadline_ms = time_mono_ms() + longest_ms,
    };
    return co_azure_operation_wait(api->client, &wait, reply, why, err);
}

int co_aca_list_items(struct aca_api *api, const char *what, const char *id, aca_list_take take,
                      void *arg, struct cloud_error *why, struct error *err)
{
    AUTO_FREE char *path = aca_path(api->config, id, "");
    for (int page = 0; page < PAGES_MAX; page++) {
        AUTO(azure_reply) struct azure_reply reply = {0};
        const struct azure_call call = {
            .service = "aca",
            .what = what,
            .method = "GET",
            .path = path,
            .bucket = &api->reads,
            .repeatable = true,
        };
        if (co_azure_call(api->client, &call, &reply, why, err))
            return -1;
        const json_t *list = json_object_get(reply.doc, "value");
        for (size_t i = 0; i < json_array_size(list); i++)
            if (!take(arg, json_array_get(list, i)))
                return 0;
        const char *next = json_doc_string(reply.doc, "nextLink");
        if (str_empty(next))
            return 0;
        if (strcmp(next, path) == 0)
            break;
        free(path);
        path = xstrdup(next); /* verbatim, says Azure Resource Manager */
    }
    return error_set(err, ERROR_SYSTEM,
                     "aca: %s: the list has no end: it has more than %d pages, or one that is "
                     "followed by itself",
                     what, PAGES_MAX);
}

bool aca_not_found(const struct cloud_error *why)
{
    return why->http == 404 || (!why->http && why->error == ERROR_NOT_FOUND);
}
