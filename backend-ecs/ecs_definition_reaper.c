/* SPDX-License-Identifier: Apache-2.0
 * Dropping task definitions that nothing uses: deregister, then delete; and finding those that an
 * earlier process left behind. Called by the core every ten seconds, see driver.h: co_maintain.
 *
 * Invariant: a definition that a run was handed is in `in_use` from the moment its row is written;
 * until then its used_ms is recent. So only those idle for a while, and not prepared since this
 * pass began, are dropped. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "ecs_definition_internal.h"

#include <string.h>

enum {
    DELETE_BATCH = 10,    /* DeleteTaskDefinitions takes no more */
    SCAN_PAGES_MAX = 200, /* of 100 ARNs */
    SCAN_EVERY_MS = 3600 * 1000,
    FOREIGNERS_MAX = 20000,
    CLOSING_MS = 20000,
};

/* What a pass needs. */
struct pass {
    int64_t started_ms, deadline_ms;
    bool closing;
};

static int co_definition_call(struct ecs_definition_store *s, enum aws_api api,
                              const struct buf *body, json_t **reply, struct cloud_error *why,
                              struct error *err)
{
    const struct aws_call call = {.api = api, .body = body};
    return co_aws_call(s->client, &call, reply, why, err);
}

/* ---- finding leftovers ---- */

struct kind {
    const char *status; /* as ECS calls it */
    enum definition_state state;
};

static bool is_foreign(struct ecs_definition_store *s, const char *arn)
{
    struct foreign *f;
    HASH_FIND_STR(s->foreigners, arn, f);
    return f != NULL;
}

static void add_foreign(struct ecs_definition_store *s, const char *arn)
{
    if (HASH_COUNT(s->foreigners) >= FOREIGNERS_MAX)
        return;
    struct foreign *f = NEW(struct foreign);
    f->arn = xstrdup(arn);
    HASH_ADD_KEYPTR(hh, s->foreigners, f->arn, strlen(f->arn), f);
}

/* An ARN the cloud listed: if it has our kind of name, ask whose it is. */
static int co_consider(struct ecs_definition_store *s, const struct pass *pass, const char *arn,
                       enum definition_state state, struct error *err)
{
    char family[ECS_FAMILY_MAX];
    if (!ecs_family_of_arn(arn, family, sizeof family) || !ecs_family_is_ours(family) ||
        definition_find(s, arn) || is_foreign(s, arn))
        return 0;
    json_t *reply;
    if (co_definition_describe(s, arn, &reply, err))
        return -1;
    const char *instance = definition_label(reply, ECS_LABEL_INSTANCE);
    if (instance && strcmp(instance, s->instance) == 0) {
        if (!definition_find(s, arn)) /* it was not prepared meanwhile */
            definition_add(s, arn, state)->used_ms = pass->started_ms - 1;
    } else if (reply && !is_foreign(s, arn))
        add_foreign(s, arn);
    json_decref(reply);
    return 0;
}

/* One page; *token is replaced by the next one, NULL at the end. */
static int co_scan_page(struct ecs_definition_store *s, const struct pass *pass,
                        const struct kind *kind, char **token, struct error *err)
{
    AUTO(buf) struct buf body = BUF_INIT;
    struct json_writer w;
    struct cloud_error why;
    json_t *reply = NULL;
    json_writer_init(&w, &body);
    json_object_open(&w);
    /* No familyPrefix: despite its name it takes a full family name only. */
    json_member_string(&w, "status", kind->status);
    json_member_int(&w, "maxResults", 100);
    if (*token)
        json_member_string(&w, "nextToken", *token);
    json_object_close(&w);
    if (co_definition_call(s, AWS_API_ListTaskDefinitions, &body, &reply, &why, err))
        return -1;
    size_t i;
    const json_t *item;
    int rc = 0;
    json_array_foreach(json_object_get(reply, "taskDefinitionArns"), i,
                       item) if (rc == 0 && json_is_string(item)) rc =
        co_consider(s, pass, json_string_value(item), kind->state, err);
    const char *next = json_string_value(json_object_get(reply, "nextToken"));
    free(*token);
    *token = str_empty(next) ? NULL : xstrdup(next);
    json_decref(reply);
    return rc;
}

static int co_scan(struct ecs_definition_store *s, const struct pass *pass, struct error *err)
{
    static const struct kind kinds[] = {{"ACTIVE", DEFINITION_ACTIVE},
                                        {"INACTIVE", DEFINITION_INACTIVE}};
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        AUTO_FREE char *token = NULL;
        for (int page = 0; page < SCAN_PAGES_MAX; page++) {
            if (time_mono_ms() > pass->deadline_ms)
                return 0;
            if (co_scan_page(s, pass, &kinds[k], &token, err))
                return -1;
            if (!token)
                break;
        }
    }
    s->scanned_ms = time_mono_ms();
    return 0;
}

/* ---- dropping ---- */

static bool is_idle(const struct ecs_definition_store *s, const struct definition *d,
                    const struct pass *pass)
{
    if (d->state != DEFINITION_ACTIVE || d->used_ms >= pass->started_ms)
        return false;
    return pass->closing || pass->started_ms - d->used_ms >= s->config->definition_idle_s * 1000;
}

static int co_deregister(struct ecs_definition_store *s, const char *arn, struct error *err)
{
    AUTO(buf) struct buf body = BUF_INIT;
    struct json_writer w;
    struct cloud_error why;
    json_t *reply = NULL;
    json_writer_init(&w, &body);
    json_object_open(&w);
    json_member_string(&w, "taskDefinition", arn);
    json_object_close(&w);
    int rc = co_definition_call(s, AWS_API_DeregisterTaskDefinition, &body, &reply, &why, err);
    json_decref(reply);
    /* It is inactive already (a lost answer), or gone. */
    if (rc && (cloud_error_is(&why, "ClientException") ||
               cloud_error_is(&why, "InvalidParameterException")))
        return 0;
    return rc;
}

/* Deregister idle ones, one at a time: registering shares the quota and goes first, so unless this
 * is the end only what others leave is used. */
static int co_deregister_idle(struct ecs_definition_store *s, const struct pass *pass,
                              struct error *err)
{
    for (;;) {
        struct definition *d = s->definitions;
        while (d && !is_idle(s, d, pass))
            d = d->hh.next;
        if (!d || time_mono_ms() > pass->deadline_ms)
            return 0;
        if (!pass->closing && !aws_client_has_spare(s->client, AWS_API_DeregisterTaskDefinition))
            return 0;
        AUTO_FREE char *arn = xstrdup(d->arn);
        d->state = DEFINITION_DROPPING;
        int rc = co_deregister(s, arn, err);
        d = definition_find(s, arn);
        if (d)
            d->state = rc ? DEFINITION_ACTIVE : DEFINITION_INACTIVE;
        if (rc)
            return -1;
        log_debug("task definition deregistered", LOG_STR("definition", arn));
    }
}

static bool in_failures(const json_t *reply, const char *arn)
{
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(reply, "failures"), i, item)
    {
        const char *failed = json_string_value(json_object_get(item, "arn"));
        const char *reason = json_string_value(json_object_get(item, "reason"));
        if (!failed || strcmp(failed, arn) != 0)
            continue;
        log_warn("task definition not deleted", LOG_STR("definition", arn),
                 LOG_STR("reason", reason));
        return true;
    }
    return false;
}

static int co_delete_batch(struct ecs_definition_store *s, const struct strv *arns,
                           struct error *err)
{
    AUTO(buf) struct buf body = BUF_INIT;
    struct json_writer w;
    struct cloud_error why;
    json_t *reply = NULL;
    json_writer_init(&w, &body);
    json_object_open(&w);
    json_key(&w, "taskDefinitions");
    json_string_array(&w, arns->items, arns->count);
    json_object_close(&w);
    if (co_definition_call(s, AWS_API_DeleteTaskDefinitions, &body, &reply, &why, err))
        return -1;
    /* What cannot be deleted now is found again by the next scan. */
    for (size_t i = 0; i < arns->count; i++) {
        struct definition *d = definition_find(s, arns->items[i]);
        (void)in_failures(reply, arns->items[i]);
        if (d)
            definition_remove(s, d);
    }
    json_decref(reply);
    return 0;
}

static int co_delete_inactive(struct ecs_definition_store *s, const struct pass *pass,
                              struct error *err)
{
    for (;;) {
        AUTO(strv) struct strv arns = STRV_INIT;
        for (const struct definition *d = s->definitions; d && arns.count < DELETE_BATCH;
             d = d->hh.next)
            if (d->state == DEFINITION_INACTIVE)
                strv_push(&arns, d->arn);
        if (!arns.count || time_mono_ms() > pass->deadline_ms)
            return 0;
        if (co_delete_batch(s, &arns, err))
            return -1;
        log_info("task definitions deleted", LOG_INT("count", arns.count));
    }
}

static int co_pass(struct ecs_definition_store *s, const struct pass *pass, struct error *err)
{
    bool due = !s->scanned_ms || pass->started_ms - s->scanned_ms > SCAN_EVERY_MS;
    if (due && co_scan(s, pass, err))
        return error_wrap(err, "looking for unused task definitions");
    if (co_deregister_idle(s, pass, err) || co_delete_inactive(s, pass, err))
        return error_wrap(err, "dropping unused task definitions");
    return 0;
}

int co_ecs_definition_maintain(struct ecs_definition_store *s, const char *const *in_use,
                               size_t count, bool closing, struct error *err)
{
    struct pass pass = {.started_ms = time_mono_ms(), .closing = closing};
    pass.deadline_ms = closing ? pass.started_ms + CLOSING_MS : INT64_MAX;
    while (s->maintaining) {
        if (!closing)
            return 0;
        if (co_cond_wait(&s->changed, pass.deadline_ms, err))
            return -1;
    }
    for (size_t i = 0; i < count; i++)
        if (!str_empty(in_use[i]))
            definition_add(s, in_use[i], DEFINITION_ACTIVE)->used_ms = pass.started_ms;
    s->maintaining = true;
    int rc = co_pass(s, &pass, err);
    s->maintaining = false;
    co_cond_broadcast(&s->changed);
    return rc;
}
