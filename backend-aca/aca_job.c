/* SPDX-License-Identifier: Apache-2.0
 * The job's JSON; see aca_job.h.
 *
 * The agent is the container's first process: the image holds it, a file share is mounted that
 * does, or an init container copies it into an ephemeral volume. A job is made for one run, so
 * command, arguments and environment are all in it: what a start could override has no volumes. */
#include "aca_job.h"

#include "aca_names.h"
#include "aca_size.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"
#include "base/utf8.h"
#include "cloud/cloud_environment.h"
#include "cloud/cloud_labels.h"

#include <stdio.h>
#include <string.h>

#define AGENT_VOLUME "sockerless-agent-vol"
#define AGENT_DIRECTORY "/sockerless-bin"
#define SHARE_VOLUME "sockerless-agent-share"
#define SHARE_DIRECTORY "/sockerless-share"
#define SECRET_AGENT_TOKEN "agent-token"
#define SECRET_REGISTRY "registry-password"
#define TOKEN_VARIABLE "SOCKERLESS_AGENT_TOKEN"

enum {
    JOB_MAX = 1024 * 1024,
    LABEL_TAGS_MAX = 30,     /* of the 50 that a resource can have */
    LABEL_PIECE_BYTES = 240, /* a value has 256 characters at most */
    VARIABLES_MAX = 1000,
    VALUE_MAX = 128 * 1024,
};

struct source {
    const struct aca_config *config;
    const struct workload_spec *spec;
    struct cloud_size size;
    enum aca_injection injection;
    const char *token; /* the agent's */
};

/* ---- tags ---- */

static void write_tag(struct json_writer *w, const char *name, const char *value, size_t len)
{
    json_key(w, name);
    json_string_len(w, value, len);
}

static size_t cut(const char *text, size_t most)
{
    size_t n = 0, len = strlen(text);
    while (n < len) {
        size_t unit = utf8_sequence(text + n, len - n);
        unit = unit ? unit : 1;
        if (n + unit > most)
            break;
        n += unit;
    }
    return n;
}

/* All of Docker's labels as one JSON text, in pieces: a tag's name must not have what theirs may.
 */
static void write_labels(struct json_writer *w, const struct workload_spec *spec)
{
    AUTO(buf) struct buf text = BUF_INIT;
    struct json_writer labels;
    char name[sizeof ACA_TAG_LABELS + 12];
    if (!spec->config || !spec->config->n_labels)
        return;
    json_writer_init(&labels, &text);
    json_object_open(&labels);
    cloud_labels_write(&labels, spec->config, NULL, LABEL_TAGS_MAX * (LABEL_PIECE_BYTES - 3) - 2);
    json_object_close(&labels);
    const char *at = text.data;
    for (int i = 0; *at && i < LABEL_TAGS_MAX; i++) {
        size_t len = cut(at, LABEL_PIECE_BYTES);
        snprintf(name, sizeof name, ACA_TAG_LABELS "%d", i);
        write_tag(w, name, at, len);
        at += len;
    }
}

static void write_tags(struct json_writer *w, const struct workload_spec *spec)
{
    const char *title = str_or_empty(spec->container_name);
    json_member_object(w, "tags");
    json_member_string(w, ACA_TAG_MANAGED, "true");
    json_member_string(w, ACA_TAG_INSTANCE, spec->instance);
    json_member_string(w, ACA_TAG_CONTAINER_ID, spec->container_id);
    write_tag(w, ACA_TAG_CONTAINER_NAME, title, cut(title, ACA_TAG_VALUE_MAX));
    json_member_string(w, ACA_TAG_RUN, spec->run_token);
    write_labels(w, spec);
    json_object_close(w);
}

/* ---- containers ---- */

static const char *agent_path(const struct source *from, char *out, size_t size)
{
    switch (from->injection) {
    case ACA_INJECT_AZURE_FILES:
        snprintf(out, size, AGENT_DIRECTORY "/%s", from->config->agent_path);
        return out;
    case ACA_INJECT_INIT_CONTAINER: return AGENT_DIRECTORY "/sockerless-agent";
    case ACA_INJECT_BAKED_IN:
    case ACA_INJECT_IMAGE_LAYER: break;
    }
    return AGENT_IMAGE_PATH;
}

static void write_mount(struct json_writer *w, const char *volume, const char *path)
{
    json_object_open(w);
    json_member_string(w, "volumeName", volume);
    json_member_string(w, "mountPath", path);
    json_object_close(w);
}

/* "cpu" is a number: quarters, so two digits are exact. */
static void write_resources(struct json_writer *w, const struct cloud_size *size)
{
    char cpu[16], memory[16];
    int len = snprintf(cpu, sizeof cpu, "%.2f", (double)size->cpu_units / CLOUD_CPU_UNITS);
    snprintf(memory, sizeof memory, "%.1fGi", (double)size->memory_mib / 1024);
    json_member_object(w, "resources");
    json_key(w, "cpu");
    json_raw(w, cpu, (size_t)len);
    json_member_string(w, "memory", memory);
    json_object_close(w);
}

/* "Manage environment variables": what the platform sets. */
static bool is_reserved(const char *entry, size_t name_len)
{
    (void)name_len;
    return str_starts(entry, "CONTAINER_APP_");
}

static int write_environment(struct json_writer *w, const struct source *from, struct error *err)
{
    const struct cloud_environment_rules rules = {
        .cloud = "Container Apps",
        .holder = "a Container Apps job",
        .variables_max = VARIABLES_MAX,
        .value_max = VALUE_MAX,
        .carries = is_reserved,
        .secret_name = from->token ? TOKEN_VARIABLE : NULL,
        .secret_ref = SECRET_AGENT_TOKEN,
    };
    return cloud_environment_write(w, from->spec, &rules, err);
}

static int write_main(struct json_writer *w, const struct source *from, struct error *err)
{
    char path[300];
    char *const command[] = {(char *)agent_path(from, path, sizeof path)};
    json_object_open(w);
    json_member_string(w, "name", ACA_MAIN_CONTAINER);
    json_member_string(w, "image", from->spec->image);
    json_key(w, "command");
    json_string_array(w, command, 1);
    json_key(w, "args");
    json_string_array(w, from->spec->agent_argv, from->spec->agent_argc);
    if (write_environment(w, from, err))
        return -1;
    write_resources(w, &from->size);
    if (from->injection == ACA_INJECT_INIT_CONTAINER || from->injection == ACA_INJECT_AZURE_FILES) {
        json_member_array(w, "volumeMounts");
        write_mount(w, from->injection == ACA_INJECT_INIT_CONTAINER ? AGENT_VOLUME : SHARE_VOLUME,
                    AGENT_DIRECTORY);
        json_array_close(w);
    }
    json_object_close(w);
    return 0;
}

/* The agent installs itself: the one in the image or, where there is a share, the one there. */
static void write_init(struct json_writer *w, const struct source *from)
{
    static char *const args[] = {"--install", AGENT_DIRECTORY};
    char path[300];
    bool by_share = aca_config_has_share(from->config);
    json_member_array(w, "initContainers");
    json_object_open(w);
    json_member_string(w, "name", ACA_INIT_CONTAINER);
    json_member_string(w, "image", from->config->agent_image);
    if (by_share) {
        snprintf(path, sizeof path, SHARE_DIRECTORY "/%s", from->config->agent_path);
        char *const command[] = {path};
        json_key(w, "command");
        json_string_array(w, command, 1);
    }
    json_key(w, "args");
    json_string_array(w, args, ARRAY_LEN(args));
    write_resources(w, &from->size);
    json_member_array(w, "volumeMounts");
    write_mount(w, AGENT_VOLUME, AGENT_DIRECTORY);
    if (by_share)
        write_mount(w, SHARE_VOLUME, SHARE_DIRECTORY);
    json_array_close(w);
    json_object_close(w);
    json_array_close(w);
}

static void write_volume(struct json_writer *w, const char *name, const char *storage)
{
    json_object_open(w);
    json_member_string(w, "name", name);
    json_member_string(w, "storageType", storage ? "AzureFile" : "EmptyDir");
    if (storage)
        json_member_string(w, "storageName", storage);
    json_object_close(w);
}

static void write_volumes(struct json_writer *w, const struct source *from)
{
    bool init = from->injection == ACA_INJECT_INIT_CONTAINER;
    json_member_array(w, "volumes");
    if (init)
        write_volume(w, AGENT_VOLUME, NULL);
    if (!init || aca_config_has_share(from->config))
        write_volume(w, SHARE_VOLUME, from->config->storage_name);
    json_array_close(w);
}

static int write_template(struct json_writer *w, const struct source *from, struct error *err)
{
    json_member_object(w, "template");
    json_member_array(w, "containers");
    if (write_main(w, from, err))
        return -1;
    json_array_close(w);
    if (from->injection == ACA_INJECT_INIT_CONTAINER)
        write_init(w, from);
    if (from->injection == ACA_INJECT_INIT_CONTAINER || from->injection == ACA_INJECT_AZURE_FILES)
        write_volumes(w, from);
    json_object_close(w);
    return 0;
}

/* ---- configuration ---- */

static void write_secret(struct json_writer *w, const char *name, const char *value)
{
    json_object_open(w);
    json_member_string(w, "name", name);
    json_member_string(w, "value", value);
    json_object_close(w);
}

static void write_secrets(struct json_writer *w, const struct source *from)
{
    bool has_password = !str_empty(from->config->registry_password);
    if (!from->token && !has_password)
        return;
    json_member_array(w, "secrets");
    if (from->token)
        write_secret(w, SECRET_AGENT_TOKEN, from->token);
    if (has_password)
        write_secret(w, SECRET_REGISTRY, from->config->registry_password);
    json_array_close(w);
}

static void write_registry(struct json_writer *w, const struct aca_config *c)
{
    if (str_empty(c->registry_server) ||
        (str_empty(c->registry_username) && str_empty(c->identity)))
        return;
    json_member_array(w, "registries");
    json_object_open(w);
    json_member_string(w, "server", c->registry_server);
    if (!str_empty(c->registry_username)) {
        json_member_string(w, "username", c->registry_username);
        json_member_string(w, "passwordSecretRef", SECRET_REGISTRY);
    } else {
        json_member_string(w, "identity", c->identity);
    }
    json_object_close(w);
    json_array_close(w);
}

/* A run happens once, whatever becomes of it, and for as long as the setting says: the API's own
 * default is half an hour. */
static void write_configuration(struct json_writer *w, const struct source *from)
{
    json_member_object(w, "configuration");
    json_member_string(w, "triggerType", "Manual");
    json_member_int(w, "replicaTimeout", from->config->replica_timeout_s);
    json_member_int(w, "replicaRetryLimit", 0);
    json_member_object(w, "manualTriggerConfig");
    json_member_int(w, "replicaCompletionCount", 1);
    json_member_int(w, "parallelism", 1);
    json_object_close(w);
    write_registry(w, from->config);
    write_secrets(w, from);
    json_object_close(w);
}

static void write_identity(struct json_writer *w, const char *identity)
{
    bool system = strcmp(identity, "system") == 0;
    json_member_object(w, "identity");
    json_member_string(w, "type", system ? "SystemAssigned" : "UserAssigned");
    if (!system) {
        json_member_object(w, "userAssignedIdentities");
        json_member_object(w, identity);
        json_object_close(w);
        json_object_close(w);
    }
    json_object_close(w);
}

/* ---- job ---- */

/* An image that holds the agent needs nothing else, whatever is configured. */
static int choose_injection(struct source *from, struct error *err)
{
    from->injection = from->spec->agent_in_image ? ACA_INJECT_IMAGE_LAYER : from->config->injection;
    if (from->injection == ACA_INJECT_IMAGE_LAYER && !from->spec->agent_in_image)
        return error_set(err, ERROR_SYSTEM,
                         "agent injection \"image_layer\": the image %s was not given the agent; "
                         "SOCKERLESS_ACA_AGENT_INJECTION offers other ways",
                         from->spec->image);
    return 0;
}

static int write_job(struct json_writer *w, const struct source *from, struct error *err)
{
    const struct aca_config *c = from->config;
    json_object_open(w);
    json_member_string(w, "location", c->location);
    write_tags(w, from->spec);
    if (!str_empty(c->identity))
        write_identity(w, c->identity);
    json_member_object(w, "properties");
    json_member_string(w, "environmentId", c->environment_id);
    if (!str_empty(c->workload_profile))
        json_member_string(w, "workloadProfileName", c->workload_profile);
    write_configuration(w, from);
    if (write_template(w, from, err))
        return -1;
    json_object_close(w);
    json_object_close(w);
    return 0;
}

int aca_job_build(const struct aca_config *config, const struct workload_spec *spec,
                  struct buf *out, struct error *err)
{
    struct source from = {.config = config, .spec = spec};
    const struct cloud_size_wish wish = cloud_size_wish_of(spec->host);
    struct json_writer w;
    json_writer_init(&w, out);
    from.token = cloud_environment_agent_value(spec, TOKEN_VARIABLE);
    if (choose_injection(&from, err) ||
        cloud_size_choose(&aca_size_table, &wish, &from.size, err) || write_job(&w, &from, err))
        return -1;
    if (out->len <= JOB_MAX)
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "command and environment make a job of %zu bytes; at most %d can be sent",
                     out->len, JOB_MAX);
}
