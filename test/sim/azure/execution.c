/* SPDX-License-Identifier: Apache-2.0
 * An execution and its JSON; see job.h. */
#include "base/alloc.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/sim/azure/job.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

const char *execution_state_name(enum execution_state state)
{
#define X(name, text) text,
    static const char *const names[] = {EXECUTION_STATES(X)};
#undef X
    return names[state];
}

static void random_suffix(char *out, size_t len)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    unsigned char bytes[16];
    random_bytes(bytes, len);
    for (size_t i = 0; i < len; i++)
        out[i] = letters[bytes[i] % 36];
    out[len] = '\0';
}

static void add_containers(struct execution *e, const json_t *list)
{
    size_t i;
    json_t *container;
    json_array_foreach(list, i, container) if (e->container_count < REPLICA_CONTAINERS_MAX)
    {
        struct replica_container *c = &e->containers[e->container_count++];
        snprintf(c->name, sizeof c->name, "%s", value_string(container, "name"));
    }
}

struct execution *execution_new(struct job_service *s, struct job *job, json_t *template)
{
    struct execution *e = NEW(struct execution);
    pthread_condattr_t monotonic;
    char suffix[16];
    e->service = s;
    random_suffix(suffix, 7);
    snprintf(e->name, sizeof e->name, "%s-%s", job->name, suffix);
    random_suffix(suffix, 5);
    snprintf(e->replica, sizeof e->replica, "%s-%s", e->name, suffix);
    snprintf(e->job_name, sizeof e->job_name, "%s", job->name);
    value_random_hex(e->netns_id, NETWORK_ID_LEN);
    e->template = template;
    e->configuration =
        json_deep_copy(json_object_get(json_object_get(job->json, "properties"), "configuration"));
    add_containers(e, json_object_get(template, "initContainers"));
    add_containers(e, json_object_get(template, "containers"));
    e->created_ns = time_now_ns();
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&e->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    LL_PREPEND(s->executions, e);
    job->execution_count++;
    return e;
}

void execution_free(struct execution *e)
{
    json_decref(e->template);
    json_decref(e->configuration);
    pthread_cond_destroy(&e->changed);
    free(e->problem);
    free(e);
}

bool execution_is_done(const struct execution *e)
{
    return e->state >= EXECUTION_SUCCEEDED;
}

void execution_set_state(struct execution *e, enum execution_state state)
{
    if (execution_is_done(e) || state <= e->state)
        return;
    e->state = state;
    if (execution_is_done(e))
        e->ended_ns = time_now_ns();
    log_debug("execution", LOG_STR("execution", e->name),
              LOG_STR("state", execution_state_name(state)));
}

void execution_stop(struct execution *e)
{
    if (execution_is_done(e))
        return;
    e->stop_requested = true;
    pthread_cond_broadcast(&e->changed);
}

char *execution_id(const struct execution *e)
{
    AUTO_FREE char *parent = azure_job_id(e->service->azure, e->job_name);
    return xasprintf("%s/executions/%s", parent, e->name);
}

/* ---- JSON ---- */

/* JobExecutionContainer: no mounts and no probes. */
static json_t *containers_json(const json_t *list)
{
    static const char *const members[] = {"image", "name", "command", "args", "env", "resources"};
    json_t *out = json_array(), *container;
    size_t i;
    json_array_foreach(list, i, container)
    {
        json_t *one = json_object();
        for (size_t k = 0; k < ARRAY_LEN(members); k++) {
            json_t *value = json_object_get(container, members[k]);
            if (value)
                json_object_set_new(one, members[k], json_deep_copy(value));
        }
        json_array_append_new(out, one);
    }
    return out;
}

/* The previews from 2024-02-02 on have it, and the stable versions from 2026-07-01 on. */
static bool has_detailed_status(const char *version)
{
    return str_ends(version, "-preview") ? strcmp(version, "2024-02-02") >= 0
                                         : strcmp(version, "2026-07-01") >= 0;
}

static json_t *detailed_status(const struct execution *e)
{
    json_t *containers = json_array();
    for (size_t i = 0; i < e->container_count; i++) {
        const struct replica_container *c = &e->containers[i];
        if (!c->status)
            continue;
        json_t *one = json_pack("{s:s, s:s}", "name", c->name, "status", c->status);
        if (c->ended)
            json_object_set_new(one, "code", json_integer(c->code));
        value_set_text(one, "additionalInformation", c->reason);
        json_array_append_new(containers, one);
    }
    return json_pack("{s:[{s:s, s:o}]}", "replicas", "name", e->replica, "containers", containers);
}

json_t *execution_json(struct execution *e, const char *version)
{
    AUTO_FREE char *id = execution_id(e);
    bool unknown = value_take_one(&e->service->azure->tuning.status_unknown);
    json_t *properties = json_pack(
        "{s:s, s:{s:o, s:o}}", "status", unknown ? "Unknown" : execution_state_name(e->state),
        "template", "containers", containers_json(json_object_get(e->template, "containers")),
        "initContainers", containers_json(json_object_get(e->template, "initContainers")));
    azure_set_time(properties, "startTime", e->created_ns);
    azure_set_time(properties, "endTime", e->ended_ns);
    if (has_detailed_status(version))
        json_object_set_new(properties, "detailedStatus", detailed_status(e));
    json_t *out = json_pack("{s:s, s:s, s:s, s:o}", "id", id, "name", e->name, "type",
                            "Microsoft.App/jobs/executions", "properties", properties);
    if (e->attached)
        json_object_set_new(out, "tags", json_pack("{s:s}", SIM_ADDRESS_TAG, e->endpoint.address));
    return out;
}
