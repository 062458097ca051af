/* SPDX-License-Identifier: Apache-2.0
 * One thread an execution: network, pull, attempts, the end; see run.h. The lock of Cloud Run is
 * held except around what blocks. */
#include "base/alloc.h"
#include "base/directory.h"
#include "base/duration.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/sim/gcp/cloud_logging.h"
#include "test/sim/gcp/run.h"
#include "test/sim/host/files.h"
#include "test/sim/host/image.h"
#include "test/sim/host/line_pump.h"
#include "test/sim/host/runner.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* The network outlives the container by this much: with its namespace the kernel drops what a
 * process has sent last and the other side has not received yet. */
enum { NETWORK_LINGER_MS = 50, MOUNTS_MAX = 32 };

/* Output of one attempt. */
struct follower {
    struct execution *execution;
    struct line_pump out, errors;
    const char *job, *id;
    struct cloud_logging *logging;
};

static void delay(struct execution *e, long ms, bool stoppable)
{
    struct timespec until = runner_deadline(ms);
    while (ms > 0 && !e->run->gcp->closing && !(stoppable && e->cancel_requested))
        if (pthread_cond_timedwait(&e->changed, &e->run->lock, &until) == ETIMEDOUT)
            return;
}

static void fail(struct execution *e, const char *code, const char *reason, const char *message)
{
    free(e->message);
    e->message = xstrdup(message);
    e->error_code = code;
    e->reason = reason;
}

static json_t *main_container(const struct execution *e)
{
    return json_array_get(json_object_get(e->template, "containers"), 0);
}

/* ---- before the first attempt ---- */

static int attach_network(struct execution *e, struct error *err)
{
    struct network_endpoint endpoint;
    pthread_mutex_unlock(&e->run->lock);
    int rc = network_attach(e->run->gcp->network, e->netns_id, &endpoint, err);
    pthread_mutex_lock(&e->run->lock);
    if (rc)
        return -1;
    e->endpoint = endpoint;
    e->attached = true;
    return 0;
}

/* The address is told while the rest of what the execution needs is still made, as a cloud with
 * addresses does. */
static bool prepare(struct execution *e)
{
    struct gcp *gcp = e->run->gcp;
    struct error err;
    const char *reference = value_string(main_container(e), "image");
    long network_ms = gcp->tuning.provision_ms / 2;
    delay(e, network_ms, true);
    int rc = e->cancel_requested ? 0 : attach_network(e, &err);
    delay(e, gcp->tuning.provision_ms - network_ms, true);
    if (e->cancel_requested)
        return false;
    pthread_mutex_unlock(&e->run->lock);
    const struct image *image = rc ? NULL : image_store_pull(gcp->images, reference, &err);
    pthread_mutex_lock(&e->run->lock);
    e->image = image;
    if (image)
        return true;
    AUTO_FREE char *message =
        xasprintf("Image '%s' not found or could not be pulled: %s", reference, err.message);
    fail(e, "NOT_FOUND", NULL, message);
    return false;
}

/* ---- one attempt ---- */

static void build_env(const struct execution *e, struct strv *env)
{
    char attempt[12];
    runner_image_variables(e->image, env);
    runner_set_variables(env, json_object_get(main_container(e), "env"));
    snprintf(attempt, sizeof attempt, "%d", e->retried);
    runner_set_variable(env, "CLOUD_RUN_JOB", e->job_id);
    runner_set_variable(env, "CLOUD_RUN_EXECUTION", e->id);
    runner_set_variable(env, "CLOUD_RUN_TASK_INDEX", "0");
    runner_set_variable(env, "CLOUD_RUN_TASK_COUNT", "1");
    runner_set_variable(env, "CLOUD_RUN_TASK_ATTEMPT", attempt);
}

static const json_t *find_volume(const struct execution *e, const char *name)
{
    size_t i;
    json_t *volume;
    json_array_foreach(json_object_get(e->template, "volumes"), i,
                       volume) if (!strcmp(value_string(volume, "name"), name)) return volume;
    return NULL;
}

/* A bucket is a directory of the simulated storage; every other kind begins empty. NULL: a name
 * that is no single path component. */
static char *volume_path(const struct execution *e, const char *name)
{
    const struct gcp *gcp = e->run->gcp;
    const json_t *gcs = json_object_get(find_volume(e, name), "gcs");
    const char *bucket = value_string(gcs, "bucket"), *component = gcs ? bucket : name;
    if (!*component || strchr(component, '/') || component[0] == '.')
        return NULL;
    return gcs ? xasprintf("%s/%s", gcp->gcs_dir, bucket)
               : xasprintf("%s/volumes/%s/%s", gcp->state_dir, e->id, name);
}

static size_t build_mounts(const struct execution *e, struct oci_mount mounts[MOUNTS_MAX],
                           struct strv *paths)
{
    size_t i, count = 0;
    json_t *mount;
    json_array_foreach(json_object_get(main_container(e), "volumeMounts"), i, mount)
    {
        const char *name = value_string(mount, "name");
        const json_t *gcs = json_object_get(find_volume(e, name), "gcs");
        struct error ignored;
        char *path = volume_path(e, name);
        if (!path || count == MOUNTS_MAX)
            continue;
        strv_push_owned(paths, path);
        (void)!directory_make(path, 0755, &ignored);
        mounts[count++] = (struct oci_mount){path, value_string(mount, "mountPath"),
                                             value_bool(gcs, "readOnly", false)};
    }
    return count;
}

static struct container *start_process(struct execution *e, struct error *err)
{
    struct strv argv = STRV_INIT, env = STRV_INIT, paths = STRV_INIT;
    struct oci_mount mounts[MOUNTS_MAX];
    struct gcp *gcp = e->run->gcp;
    const json_t *limits =
        json_object_get(json_object_get(main_container(e), "resources"), "limits");
    int64_t bytes = 0, millis = 0;
    struct container *process = NULL;
    AUTO_FREE char *id = xasprintf("%s-%d", e->id, e->retried);
    (void)!job_quantity_bytes(value_string(limits, "memory"), &bytes);
    (void)!job_quantity_millis(value_string(limits, "cpu"), &millis);
    runner_command_line(e->image, json_object_get(main_container(e), "command"),
                        json_object_get(main_container(e), "args"), &argv);
    build_env(e, &env);
    struct container_spec spec = {.id = id,
                                  .image = e->image,
                                  .argv = argv.items,
                                  .argc = argv.count,
                                  .env = env.items,
                                  .env_count = env.count,
                                  .cwd = value_string(main_container(e), "workingDir"),
                                  .hostname = "localhost",
                                  .address = e->endpoint.address,
                                  .nameserver = network_gateway(gcp->network),
                                  .netns = e->endpoint.netns,
                                  .mounts = mounts,
                                  .mount_count = build_mounts(e, mounts, &paths),
                                  .memory_bytes = bytes,
                                  .cpu_shares = millis * 1024 / 1000,
                                  .separate_stderr = true};
    if (argv.count == 0)
        error_set(err, ERROR_INVALID_PARAMETER, "no command specified");
    else
        process = container_start(gcp->runtime, &spec, err);
    strv_free(&argv);
    strv_free(&env);
    strv_free(&paths);
    return process;
}

static void emit_out_events(void *ctx, const struct log_event *events, size_t count)
{
    const struct follower *f = ctx;
    cloud_logging_write(f->logging, f->job, f->id, false, events, count);
}

static void emit_error_events(void *ctx, const struct log_event *events, size_t count)
{
    const struct follower *f = ctx;
    cloud_logging_write(f->logging, f->job, f->id, true, events, count);
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
    struct follower *f = arg;
    struct execution *e = f->execution;
    line_pump_init(&f->out, emit_out_events, f);
    line_pump_init(&f->errors, emit_error_events, f);
    int code = container_follow_both(e->process, emit_out, emit_errors, f);
    line_pump_finish(&f->out, value_now_ms());
    line_pump_finish(&f->errors, value_now_ms());
    pthread_mutex_lock(&e->run->lock);
    e->process_code = code;
    e->process_ended = true;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->run->lock);
    free(f);
    return NULL;
}

/* SIGTERM, ten seconds, SIGKILL ("Task timeout" and "Container runtime contract"). True when it
 * had to be killed. */
static bool stop_process(struct execution *e)
{
    struct timespec until = runner_deadline(e->run->gcp->tuning.stop_grace_ms);
    if (!e->run->gcp->closing)
        container_signal(e->process, SIGTERM);
    while (!e->process_ended && !e->run->gcp->closing)
        if (pthread_cond_timedwait(&e->changed, &e->run->lock, &until) == ETIMEDOUT)
            break;
    if (e->process_ended)
        return false;
    container_signal(e->process, SIGKILL);
    while (!e->process_ended)
        pthread_cond_wait(&e->changed, &e->run->lock);
    return true;
}

/* What the end of an attempt was, put into the execution. True for success. */
static bool judge(struct execution *e, bool timed_out, bool killed)
{
    char message[160];
    e->has_result = true;
    e->exit_code = killed ? 0 : e->process_code;
    e->term_signal = killed ? SIGKILL : 0;
    e->error_code = NULL;
    if (timed_out) {
        fail(e, "DEADLINE_EXCEEDED", NULL, "The configured timeout was reached.");
    } else if (e->cancel_requested) {
        fail(e, "CANCELLED", "CANCELLED", "The execution was cancelled by the user.");
    } else if (container_out_of_memory(e->process)) {
        e->exit_code = 0;
        e->term_signal = SIGKILL;
        fail(e, "RESOURCE_EXHAUSTED", "NON_ZERO_EXIT_CODE",
             "The container was terminated: its memory limit was exceeded.");
    } else if (e->process_code) {
        snprintf(message, sizeof message,
                 "Task %s-task0 failed with message: The container exited with an error.", e->id);
        fail(e, "UNKNOWN", "NON_ZERO_EXIT_CODE", message);
    }
    return !e->error_code;
}

static long timeout_ms(const struct execution *e)
{
    int64_t ns;
    return duration_parse_seconds(value_string(e->template, "timeout"), &ns) ? ns / 1000000
                                                                             : 600 * 1000;
}

static bool attempt(struct execution *e)
{
    struct error err;
    pthread_t thread;
    /* Before anything can be written, and no finer than the log's timestamps: a reader that begins
     * at startTime misses nothing. */
    if (!e->started_ns)
        e->started_ns = value_now_ms() * 1000000;
    pthread_mutex_unlock(&e->run->lock);
    struct container *process = start_process(e, &err);
    pthread_mutex_lock(&e->run->lock);
    if (!process) {
        AUTO_FREE char *message = xasprintf("The container failed to start: %s", err.message);
        fail(e, "FAILED_PRECONDITION", NULL, message);
        return false;
    }
    struct follower *f = NEW(struct follower);
    f->execution = e;
    f->job = e->job_id;
    f->id = e->id;
    f->logging = e->run->gcp->logging;
    e->process = process;
    e->process_ended = false;
    execution_set_state(e, EXECUTION_RUNNING);
    if (runner_thread(&thread, follow, f))
        abort();
    struct timespec until = runner_deadline(timeout_ms(e));
    bool timed_out = false, killed = false;
    while (!e->process_ended && !e->cancel_requested && !timed_out)
        timed_out = pthread_cond_timedwait(&e->changed, &e->run->lock, &until) == ETIMEDOUT;
    timed_out = timed_out && !e->process_ended;
    if (!e->process_ended)
        killed = stop_process(e);
    bool good = judge(e, timed_out, killed);
    e->process = NULL;
    pthread_mutex_unlock(&e->run->lock);
    pthread_join(thread, NULL);
    container_free(process);
    pthread_mutex_lock(&e->run->lock);
    return good;
}

/* ---- the whole ---- */

static enum execution_state run_attempts(struct execution *e)
{
    int64_t retries = value_int(e->template, "maxRetries", 3);
    while (!e->cancel_requested) {
        if (attempt(e))
            return EXECUTION_SUCCEEDED;
        if (e->cancel_requested || e->retried >= retries)
            break;
        e->retried++;
    }
    return e->cancel_requested ? EXECUTION_CANCELLED : EXECUTION_FAILED;
}

static void release(struct execution *e)
{
    struct gcp *gcp = e->run->gcp;
    struct error ignored;
    AUTO_FREE char *volumes = xasprintf("%s/volumes/%s", gcp->state_dir, e->id);
    delay(e, e->attached ? NETWORK_LINGER_MS : 0, false);
    struct network_endpoint endpoint = e->endpoint;
    bool attached = e->attached;
    pthread_mutex_unlock(&e->run->lock);
    (void)!files_remove_tree(volumes, &ignored);
    if (attached)
        network_detach(gcp->network, &endpoint);
    pthread_mutex_lock(&e->run->lock);
    e->attached = false;
}

static void *run(void *arg)
{
    struct execution *e = arg;
    struct run *owner = e->run;
    enum execution_state state = EXECUTION_FAILED;
    pthread_mutex_lock(&owner->lock);
    if (prepare(e))
        state = run_attempts(e);
    if (e->cancel_requested && state == EXECUTION_FAILED) {
        fail(e, "CANCELLED", "CANCELLED", "The execution was cancelled by the user.");
        state = EXECUTION_CANCELLED;
    }
    release(e);
    execution_set_state(e, state);
    e->running = false;
    owner->runners--;
    pthread_cond_broadcast(&owner->changed);
    pthread_mutex_unlock(&owner->lock);
    return NULL;
}

int execution_runner_start(struct execution *e, struct error *err)
{
    pthread_t thread;
    int rc = runner_thread(&thread, run, e);
    if (rc)
        return error_errno(err, ERROR_SYSTEM, rc, "thread of execution %s", e->id);
    pthread_detach(thread);
    e->running = true;
    e->run->runners++;
    return 0;
}
