/* SPDX-License-Identifier: Apache-2.0
 * The Cloud Run Admin API v2: services and revisions; see service.h. Services are made by functions
 * here: services.create is not offered. */
#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/gcp/resource.h"
#include "test/sim/gcp/service.h"
#include "test/sim/http/form.h"

#include <string.h>

enum { PAGE_MAX = 100 };

static struct service *need_service(struct gcp *gcp, const struct gcp_call *call,
                                    struct gcp_reply *reply)
{
    struct service *s =
        resource_location_fits(gcp, call, reply) ? service_find(gcp->run, call->part[2]) : NULL;
    if (!s && !reply->status)
        gcp_reply_error(reply, "NOT_FOUND",
                        "Resource '%s' of kind 'SERVICE' in region '%s' in project '%s' does not "
                        "exist.",
                        call->part[2], gcp->region, gcp->project);
    return s;
}

static void services_get(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    pthread_mutex_lock(&gcp->run->lock);
    const struct service *s = need_service(gcp, call, reply);
    if (s)
        gcp_reply_json(reply, service_json(s));
    pthread_mutex_unlock(&gcp->run->lock);
}

static void services_list(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    size_t begin, count;
    if (!resource_location_fits(gcp, call, reply) ||
        !gcp_page(call, PAGE_MAX, &begin, &count, reply))
        return;
    json_t *all = json_array();
    pthread_mutex_lock(&gcp->run->lock);
    for (const struct service *s = gcp->run->services; s; s = s->hh.next)
        json_array_append_new(all, service_json(s));
    pthread_mutex_unlock(&gcp->run->lock);
    gcp_reply_json(reply, gcp_page_json("services", all, begin, count));
    json_decref(all);
}

/* ---- patch ---- */

static bool parameter_is_true(const struct gcp_call *call, const char *name)
{
    AUTO_FREE char *text = form_parameter(call->request, name);
    return text && !strcmp(text, "true");
}

/* What the service is to be: the body, or what it is with the masked members of the body. */
static json_t *wanted(const struct gcp *gcp, const struct gcp_call *call, const struct service *s,
                      struct gcp_reply *reply)
{
    struct error err;
    AUTO_FREE char *mask = form_parameter(call->request, "updateMask");
    bool whole = str_empty(mask) || !strcmp(mask, "*");
    json_t *json = json_deep_copy(whole ? call->body : s->json);
    if ((!whole && resource_apply_mask(json, call->body, mask, service_members, &err)) ||
        service_check(gcp, json, s->id, &err)) {
        gcp_reply_error(reply, "INVALID_ARGUMENT", "%s", err.message);
        json_decref(json);
        return NULL;
    }
    return json;
}

static bool templates_are_alike(const json_t *a, const json_t *b)
{
    json_t *x = json_copy((json_t *)a), *y = json_copy((json_t *)b);
    json_object_del(x, "revision");
    json_object_del(y, "revision");
    bool alike = json_equal(x, y);
    json_decref(x);
    json_decref(y);
    return alike;
}

/* Whether a template asks for a new revision. A name that is taken is that of the same template or
 * refused. */
static bool needs_revision(const struct gcp_call *call, const struct service *s,
                           const json_t *template, struct gcp_reply *reply)
{
    const char *name = value_string(template, "revision");
    const struct revision *named = *name ? service_find_revision(s, name) : NULL;
    if (named && !templates_are_alike(named->template, template))
        gcp_reply_error(reply, "ALREADY_EXISTS",
                        "Revision named '%s' with different configuration already exists.", name);
    if (named)
        return false;
    return *name || parameter_is_true(call, "forceNewRevision") ||
           !templates_are_alike(s->revisions->template, template);
}

static void replace(struct gcp *gcp, const struct gcp_call *call, struct service *s,
                    struct gcp_reply *reply)
{
    char id[37];
    struct error err;
    json_t *json = wanted(gcp, call, s, reply);
    if (!json)
        return;
    bool revises = needs_revision(call, s, json_object_get(json, "template"), reply);
    if (reply->status) {
        json_decref(json);
        return;
    }
    if (parameter_is_true(call, "validateOnly")) {
        gcp_reply_json(reply, operation_checked(gcp->run, OPERATION_TOLD, json));
        return;
    }
    service_replace(s, json, call->principal);
    struct revision *r = revises ? service_revise(s, false) : NULL;
    value_uuid(id);
    gcp_reply_json(reply, operation_open(gcp->run, id, service_typed_json(s)));
    if (deployment_start(s, r, id, &err))
        gcp_reply_error(reply, "INTERNAL", "%s", err.message);
}

static void services_patch(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    pthread_mutex_lock(&gcp->run->lock);
    struct service *s = need_service(gcp, call, reply);
    if (s && resource_etag_fits(call, s->id, s->json, reply))
        replace(gcp, call, s, reply);
    pthread_mutex_unlock(&gcp->run->lock);
}

static void services_delete(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    char id[37];
    struct fate well = {0};
    pthread_mutex_lock(&gcp->run->lock);
    struct service *s = need_service(gcp, call, reply);
    if (s && resource_etag_fits(call, s->id, s->json, reply)) {
        json_t *last = service_typed_json(s);
        value_uuid(id);
        service_delete(s);
        json_t *operation = operation_open(gcp->run, id, json_incref(last));
        operation_end(gcp->run, id, last, &well);
        gcp_reply_json(reply, operation);
    }
    pthread_mutex_unlock(&gcp->run->lock);
}

/* ---- revisions ---- */

static json_t *revision_json(const struct revision *r)
{
    static const char *const from_template[] = {"labels",
                                                "annotations",
                                                "scaling",
                                                "vpcAccess",
                                                "timeout",
                                                "serviceAccount",
                                                "containers",
                                                "volumes",
                                                "executionEnvironment",
                                                "maxInstanceRequestConcurrency"};
    static const char *const states[] = {"CONDITION_RECONCILING", "CONDITION_SUCCEEDED",
                                         "CONDITION_FAILED"};
    AUTO_FREE char *name =
        xasprintf("%s/revisions/%s", value_string(r->service->json, "name"), r->id);
    json_t *ready = json_pack("{s:s, s:s}", "type", "Ready", "state", states[r->state]);
    json_t *out = json_pack("{s:s, s:s, s:s, s:s}", "name", name, "uid", r->uid, "service",
                            r->service->id, "generation", "1");
    if (r->fate.status)
        value_set_text(ready, "message", r->fate.message);
    json_object_set_new(out, "conditions", json_pack("[o]", ready));
    gcp_set_time(out, "createTime", r->created_ns);
    for (size_t i = 0; i < ARRAY_LEN(from_template); i++)
        json_object_set(out, from_template[i], json_object_get(r->template, from_template[i]));
    return out;
}

static void revisions_get(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    pthread_mutex_lock(&gcp->run->lock);
    const struct service *s = need_service(gcp, call, reply);
    const struct revision *r = s ? service_find_revision(s, call->part[3]) : NULL;
    if (r)
        gcp_reply_json(reply, revision_json(r));
    else if (s)
        gcp_reply_error(reply, "NOT_FOUND", "Resource '%s' of kind 'REVISION' does not exist.",
                        call->part[3]);
    pthread_mutex_unlock(&gcp->run->lock);
}

static void revisions_list(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    size_t begin, count;
    if (!gcp_page(call, PAGE_MAX, &begin, &count, reply))
        return;
    json_t *all = json_array();
    pthread_mutex_lock(&gcp->run->lock);
    const struct service *s = need_service(gcp, call, reply);
    for (const struct revision *r = s ? s->revisions : NULL; r; r = r->next)
        json_array_append_new(all, revision_json(r));
    pthread_mutex_unlock(&gcp->run->lock);
    if (s)
        gcp_reply_json(reply, gcp_page_json("revisions", all, begin, count));
    json_decref(all);
}

#define SERVICES "/v2/projects/*/locations/*/services"
#define ID "projects.locations.services."
const struct gcp_method service_methods[] = {
    {"run", ID "list", "GET", SERVICES, services_list, false},
    {"run", ID "get", "GET", SERVICES "/*", services_get, false},
    {"run", ID "patch", "PATCH", SERVICES "/*", services_patch, false},
    {"run", ID "delete", "DELETE", SERVICES "/*", services_delete, false},
    {"run", ID "revisions.list", "GET", SERVICES "/*/revisions", revisions_list, false},
    {"run", ID "revisions.get", "GET", SERVICES "/*/revisions/*", revisions_get, false},
    {0}};
