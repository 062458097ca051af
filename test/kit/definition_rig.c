/* SPDX-License-Identifier: Apache-2.0
 * A workload for task definitions; see definition_rig.h. */
#include "test/kit/definition_rig.h"

#include "base/alloc.h"
#include "test/kit/test.h"

#include <string.h>

static char *argv[] = {"--", "sh", "-c", "echo \"a b\""};
static char *env[] = {"PATH=/bin", "EMPTY=", "BARE", "=odd", "A=b=c", "HOSTNAME=0123456789ab"};
static char *agent_env[] = {"SOCKERLESS_AGENT_TOKEN=secret", "SOCKERLESS_AGENT_PORT=9111"};

void definition_rig_init(struct definition_rig *f)
{
    *f = (struct definition_rig){0};
    f->config = (struct ecs_config){
        .region = "us-east-1",
        .cluster = "default",
        .log_group = "/sockerless",
        .agent_image = "sockerless/agent:1",
        .execution_role_arn = "arn:aws:iam::123456789012:role/exec",
        .platform_version = "LATEST",
        .cpu_architecture = "X86_64",
    };
    strv_push(&f->config.subnet_list, "subnet-1");
    sockerless__container_config__init(&f->container);
    sockerless__host_options__init(&f->host);
    sockerless__key_value__init(&f->label);
    sockerless__key_value__init(&f->reserved);
    f->label.key = "com.example/json";
    f->label.value = "{\"a\":1}";
    f->reserved.key = "sockerless.content";
    f->reserved.value = "forged";
    f->labels[0] = &f->label;
    f->labels[1] = &f->reserved;
    f->container.labels = f->labels;
    f->container.n_labels = 2;
    memcpy(f->ports, (char *[]){"80/tcp", "53/udp", "99999/tcp", "7/sctp", "8080"},
           sizeof f->ports);
    f->container.exposed_ports = f->ports;
    f->container.n_exposed_ports = ARRAY_LEN(f->ports);
    f->host.memory = (int64_t)1 << 30;
    f->spec = (struct workload_spec){
        .container_id = DEFINITION_RIG_ID,
        .container_name = "web",
        .instance = "inst",
        .run_token = "run-1",
        .image = "docker.io/library/busybox@sha256:00",
        .agent_argv = argv,
        .agent_argc = ARRAY_LEN(argv),
        .env = env,
        .env_count = ARRAY_LEN(env),
        .agent_env = agent_env,
        .agent_env_count = ARRAY_LEN(agent_env),
        .config = &f->container,
        .host = &f->host,
        .stop_timeout_s = 10,
        .agent_port = 9111,
    };
}

void definition_rig_fini(struct definition_rig *f)
{
    ecs_config_fini(&f->config);
}

const char *definition_rig_at(const json_t *root, const char *path)
{
    static char text[4096]; /* cut if longer */
    char copy[256], *save = NULL;
    snprintf(copy, sizeof copy, "%s", path);
    for (char *part = strtok_r(copy, ".", &save); part && root; part = strtok_r(NULL, ".", &save))
        root = json_is_array(root) ? json_array_get(root, (size_t)atoi(part))
                                   : json_object_get(root, part);
    if (!root)
        return "(absent)";
    AUTO_FREE char *dump = json_dumps(root, JSON_ENCODE_ANY | JSON_COMPACT);
    snprintf(text, sizeof text, "%s", dump);
    return text;
}

json_t *definition_rig_build(struct definition_rig *f, struct ecs_definition_request *out)
{
    struct error err = {0};
    if (ecs_definition_build(&f->config, &f->spec, out, &err))
        fail_msg("%s", err.message);
    json_t *root = json_loadb(out->body.data, out->body.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    return root;
}
