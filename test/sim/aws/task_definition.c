/* SPDX-License-Identifier: Apache-2.0
 * The registry of task definitions and the API calls on it; see ecs.h. */
#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/aws/ecs.h"
#include "test/sim/aws/page_token.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

void task_definition_free(struct task_definition *d)
{
    json_decref(d->json);
    json_decref(d->tags);
    free(d->family);
    free(d->arn);
    free(d);
}

struct task_definition *task_definition_find(struct ecs *ecs, const char *name)
{
    struct task_definition *latest = NULL;
    const char *slash = strrchr(name, '/');
    if (str_starts(name, "arn:") && slash)
        name = slash + 1;
    for (struct task_definition *d = ecs->definitions; d; d = d->next) {
        AUTO_FREE char *full = xasprintf("%s:%d", d->family, d->revision);
        if (!strcmp(full, name))
            return d;
        if (!strcmp(d->family, name) && !strcmp(d->status, "ACTIVE") &&
            (!latest || d->revision > latest->revision))
            latest = d;
    }
    return latest;
}

/* Members of a container definition that the service fills in when they are absent. */
static void add_container_defaults(json_t *container)
{
    static const char *const lists[] = {"portMappings", "environment", "mountPoints", "volumesFrom",
                                        "systemControls"};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (!json_object_get(container, lists[i]))
            json_object_set_new(container, lists[i], json_array());
    if (!json_object_get(container, "cpu"))
        json_object_set_new(container, "cpu", json_integer(0));
    if (!json_object_get(container, "essential"))
        json_object_set_new(container, "essential", json_true());
}

static json_t *definition_json(const struct aws *aws, const struct aws_call *call, const char *arn,
                               int revision)
{
    static const char *const copied[] = {"containerDefinitions",
                                         "family",
                                         "taskRoleArn",
                                         "executionRoleArn",
                                         "networkMode",
                                         "volumes",
                                         "placementConstraints",
                                         "requiresCompatibilities",
                                         "cpu",
                                         "memory",
                                         "runtimePlatform",
                                         "ephemeralStorage",
                                         "pidMode",
                                         "ipcMode",
                                         "proxyConfiguration",
                                         "enableFaultInjection"};
    json_t *out = json_object();
    size_t i;
    json_t *container;
    (void)aws;
    for (size_t k = 0; k < ARRAY_LEN(copied); k++) {
        json_t *value = json_object_get(call->input, copied[k]);
        if (value)
            json_object_set_new(out, copied[k], json_deep_copy(value));
    }
    json_array_foreach(json_object_get(out, "containerDefinitions"), i, container)
        add_container_defaults(container);
    static const char *const lists[] = {"volumes", "placementConstraints"};
    for (size_t k = 0; k < ARRAY_LEN(lists); k++)
        if (!json_object_get(out, lists[k]))
            json_object_set_new(out, lists[k], json_array());
    value_set_text(out, "taskDefinitionArn", arn);
    json_object_set_new(out, "revision", json_integer(revision));
    value_set_text(out, "status", "ACTIVE");
    json_object_set_new(out, "compatibilities", json_pack("[ss]", "EC2", "FARGATE"));
    json_object_set_new(out, "requiresAttributes",
                        json_pack("[{s:s}, {s:s}]", "name", "ecs.capability.task-eni", "name",
                                  "com.amazonaws.ecs.capability.docker-remote-api.1.18"));
    aws_set_time(out, "registeredAt", value_now_ms());
    value_set_text(out, "registeredBy", call->principal_arn);
    return out;
}

/* With the lock held. Revisions are never given twice, not even after a deletion. */
static struct task_definition *add_definition(struct ecs *ecs, const struct aws_call *call)
{
    const char *family = value_string(call->input, "family");
    int revision = (int)json_integer_value(json_object_get(ecs->revisions, family)) + 1;
    json_object_set_new(ecs->revisions, family, json_integer(revision));
    struct task_definition *d = NEW(struct task_definition);
    d->family = xstrdup(family);
    d->revision = revision;
    d->status = "ACTIVE";
    d->arn = xasprintf("arn:aws:ecs:%s:%s:task-definition/%s:%d", ecs->aws->region,
                       ecs->aws->account, family, revision);
    d->json = definition_json(ecs->aws, call, d->arn, revision);
    const json_t *tags = json_object_get(call->input, "tags");
    d->tags = tags ? json_deep_copy(tags) : json_array();
    LL_PREPEND(ecs->definitions, d);
    return d;
}

void ecs_register_task_definition(struct aws *aws, const struct aws_call *call,
                                  struct aws_reply *reply)
{
    struct error err;
    if (task_definition_check(call->input, &err)) {
        aws_reply_error(reply, 400, "ClientException", "%s", err.message);
        return;
    }
    pthread_mutex_lock(&aws->ecs->lock);
    struct task_definition *d = add_definition(aws->ecs, call);
    json_t *out = json_pack("{s:O}", "taskDefinition", d->json);
    if (json_array_size(d->tags))
        json_object_set_new(out, "tags", json_deep_copy(d->tags));
    aws_reply_json(reply, out);
    pthread_mutex_unlock(&aws->ecs->lock);
}

/* A described definition is never changed: others may be printing it. */
static void set_status(struct task_definition *d, const char *status, const char *time_key)
{
    json_t *copy = json_copy(d->json);
    value_set_text(copy, "status", status);
    aws_set_time(copy, time_key, value_now_ms());
    json_decref(d->json);
    d->json = copy;
    d->status = status;
}

void ecs_deregister_task_definition(struct aws *aws, const struct aws_call *call,
                                    struct aws_reply *reply)
{
    const char *name = value_string(call->input, "taskDefinition");
    const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
    if (!strchr(base, ':')) {
        aws_reply_error(reply, 400, "ClientException", "Invalid revision number. Number: %s", base);
        return;
    }
    pthread_mutex_lock(&aws->ecs->lock);
    struct task_definition *d = task_definition_find(aws->ecs, name);
    if (!d) {
        aws_reply_error(reply, 400, "ClientException",
                        "The specified task definition does not exist.");
    } else if (strcmp(d->status, "ACTIVE")) {
        aws_reply_error(
            reply, 400, "ClientException",
            "The specified task definition is inactive. You cannot deregister it again.");
    } else {
        set_status(d, "INACTIVE", "deregisteredAt");
        aws_reply_json(reply, json_pack("{s:O}", "taskDefinition", d->json));
    }
    pthread_mutex_unlock(&aws->ecs->lock);
}

static void unlink_definition(struct ecs *ecs, struct task_definition *gone)
{
    LL_DELETE(ecs->definitions, gone);
    task_definition_free(gone);
}

/* The real service deletes some time later; to callers the definition is gone at once as well. */
static void delete_one(struct ecs *ecs, const char *name, json_t *deleted, json_t *failures)
{
    struct task_definition *d = task_definition_find(ecs, name);
    const char *reason =
        !d ? "The specified task definition does not exist. Specify a valid account, "
             "family, revision and try again."
        : !strcmp(d->status, "ACTIVE")
            ? "The specified task definition is still in ACTIVE status. Please "
              "deregister the target and try again."
            : NULL;
    if (reason) {
        json_array_append_new(failures,
                              json_pack("{s:s, s:s}", "arn", d ? d->arn : name, "reason", reason));
        return;
    }
    set_status(d, "DELETE_IN_PROGRESS", "deleteRequestedAt");
    json_array_append(deleted, d->json);
    unlink_definition(ecs, d);
}

void ecs_delete_task_definitions(struct aws *aws, const struct aws_call *call,
                                 struct aws_reply *reply)
{
    const json_t *names = json_object_get(call->input, "taskDefinitions");
    if (json_array_size(names) == 0 || json_array_size(names) > 10) {
        aws_reply_error(reply, 400, "InvalidParameterException",
                        "taskDefinitions must have between 1 and 10 items.");
        return;
    }
    json_t *deleted = json_array(), *failures = json_array();
    pthread_mutex_lock(&aws->ecs->lock);
    for (size_t i = 0; i < json_array_size(names); i++)
        delete_one(aws->ecs, str_or_empty(json_string_value(json_array_get(names, i))), deleted,
                   failures);
    pthread_mutex_unlock(&aws->ecs->lock);
    aws_reply_json(reply,
                   json_pack("{s:o, s:o}", "taskDefinitions", deleted, "failures", failures));
}

static bool includes(const json_t *input, const char *what)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(input, "include"), i,
                       item) if (!strcmp(str_or_empty(json_string_value(item)), what)) return true;
    return false;
}

void ecs_describe_task_definition(struct aws *aws, const struct aws_call *call,
                                  struct aws_reply *reply)
{
    pthread_mutex_lock(&aws->ecs->lock);
    struct task_definition *d =
        task_definition_find(aws->ecs, value_string(call->input, "taskDefinition"));
    if (!d) {
        aws_reply_error(reply, 400, "ClientException", "Unable to describe task definition.");
    } else {
        json_t *out = json_pack("{s:O}", "taskDefinition", d->json);
        json_object_set_new(out, "tags",
                            includes(call->input, "TAGS") ? json_deep_copy(d->tags) : json_array());
        aws_reply_json(reply, out);
    }
    pthread_mutex_unlock(&aws->ecs->lock);
}

static int compare_definitions(const void *a, const void *b)
{
    const struct task_definition *x = *(struct task_definition *const *)a;
    const struct task_definition *y = *(struct task_definition *const *)b;
    int order = strcmp(x->family, y->family);
    return order ? order : x->revision - y->revision;
}

/* The matching definitions, sorted; heap array. With the lock held. */
static struct task_definition **select_definitions(struct ecs *ecs, const json_t *input,
                                                   size_t *count)
{
    const char *prefix = value_string(input, "familyPrefix"),
               *status = value_string(input, "status");
    size_t n = 0;
    for (struct task_definition *d = ecs->definitions; d; d = d->next)
        n++;
    struct task_definition **out = xcalloc(n + 1, sizeof *out);
    *count = 0;
    for (struct task_definition *d = ecs->definitions; d; d = d->next)
        if ((!*prefix || !strcmp(d->family, prefix)) &&
            !strcmp(d->status, *status ? status : "ACTIVE"))
            out[(*count)++] = d;
    qsort(out, *count, sizeof *out, compare_definitions);
    if (!strcmp(value_string(input, "sort"), "DESC"))
        for (size_t i = 0; i < *count / 2; i++) {
            struct task_definition *swap = out[i];
            out[i] = out[*count - 1 - i];
            out[*count - 1 - i] = swap;
        }
    return out;
}

void ecs_list_task_definitions(struct aws *aws, const struct aws_call *call,
                               struct aws_reply *reply)
{
    int64_t max = value_int(call->input, "maxResults", 100);
    const char *token = value_string(call->input, "nextToken");
    AUTO_FREE char *after = *token ? page_token_decode(token) : NULL;
    if (max < 1 || max > 100 || (*token && !after)) {
        aws_reply_error(reply, 400, "InvalidParameterException", "Invalid %s parameter.",
                        *token && !after ? "token" : "maxResults");
        return;
    }
    json_t *arns = json_array(), *out = json_pack("{s:o}", "taskDefinitionArns", arns);
    size_t count, i = 0;
    pthread_mutex_lock(&aws->ecs->lock);
    struct task_definition **found = select_definitions(aws->ecs, call->input, &count);
    while (after && i < count && strcmp(found[i]->arn, after))
        i++;
    for (i += after != NULL; i < count && (int64_t)json_array_size(arns) < max; i++)
        json_array_append_new(arns, value_text(found[i]->arn));
    if (i < count) {
        AUTO_FREE char *next = page_token_encode(found[i - 1]->arn);
        value_set_text(out, "nextToken", next);
    }
    free(found);
    pthread_mutex_unlock(&aws->ecs->lock);
    aws_reply_json(reply, out);
}
