/* SPDX-License-Identifier: Apache-2.0
 * From ECS's description of a task to the core's status; see ecs_status.h. */
#include "ecs_status.h"

#include "base/alloc.h"
#include "base/str.h"
#include "ecs_names.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>

/* ECS developer guide, "Task lifecycle". */
static const struct {
    const char *name;
    enum workload_phase phase;
} phases[] = {
    {"PROVISIONING", WORKLOAD_PENDING},    {"PENDING", WORKLOAD_PENDING},
    {"ACTIVATING", WORKLOAD_PENDING},      {"RUNNING", WORKLOAD_RUNNING},
    {"DEACTIVATING", WORKLOAD_STOPPING},   {"STOPPING", WORKLOAD_STOPPING},
    {"DEPROVISIONING", WORKLOAD_STOPPING}, {"STOPPED", WORKLOAD_STOPPED},
    {"DELETED", WORKLOAD_STOPPED},
};

/* JSON 1.1 timestamps are epoch seconds with a fraction. */
static int64_t time_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    double seconds = json_number_value(value);
    return seconds > 0 && seconds < 9e9 ? (int64_t)(seconds * 1e3 + 0.5) * 1000000 : 0;
}

static enum workload_phase phase_of(const json_t *task)
{
    const char *status = json_doc_text(task, "lastStatus");
    for (size_t i = 0; i < ARRAY_LEN(phases); i++)
        if (strcmp(phases[i].name, status) == 0)
            return phases[i].phase;
    return WORKLOAD_PENDING; /* a state that was added later is on the way to a known one */
}

static const json_t *find_container(const json_t *task, const char *name)
{
    const json_t *list = json_object_get(task, "containers");
    size_t i;
    const json_t *item;
    json_array_foreach(list, i,
                       item) if (strcmp(json_doc_text(item, "name"), name) == 0) return item;
    return NULL;
}

static const char *attachment_address(const json_t *task)
{
    size_t i, j;
    const json_t *attachment, *detail;
    json_array_foreach(json_object_get(task, "attachments"), i, attachment)
    {
        json_array_foreach(json_object_get(attachment, "details"), j, detail)
        {
            const char *value = json_doc_string(detail, "value");
            if (strcmp(json_doc_text(detail, "name"), "privateIPv4Address") == 0 && value)
                return value;
        }
    }
    return NULL;
}

static const char *address_of(const json_t *task)
{
    const char *address = attachment_address(task);
    const json_t *interfaces =
        json_object_get(find_container(task, ECS_MAIN_CONTAINER), "networkInterfaces");
    if (!address)
        address = json_doc_string(json_array_get(interfaces, 0), "privateIpv4Address");
    return str_or_empty(address);
}

/* The task's reason, then what its containers add to it. */
static void write_reason(const json_t *task, char *out, size_t size)
{
    const char *stopped = json_doc_text(task, "stoppedReason");
    int n = snprintf(out, size, "%s", stopped);
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(task, "containers"), i, item)
    {
        const char *reason = json_doc_string(item, "reason");
        if (str_empty(reason) || strstr(out, reason) || n < 0 || (size_t)n >= size)
            continue;
        n += snprintf(out + n, size - (size_t)n, "%s%s: %s", n ? "; " : "",
                      json_doc_text(item, "name"), reason);
    }
}

/* ECS developer guide, "Stopped tasks error messages": "OutOfMemoryError: Container killed due to
 * memory usage", in the reason of the container, or in the task's where that container ended it. */
static bool is_oom_killed(const json_t *task)
{
    const json_t *main = find_container(task, ECS_MAIN_CONTAINER);
    return str_starts(json_doc_text(main, "reason"), "OutOfMemory") ||
           str_starts(json_doc_text(task, "stoppedReason"), "OutOfMemory");
}

void ecs_status_read(const json_t *task, struct workload_status *out)
{
    const json_t *exit_code = json_object_get(find_container(task, ECS_MAIN_CONTAINER), "exitCode");
    const char *stop_code = json_doc_text(task, "stopCode");
    *out = (struct workload_status){.phase = phase_of(task)};
    out->has_exit_code = json_is_integer(exit_code);
    out->exit_code = (int)json_integer_value(exit_code);
    snprintf(out->address, sizeof out->address, "%s", address_of(task));
    out->started_ns = time_of(task, "startedAt");
    /* executionStoppedAt is when the containers ended; stoppedAt is up to a minute later. */
    out->stopped_ns = time_of(task, "executionStoppedAt");
    if (!out->stopped_ns)
        out->stopped_ns = time_of(task, "stoppedAt");
    write_reason(task, out->reason, sizeof out->reason);
    out->oom_killed = is_oom_killed(task);
    out->start_failed = out->phase == WORKLOAD_STOPPED && !out->has_exit_code &&
                        (strcmp(stop_code, "TaskFailedToStart") == 0 || !out->started_ns);
}

const char *ecs_task_tag(const json_t *task, const char *key)
{
    size_t i;
    const json_t *tag;
    json_array_foreach(json_object_get(task, "tags"), i,
                       tag) if (strcmp(json_doc_text(tag, "key"), key) ==
                                0) return json_doc_string(tag, "value");
    return NULL;
}
