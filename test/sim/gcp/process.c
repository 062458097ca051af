/* SPDX-License-Identifier: Apache-2.0
 * Containers of Cloud Run; see process.h. */
#include "test/sim/gcp/process.h"

#include "base/alloc.h"
#include "base/directory.h"
#include "test/sim/gcp/cloud_logging.h"
#include "test/sim/gcp/container_check.h"
#include "test/sim/host/files.h"
#include "test/sim/host/line_pump.h"
#include "test/sim/host/runner.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum { MOUNTS_MAX = 32 };

static json_t *main_container(const struct process_spec *spec)
{
    return json_array_get(json_object_get(spec->template, "containers"), 0);
}

static void build_env(const struct process_spec *spec, struct strv *env)
{
    runner_image_variables(spec->image, env);
    runner_set_variables(env, json_object_get(main_container(spec), "env"));
    for (size_t i = 0; i + 1 < spec->variables.count; i += 2)
        runner_set_variable(env, spec->variables.items[i], spec->variables.items[i + 1]);
}

/* ---- volumes ---- */

static const json_t *find_volume(const struct process_spec *spec, const char *name)
{
    size_t i;
    json_t *volume;
    json_array_foreach(json_object_get(spec->template, "volumes"), i,
                       volume) if (!strcmp(value_string(volume, "name"), name)) return volume;
    return NULL;
}

/* A bucket is a directory of the simulated storage; every other kind begins empty. NULL: the name
 * is not a single path component. */
static char *volume_path(const struct gcp *gcp, const struct process_spec *spec, const char *name)
{
    const json_t *gcs = json_object_get(find_volume(spec, name), "gcs");
    const char *bucket = value_string(gcs, "bucket"), *component = gcs ? bucket : name;
    if (!*component || strchr(component, '/') || component[0] == '.')
        return NULL;
    return gcs ? xasprintf("%s/%s", gcp->gcs_dir, bucket)
               : xasprintf("%s/volumes/%s/%s", gcp->state_dir, spec->volumes_id, name);
}

static size_t build_mounts(const struct gcp *gcp, const struct process_spec *spec,
                           struct oci_mount mounts[MOUNTS_MAX], struct strv *paths)
{
    size_t i, count = 0;
    json_t *mount;
    json_array_foreach(json_object_get(main_container(spec), "volumeMounts"), i, mount)
    {
        const char *name = value_string(mount, "name");
        const json_t *gcs = json_object_get(find_volume(spec, name), "gcs");
        struct error ignored;
        char *path = volume_path(gcp, spec, name);
        if (!path || count == MOUNTS_MAX)
            continue;
        strv_push_owned(paths, path);
        (void)!directory_make(path, 0755, &ignored);
        mounts[count++] = (struct oci_mount){path, value_string(mount, "mountPath"),
                                             value_bool(gcs, "readOnly", false)};
    }
    return count;
}

void process_release(const struct gcp *gcp, const char *volumes_id)
{
    struct error ignored;
    AUTO_FREE char *volumes = xasprintf("%s/volumes/%s", gcp->state_dir, volumes_id);
    (void)!files_remove_tree(volumes, &ignored);
}

/* ---- start ---- */

int process_start(struct process *p, const struct process_spec *spec, struct error *err)
{
    struct strv argv = STRV_INIT, env = STRV_INIT, paths = STRV_INIT;
    struct oci_mount mounts[MOUNTS_MAX];
    const json_t *container = main_container(spec);
    const json_t *limits = json_object_get(json_object_get(container, "resources"), "limits");
    int64_t bytes = 0, millis = 0;
    (void)!container_check_bytes(value_string(limits, "memory"), &bytes);
    (void)!container_check_millis(value_string(limits, "cpu"), &millis);
    runner_command_line(spec->image, json_object_get(container, "command"),
                        json_object_get(container, "args"), &argv);
    build_env(spec, &env);
    struct container_spec c = {.id = spec->id,
                               .image = spec->image,
                               .argv = argv.items,
                               .argc = argv.count,
                               .env = env.items,
                               .env_count = env.count,
                               .cwd = value_string(container, "workingDir"),
                               .hostname = "localhost",
                               .address = spec->endpoint->address,
                               .nameserver = network_gateway(p->gcp->network),
                               .netns = spec->endpoint->netns,
                               .mounts = mounts,
                               .mount_count = build_mounts(p->gcp, spec, mounts, &paths),
                               .memory_bytes = bytes,
                               .cpu_shares = millis * 1024 / 1000,
                               .separate_stderr = true};
    p->ended = false;
    if (argv.count == 0)
        error_set(err, ERROR_INVALID_PARAMETER, "no command specified");
    else
        p->container = container_start(p->gcp->runtime, &c, err);
    strv_free(&argv);
    strv_free(&env);
    strv_free(&paths);
    return p->container ? 0 : -1;
}

/* ---- output ---- */

struct follower {
    struct line_pump out, errors;
    struct log_source source;
    struct cloud_logging *logging;
};

static void write_events(struct follower *f, bool is_stderr, const struct log_event *events,
                         size_t count)
{
    struct log_source source = f->source;
    source.is_stderr = is_stderr;
    cloud_logging_write(f->logging, &source, events, count);
}

static void emit_out_events(void *ctx, const struct log_event *events, size_t count)
{
    write_events(ctx, false, events, count);
}

static void emit_error_events(void *ctx, const struct log_event *events, size_t count)
{
    write_events(ctx, true, events, count);
}

static void emit_out(void *ctx, const char *bytes, size_t len)
{
    line_pump_feed(&((struct follower *)ctx)->out, bytes, len, value_now_ms());
}

static void emit_errors(void *ctx, const char *bytes, size_t len)
{
    line_pump_feed(&((struct follower *)ctx)->errors, bytes, len, value_now_ms());
}

/* Thread: output to the log until the container has ended. */
static void *follow(void *arg)
{
    struct process *p = arg;
    struct follower *f = NEW(struct follower);
    f->source = p->source;
    f->logging = p->gcp->logging;
    line_pump_init(&f->out, emit_out_events, f);
    line_pump_init(&f->errors, emit_error_events, f);
    int code = container_follow_both(p->container, emit_out, emit_errors, f);
    line_pump_finish(&f->out, value_now_ms());
    line_pump_finish(&f->errors, value_now_ms());
    free(f);
    pthread_mutex_lock(p->lock);
    p->code = code;
    p->ended = true;
    pthread_cond_broadcast(p->changed);
    pthread_mutex_unlock(p->lock);
    return NULL;
}

void process_watch(struct process *p)
{
    if (runner_thread(&p->thread, follow, p))
        abort();
}

/* ---- the end ---- */

bool process_stop(struct process *p)
{
    struct timespec until = runner_deadline(p->gcp->tuning.stop_grace_ms);
    if (!p->gcp->closing)
        container_signal(p->container, SIGTERM);
    while (!p->ended && !p->gcp->closing)
        if (pthread_cond_timedwait(p->changed, p->lock, &until) == ETIMEDOUT)
            break;
    if (p->ended)
        return false;
    container_signal(p->container, SIGKILL);
    while (!p->ended)
        pthread_cond_wait(p->changed, p->lock);
    return true;
}

void process_reap(struct process *p)
{
    pthread_join(p->thread, NULL);
    container_free(p->container);
}

int process_pid(const struct process *p)
{
    return p->container && !p->ended ? container_pid(p->container) : 0;
}
