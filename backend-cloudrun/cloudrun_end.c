/* SPDX-License-Identifier: Apache-2.0
 * Ending runs: cancel, delete, and finding those that are left; see cloudrun_run.h. */
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "cloudrun_call.h"
#include "cloudrun_names.h"
#include "cloudrun_run.h"
#include "cloudrun_status.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>

enum {
    CANCEL_LONGEST_MS = 30000,
    DELETE_LONGEST_MS = 10000,
};

/* ---- cancel ---- */

static int co_cancel_call(struct cloudrun_api *api, const char *execution, json_t **operation,
                          struct cloud_error *why, struct error *err)
{
    AUTO(buf) struct buf body = BUF_INIT;
    AUTO_FREE char *target = xasprintf("%s:cancel", execution);
    buf_puts(&body, "{}");
    return co_cloudrun_change(api, "cancel execution", "POST", target, &body, operation, why, err);
}

static bool is_ending(enum workload_phase phase)
{
    return phase == WORKLOAD_STOPPING || phase == WORKLOAD_STOPPED || phase == WORKLOAD_MISSING;
}

/* An execution that is over, or was cancelled by a call whose answer was lost, cannot be cancelled:
 * that is as good. */
static int co_cancel_execution(struct cloudrun_api *api, const struct workload *w,
                               json_t **operation, struct error *err)
{
    struct cloud_error why;
    struct workload_status status;
    struct error ignored;
    if (co_cancel_call(api, w->resource, operation, &why, err) == 0 ||
        gcp_error_is(&why, "NOT_FOUND"))
        return 0;
    if (!gcp_error_is(&why, "FAILED_PRECONDITION") && !gcp_error_is(&why, "INVALID_ARGUMENT"))
        return -1;
    if (co_cloudrun_describe(api, w, &status, &ignored))
        return -1;
    return is_ending(status.phase) ? 0 : -1;
}

int co_cloudrun_stop(struct cloudrun_api *api, const struct workload *w, struct error *err)
{
    json_t *operation AUTO(json) = NULL;
    return *w->resource ? co_cancel_execution(api, w, &operation, err) : 0;
}

/* ---- delete ---- */

/* 0: gone, or on its way; 1: something still runs. */
static int co_delete_job(struct cloudrun_api *api, const char *job, struct error *err)
{
    json_t *operation AUTO(json) = NULL;
    struct cloud_error why;
    if (co_cloudrun_change(api, "delete job", "DELETE", job, NULL, &operation, &why, err) == 0 &&
        co_cloudrun_wait(api, "delete job", DELETE_LONGEST_MS, &operation, &why, err) == 0)
        return 0;
    if (gcp_error_is(&why, "NOT_FOUND"))
        return 0;
    if (operation && err->code == ERROR_DEADLINE)
        return 0; /* accepted */
    return gcp_error_is(&why, "FAILED_PRECONDITION") || gcp_error_is(&why, "ABORTED") ? 1 : -1;
}

/* The run's answer may have been lost: then the job says more. */
static int co_latest_execution(struct cloudrun_api *api, struct workload *w, struct error *err)
{
    json_t *job AUTO(json) = NULL;
    struct cloud_error why;
    if (*w->resource)
        return 0;
    if (co_cloudrun_get(api, "get job", w->definition, &job, &why, err))
        return gcp_error_is(&why, "NOT_FOUND") ? 0 : -1;
    cloudrun_latest_execution(api, job, w->definition, w->resource, sizeof w->resource);
    return 0;
}

int co_cloudrun_delete(struct cloudrun_api *api, const struct workload *w, struct error *err)
{
    json_t *operation AUTO(json) = NULL;
    struct workload found = *w;
    struct cloud_error why;
    struct error ignored;
    if (!*w->definition)
        return 0;
    int rc = co_delete_job(api, w->definition, err);
    if (rc <= 0)
        return rc;
    if (co_latest_execution(api, &found, err))
        return -1;
    if (*found.resource && co_cancel_execution(api, &found, &operation, err))
        return -1;
    if (operation &&
        co_cloudrun_wait(api, "cancel execution", CANCEL_LONGEST_MS, &operation, &why, &ignored))
        log_info("a cancelled execution is still there", LOG_STR("error", ignored.message));
    return co_delete_job(api, w->definition, err) == 0 ? 0 : -1;
}

/* ---- list ---- */

/* False: not ours, or not to be used. */
static bool read_found(const struct cloudrun_api *api, const json_t *job, const char *instance,
                       struct workload_found *out)
{
    const json_t *notes = json_object_get(job, "annotations");
    const char *name = str_or_empty(json_doc_string(job, "name"));
    const char *owner = str_or_empty(json_doc_string(notes, CLOUDRUN_NOTE_INSTANCE));
    const char *id = str_or_empty(json_doc_string(notes, CLOUDRUN_NOTE_CONTAINER_ID));
    const char *title = str_or_empty(json_doc_string(notes, CLOUDRUN_NOTE_CONTAINER_NAME));
    *out = (struct workload_found){0};
    if (strcmp(owner, instance) != 0 || strlen(id) != 64 || !str_is_hex(id, 64) ||
        json_object_get(job, "deleteTime") || !cloudrun_name_usable(api, name) ||
        !cloudrun_name_copy(out->workload.definition, sizeof out->workload.definition, name))
        return false;
    strcpy(out->container_id, id);
    snprintf(out->container_name, sizeof out->container_name, "%s", title);
    cloudrun_latest_execution(api, job, name, out->workload.resource,
                              sizeof out->workload.resource);
    strcpy(out->workload.log_ref, out->workload.resource);
    return true;
}

struct listing {
    const struct cloudrun_api *api;
    const char *instance;
    struct arena *arena;
    struct workload_found *items;
    size_t count, room;
};

static void take_job(void *arg, const json_t *job)
{
    struct listing *all = arg;
    struct workload_found found;
    if (!read_found(all->api, job, all->instance, &found))
        return;
    all->items = arena_grow(all->arena, all->items, all->count, &all->room, sizeof *all->items);
    all->items[all->count++] = found;
}

/* Jobs that are over are listed, too: they count against the project's thousand. */
int co_cloudrun_list(struct cloudrun_api *api, const char *instance, struct arena *arena,
                     struct workload_found **out, size_t *count, struct error *err)
{
    struct listing all = {.api = api, .instance = instance, .arena = arena};
    if (co_cloudrun_each_job(api, take_job, &all, err))
        return -1;
    *out = all.items;
    *count = all.count;
    return 0;
}
