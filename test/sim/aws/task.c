/* SPDX-License-Identifier: Apache-2.0
 * A task and its description; see ecs.h. All with the ECS lock held. */
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "test/sim/aws/ecs.h"

#include <stdio.h>
#include <string.h>

const char *task_state_name(enum task_state state)
{
#define X(name) #name,
    static const char *const names[] = {TASK_STATES(X)};
#undef X
    return names[state];
}

struct task *task_find(struct ecs *ecs, const char *cluster, const char *id_or_arn)
{
    const char *slash = strrchr(id_or_arn, '/');
    const char *id = slash ? slash + 1 : id_or_arn;
    for (struct task *t = ecs->tasks; t; t = t->next)
        if (!strcmp(t->id, id) && (!cluster || !strcmp(t->cluster, cluster)))
            return t;
    return NULL;
}

static const json_t *find_override(const json_t *overrides, const char *name)
{
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(overrides, "containerOverrides"), i,
                       o) if (!strcmp(value_string(o, "name"), name)) return o;
    return NULL;
}

static void init_containers(struct ecs *ecs, struct task *t)
{
    size_t i;
    json_t *definition;
    json_array_foreach(json_object_get(t->definition, "containerDefinitions"), i, definition)
    {
        if (t->container_count == TASK_CONTAINERS_MAX)
            break;
        struct task_container *c = &t->containers[t->container_count++];
        char uuid[37], runtime[33];
        value_uuid(uuid);
        value_random_hex(runtime, 10);
        c->task = t;
        c->definition = definition;
        c->override = find_override(t->overrides, value_string(definition, "name"));
        c->arn = xasprintf("arn:aws:ecs:%s:%s:container/%s/%s/%s", ecs->aws->region,
                           ecs->aws->account, t->cluster, t->id, uuid);
        c->runtime_id = xasprintf("%s-%s", t->id, runtime);
    }
}

struct task *task_new(struct ecs *ecs, const char *cluster, struct task_definition *definition,
                      const json_t *request, const char *provider)
{
    struct task *t = NEW(struct task);
    const json_t *network =
        json_object_get(json_object_get(request, "networkConfiguration"), "awsvpcConfiguration");
    const char *group = value_string(request, "group");
    value_random_hex(t->id, TASK_ID_LEN);
    t->cluster = xstrdup(cluster);
    t->arn = xasprintf("arn:aws:ecs:%s:%s:task/%s/%s", ecs->aws->region, ecs->aws->account,
                       t->cluster, t->id);
    t->definition = json_incref(definition->json);
    t->definition_arn = xstrdup(definition->arn);
    t->family = xstrdup(definition->family);
    t->started_by = xstrdup(value_string(request, "startedBy"));
    t->group = *group ? xstrdup(group) : xasprintf("family:%s", definition->family);
    t->client_token = xstrdup(value_string(request, "clientToken"));
    t->request = json_deep_copy(request);
    t->capacity_provider = provider ? xstrdup(provider) : NULL;
    t->overrides = json_incref(json_object_get(t->request, "overrides"));
    const json_t *tags = json_object_get(request, "tags");
    t->tags = tags ? json_deep_copy(tags) : json_array();
    t->subnet_id = xstrdup(
        str_or_empty(json_string_value(json_array_get(json_object_get(network, "subnets"), 0))));
    char hex[18];
    value_random_hex(hex, 17);
    snprintf(t->eni_id, sizeof t->eni_id, "eni-%s", hex);
    value_uuid(t->attachment_id);
    t->created_ms = value_now_ms();
    t->version = 1;
    t->unseen = ecs->aws->tuning.describe_missing;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&t->changed, &attr);
    pthread_condattr_destroy(&attr);
    init_containers(ecs, t);
    return t;
}

void task_free(struct task *t)
{
    for (size_t i = 0; i < t->container_count; i++) {
        free(t->containers[i].arn);
        free(t->containers[i].runtime_id);
        free(t->containers[i].reason);
        free(t->containers[i].image_digest);
    }
    json_decref(t->definition);
    json_decref(t->request);
    json_decref(t->overrides);
    json_decref(t->tags);
    char *texts[] = {t->arn,       t->definition_arn, t->family,           t->started_by,
                     t->group,     t->client_token,   t->stop_code,        t->stopped_reason,
                     t->subnet_id, t->cluster,        t->capacity_provider};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        free(texts[i]);
    pthread_cond_destroy(&t->changed);
    free(t);
}

void task_set_state(struct task *t, enum task_state state)
{
    if (state <= t->state) /* states only go forward */
        return;
    t->state = state;
    t->version++;
    int64_t now = value_now_ms();
    switch (state) {
    case TASK_PENDING: t->connectivity_ms = now; break;
    case TASK_RUNNING: t->started_ms = now; break;
    case TASK_DEACTIVATING: t->stopping_ms = t->stopping_ms ? t->stopping_ms : now; break;
    case TASK_DEPROVISIONING: t->execution_stopped_ms = now; break;
    case TASK_STOPPED:
        t->stopped_ms = now;
        t->stopping_ms = t->stopping_ms ? t->stopping_ms : now;
        break;
    default: break;
    }
    log_debug("task", LOG_STR("task", t->id), LOG_STR("state", task_state_name(state)));
    pthread_cond_broadcast(&t->changed);
}

void task_stop(struct task *t, const char *stop_code, const char *reason)
{
    if (t->stop_requested)
        return;
    t->stop_requested = true;
    t->stop_code = xstrdup(stop_code);
    t->stopped_reason = xstrdup(reason);
    t->stopping_ms = value_now_ms();
    t->version++;
    pthread_cond_broadcast(&t->changed);
}

static void add_detail(json_t *details, const char *name, const char *value)
{
    json_array_append_new(details, json_pack("{s:s, s:s}", "name", name, "value", value));
}

static json_t *attachment_json(const struct ecs *ecs, const struct task *t)
{
    json_t *details = json_array();
    add_detail(details, "subnetId", t->subnet_id);
    if (t->attached) {
        AUTO_FREE char *dns =
            xasprintf("ip-%s.%s", t->endpoint.address,
                      strcmp(ecs->aws->region, "us-east-1") ? ecs->aws->region : "ec2");
        AUTO_FREE char *full = xasprintf("%s%s", dns, ".internal");
        for (char *p = full; *p && p < full + 3 + strlen(t->endpoint.address); p++)
            if (*p == '.')
                *p = '-';
        add_detail(details, "networkInterfaceId", t->eni_id);
        add_detail(details, "macAddress", t->endpoint.mac);
        add_detail(details, "privateDnsName", full);
        add_detail(details, "privateIPv4Address", t->endpoint.address);
    }
    const char *status = t->state >= TASK_STOPPED          ? "DELETED"
                         : !t->attached                    ? "PRECREATED"
                         : t->state >= TASK_DEPROVISIONING ? "DETACHING"
                         : t->state >= TASK_PENDING        ? "ATTACHED"
                                                           : "ATTACHING";
    return json_pack("{s:s, s:s, s:s, s:o}", "id", t->attachment_id, "type",
                     "ElasticNetworkInterface", "status", status, "details", details);
}

static json_t *container_json(const struct task *t, const struct task_container *c)
{
    static const char *const states[] = {"PENDING", "RUNNING", "STOPPED"};
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:[]}", "containerArn", c->arn, "taskArn",
                          t->arn, "name", value_string(c->definition, "name"), "image",
                          value_string(c->definition, "image"), "lastStatus", states[c->state],
                          "healthStatus", "UNKNOWN", "networkInterfaces");
    AUTO_FREE char *cpu = xasprintf("%lld", (long long)value_int(c->definition, "cpu", 0));
    value_set_text(o, "cpu", cpu);
    if (json_object_get(c->definition, "memory")) {
        AUTO_FREE char *memory =
            xasprintf("%lld", (long long)value_int(c->definition, "memory", 0));
        value_set_text(o, "memory", memory);
    }
    if (t->attached)
        json_array_append_new(json_object_get(o, "networkInterfaces"),
                              json_pack("{s:s, s:s}", "attachmentId", t->attachment_id,
                                        "privateIpv4Address", t->endpoint.address));
    if (c->state != CONTAINER_PENDING && c->process)
        value_set_text(o, "runtimeId", c->runtime_id);
    value_set_text(o, "imageDigest", c->image_digest);
    value_set_text(o, "reason", c->reason);
    if (c->has_exit_code) {
        json_object_set_new(o, "exitCode", json_integer(c->exit_code));
        value_set_text(o, "runtimeId", c->runtime_id);
    }
    return o;
}

static json_t *overrides_json(const struct task *t)
{
    json_t *out = t->overrides ? json_deep_copy(t->overrides) : json_object();
    json_t *list = json_object_get(out, "containerOverrides");
    if (!list) {
        list = json_array();
        json_object_set_new(out, "containerOverrides", list);
    }
    for (size_t i = 0; i < t->container_count; i++) /* the service names every container */
        if (!t->containers[i].override)
            json_array_append_new(
                list,
                json_pack("{s:s}", "name", value_string(t->containers[i].definition, "name")));
    json_object_set_new(out, "inferenceAcceleratorOverrides", json_array());
    return out;
}

static void add_times(json_t *o, const struct task *t)
{
    aws_set_time(o, "createdAt", t->created_ms);
    aws_set_time(o, "connectivityAt", t->connectivity_ms);
    aws_set_time(o, "pullStartedAt", t->pull_started_ms);
    aws_set_time(o, "pullStoppedAt", t->pull_stopped_ms);
    aws_set_time(o, "startedAt", t->started_ms);
    aws_set_time(o, "stoppingAt", t->stopping_ms);
    aws_set_time(o, "executionStoppedAt", t->execution_stopped_ms);
    aws_set_time(o, "stoppedAt", t->stopped_ms);
    if (t->connectivity_ms)
        value_set_text(o, "connectivity", "CONNECTED");
}

json_t *task_json(struct ecs *ecs, const struct task *t, bool with_tags)
{
    AUTO_FREE char *cluster = cluster_arn(ecs->aws, t->cluster);
    AUTO_FREE char *zone = xasprintf("%sa", ecs->aws->region);
    bool stopping = t->stop_requested || t->state >= TASK_DEACTIVATING;
    json_t *containers = json_array();
    for (size_t i = 0; i < t->container_count; i++)
        json_array_append_new(containers, container_json(t, &t->containers[i]));
    json_t *o = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:b, s:[o], s:I, s:s}",
        "taskArn", t->arn, "clusterArn", cluster, "taskDefinitionArn", t->definition_arn,
        "availabilityZone", zone, "group", t->group, "launchType", "FARGATE", "platformVersion",
        "1.4.0", "platformFamily", "Linux", "lastStatus", task_state_name(t->state),
        "desiredStatus", stopping ? "STOPPED" : "RUNNING", "overrides", overrides_json(t),
        "containers", containers, "enableExecuteCommand",
        value_bool(t->request, "enableExecuteCommand", false), "attachments",
        attachment_json(ecs, t), "version", (json_int_t)t->version, "healthStatus", "UNKNOWN");
    json_object_set_new(
        o, "attributes",
        json_pack("[{s:s, s:s}]", "name", "ecs.cpu-architecture", "value", "x86_64"));
    json_object_set_new(o, "inferenceAccelerators", json_array());
    json_object_set_new(o, "ephemeralStorage", json_pack("{s:i}", "sizeInGiB", 20));
    json_object_set_new(o, "fargateEphemeralStorage", json_pack("{s:i}", "sizeInGiB", 20));
    value_set_text(o, "cpu", value_string(t->definition, "cpu"));
    value_set_text(o, "memory", value_string(t->definition, "memory"));
    if (*t->started_by)
        value_set_text(o, "startedBy", t->started_by);
    value_set_text(o, "capacityProviderName", t->capacity_provider);
    add_times(o, t);
    value_set_text(o, "stopCode", t->stop_code);
    value_set_text(o, "stoppedReason", t->stopped_reason);
    json_object_set_new(o, "tags", with_tags ? json_deep_copy(t->tags) : json_array());
    return o;
}
