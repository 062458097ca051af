/* SPDX-License-Identifier: Apache-2.0
 * Finding and registering task definitions; see ecs_definition_store.h. Dropping them is in
 * ecs_definition_reaper.c. */
#include "ecs_definition_store.h"

#include "base/alloc.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "ecs_definition.h"
#include "ecs_definition_internal.h"

#include <stdio.h>
#include <string.h>

enum { REGISTER_ATTEMPTS = 4, REGISTER_WAIT_MS = 180000 };

struct ecs_definition_store *ecs_definition_store_new(struct aws_client *client,
                                                      const struct ecs_config *config,
                                                      const char *instance)
{
    struct ecs_definition_store *s = NEW(struct ecs_definition_store);
    s->client = client;
    s->config = config;
    s->instance = instance;
    return s;
}

void ecs_definition_store_free(struct ecs_definition_store *s)
{
    if (!s)
        return;
    struct definition *d, *next;
    HASH_ITER(hh, s->definitions, d, next) definition_remove(s, d);
    struct foreign *f, *next_foreign;
    HASH_ITER(hh, s->foreigners, f, next_foreign)
    {
        HASH_DEL(s->foreigners, f);
        free(f->arn);
        free(f);
    }
    free(s);
}

struct definition *definition_find(struct ecs_definition_store *s, const char *arn)
{
    struct definition *d;
    HASH_FIND_STR(s->definitions, arn, d);
    return d;
}

struct definition *definition_add(struct ecs_definition_store *s, const char *arn,
                                  enum definition_state state)
{
    struct definition *d = definition_find(s, arn);
    if (d)
        return d;
    d = NEW(struct definition);
    d->arn = xstrdup(arn);
    if (!ecs_family_of_arn(arn, d->family, sizeof d->family))
        d->family[0] = '\0';
    d->state = state;
    d->used_ms = time_mono_ms();
    HASH_ADD_KEYPTR(hh, s->definitions, d->arn, strlen(d->arn), d);
    return d;
}

void definition_remove(struct ecs_definition_store *s, struct definition *d)
{
    HASH_DEL(s->definitions, d);
    free(d->arn);
    free(d);
}

/* The one to hand out; *dropping: there is one on its way out, so the cloud's "latest" may be it.
 */
static struct definition *find_active(struct ecs_definition_store *s, const char *family,
                                      bool *dropping)
{
    struct definition *active = NULL;
    *dropping = false;
    for (struct definition *d = s->definitions; d; d = d->hh.next) {
        if (strcmp(d->family, family) != 0)
            continue;
        if (d->state == DEFINITION_ACTIVE)
            active = d;
        else
            *dropping |= d->state == DEFINITION_DROPPING;
    }
    return active;
}

int co_definition_describe(struct ecs_definition_store *s, const char *name, json_t **reply,
                           struct error *err)
{
    AUTO(buf) struct buf body = BUF_INIT;
    struct json_writer w;
    struct cloud_error why;
    json_writer_init(&w, &body);
    json_object_open(&w);
    json_member_string(&w, "taskDefinition", name);
    json_object_close(&w);
    const struct aws_call call = {.api = AWS_API_DescribeTaskDefinition, .body = &body};
    *reply = NULL;
    if (co_aws_call(s->client, &call, reply, &why, err) == 0)
        return 0;
    /* "Unable to describe task definition" is how ECS says that there is none. */
    return cloud_error_is(&why, "ClientException") ||
                   cloud_error_is(&why, "InvalidParameterException")
               ? 0
               : -1;
}

const char *definition_label(const json_t *reply, const char *label)
{
    const json_t *containers =
        json_object_get(json_object_get(reply, "taskDefinition"), "containerDefinitions");
    size_t i;
    const json_t *item;
    json_array_foreach(containers, i, item)
    {
        const char *name = json_string_value(json_object_get(item, "name"));
        if (name && strcmp(name, ECS_MAIN_CONTAINER) == 0)
            return json_string_value(json_object_get(json_object_get(item, "dockerLabels"), label));
    }
    return NULL;
}

static const char *member_text(const json_t *reply, const char *key)
{
    return json_string_value(json_object_get(json_object_get(reply, "taskDefinition"), key));
}

/* Is there an ACTIVE one with this content in the cloud? arn stays "" when not. */
static int co_look_up(struct ecs_definition_store *s, const struct ecs_definition_request *request,
                      char *arn, size_t size, struct error *err)
{
    json_t *reply;
    if (co_definition_describe(s, request->family, &reply, err))
        return -1;
    const char *found = member_text(reply, "taskDefinitionArn");
    const char *status = str_or_empty(member_text(reply, "status"));
    const char *content = str_or_empty(definition_label(reply, ECS_LABEL_CONTENT));
    const struct definition *known = found ? definition_find(s, found) : NULL;
    /* While we waited, the reaper may have begun to drop exactly this one. */
    bool going = known && known->state != DEFINITION_ACTIVE;
    if (found && !going && strcmp(status, "ACTIVE") == 0 &&
        strcmp(content, request->content_hash) == 0 && strlen(found) < size)
        strcpy(arn, found);
    json_decref(reply);
    return 0;
}

static int co_register_once(struct ecs_definition_store *s,
                            const struct ecs_definition_request *request, char *arn, size_t size,
                            bool *ambiguous, struct error *err)
{
    const struct aws_call call = {.api = AWS_API_RegisterTaskDefinition, .body = &request->body};
    struct cloud_error why;
    json_t *reply = NULL;
    *ambiguous = false;
    if (co_aws_call(s->client, &call, &reply, &why, err)) {
        *ambiguous = why.ambiguous && err->code != ERROR_CANCELLED;
        return -1;
    }
    const char *made = member_text(reply, "taskDefinitionArn");
    int rc = 0;
    if (!made || strlen(made) >= size)
        rc = error_set(err, ERROR_SYSTEM, "ecs: RegisterTaskDefinition: the answer holds no ARN");
    else
        strcpy(arn, made);
    json_decref(reply);
    return rc;
}

/* A lost answer may have made a revision: look before registering another. */
static int co_find_or_register(struct ecs_definition_store *s,
                               const struct ecs_definition_request *request, bool look_first,
                               char *arn, size_t size, struct error *err)
{
    for (int attempt = 1;; attempt++) {
        bool ambiguous;
        arn[0] = '\0';
        if ((look_first || attempt > 1) && co_look_up(s, request, arn, size, err))
            return -1;
        if (*arn)
            return 0;
        if (co_register_once(s, request, arn, size, &ambiguous, err) == 0)
            return 0;
        if (!ambiguous || attempt == REGISTER_ATTEMPTS)
            return -1;
        log_info("RegisterTaskDefinition failed, trying again", LOG_STR("error", err->message));
        if (co_sleep(100 << attempt, err))
            return -1;
    }
}

static int co_make(struct ecs_definition_store *s, const struct ecs_definition_request *request,
                   bool look_first, char *out, size_t size, struct error *err)
{
    struct registration *r = NEW(struct registration);
    strcpy(r->family, request->family);
    HASH_ADD_STR(s->registrations, family, r);
    int rc = co_find_or_register(s, request, look_first, out, size, err);
    if (rc == 0) {
        struct definition *d = definition_add(s, out, DEFINITION_ACTIVE);
        d->used_ms = time_mono_ms();
    }
    HASH_DEL(s->registrations, r);
    free(r);
    co_cond_broadcast(&s->changed);
    return rc;
}

int co_ecs_definition_prepare(struct ecs_definition_store *s, const struct workload_spec *spec,
                              char *out, size_t size, struct error *err)
{
    AUTO(ecs_definition_request) struct ecs_definition_request request;
    if (ecs_definition_build(s->config, spec, &request, err))
        return -1;
    for (int64_t deadline = time_mono_ms() + REGISTER_WAIT_MS;;) {
        bool dropping;
        struct definition *d = find_active(s, request.family, &dropping);
        if (d && strlen(d->arn) < size) {
            d->used_ms = time_mono_ms();
            strcpy(out, d->arn);
            return 0;
        }
        struct registration *under_way;
        HASH_FIND_STR(s->registrations, request.family, under_way);
        if (!under_way)
            return co_make(s, &request, !dropping, out, size, err);
        if (co_cond_wait(&s->changed, deadline, err))
            return error_wrap(err, "ecs: task definition %s", request.family);
    }
}

void ecs_definition_forget(struct ecs_definition_store *s, const char *arn)
{
    struct definition *d = definition_find(s, arn);
    if (d && d->state == DEFINITION_ACTIVE)
        definition_remove(s, d);
}
