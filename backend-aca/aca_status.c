/* SPDX-License-Identifier: Apache-2.0
 * Job executions; see aca_status.h. (Microsoft.App, JobExecution: JobExecutionRunningState;
 * "detailedStatus" is in 2026-07-01 and in preview versions since 2024-02-02-preview.) */
#include "aca_status.h"

#include "aca_names.h"
#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "json/json_doc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { EXIT_KILLED = 137, EXIT_FAILED = 1, EXIT_ODD = 255 };

static const struct {
    const char *name;
    enum workload_phase phase;
} states[] = {
    {"Running", WORKLOAD_RUNNING},   {"Processing", WORKLOAD_PENDING},
    {"Succeeded", WORKLOAD_STOPPED}, {"Failed", WORKLOAD_STOPPED},
    {"Degraded", WORKLOAD_STOPPED},  {"Stopped", WORKLOAD_STOPPED},
};

static int64_t time_of(const json_t *object, const char *key)
{
    int64_t ns;
    return timefmt_parse_rfc3339(json_doc_text(object, key), &ns) ? ns : 0;
}

/* "Unknown", or a state that did not exist when this was written: its end tells. */
static enum workload_phase phase_of(const json_t *properties)
{
    const char *name = json_doc_text(properties, "status");
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (strcasecmp(states[i].name, name) == 0)
            return states[i].phase;
    return time_of(properties, "endTime") ? WORKLOAD_STOPPED : WORKLOAD_UNKNOWN;
}

/* A container of the last replica: retries are off, so there is one. */
static const json_t *find_container(const json_t *properties, const char *name)
{
    const json_t *replicas =
        json_object_get(json_object_get(properties, "detailedStatus"), "replicas");
    const json_t *found = NULL;
    for (size_t i = 0; i < json_array_size(replicas); i++) {
        const json_t *list = json_object_get(json_array_get(replicas, i), "containers");
        for (size_t k = 0; k < json_array_size(list); k++)
            if (strcmp(json_doc_text(json_array_get(list, k), "name"), name) == 0)
                found = json_array_get(list, k);
    }
    return found;
}

/* The execution took as long as it may: Container Apps calls that a failure. */
static bool timed_out(const struct aca_config *config, const struct workload_status *status,
                      const char *words)
{
    const int64_t ns_per_s = 1000000000;
    return strcasestr(words, "DeadlineExceeded") ||
           (status->started_ns && status->stopped_ns &&
            status->stopped_ns - status->started_ns >= config->replica_timeout_s * ns_per_s);
}

static bool any_of(const char *words, const char *const *parts)
{
    for (; *parts; parts++)
        if (strcasestr(words, *parts))
            return true;
    return false;
}

static void add_reason(struct workload_status *out, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void add_reason(struct workload_status *out, const char *fmt, ...)
{
    size_t len = strlen(out->reason);
    va_list args;
    va_start(args, fmt);
    vsnprintf(out->reason + len, sizeof out->reason - len, fmt, args);
    va_end(args);
}

/* The first process is the agent: when it could not be started, the agent is not where it was
 * configured to be. (Kubernetes, reasons of waiting and terminated containers.) */
static void add_hint(const struct aca_config *config, const json_t *properties, const char *words,
                     struct workload_status *out)
{
    static const char *const not_started[] = {"CreateContainerError", "RunContainerError",
                                              "StartError", "ContainerCannotRun", NULL};
    const json_t *init = find_container(properties, ACA_INIT_CONTAINER);
    const json_t *code = json_object_get(init, "code");
    const char *init_words = json_doc_text(init, "additionalInformation");
    if (init && (json_is_integer(code) ? json_integer_value(code) != 0 : *init_words != '\0'))
        add_reason(out,
                   "; the init container that installs the agent has failed%s%.200s: check "
                   "SOCKERLESS_ACA_AGENT_IMAGE",
                   *init_words ? ": " : "", init_words);
    else if (any_of(words, not_started) && config->injection == ACA_INJECT_BAKED_IN)
        add_reason(out, "; agent injection \"baked_in\": the image must hold the agent at "
                        "/sockerless-agent");
    else if (any_of(words, not_started) && config->injection == ACA_INJECT_AZURE_FILES)
        add_reason(out, "; agent injection \"azure_files\": the share must hold the agent at %.80s",
                   config->agent_path);
}

/* A process has a byte. */
static int exit_code_of(json_int_t code)
{
    return code >= 0 && code <= 255 ? (int)code : EXIT_ODD;
}

static void read_end(const struct aca_config *config, const json_t *properties,
                     struct workload_status *out)
{
    const char *state = json_doc_text(properties, "status");
    const json_t *container = find_container(properties, ACA_MAIN_CONTAINER);
    const json_t *code = json_object_get(container, "code");
    const char *words = json_doc_text(container, "additionalInformation");
    bool failed = strcasecmp(state, "Failed") == 0 || strcasecmp(state, "Degraded") == 0;
    snprintf(out->reason, sizeof out->reason, "the execution is %s%s%s", state, *words ? ": " : "",
             words);
    if (failed)
        add_hint(config, properties, words, out);
    /* Kubernetes' reason, or its words where the reason is another. */
    out->oom_killed = strcasestr(words, "OOMKilled") || strcasestr(words, "out of memory");
    if (json_is_integer(code)) {
        out->has_exit_code = true;
        out->exit_code = exit_code_of(json_integer_value(code));
    } else if (strcasecmp(state, "Succeeded") == 0) {
        out->has_exit_code = true; /* 0 */
    } else if (failed && timed_out(config, out, words)) {
        out->has_exit_code = true;
        out->exit_code = EXIT_KILLED;
        snprintf(out->reason, sizeof out->reason,
                 "the execution was ended after %lld s (SOCKERLESS_ACA_REPLICA_TIMEOUT)",
                 (long long)config->replica_timeout_s);
    } else if (failed && container) {
        out->start_failed = true; /* a container that ran has a code */
    } else if (failed) {
        out->has_exit_code = true;
        out->exit_code = EXIT_FAILED;
    }
}

void aca_status_read(const struct aca_config *config, const json_t *execution,
                     struct workload_status *out)
{
    const json_t *properties = json_object_get(execution, "properties");
    const json_t *tags = json_object_get(execution, "tags");
    if (!json_is_object(properties))
        properties = execution; /* as some versions flatten it */
    *out = (struct workload_status){.phase = phase_of(properties)};
    out->started_ns = time_of(properties, "startTime");
    out->stopped_ns = time_of(properties, "endTime");
    snprintf(out->address, sizeof out->address, "%s", json_doc_text(tags, ACA_TAG_ADDRESS));
    if (out->phase == WORKLOAD_STOPPED)
        read_end(config, properties, out);
    else if (out->phase == WORKLOAD_UNKNOWN)
        snprintf(out->reason, sizeof out->reason, "the execution's state is \"%.60s\"",
                 json_doc_text(properties, "status"));
    else if (!*out->address && !config->reverse_agent)
        snprintf(out->reason, sizeof out->reason,
                 "Container Apps jobs take no connections from outside; set "
                 "SOCKERLESS_CALLBACK_URL to a URL of this backend that the containers can reach");
}
