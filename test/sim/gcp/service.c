/* SPDX-License-Identifier: Apache-2.0
 * Services and their revisions; see service.h. */
#include "test/sim/gcp/service.h"

#include "base/alloc.h"
#include "base/timefmt.h"
#include "test/sim/gcp/resource.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

struct service *service_find(struct run *run, const char *id)
{
    struct service *s;
    HASH_FIND_STR(run->services, id, s);
    return s;
}

struct service *service_new(struct run *run, const char *id, json_t *json, const char *creator)
{
    struct service *s = NEW(struct service);
    AUTO_FREE char *name = resource_name(run->gcp, "services", id);
    s->run = run;
    snprintf(s->id, sizeof s->id, "%s", id);
    value_uuid(s->uid);
    s->json = json;
    s->refs = 1;
    resource_begin(json, name, s->uid, creator);
    resource_stamp(json, &s->generation, creator);
    HASH_ADD_STR(run->services, id, s);
    return s;
}

void service_replace(struct service *s, json_t *json, const char *modifier)
{
    resource_keep(json, s->json);
    json_decref(s->json);
    s->json = json;
    resource_stamp(json, &s->generation, modifier);
}

struct service *service_ref(struct service *s)
{
    s->refs++;
    return s;
}

static void revision_free(struct revision *r)
{
    json_decref(r->template);
    free(r);
}

void service_unref(struct service *s)
{
    struct revision *r, *next;
    if (--s->refs)
        return;
    LL_FOREACH_SAFE(s->revisions, r, next)
    {
        revision_free(r);
    }
    json_decref(s->json);
    free(s);
}

static void request_end(struct instance *i)
{
    i->end_requested = true;
    pthread_cond_broadcast(&i->changed);
}

void service_delete(struct service *s)
{
    HASH_DEL(s->run->services, s);
    s->deleted = true;
    for (struct revision *r = s->revisions; r; r = r->next)
        for (struct instance *i = r->instances; i; i = i->next)
            request_end(i);
    pthread_cond_broadcast(&s->run->changed);
    service_unref(s);
}

void service_delete_all(struct run *run)
{
    struct service *s, *next;
    HASH_ITER(hh, run->services, s, next)
    {
        service_delete(s);
    }
}

/* ---- revisions ---- */

/* The oldest that nothing uses goes when there are too many. */
static void trim_revisions(struct service *s)
{
    struct revision *oldest = NULL;
    if (s->revision_count <= REVISIONS_MAX)
        return;
    for (struct revision *r = s->revisions; r; r = r->next)
        if (!r->instances && r != s->ready && r->state != REVISION_DEPLOYING)
            oldest = r;
    if (oldest) {
        LL_DELETE(s->revisions, oldest);
        s->revision_count--;
        revision_free(oldest);
    }
}

struct revision *service_revise(struct service *s, bool is_stub)
{
    struct revision *r = NEW(struct revision);
    json_t *template = json_object_get(s->json, "template");
    const char *named = value_string(template, "revision");
    char letters[4];
    value_random_hex(letters, 3);
    r->service = s;
    r->serial = ++s->serial;
    if (*named)
        snprintf(r->id, sizeof r->id, "%s", named);
    else
        snprintf(r->id, sizeof r->id, "%.*s-%05u-%s", SERVICE_ID_MAX - 10, s->id, r->serial,
                 letters);
    value_uuid(r->uid);
    r->template = json_deep_copy(template);
    r->created_ns = time_now_ns();
    r->is_stub = is_stub;
    LL_PREPEND(s->revisions, r);
    s->revision_count++;
    trim_revisions(s);
    return r;
}

struct revision *service_find_revision(const struct service *s, const char *id)
{
    struct revision *r = s->revisions;
    while (r && strcmp(r->id, id) != 0)
        r = r->next;
    return r;
}

/* ---- JSON ---- */

char *service_uri(const struct gcp *gcp, const char *id)
{
    return xasprintf("http://%s" SERVICE_URL_PREFIX "%s", gcp->address, id);
}

static json_t *condition_json(const struct service *s, const char *type)
{
    json_t *out = json_pack("{s:s}", "type", type);
    bool deploying = s->deployments > 0;
    value_set_text(out, "state",
                   deploying        ? "CONDITION_RECONCILING"
                   : s->fate.status ? "CONDITION_FAILED"
                                    : "CONDITION_SUCCEEDED");
    json_object_set(out, "lastTransitionTime", json_object_get(s->json, "updateTime"));
    if (!deploying && s->fate.status) {
        value_set_text(out, "message", s->fate.message);
        value_set_text(out, "revisionReason", "HEALTH_CHECK_CONTAINER_ERROR");
        value_set_text(out, "severity", "ERROR");
    }
    return out;
}

static void set_revision(const struct service *s, json_t *out, const char *key,
                         const struct revision *r)
{
    if (r) {
        AUTO_FREE char *name = xasprintf("%s/revisions/%s", value_string(s->json, "name"), r->id);
        value_set_text(out, key, name);
    }
}

json_t *service_json(const struct service *s)
{
    char number[24];
    json_t *out = json_deep_copy(s->json);
    AUTO_FREE char *uri = service_uri(s->run->gcp, s->id);
    json_object_set_new(out, "terminalCondition", condition_json(s, "Ready"));
    json_object_set_new(out, "conditions",
                        json_pack("[o, o]", condition_json(s, "RoutesReady"),
                                  condition_json(s, "ConfigurationsReady")));
    if (s->deployments)
        json_object_set_new(out, "reconciling", json_true());
    snprintf(number, sizeof number, "%lld", (long long)s->observed);
    value_set_text(out, "observedGeneration", number);
    set_revision(s, out, "latestCreatedRevision", s->revisions);
    set_revision(s, out, "latestReadyRevision", s->ready);
    json_object_set_new(
        out, "trafficStatuses",
        json_pack("[{s:s, s:i}]", "type", "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent", 100));
    if (s->ready) {
        value_set_text(out, "uri", uri);
        json_object_set_new(out, "urls", json_pack("[s]", uri));
    }
    return out;
}

json_t *service_typed_json(const struct service *s)
{
    json_t *out = service_json(s);
    value_set_text(out, "@type", SERVICE_TYPE);
    return out;
}
