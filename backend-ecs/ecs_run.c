/* SPDX-License-Identifier: Apache-2.0
 * The RunTask body: what differs between the runs of one definition; see ecs_definition.h. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"
#include "ecs_definition.h"
#include "ecs_overrides.h"

#include <string.h>

void ecs_write_tag(struct json_writer *w, const char *key, const char *value)
{
    json_object_open(w);
    json_member_string(w, "key", key);
    json_member_string(w, "value", value);
    json_object_close(w);
}

static void write_network(struct json_writer *w, const struct ecs_config *config)
{
    json_member_object(w, "networkConfiguration");
    json_member_object(w, "awsvpcConfiguration");
    json_key(w, "subnets");
    json_string_array(w, config->subnet_list.items, config->subnet_list.count);
    if (config->security_group_list.count) {
        json_key(w, "securityGroups");
        json_string_array(w, config->security_group_list.items, config->security_group_list.count);
    }
    json_member_string(w, "assignPublicIp", config->assign_public_ip ? "ENABLED" : "DISABLED");
    json_object_close(w);
    json_object_close(w);
}

static void write_tags(struct json_writer *w, const struct workload_spec *spec)
{
    char value[ECS_TAG_VALUE_MAX + 1];
    json_member_array(w, "tags");
    ecs_write_tag(w, ECS_TAG_MANAGED, "true");
    ecs_tag_value(spec->instance, value);
    ecs_write_tag(w, ECS_TAG_INSTANCE, value);
    ecs_write_tag(w, ECS_TAG_CONTAINER_ID, spec->container_id);
    ecs_tag_value(str_or_empty(spec->container_name), value);
    ecs_write_tag(w, ECS_TAG_CONTAINER_NAME, value);
    json_array_close(w);
}

int ecs_run_build(const struct ecs_config *config, const struct workload_spec *spec,
                  const char *definition, struct buf *out, struct error *err)
{
    AUTO(ecs_overrides) struct ecs_overrides overrides;
    char started_by[ECS_STARTED_BY_MAX + 1];
    struct json_writer w;
    if (ecs_overrides_build(spec, &overrides, err))
        return -1;
    ecs_started_by(spec->instance, started_by);
    json_writer_init(&w, out);
    json_object_open(&w);
    json_member_string(&w, "cluster", config->cluster);
    json_member_string(&w, "taskDefinition", definition);
    json_member_int(&w, "count", 1);
    json_member_string(&w, "launchType", "FARGATE");
    if (!str_empty(config->platform_version))
        json_member_string(&w, "platformVersion", config->platform_version);
    json_member_string(&w, "clientToken", spec->run_token);
    json_member_string(&w, "startedBy", started_by);
    write_network(&w, config);
    json_key(&w, "overrides");
    json_raw(&w, overrides.json.data, overrides.json.len);
    write_tags(&w, spec);
    json_object_close(&w);
    return 0;
}
