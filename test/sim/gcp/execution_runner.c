/* SPDX-License-Identifier: Apache-2.0
 * One thread an execution: network, pull, attempts, the end; see run.h. The lock of Cloud Run is
 * held except around what blocks. */
#include "base/alloc.h"
#include "base/duration.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "test/sim/gcp/process.h"
#include "test/sim/gcp/run.h"
#include "test/sim/host/image.h"
#include "test/sim/host/runner.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* The network outlives the container by this much: with its namespace the kernel drops what a
 * process has sent last and the other side has not received yet. */
enum { NETWORK_LINGER_MS = 50 };

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

static int start_process(struct execution *e, struct error *err)
{
    char attempt[12];
    AUTO_FREE char *id = xasprintf("%s-%d", e->id, e->retried);
    const char *const variables[] = {
        "CLOUD_RUN_JOB",          e->job_id, "CLOUD_RUN_EXECUTION",  e->id,
        "CLOUD_RUN_TASK_INDEX",   "0",       "CLOUD_RUN_TASK_COUNT", "1",
        "CLOUD_RUN_TASK_ATTEMPT", attempt};
    struct process_spec spec = {.template = e->template,
                                .id = id,
                                .volumes_id = e->id,
                                .image = e->image,
                                .endpoint = &e->endpoint};
    snprintf(attempt, sizeof attempt, "%d", e->retried);
    for (size_t i = 0; i < ARRAY_LEN(variables); i++)
        strv_push(&spec.variables, variables[i]);
    e->process = (struct process){.gcp = e->run->gcp,
                                  .lock = &e->run->lock,
                                  .changed = &e->changed,
                                  .source = {.job = e->job_id, .execution = e->id}};
    int rc = process_start(&e->process, &spec, err);
    strv_free(&spec.variables);
    return rc;
}

/* What the end of an attempt was, put into the execution. True for success. */
static bool judge(struct execution *e, bool timed_out, bool killed)
{
    char message[160];
    e->has_result = true;
    e->exit_code = killed ? 0 : e->process.code;
    e->term_signal = killed ? SIGKILL : 0;
    e->error_code = NULL;
    if (timed_out) {
        fail(e, "DEADLINE_EXCEEDED", NULL, "The configured timeout was reached.");
    } else if (e->cancel_requested) {
        fail(e, "CANCELLED", "CANCELLED", "The execution was cancelled by the user.");
    } else if (container_out_of_memory(e->process.container)) {
        e->exit_code = 0;
        e->term_signal = SIGKILL;
        fail(e, "RESOURCE_EXHAUSTED", "NON_ZERO_EXIT_CODE",
             "The container was terminated: its memory limit was exceeded.");
    } else if (e->process.code) {
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
    struct process *p = &e->process;
    /* Before anything can be written, and no finer than the log's timestamps: a reader that begins
     * at startTime misses nothing. */
    if (!e->started_ns)
        e->started_ns = value_now_ms() * 1000000;
    pthread_mutex_unlock(&e->run->lock);
    int rc = start_process(e, &err);
    pthread_mutex_lock(&e->run->lock);
    if (rc) {
        AUTO_FREE char *message = xasprintf("The container failed to start: %s", err.message);
        fail(e, "FAILED_PRECONDITION", NULL, message);
        return false;
    }
    execution_set_state(e, EXECUTION_RUNNING);
    process_watch(p);
    struct timespec until = runner_deadline(timeout_ms(e));
    bool timed_out = false, killed = false;
    while (!p->ended && !e->cancel_requested && !timed_out)
        timed_out = pthread_cond_timedwait(&e->changed, &e->run->lock, &until) == ETIMEDOUT;
    timed_out = timed_out && !p->ended;
    if (!p->ended)
        killed = process_stop(p);
    bool good = judge(e, timed_out, killed);
    struct process over = *p;
    p->container = NULL;
    pthread_mutex_unlock(&e->run->lock);
    process_reap(&over);
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
    delay(e, e->attached ? NETWORK_LINGER_MS : 0, false);
    struct network_endpoint endpoint = e->endpoint;
    bool attached = e->attached;
    pthread_mutex_unlock(&e->run->lock);
    process_release(gcp, e->id);
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
