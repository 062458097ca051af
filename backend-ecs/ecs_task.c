/* SPDX-License-Identifier: Apache-2.0
 * Tasks; see ecs_task.h. */
#include "ecs_task.h"

#include "base/alloc.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "ecs_definition.h"
#include "ecs_logs.h"
#include "ecs_names.h"
#include "ecs_status.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { LIST_PAGES_MAX = 100, REASON_MAX = 255 };

static int co_task_call(const struct ecs_tasks *t, enum aws_api api, const struct buf *body,
                        json_t **reply, struct cloud_error *why, struct error *err)
{
    const struct aws_call call = {.api = api, .body = body};
    return co_aws_call(t->client, &call, reply, why, err);
}

static bool copy_text(char *out, size_t size, const char *text)
{
    if (!text || strlen(text) >= size)
        return false;
    strcpy(out, text);
    return true;
}

bool ecs_task_workload(const struct ecs_config *config, const json_t *task, struct workload *out)
{
    const char *arn = json_doc_string(task, "taskArn");
    *out = (struct workload){0};
    if (!copy_text(out->resource, sizeof out->resource, arn))
        return false;
    if (!copy_text(out->definition, sizeof out->definition,
                   json_doc_string(task, "taskDefinitionArn")))
        out->definition[0] = '\0';
    return ecs_log_ref(config->log_group, ecs_task_id(arn), out->log_ref, sizeof out->log_ref);
}

int ecs_task_failure(const json_t *reply, struct error *err)
{
    const json_t *failure = json_array_get(json_object_get(reply, "failures"), 0);
    const char *reason = json_doc_string(failure, "reason");
    const char *detail = json_doc_string(failure, "detail");
    const char *subject = json_doc_string(failure, "arn");
    bool missing = reason && (strcmp(reason, "MISSING") == 0 || strcmp(reason, "INACTIVE") == 0);
    return error_set(err, missing ? ERROR_SYSTEM : ERROR_UNAVAILABLE,
                     "ecs: RunTask: no task was started: %s%s%s%s%s%s",
                     reason ? reason : "no reason given", detail ? ": " : "", str_or_empty(detail),
                     subject ? " (" : "", str_or_empty(subject), subject ? ")" : "");
}

/* "TaskDefinition not found", "TaskDefinition is inactive". */
static bool says_definition_gone(const struct cloud_error *why)
{
    return (cloud_error_is(why, "ClientException") ||
            cloud_error_is(why, "InvalidParameterException")) &&
           strcasestr(why->message, "TaskDefinition") &&
           (strcasestr(why->message, "not found") || strcasestr(why->message, "inactive") ||
            strcasestr(why->message, "does not exist"));
}

int co_ecs_task_run(const struct ecs_tasks *t, const struct workload_spec *spec, struct workload *w,
                    bool *definition_gone, struct error *err)
{
    AUTO(buf) struct buf body = BUF_INIT;
    struct cloud_error why;
    json_t *reply = NULL;
    *definition_gone = false;
    if (ecs_run_build(t->config, spec, w->definition, &body, err))
        return -1;
    if (co_task_call(t, AWS_API_RunTask, &body, &reply, &why, err)) {
        *definition_gone = says_definition_gone(&why);
        return -1;
    }
    const json_t *task = json_array_get(json_object_get(reply, "tasks"), 0);
    struct workload made;
    int rc = 0;
    if (!task)
        rc = ecs_task_failure(reply, err);
    else if (!ecs_task_workload(t->config, task, &made))
        rc = error_set(err, ERROR_SYSTEM, "ecs: RunTask: the answer holds no task ARN");
    json_decref(reply);
    if (rc)
        return -1;
    memcpy(w->resource, made.resource, sizeof w->resource);
    memcpy(w->log_ref, made.log_ref, sizeof w->log_ref);
    return 0;
}

static void describe_body(const struct ecs_tasks *t, char *const *arns, size_t count, bool tags,
                          struct buf *body)
{
    static char *const include[] = {"TAGS"};
    struct json_writer w;
    json_writer_init(&w, body);
    json_object_open(&w);
    json_member_string(&w, "cluster", t->config->cluster);
    json_key(&w, "tasks");
    json_string_array(&w, arns, count);
    if (tags) {
        json_key(&w, "include");
        json_string_array(&w, include, 1);
    }
    json_object_close(&w);
}

static const json_t *find_task(const json_t *reply, const char *arn)
{
    size_t i;
    const json_t *task;
    json_array_foreach(json_object_get(reply, "tasks"), i,
                       task) if (strcmp(json_doc_text(task, "taskArn"), arn) == 0) return task;
    return NULL;
}

/* What is neither among the tasks nor among the failures counts as MISSING too: the API is
 * eventually consistent. */
int co_ecs_task_describe(const struct ecs_tasks *t, const struct workload *const *list,
                         size_t count, struct workload_status *out, struct error *err)
{
    AUTO(strv) struct strv arns = STRV_INIT;
    AUTO(buf) struct buf body = BUF_INIT;
    struct cloud_error why;
    json_t *reply = NULL;
    if (count > ECS_DESCRIBE_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER, "ecs: DescribeTasks takes at most %d tasks",
                         ECS_DESCRIBE_MAX);
    for (size_t i = 0; i < count; i++)
        if (*list[i]->resource)
            strv_push(&arns, list[i]->resource);
    if (arns.count) {
        describe_body(t, arns.items, arns.count, false, &body);
        if (co_task_call(t, AWS_API_DescribeTasks, &body, &reply, &why, err))
            return -1;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *task = *list[i]->resource ? find_task(reply, list[i]->resource) : NULL;
        out[i] = (struct workload_status){.phase = WORKLOAD_MISSING};
        if (task)
            ecs_status_read(task, &out[i]);
    }
    json_decref(reply);
    return 0;
}

int co_ecs_task_stop(const struct ecs_tasks *t, const char *task, const char *reason,
                     struct error *err)
{
    AUTO(buf) struct buf body = BUF_INIT;
    struct json_writer w;
    struct cloud_error why;
    json_t *reply = NULL;
    json_writer_init(&w, &body);
    json_object_open(&w);
    json_member_string(&w, "cluster", t->config->cluster);
    json_member_string(&w, "task", task);
    if (!str_empty(reason)) {
        json_key(&w, "reason");
        json_string_len(&w, reason, strnlen(reason, REASON_MAX));
    }
    json_object_close(&w);
    int rc = co_task_call(t, AWS_API_StopTask, &body, &reply, &why, err);
    json_decref(reply);
    /* "The referenced task was not found": it ended long ago. */
    if (rc && cloud_error_is(&why, "InvalidParameterException") &&
        strcasestr(why.message, "not found"))
        return 0;
    return rc;
}

/* All task ARNs that carry the mark. startedBy must be the only filter. */
static int co_list_arns(const struct ecs_tasks *t, const char *instance, struct strv *arns,
                        struct error *err)
{
    char started_by[ECS_STARTED_BY_MAX + 1];
    AUTO_FREE char *token = NULL;
    ecs_started_by(instance, started_by);
    for (int page = 0; page < LIST_PAGES_MAX; page++) {
        AUTO(buf) struct buf body = BUF_INIT;
        struct json_writer w;
        struct cloud_error why;
        json_t *reply = NULL;
        json_writer_init(&w, &body);
        json_object_open(&w);
        json_member_string(&w, "cluster", t->config->cluster);
        json_member_string(&w, "startedBy", started_by);
        if (token)
            json_member_string(&w, "nextToken", token);
        json_object_close(&w);
        if (co_task_call(t, AWS_API_ListTasks, &body, &reply, &why, err))
            return -1;
        size_t i;
        const json_t *item;
        json_array_foreach(json_object_get(reply, "taskArns"), i, item) if (json_is_string(item))
            strv_push(arns, json_string_value(item));
        const char *next = json_doc_string(reply, "nextToken");
        free(token);
        token = str_empty(next) ? NULL : xstrdup(next);
        json_decref(reply);
        if (!token)
            return 0;
    }
    return error_set(err, ERROR_SYSTEM, "ecs: ListTasks: more than %d pages", LIST_PAGES_MAX);
}

/* False: not ours, or not to be used. */
static bool read_found(const struct ecs_tasks *t, const json_t *task, const char *instance,
                       struct workload_found *out)
{
    char mark[ECS_TAG_VALUE_MAX + 1];
    const char *owner = ecs_task_tag(task, ECS_TAG_INSTANCE);
    const char *id = ecs_task_tag(task, ECS_TAG_CONTAINER_ID);
    const char *name = ecs_task_tag(task, ECS_TAG_CONTAINER_NAME);
    *out = (struct workload_found){0};
    ecs_tag_value(instance, mark);
    if (!owner || strcmp(owner, mark) != 0 || !id || strlen(id) != 64 || !str_is_hex(id, 64))
        return false;
    strcpy(out->container_id, id);
    snprintf(out->container_name, sizeof out->container_name, "%s", str_or_empty(name));
    return ecs_task_workload(t->config, task, &out->workload);
}

int co_ecs_task_list(const struct ecs_tasks *t, const char *instance, struct arena *arena,
                     struct workload_found **out, size_t *count, struct error *err)
{
    AUTO(strv) struct strv arns = STRV_INIT;
    *count = 0;
    if (co_list_arns(t, instance, &arns, err))
        return -1;
    *out = arena_calloc(arena, arns.count + 1, sizeof **out);
    for (size_t at = 0; at < arns.count; at += ECS_DESCRIBE_MAX) {
        size_t n = arns.count - at < ECS_DESCRIBE_MAX ? arns.count - at : ECS_DESCRIBE_MAX;
        AUTO(buf) struct buf body = BUF_INIT;
        struct cloud_error why;
        json_t *reply = NULL;
        describe_body(t, arns.items + at, n, true, &body);
        if (co_task_call(t, AWS_API_DescribeTasks, &body, &reply, &why, err))
            return -1;
        size_t i;
        const json_t *task;
        json_array_foreach(json_object_get(reply, "tasks"), i, task)
        {
            if (*count < arns.count && read_found(t, task, instance, &(*out)[*count]))
                ++*count;
            else
                log_warn("a task carries our mark but not our tags; left alone",
                         LOG_STR("task", json_doc_string(task, "taskArn")));
        }
        json_decref(reply);
    }
    return 0;
}
