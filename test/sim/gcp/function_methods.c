/* SPDX-License-Identifier: Apache-2.0
 * The Cloud Functions API v2; see function.h. */
#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/gcp/container_check.h"
#include "test/sim/gcp/function.h"
#include "test/sim/gcp/resource.h"
#include "test/sim/http/form.h"

#include <string.h>

enum { PAGE_MAX = 1000 };
#define OPERATION_PREFIX "operation-"

static struct function *need_function(struct gcp *gcp, const struct gcp_call *call,
                                      struct gcp_reply *reply)
{
    struct function *f =
        resource_location_fits(gcp, call, reply) ? function_find(gcp->run, call->part[2]) : NULL;
    if (!f && !reply->status)
        gcp_reply_error(reply, "NOT_FOUND",
                        "Resource 'projects/%s/locations/%s/functions/%s' was not found",
                        gcp->project, gcp->region, call->part[2]);
    return f;
}

/* One operation at a time changes a function. */
static struct function *need_idle_function(struct gcp *gcp, const struct gcp_call *call,
                                           struct gcp_reply *reply)
{
    struct function *f = need_function(gcp, call, reply);
    if (f && f->busy) {
        gcp_reply_error(reply, "ABORTED", "unable to queue the operation");
        return NULL;
    }
    return f;
}

static void start(struct function *f, enum function_work work, struct gcp_reply *reply)
{
    struct error err;
    json_t *operation = function_build_start(f, work, &err);
    if (operation)
        gcp_reply_json(reply, operation);
    else
        gcp_reply_error(reply, "INTERNAL", "%s", err.message);
}

/* ---- create ---- */

static bool id_fits(const char *id, struct gcp_reply *reply)
{
    if (container_check_id(id, FUNCTION_ID_MAX) && strlen(id) >= FUNCTION_ID_MIN)
        return true;
    gcp_reply_error(reply, "INVALID_ARGUMENT",
                    "Function ID '%s' must be between %d and %d characters, and valid characters "
                    "are /[a-z][0-9]-/: a letter first, no dash at the end",
                    id, FUNCTION_ID_MIN, FUNCTION_ID_MAX);
    return false;
}

static bool source_exists(struct gcp *gcp, const json_t *function, struct gcp_reply *reply)
{
    const json_t *storage = json_object_get(
        json_object_get(json_object_get(function, "buildConfig"), "source"), "storageSource");
    const char *bucket = value_string(storage, "bucket"), *object = value_string(storage, "object");
    if (source_upload_exists(gcp, bucket, object))
        return true;
    gcp_reply_error(reply, "NOT_FOUND",
                    "Failed to generate upload or read source: gs://%s/%s was not found", bucket,
                    object);
    return false;
}

static json_t *checked(struct gcp *gcp, json_t *function, struct gcp_reply *reply)
{
    struct error err;
    if (function_check(function, &err))
        gcp_reply_error(reply, "INVALID_ARGUMENT", "%s", err.message);
    else if (source_exists(gcp, function, reply))
        return function;
    json_decref(function);
    return NULL;
}

static void functions_create(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    struct run *run = gcp->run;
    AUTO_FREE char *id = form_parameter(call->request, "functionId");
    if (!resource_location_fits(gcp, call, reply) || !id_fits(str_or_empty(id), reply))
        return;
    json_t *json = checked(gcp, json_deep_copy(call->body), reply);
    if (!json)
        return;
    json_t *build = json_object_get(json, "buildConfig");
    if (!*value_string(build, "entryPoint"))
        value_set_text(build, "entryPoint", id);
    pthread_mutex_lock(&run->lock);
    if (function_find(run, id) || service_find(run, id)) {
        gcp_reply_error(reply, "ALREADY_EXISTS",
                        "Resource 'projects/%s/locations/%s/functions/%s' already exists",
                        gcp->project, gcp->region, id);
        json_decref(json);
    } else if (HASH_COUNT(run->functions) >= FUNCTIONS_MAX) {
        gcp_reply_error(reply, "RESOURCE_EXHAUSTED", "Quota exceeded: at most %d functions",
                        FUNCTIONS_MAX);
        json_decref(json);
    } else {
        start(function_new(run, id, json), FUNCTION_CREATE, reply);
    }
    pthread_mutex_unlock(&run->lock);
}

/* ---- get, list ---- */

static void functions_get(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    pthread_mutex_lock(&gcp->run->lock);
    const struct function *f = need_function(gcp, call, reply);
    if (f)
        gcp_reply_json(reply, function_json(f, !value_take_one(&gcp->tuning.uri_missing)));
    pthread_mutex_unlock(&gcp->run->lock);
}

/* A term of a list's filter: [-]labels.KEY:"VALUE" or =, * for any value; state:… too. */
static bool term_fits(const struct function *f, char *term, bool *understood)
{
    bool negative = *term == '-';
    char *key = term + negative, *operator= strpbrk(key, ":=");
    if (!operator|| !str_starts(key, "labels.")) {
        *understood = false;
        return false;
    }
    *operator= '\0';
    char *value = operator+ 1;
    size_t len = strlen(value);
    if (len > 1 && value[0] == '"' && value[len - 1] == '"') {
        value[len - 1] = '\0';
        value++;
    }
    const char *has = json_string_value(
        json_object_get(json_object_get(f->json, "labels"), key + strlen("labels.")));
    bool fits = has && (!strcmp(value, "*") || !strcmp(value, has));
    return fits != negative;
}

/* Terms are joined by AND, which may be left out. */
static bool filter_fits(const struct function *f, const char *filter, bool *understood)
{
    AUTO_FREE char *text = xstrdup(filter);
    char *rest = NULL;
    bool fits = true;
    for (char *term = strtok_r(text, " ", &rest); term; term = strtok_r(NULL, " ", &rest))
        if (strcmp(term, "AND") != 0)
            fits = term_fits(f, term, understood) && fits;
    return fits;
}

static void functions_list(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    size_t begin, count;
    bool understood = true;
    AUTO_FREE char *filter = form_parameter(call->request, "filter");
    if (!resource_location_fits(gcp, call, reply) ||
        !gcp_page(call, PAGE_MAX, &begin, &count, reply))
        return;
    json_t *all = json_array();
    pthread_mutex_lock(&gcp->run->lock);
    for (const struct function *f = gcp->run->functions; f; f = f->hh.next)
        if (filter_fits(f, str_or_empty(filter), &understood))
            json_array_append_new(all, function_json(f, false));
    pthread_mutex_unlock(&gcp->run->lock);
    if (understood)
        gcp_reply_json(reply, gcp_page_json("functions", all, begin, count));
    else
        gcp_reply_error(reply, "INVALID_ARGUMENT", "Invalid filter: %s", filter);
    json_decref(all);
}

/* ---- patch, delete ---- */

/* Labels and the description change nothing that runs; whatever else is named deploys anew. */
static bool deploys(const char *mask)
{
    return str_empty(mask) || !strcmp(mask, "*") || resource_mask_has(mask, "buildConfig") ||
           resource_mask_has(mask, "serviceConfig") || resource_mask_has(mask, "environment");
}

static void patch(struct gcp *gcp, const struct gcp_call *call, struct function *f,
                  struct gcp_reply *reply)
{
    struct error err;
    AUTO_FREE char *mask = form_parameter(call->request, "updateMask");
    bool whole = str_empty(mask) || !strcmp(mask, "*");
    json_t *json = json_deep_copy(whole ? call->body : f->json);
    if ((!whole && resource_apply_mask(json, call->body, mask, function_members, &err)) ||
        function_check(json, &err)) {
        gcp_reply_error(reply, "INVALID_ARGUMENT", "%s", err.message);
        json_decref(json);
        return;
    }
    if (deploys(mask) && !source_exists(gcp, json, reply)) {
        json_decref(json);
        return;
    }
    function_replace(f, json);
    start(f, deploys(mask) ? FUNCTION_UPDATE : FUNCTION_RELABEL, reply);
}

static void functions_patch(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    pthread_mutex_lock(&gcp->run->lock);
    struct function *f = need_idle_function(gcp, call, reply);
    if (f)
        patch(gcp, call, f, reply);
    pthread_mutex_unlock(&gcp->run->lock);
}

static void functions_delete(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    pthread_mutex_lock(&gcp->run->lock);
    struct function *f = need_idle_function(gcp, call, reply);
    if (f)
        start(f, FUNCTION_DELETE, reply);
    pthread_mutex_unlock(&gcp->run->lock);
}

static void generate_upload_url(struct gcp *gcp, const struct gcp_call *call,
                                struct gcp_reply *reply)
{
    const char *environment = value_string(call->body, "environment");
    if (!resource_location_fits(gcp, call, reply))
        return;
    if (*environment && strcmp(environment, "GEN_2") != 0)
        gcp_reply_error(reply, "INVALID_ARGUMENT", "environment: only GEN_2 is offered");
    else
        gcp_reply_json(reply, source_upload_offer(gcp));
}

/* The path's pattern ends in operation-…, whose rest the star stands for. */
static void operations_get(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    AUTO_FREE char *id = xasprintf(OPERATION_PREFIX "%s", call->part[2]);
    operation_answer(gcp, id, reply);
}

#define FUNCTIONS "/v2/projects/*/locations/*/functions"
#define ID "projects.locations.functions."
const struct gcp_method function_methods[] = {
    {"cloudfunctions", ID "generateUploadUrl", "POST", FUNCTIONS ":generateUploadUrl",
     generate_upload_url, false},
    {"cloudfunctions", ID "create", "POST", FUNCTIONS, functions_create, false},
    {"cloudfunctions", ID "list", "GET", FUNCTIONS, functions_list, false},
    {"cloudfunctions", ID "get", "GET", FUNCTIONS "/*", functions_get, false},
    {"cloudfunctions", ID "patch", "PATCH", FUNCTIONS "/*", functions_patch, false},
    {"cloudfunctions", ID "delete", "DELETE", FUNCTIONS "/*", functions_delete, false},
    {"cloudfunctions", "projects.locations.operations.get", "GET",
     "/v2/projects/*/locations/*/operations/" OPERATION_PREFIX "*", operations_get, false},
    {0}};
