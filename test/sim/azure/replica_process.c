/* SPDX-License-Identifier: Apache-2.0
 * A container of a replica; see replica_process.h. */
#include "test/sim/azure/replica_process.h"

#include "base/alloc.h"
#include "base/directory.h"
#include "base/str.h"
#include "test/sim/azure/environment.h"
#include "test/sim/azure/log_analytics.h"
#include "test/sim/host/container.h"
#include "test/sim/host/line_pump.h"
#include "test/sim/host/runner.h"

#include <string.h>

enum { MOUNTS_MAX = 32 };

struct replica_process {
    struct execution *e;
    struct container *container;
    pthread_t thread;
    bool ended;
    int code;
    struct line_pump out, errors;
    struct log_source source;
    char *image;
};

/* ---- the container's specification ---- */

static const char *secret_value(const struct execution *e, const char *name)
{
    size_t i;
    json_t *secret;
    json_array_foreach(json_object_get(e->configuration, "secrets"), i,
                       secret) if (!strcmp(value_string(secret, "name"),
                                           name)) return value_string(secret, "value");
    return "";
}

static void build_env(const struct execution *e, const json_t *container, const struct image *image,
                      struct strv *env)
{
    size_t i;
    json_t *item;
    runner_image_variables(image, env);
    json_array_foreach(json_object_get(container, "env"), i, item)
    {
        const char *secret = value_string(item, "secretRef");
        runner_set_variable(env, value_string(item, "name"),
                            *secret ? secret_value(e, secret) : value_string(item, "value"));
    }
    runner_set_variable(env, "CONTAINER_APP_JOB_NAME", e->job_name);
    runner_set_variable(env, "CONTAINER_APP_JOB_EXECUTION_NAME", e->name);
    runner_set_variable(env, "CONTAINER_APP_REPLICA_NAME", e->replica);
}

char *replica_process_volumes(const struct execution *e)
{
    return xasprintf("%s/volumes/%s", e->service->azure->state_dir, e->replica);
}

/* The directory of a volume; heap. */
static char *volume_path(const struct execution *e, const char *name, bool *read_only,
                         struct error *err)
{
    size_t i;
    json_t *volume;
    *read_only = false;
    json_array_foreach(json_object_get(e->template, "volumes"), i, volume)
    {
        if (strcmp(value_string(volume, "name"), name) != 0)
            continue;
        if (!strcmp(value_string(volume, "storageType"), "AzureFile"))
            return environment_share(e->service->azure->environment,
                                     value_string(volume, "storageName"), read_only, err);
        AUTO_FREE char *parent = replica_process_volumes(e);
        return xasprintf("%s/%s", parent, name);
    }
    error_set(err, ERROR_NOT_FOUND, "there is no volume \"%s\"", name);
    return NULL;
}

static int build_mounts(const struct execution *e, const json_t *container,
                        struct container_spec *spec, struct oci_mount mounts[MOUNTS_MAX],
                        struct strv *paths, struct error *err)
{
    size_t i;
    json_t *mount;
    spec->mounts = mounts;
    json_array_foreach(json_object_get(container, "volumeMounts"), i, mount)
    {
        bool read_only;
        const char *sub = value_string(mount, "subPath");
        AUTO_FREE char *volume = volume_path(e, value_string(mount, "volumeName"), &read_only, err);
        if (!volume)
            return -1;
        if (spec->mount_count == MOUNTS_MAX)
            return error_set(err, ERROR_INVALID_PARAMETER, "more than %d mounts", MOUNTS_MAX);
        char *path = xasprintf("%s%s%s", volume, *sub ? "/" : "", sub);
        strv_push_owned(paths, path);
        if (directory_make(path, 0777, err))
            return -1;
        mounts[spec->mount_count++] =
            (struct oci_mount){path, value_string(mount, "mountPath"), read_only};
    }
    return 0;
}

static struct container *start_container(struct execution *e, size_t index, const json_t *container,
                                         const struct image *image, struct error *err)
{
    struct strv argv AUTO(strv) = STRV_INIT, env AUTO(strv) = STRV_INIT,
                     paths AUTO(strv) = STRV_INIT;
    struct oci_mount mounts[MOUNTS_MAX];
    const json_t *resources = json_object_get(container, "resources");
    int64_t bytes = 0;
    AUTO_FREE char *id = xasprintf("%s-%zu", e->replica, index);
    (void)!job_memory_bytes(value_string(resources, "memory"), &bytes);
    runner_command_line(image, json_object_get(container, "command"),
                        json_object_get(container, "args"), &argv);
    build_env(e, container, image, &env);
    struct container_spec spec = {
        .id = id,
        .image = image,
        .argv = argv.items,
        .argc = argv.count,
        .env = env.items,
        .env_count = env.count,
        .hostname = e->replica,
        .address = e->endpoint.address,
        .nameserver = network_gateway(e->service->azure->network),
        .netns = e->endpoint.netns,
        .memory_bytes = bytes,
        .cpu_shares = (int64_t)(json_number_value(json_object_get(resources, "cpu")) * 1024),
        .separate_stderr = true};
    if (build_mounts(e, container, &spec, mounts, &paths, err))
        return NULL;
    if (argv.count)
        return container_start(e->service->azure->runtime, &spec, err);
    error_set(err, ERROR_INVALID_PARAMETER, "no command specified");
    return NULL;
}

/* ---- output ---- */

static void emit_events(const struct replica_process *p, bool is_stderr,
                        const struct log_event *events, size_t count)
{
    log_analytics_write(p->e->service->azure->logs, &p->source, is_stderr, events, count);
}

static void emit_out_events(void *ctx, const struct log_event *events, size_t count)
{
    emit_events(ctx, false, events, count);
}

static void emit_error_events(void *ctx, const struct log_event *events, size_t count)
{
    emit_events(ctx, true, events, count);
}

static void emit_out(void *ctx, const char *bytes, size_t len)
{
    line_pump_feed(&((struct replica_process *)ctx)->out, bytes, len, value_now_ms());
}

static void emit_errors(void *ctx, const char *bytes, size_t len)
{
    line_pump_feed(&((struct replica_process *)ctx)->errors, bytes, len, value_now_ms());
}

static void *follow(void *arg)
{
    struct replica_process *p = arg;
    struct execution *e = p->e;
    line_pump_init(&p->out, emit_out_events, p);
    line_pump_init(&p->errors, emit_error_events, p);
    int code = container_follow_both(p->container, emit_out, emit_errors, p);
    line_pump_finish(&p->out, value_now_ms());
    line_pump_finish(&p->errors, value_now_ms());
    pthread_mutex_lock(&e->service->lock);
    p->code = code;
    p->ended = true;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->service->lock);
    return NULL;
}

/* ---- its life ---- */

struct replica_process *replica_process_start(struct execution *e, size_t index,
                                              const json_t *container, const struct image *image,
                                              struct error *err)
{
    struct container *started = start_container(e, index, container, image, err);
    if (!started)
        return NULL;
    struct replica_process *p = NEW(struct replica_process);
    p->e = e;
    p->container = started;
    p->image = xstrdup(value_string(container, "image"));
    p->source = (struct log_source){.job = e->job_name,
                                    .group = e->replica,
                                    .container = e->containers[index].name,
                                    .image = p->image};
    if (runner_thread(&p->thread, follow, p))
        abort();
    return p;
}

bool replica_process_ended(const struct replica_process *p)
{
    return p->ended;
}

void replica_process_signal(struct replica_process *p, int signal_number)
{
    if (!p->ended)
        container_signal(p->container, signal_number);
}

int replica_process_pid(const struct replica_process *p)
{
    return container_pid(p->container);
}

int replica_process_finish(struct replica_process *p, bool *out_of_memory)
{
    pthread_join(p->thread, NULL);
    *out_of_memory = container_out_of_memory(p->container);
    int code = p->code;
    container_free(p->container);
    free(p->image);
    free(p);
    return code;
}
