/* SPDX-License-Identifier: Apache-2.0
 * Ending runs: stop, delete, and finding those that are left; see aca_run.h. */
#include "aca_call.h"
#include "aca_names.h"
#include "aca_run.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    STOP_LONGEST_MS = 10000, /* of the call; a lock is waited for no longer than that */
    STOPPED_LONGEST_MS = 60000,
    DELETE_LONGEST_MS = 10000,
};

/* ---- stop ---- */

static bool is_ending(enum workload_phase phase)
{
    return phase == WORKLOAD_STOPPING || phase == WORKLOAD_STOPPED || phase == WORKLOAD_MISSING;
}

/* An execution that is over, or was stopped by a call whose answer was lost, cannot be stopped:
 * that is as good. */
static int co_stop_execution(struct aca_api *api, const struct workload *w,
                             struct azure_reply *reply, struct error *err)
{
    const struct aca_action stop = {.what = "stop execution",
                                    .method = "POST",
                                    .id = w->resource,
                                    .suffix = "/stop",
                                    .repeatable = true,
                                    .deadline_ms = time_mono_ms() + STOP_LONGEST_MS};
    struct cloud_error why;
    struct workload_status status;
    struct error ignored;
    if (co_aca_act(api, &stop, reply, &why, err) == 0 || aca_not_found(&why))
        return 0;
    bool told = why.http == 400 || why.http == 409 || why.http == 412 || why.http == 422;
    if (!told || co_aca_describe(api, w, &status, &ignored))
        return -1;
    return is_ending(status.phase) ? 0 : -1;
}

int co_aca_stop(struct aca_api *api, const struct workload *w, struct error *err)
{
    AUTO(azure_reply) struct azure_reply reply = {0};
    return *w->resource ? co_stop_execution(api, w, &reply, err) : 0;
}

/* ---- delete ---- */

/* 0: gone, or on its way; 1: something still runs. */
static int co_delete_job(struct aca_api *api, const char *job, struct error *err)
{
    AUTO(azure_reply) struct azure_reply reply = {0};
    const struct aca_action removal = {.what = "delete job",
                                       .method = "DELETE",
                                       .id = job,
                                       .suffix = "",
                                       .repeatable = true,
                                       .deadline_ms = time_mono_ms() + STOPPED_LONGEST_MS};
    struct cloud_error why;
    if (co_aca_act(api, &removal, &reply, &why, err))
        return aca_not_found(&why) ? 0 : why.http == 400 || why.http == 409 ? 1 : -1;
    if (co_aca_wait(api, "delete job", NULL, DELETE_LONGEST_MS, &reply, &why, err) == 0)
        return 0;
    return aca_not_found(&why) || err->code == ERROR_DEADLINE ? 0 : -1; /* it was accepted */
}

/* What runs is stopped first where the service asks for it. */
int co_aca_delete(struct aca_api *api, const struct workload *w, struct error *err)
{
    AUTO(azure_reply) struct azure_reply reply = {0};
    struct workload found = *w;
    struct cloud_error why;
    struct error ignored;
    if (!*w->definition)
        return 0;
    int rc = co_delete_job(api, w->definition, err);
    if (rc <= 0)
        return rc;
    if (!*found.resource && co_aca_find_execution(api, w->definition, found.resource,
                                                  sizeof found.resource, &why, &ignored))
        return -1;
    if (*found.resource && co_stop_execution(api, &found, &reply, err))
        return -1;
    if (reply.doc &&
        co_aca_wait(api, "stop execution", NULL, STOPPED_LONGEST_MS, &reply, &why, &ignored))
        log_info("a stopped execution is still there", LOG_STR("error", ignored.message));
    return co_delete_job(api, w->definition, err) == 0 ? 0 : -1;
}

/* ---- list ---- */

struct listing {
    const struct aca_api *api;
    const char *instance;
    struct arena *arena;
    struct workload_found *items;
    size_t count, room;
};

/* False: not ours, or not to be used. */
static bool read_found(const struct listing *all, const json_t *job, struct workload_found *out)
{
    const json_t *tags = json_object_get(job, "tags");
    const char *name = json_doc_text(job, "name");
    const char *id = json_doc_text(tags, ACA_TAG_CONTAINER_ID);
    const char *state = json_doc_text(json_object_get(job, "properties"), "provisioningState");
    *out = (struct workload_found){0};
    if (strcmp(json_doc_text(tags, ACA_TAG_INSTANCE), all->instance) != 0 || strlen(id) != 64 ||
        !str_is_hex(id, 64) || strcasecmp(state, "Deleting") == 0 || !aca_name_valid(name))
        return false;
    AUTO_FREE char *definition = aca_resource_id(all->api->config, "jobs", name);
    if (strlen(definition) >= sizeof out->workload.definition)
        return false;
    strcpy(out->workload.definition, definition);
    strcpy(out->container_id, id);
    snprintf(out->container_name, sizeof out->container_name, "%s",
             json_doc_text(tags, ACA_TAG_CONTAINER_NAME));
    return true;
}

static bool take_job(void *arg, const json_t *item)
{
    struct listing *all = arg;
    struct workload_found found;
    if (!read_found(all, item, &found))
        return true;
    all->items = arena_grow(all->arena, all->items, all->count, &all->room, sizeof *all->items);
    all->items[all->count++] = found;
    return true;
}

/* Jobs that are over are listed, too: they are to be removed. A job does not name its executions.
 */
int co_aca_list(struct aca_api *api, const char *instance, struct arena *arena,
                struct workload_found **out, size_t *count, struct error *err)
{
    struct listing all = {.api = api, .instance = instance, .arena = arena};
    struct cloud_error why;
    AUTO_FREE char *id = aca_resource_id(api->config, "jobs", NULL);
    if (co_aca_list_items(api, "list jobs", id, take_job, &all, &why, err))
        return -1;
    for (size_t i = 0; i < all.count; i++) {
        struct workload *w = &all.items[i].workload;
        if (co_aca_find_execution(api, w->definition, w->resource, sizeof w->resource, &why, err) &&
            !aca_not_found(&why))
            return -1;
        memcpy(w->log_ref, w->resource, sizeof w->log_ref);
    }
    *out = all.items;
    *count = all.count;
    return 0;
}
