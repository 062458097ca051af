/* SPDX-License-Identifier: Apache-2.0
 * One thread a task: network, pull, containers in the order of dependsOn, the wait, the end; see
 * ecs.h. The ECS lock is held except around what blocks. */
#include "base/alloc.h"
#include "base/directory.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/sim/aws/cloud_logs.h"
#include "test/sim/aws/ecs.h"
#include "test/sim/host/files.h"
#include "test/sim/host/image.h"
#include "test/sim/host/line_pump.h"
#include "test/sim/host/runner.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
    DEFAULT_STOP_TIMEOUT_S = 30,
    /* The network outlives the containers by this much at least: with its namespace the kernel
     * drops what a process has sent last and the other side has not received yet. */
    NETWORK_LINGER_MS = 50
};

struct runner {
    struct ecs *ecs;
    struct task *task;
    char *volumes; /* directory of the task's ephemeral volumes */
};

/* What a follower thread needs. */
struct follower {
    struct ecs *ecs;
    struct task_container *container;
    struct log_stream *stream; /* NULL: no log configuration, output is dropped */
    struct line_pump pump;
};

/* A transition's delay; cut short by a stop when `stoppable`, always by the simulator's end. */
static void delay(struct runner *r, long ms, bool stoppable)
{
    struct timespec until = runner_deadline(ms);
    while (ms > 0 && !r->ecs->closing && !(stoppable && r->task->stop_requested))
        if (pthread_cond_timedwait(&r->task->changed, &r->ecs->lock, &until) == ETIMEDOUT)
            return;
}

static void set_reason(struct task_container *c, const char *reason)
{
    free(c->reason);
    c->reason = xstrdup(reason);
}

/* ---- network and images ---- */

static void attach_network(struct runner *r)
{
    struct error err;
    struct network_endpoint endpoint;
    pthread_mutex_unlock(&r->ecs->lock);
    int rc = network_attach(r->ecs->aws->network, r->task->id, &endpoint, &err);
    pthread_mutex_lock(&r->ecs->lock);
    if (rc) {
        AUTO_FREE char *reason = xasprintf(
            "Timeout waiting for network interface provisioning to complete. (%s)", err.message);
        task_stop(r->task, "TaskFailedToStart", reason);
        return;
    }
    r->task->endpoint = endpoint;
    r->task->attached = true;
}

static void pull_images(struct runner *r)
{
    struct task *t = r->task;
    t->pull_started_ms = value_now_ms();
    for (size_t i = 0; i < t->container_count && !t->stop_requested; i++) {
        struct task_container *c = &t->containers[i];
        struct error err;
        const char *reference = value_string(c->definition, "image");
        pthread_mutex_unlock(&r->ecs->lock);
        const struct image *image = image_store_pull(r->ecs->aws->images, reference, &err);
        pthread_mutex_lock(&r->ecs->lock);
        if (image) {
            c->image = image;
            c->image_digest = xstrdup(image->digest);
            continue;
        }
        AUTO_FREE char *reason = xasprintf("CannotPullContainerError: pull image manifest has been "
                                           "retried 1 time(s): %s",
                                           err.message);
        set_reason(c, reason);
        task_stop(t, "TaskFailedToStart", reason);
    }
    t->pull_stopped_ms = value_now_ms();
}

/* ---- one container ---- */

/* An override's command replaces the definition's. */
static void build_argv(const struct task_container *c, struct strv *argv)
{
    const json_t *command = json_object_get(c->override, "command");
    if (json_array_size(command) == 0)
        command = json_object_get(c->definition, "command");
    runner_command_line(c->image, json_object_get(c->definition, "entryPoint"), command, argv);
}

static void build_env(const struct ecs *ecs, const struct task_container *c, struct strv *env)
{
    runner_image_variables(c->image, env);
    runner_set_variable(env, "AWS_DEFAULT_REGION", ecs->aws->region);
    runner_set_variable(env, "AWS_REGION", ecs->aws->region);
    runner_set_variable(env, "AWS_EXECUTION_ENV", "AWS_ECS_FARGATE");
    runner_set_variables(env, json_object_get(c->definition, "environment"));
    runner_set_variables(env, json_object_get(c->override, "environment"));
}

/* Ephemeral volumes are directories of the task; other kinds are empty ones too. */
static size_t build_mounts(struct runner *r, const struct task_container *c,
                           struct oci_mount **mounts, struct strv *paths)
{
    const json_t *points = json_object_get(c->definition, "mountPoints");
    size_t count = 0, i;
    json_t *point;
    *mounts = xcalloc(json_array_size(points) + 1, sizeof **mounts);
    json_array_foreach(points, i, point)
    {
        struct error ignored;
        char *path = xasprintf("%s/%s", r->volumes, value_string(point, "sourceVolume"));
        strv_push_owned(paths, path);
        (void)!directory_make(path, 0755, &ignored);
        (*mounts)[count++] = (struct oci_mount){path, value_string(point, "containerPath"),
                                                value_bool(point, "readOnly", false)};
    }
    return count;
}

static int64_t memory_limit(const struct task *t, const struct task_container *c)
{
    int64_t mib = value_int(c->definition, "memory", 0);
    if (!mib && !str_to_i64(value_string(t->definition, "memory"), &mib))
        mib = 0;
    return mib * 1024 * 1024;
}

static struct container *start_process(struct runner *r, struct task_container *c,
                                       struct error *err)
{
    struct strv argv = STRV_INIT, env = STRV_INIT, paths = STRV_INIT;
    struct oci_mount *mounts;
    struct task *t = r->task;
    int64_t units = 0;
    char hostname[64];
    struct container *process = NULL;
    /* Fargate: ip-10-0-1-2.ec2.internal */
    snprintf(hostname, sizeof hostname, "ip-%s.ec2.internal", t->endpoint.address);
    for (char *p = hostname; p < hostname + 3 + strlen(t->endpoint.address); p++)
        if (*p == '.')
            *p = '-';
    build_argv(c, &argv);
    build_env(r->ecs, c, &env);
    size_t mount_count = build_mounts(r, c, &mounts, &paths);
    (void)!str_to_i64(value_string(t->definition, "cpu"), &units);
    struct container_spec spec = {.id = c->runtime_id,
                                  .image = c->image,
                                  .argv = argv.items,
                                  .argc = argv.count,
                                  .env = env.items,
                                  .env_count = env.count,
                                  .cwd = value_string(c->definition, "workingDirectory"),
                                  .user = value_string(c->definition, "user"),
                                  .hostname = hostname,
                                  .address = t->endpoint.address,
                                  .nameserver = network_gateway(r->ecs->aws->network),
                                  .netns = t->endpoint.netns,
                                  .mounts = mounts,
                                  .mount_count = mount_count,
                                  .read_only_rootfs =
                                      value_bool(c->definition, "readonlyRootFilesystem", false),
                                  .memory_bytes = memory_limit(t, c),
                                  .cpu_shares = units};
    if (argv.count == 0)
        error_set(err, ERROR_INVALID_PARAMETER, "no command specified");
    else
        process = container_start(r->ecs->aws->runtime, &spec, err);
    free(mounts);
    strv_free(&argv);
    strv_free(&env);
    strv_free(&paths);
    return process;
}

/* ---- logs ---- */

/* The awslogs driver: stream prefix/container/task-id, made when absent. *stream stays NULL when
 * there is no log configuration. */
static int open_stream(struct runner *r, struct task_container *c, struct log_stream **stream,
                       struct error *err)
{
    struct cloud_logs *logs = r->ecs->aws->logs;
    const json_t *config = json_object_get(c->definition, "logConfiguration");
    const json_t *options = json_object_get(config, "options");
    *stream = NULL;
    if (strcmp(value_string(config, "logDriver"), "awslogs"))
        return 0;
    const char *group = value_string(options, "awslogs-group");
    AUTO_FREE char *name = xasprintf("%s/%s/%s", value_string(options, "awslogs-stream-prefix"),
                                     value_string(c->definition, "name"), r->task->id);
    if (!strcmp(value_string(options, "awslogs-create-group"), "true") &&
        cloud_logs_create_group(logs, group, err) && err->code != ERROR_CONFLICT)
        return -1;
    if (cloud_logs_create_stream(logs, group, name, err) && err->code != ERROR_CONFLICT)
        return error_wrap(err, "failed to validate logger args: create stream has been retried 1 "
                               "times: failed to create Cloudwatch log stream: "
                               "ResourceNotFoundException");
    *stream = cloud_logs_find(logs, group, name, err);
    return *stream ? 0 : -1;
}

static void emit_events(void *ctx, const struct log_event *events, size_t count)
{
    struct follower *f = ctx;
    log_stream_write(f->stream, events, count);
}

static void emit_bytes(void *ctx, const char *bytes, size_t len)
{
    struct follower *f = ctx;
    if (f->stream)
        line_pump_feed(&f->pump, bytes, len, value_now_ms());
}

/* Thread: output to the log until the container has ended, then its exit code. */
static void *follow(void *arg)
{
    struct follower *f = arg;
    struct task_container *c = f->container;
    if (f->stream)
        line_pump_init(&f->pump, emit_events, f);
    int code = container_follow(c->process, emit_bytes, f);
    if (f->stream) {
        line_pump_finish(&f->pump, value_now_ms());
        log_stream_idle(f->stream);
        log_stream_unref(f->stream);
    }
    pthread_mutex_lock(&f->ecs->lock);
    c->exit_code = code;
    c->has_exit_code = true;
    c->state = CONTAINER_STOPPED;
    c->task->version++;
    if (container_out_of_memory(c->process))
        set_reason(c, "OutOfMemoryError: Container killed due to memory usage");
    pthread_cond_broadcast(&c->task->changed);
    pthread_mutex_unlock(&f->ecs->lock);
    free(f);
    return NULL;
}

static void fail_start(struct task_container *c, const char *kind, const struct error *err)
{
    AUTO_FREE char *reason = xasprintf("%s: %s", kind, err->message);
    set_reason(c, reason);
    c->state = CONTAINER_STOPPED;
    task_stop(c->task, "TaskFailedToStart", reason);
}

static void start_container(struct runner *r, struct task_container *c)
{
    struct error err;
    struct log_stream *stream;
    struct container *process = NULL;
    pthread_mutex_unlock(&r->ecs->lock);
    int rc = open_stream(r, c, &stream, &err);
    if (rc == 0)
        process = start_process(r, c, &err);
    pthread_mutex_lock(&r->ecs->lock);
    if (!process) {
        if (rc == 0 && stream)
            log_stream_unref(stream);
        fail_start(c,
                   rc ? "ResourceInitializationError"
                      : "CannotStartContainerError: ResourceInitializationError: unable to "
                        "create new container",
                   &err);
        return;
    }
    struct follower *f = NEW(struct follower);
    *f = (struct follower){.ecs = r->ecs, .container = c, .stream = stream};
    c->process = process;
    c->state = CONTAINER_RUNNING;
    c->task->version++;
    if (runner_thread(&c->follower, follow, f))
        abort();
    c->following = true;
}

/* ---- the order of containers ---- */

static struct task_container *find_container(struct task *t, const char *name)
{
    for (size_t i = 0; i < t->container_count; i++)
        if (!strcmp(value_string(t->containers[i].definition, "name"), name))
            return &t->containers[i];
    return NULL;
}

static bool is_started(const struct task_container *c)
{
    return c->process || c->state != CONTAINER_PENDING;
}

enum readiness { READY, NOT_YET, NEVER };

static enum readiness dependency_readiness(const struct task_container *on, const char *condition)
{
    if (!strcmp(condition, "START") || !strcmp(condition, "HEALTHY"))
        return is_started(on) ? READY : NOT_YET;
    if (!on->has_exit_code)
        return NOT_YET;
    return !strcmp(condition, "SUCCESS") && on->exit_code != 0 ? NEVER : READY;
}

/* Starts the container when its dependencies allow. */
static void try_start(struct runner *r, struct task_container *c)
{
    size_t i;
    json_t *dependency;
    if (is_started(c))
        return;
    json_array_foreach(json_object_get(c->definition, "dependsOn"), i, dependency)
    {
        struct task_container *on =
            find_container(r->task, value_string(dependency, "containerName"));
        enum readiness ready =
            on ? dependency_readiness(on, value_string(dependency, "condition")) : NEVER;
        if (ready == NEVER) {
            struct error err;
            error_set(&err, ERROR_SYSTEM,
                      "failed to resolve container ordering dependency [%s] for target [%s] as "
                      "dependency did not exit successfully",
                      value_string(dependency, "containerName"),
                      value_string(c->definition, "name"));
            fail_start(c, "dependency graph", &err);
        }
        if (ready != READY)
            return;
    }
    start_container(r, c);
}

static bool essential(const struct task_container *c)
{
    return value_bool(c->definition, "essential", true);
}

/* Starts what can start; true when everything has been started. */
static bool start_ready(struct runner *r)
{
    bool all = true;
    for (size_t i = 0; i < r->task->container_count && !r->task->stop_requested; i++) {
        try_start(r, &r->task->containers[i]);
        all = all && is_started(&r->task->containers[i]);
    }
    return all;
}

/* A task ends with its first essential container, or with its last one. */
static void check_exits(struct task *t)
{
    bool all = true;
    for (size_t i = 0; i < t->container_count; i++) {
        bool stopped = t->containers[i].state == CONTAINER_STOPPED;
        all = all && stopped;
        if (stopped && essential(&t->containers[i])) {
            task_stop(t, "EssentialContainerExited", "Essential container in task exited");
            return;
        }
    }
    if (all)
        task_stop(t, "EssentialContainerExited", "All containers in task exited");
}

static void run_containers(struct runner *r)
{
    struct task *t = r->task;
    while (!t->stop_requested) {
        int64_t seen = t->version; /* starting a container lets others change the task */
        bool all = start_ready(r);
        if (t->stop_requested)
            break;
        if (all && t->state < TASK_RUNNING) {
            task_set_state(t, TASK_ACTIVATING);
            task_set_state(t, TASK_RUNNING);
            seen = t->version;
        }
        check_exits(t);
        while (!t->stop_requested && t->version == seen)
            pthread_cond_wait(&t->changed, &r->ecs->lock);
    }
}

/* ---- the end ---- */

static bool any_running(const struct task *t)
{
    for (size_t i = 0; i < t->container_count; i++)
        if (t->containers[i].process && !t->containers[i].has_exit_code)
            return true;
    return false;
}

static void signal_running(struct task *t, int signal_number)
{
    for (size_t i = 0; i < t->container_count; i++)
        if (t->containers[i].process && !t->containers[i].has_exit_code)
            container_signal(t->containers[i].process, signal_number);
}

static long stop_timeout_ms(const struct task *t)
{
    long longest = 0;
    for (size_t i = 0; i < t->container_count; i++) {
        long s =
            (long)value_int(t->containers[i].definition, "stopTimeout", DEFAULT_STOP_TIMEOUT_S);
        if (t->containers[i].process && !t->containers[i].has_exit_code && s > longest)
            longest = s;
    }
    return longest * 1000;
}

/* SIGTERM, stopTimeout, SIGKILL. */
static void stop_containers(struct runner *r)
{
    struct task *t = r->task;
    struct timespec until = runner_deadline(stop_timeout_ms(t));
    if (!r->ecs->closing)
        signal_running(t, SIGTERM);
    while (any_running(t) && !r->ecs->closing)
        if (pthread_cond_timedwait(&t->changed, &r->ecs->lock, &until) == ETIMEDOUT)
            break;
    signal_running(t, SIGKILL);
    while (any_running(t))
        pthread_cond_wait(&t->changed, &r->ecs->lock);
    for (size_t i = 0; i < t->container_count; i++)
        t->containers[i].state = CONTAINER_STOPPED;
}

static void free_containers(struct runner *r)
{
    struct task *t = r->task;
    struct error ignored;
    pthread_mutex_unlock(&r->ecs->lock);
    for (size_t i = 0; i < t->container_count; i++) {
        struct task_container *c = &t->containers[i];
        if (c->following)
            pthread_join(c->follower, NULL);
        if (c->process)
            container_free(c->process);
    }
    (void)!files_remove_tree(r->volumes, &ignored);
    pthread_mutex_lock(&r->ecs->lock);
    for (size_t i = 0; i < t->container_count; i++)
        t->containers[i].process = NULL;
}

static void detach_network(struct runner *r)
{
    struct network_endpoint endpoint = r->task->endpoint;
    if (!r->task->attached)
        return;
    pthread_mutex_unlock(&r->ecs->lock);
    network_detach(r->ecs->aws->network, &endpoint);
    pthread_mutex_lock(&r->ecs->lock);
}

static long deprovision_ms(const struct runner *r)
{
    long ms = r->ecs->aws->tuning.stop_ms;
    return r->task->attached && ms < NETWORK_LINGER_MS ? NETWORK_LINGER_MS : ms;
}

static void *run(void *arg)
{
    struct runner *r = arg;
    struct ecs *ecs = r->ecs;
    struct task *t = r->task;
    pthread_mutex_lock(&ecs->lock);
    /* The network interface comes first: a description tells the address from PENDING on, while the
     * rest of what the task needs is still made. */
    long network_ms = ecs->aws->tuning.provision_ms / 2;
    delay(r, network_ms, true);
    if (!t->stop_requested)
        attach_network(r);
    if (!t->stop_requested) {
        task_set_state(t, TASK_PENDING);
        delay(r, ecs->aws->tuning.provision_ms - network_ms, true);
    }
    if (!t->stop_requested)
        pull_images(r);
    if (!t->stop_requested)
        run_containers(r);
    task_set_state(t, TASK_DEACTIVATING);
    task_set_state(t, TASK_STOPPING);
    stop_containers(r);
    task_set_state(t, TASK_DEPROVISIONING);
    free_containers(r);
    delay(r, deprovision_ms(r), false);
    detach_network(r);
    task_set_state(t, TASK_STOPPED);
    ecs->runners--;
    pthread_cond_broadcast(&ecs->idle);
    pthread_mutex_unlock(&ecs->lock);
    free(r->volumes);
    free(r);
    return NULL;
}

int task_runner_start(struct ecs *ecs, struct task *task, struct error *err)
{
    struct runner *r = NEW(struct runner);
    pthread_t thread;
    r->ecs = ecs;
    r->task = task;
    r->volumes = xasprintf("%s/volumes/%s", ecs->aws->state_dir, task->id);
    int rc = runner_thread(&thread, run, r);
    if (rc) {
        free(r->volumes);
        free(r);
        return error_errno(err, ERROR_SYSTEM, rc, "thread of task %s", task->id);
    }
    pthread_detach(thread);
    ecs->runners++;
    return 0;
}
