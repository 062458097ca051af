/* SPDX-License-Identifier: Apache-2.0
 * Executions and tasks; see cloudrun_status.h. Google omits what is zero: an absent exit code is 0
 * when the attempt's status says so. */
#include "cloudrun_status.h"

#include "base/str.h"
#include "base/timefmt.h"
#include "cloudrun_names.h"
#include "cloudrun_startup.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>

enum { SIGNAL_EXIT = 128 };

static json_int_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static int64_t time_of(const json_t *object, const char *key)
{
    int64_t ns;
    return timefmt_parse_rfc3339(json_doc_text(object, key), &ns) ? ns : 0;
}

static const json_t *find_condition(const json_t *object, const char *type)
{
    const json_t *list = json_object_get(object, "conditions");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_doc_text(json_array_get(list, i), "type"), type) == 0)
            return json_array_get(list, i);
    return NULL;
}

static bool is_state(const json_t *condition, const char *state)
{
    return strcmp(json_doc_text(condition, "state"), state) == 0;
}

static bool is_over(const json_t *execution)
{
    const json_t *completed = find_condition(execution, "Completed");
    return *json_doc_text(execution, "completionTime") ||
           is_state(completed, "CONDITION_SUCCEEDED") || is_state(completed, "CONDITION_FAILED");
}

/* A job that is ready is not finished, and one that started may still wait for its image. */
static enum workload_phase phase_of(const json_t *execution)
{
    const char *why = json_doc_text(find_condition(execution, "Completed"), "executionReason");
    if (is_over(execution))
        return WORKLOAD_STOPPED;
    if (strcmp(why, "CANCELLING") == 0 || *json_doc_text(execution, "deleteTime"))
        return WORKLOAD_STOPPING;
    return number_of(execution, "runningCount") > 0 ? WORKLOAD_RUNNING : WORKLOAD_PENDING;
}

/* The first condition that failed, else the one that is waited for; then what it is called. */
static void write_reason(const json_t *object, char *out, size_t size)
{
    const json_t *list = json_object_get(object, "conditions"), *told = NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *condition = json_array_get(list, i);
        if (is_state(condition, "CONDITION_SUCCEEDED") || !*json_doc_text(condition, "message"))
            continue;
        if (!told ||
            (is_state(condition, "CONDITION_FAILED") && !is_state(told, "CONDITION_FAILED")))
            told = condition;
    }
    const char *why = json_doc_text(told, "executionReason");
    if (!*why)
        why = json_doc_text(told, "reason");
    snprintf(out, size, "%s%s%s%s", json_doc_text(told, "message"), *why ? " (" : "", why,
             *why ? ")" : "");
}

void cloudrun_status_read(const struct cloudrun_config *config, const json_t *execution,
                          struct workload_status *out)
{
    const json_t *notes = json_object_get(execution, "annotations");
    *out = (struct workload_status){.phase = phase_of(execution)};
    out->started_ns = time_of(execution, "startTime");
    out->stopped_ns = time_of(execution, "completionTime");
    snprintf(out->address, sizeof out->address, "%s", json_doc_text(notes, CLOUDRUN_NOTE_ADDRESS));
    write_reason(execution, out->reason, sizeof out->reason);
    if (out->phase == WORKLOAD_RUNNING && !*out->address && !config->reverse_agent)
        snprintf(out->reason, sizeof out->reason,
                 "Cloud Run jobs take no connections from outside; set SOCKERLESS_CALLBACK_URL to "
                 "a URL of this backend that the containers can reach");
    if (out->phase == WORKLOAD_STOPPED && number_of(execution, "succeededCount") > 0)
        out->has_exit_code = true; /* 0 */
}

/* False: the attempt tells no code. */
static bool read_exit_code(const json_t *task, int *code)
{
    const json_t *attempt = json_object_get(task, "lastAttemptResult");
    json_int_t signal = number_of(attempt, "termSignal");
    bool failed = is_state(find_condition(task, "Completed"), "CONDITION_FAILED") ||
                  number_of(json_object_get(attempt, "status"), "code") != 0;
    *code = (int)(signal > 0 ? SIGNAL_EXIT + signal : number_of(attempt, "exitCode"));
    return json_is_object(attempt) && (*code || !failed);
}

/* Cloud Run, "Troubleshoot": "Memory limit of 512 MiB exceeded with 531 MiB used", "The configured
 * memory limit was reached", "Out-of-memory event detected in container". */
static bool tells_of_memory(const char *message)
{
    return (strcasestr(message, "memory limit") &&
            (strcasestr(message, "exceeded") || strcasestr(message, "reached"))) ||
           strcasestr(message, "out of memory") || strcasestr(message, "out-of-memory");
}

static bool is_oom_killed(const json_t *task)
{
    const json_t *status = json_object_get(json_object_get(task, "lastAttemptResult"), "status");
    return tells_of_memory(json_doc_text(status, "message")) ||
           tells_of_memory(json_doc_text(find_condition(task, "Completed"), "message"));
}

/* The script's exit codes mean nothing where the image held the agent. */
static bool has_script(const struct cloudrun_config *config, const json_t *task)
{
    const json_t *main = json_array_get(json_object_get(task, "containers"), 0);
    const json_t *program = json_array_get(json_object_get(main, "command"), 0);
    return config->injection == CLOUDRUN_INJECT_STARTUP_COMMAND &&
           strcmp(str_or_empty(json_string_value(program)), AGENT_IMAGE_PATH) != 0;
}

static void add_startup(struct workload_status *out)
{
    char own[sizeof out->reason];
    const char *startup = NULL;
    if (out->has_exit_code) {
        startup = cloudrun_startup_reason(out->exit_code, &out->needs_agent_layer);
    } else {
        startup = cloudrun_startup_refusal(out->reason);
        out->needs_agent_layer = startup != NULL;
    }
    snprintf(own, sizeof own, "%s", out->reason);
    if (startup)
        snprintf(out->reason, sizeof out->reason, "%s%s%s", startup, *own ? ": " : "", own);
}

void cloudrun_status_add_task(const struct cloudrun_config *config, const json_t *task,
                              struct workload_status *out)
{
    int code;
    if (read_exit_code(task, &code)) {
        out->has_exit_code = true;
        out->exit_code = code;
    }
    if (!*out->reason)
        snprintf(
            out->reason, sizeof out->reason, "%s",
            json_doc_text(json_object_get(json_object_get(task, "lastAttemptResult"), "status"),
                          "message"));
    out->oom_killed = is_oom_killed(task);
    if (*json_doc_text(task, "startTime"))
        out->started_ns = time_of(task, "startTime");
    out->start_failed = !out->has_exit_code && !*json_doc_text(task, "startTime");
    if (has_script(config, task))
        add_startup(out);
}
