/* SPDX-License-Identifier: Apache-2.0
 * One thread an execution: network, pulls, init containers one after the other, containers
 * together, retries, the end; see job.h. The lock of the jobs is held except around what blocks. */
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "test/sim/azure/container_registry.h"
#include "test/sim/azure/job.h"
#include "test/sim/azure/replica_process.h"
#include "test/sim/host/files.h"
#include "test/sim/host/image.h"
#include "test/sim/host/runner.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* The network outlives the containers by this much: with its namespace the kernel drops what a
 * process has sent last and the other side has not received yet. */
enum { NETWORK_LINGER_MS = 50 };

/* An execution's thread. */
struct replica {
    struct execution *e;
    const struct image *images[REPLICA_CONTAINERS_MAX];
    struct timespec deadline; /* of the present attempt */
};

static struct azure *azure_of(const struct replica *r)
{
    return r->e->service->azure;
}

static void lock(const struct replica *r)
{
    pthread_mutex_lock(&r->e->service->lock);
}

static void unlock(const struct replica *r)
{
    pthread_mutex_unlock(&r->e->service->lock);
}

static void delay(const struct replica *r, long ms, bool stoppable)
{
    struct execution *e = r->e;
    struct timespec until = runner_deadline(ms);
    while (ms > 0 && !azure_of(r)->closing && !(stoppable && e->stop_requested))
        if (pthread_cond_timedwait(&e->changed, &e->service->lock, &until) == ETIMEDOUT)
            return;
}

/* The index-th container's description: init containers come first. */
static json_t *container_json(const struct execution *e, size_t index)
{
    const json_t *init = json_object_get(e->template, "initContainers");
    size_t inits = json_array_size(init);
    return index < inits
               ? json_array_get(init, index)
               : json_array_get(json_object_get(e->template, "containers"), index - inits);
}

static void fail(struct execution *e, size_t index, const char *status, const char *reason,
                 const char *message)
{
    free(e->problem);
    e->problem = xstrdup(message);
    e->containers[index].status = status;
    e->containers[index].reason = reason;
    log_debug("execution failed", LOG_STR("execution", e->name), LOG_STR("reason", message));
}

/* ---- before the first attempt ---- */

static int attach_network(const struct replica *r, struct error *err)
{
    struct network_endpoint endpoint;
    unlock(r);
    int rc = network_attach(azure_of(r)->network, r->e->netns_id, &endpoint, err);
    lock(r);
    if (rc)
        return -1;
    r->e->endpoint = endpoint;
    r->e->attached = true;
    return 0;
}

static const struct image *pull(const struct replica *r, size_t index, struct error *err)
{
    const struct azure *azure = azure_of(r);
    const char *reference = value_string(container_json(r->e, index), "image");
    unlock(r);
    const struct image *image =
        container_registry_may_pull(azure->registry, reference, r->e->configuration, err)
            ? image_store_pull(azure->images, reference, err)
            : NULL;
    lock(r);
    return image;
}

/* The address is told while the rest of what the execution needs is still made, as a cloud with
 * addresses does. */
static bool prepare(struct replica *r)
{
    struct execution *e = r->e;
    struct error err;
    long half_ms = azure_of(r)->tuning.provision_ms / 2;
    delay(r, half_ms, true);
    if (!e->stop_requested && attach_network(r, &err)) {
        fail(e, 0, "Waiting", "AssigningReplicaFailed", err.message);
        return false;
    }
    delay(r, half_ms, true);
    for (size_t i = 0; i < e->container_count && !e->stop_requested; i++) {
        r->images[i] = pull(r, i, &err);
        if (!r->images[i]) {
            fail(e, i, "Waiting", "ErrImagePull", err.message);
            return false;
        }
    }
    return !e->stop_requested;
}

/* ---- containers ---- */

static bool all_ended(struct replica_process *const *processes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!replica_process_ended(processes[i]))
            return false;
    return true;
}

static void signal_all(struct replica_process *const *processes, size_t count, int signal_number)
{
    for (size_t i = 0; i < count; i++)
        replica_process_signal(processes[i], signal_number);
}

/* SIGTERM, 30 seconds, SIGKILL. */
static void stop_all(const struct replica *r, struct replica_process *const *processes,
                     size_t count)
{
    struct timespec until = runner_deadline(azure_of(r)->tuning.stop_grace_ms);
    if (!azure_of(r)->closing)
        signal_all(processes, count, SIGTERM);
    while (!all_ended(processes, count) && !azure_of(r)->closing)
        if (pthread_cond_timedwait(&r->e->changed, &r->e->service->lock, &until) == ETIMEDOUT)
            break;
    signal_all(processes, count, SIGKILL);
    while (!all_ended(processes, count))
        pthread_cond_wait(&r->e->changed, &r->e->service->lock);
}

/* Until all have ended, a stop is asked for, or the replica's time is over: true then. */
static bool await_all(const struct replica *r, struct replica_process *const *processes,
                      size_t count)
{
    bool late = false;
    while (!all_ended(processes, count) && !r->e->stop_requested && !late)
        late =
            pthread_cond_timedwait(&r->e->changed, &r->e->service->lock, &r->deadline) == ETIMEDOUT;
    late = late && !all_ended(processes, count);
    if (!all_ended(processes, count))
        stop_all(r, processes, count);
    return late;
}

/* What the end of a container was. True for success. */
static bool judge(const struct replica *r, size_t index, struct replica_process *process, bool late)
{
    struct replica_container *c = &r->e->containers[index];
    bool out_of_memory;
    unlock(r);
    int code = replica_process_finish(process, &out_of_memory);
    lock(r);
    c->status = "Terminated";
    c->code = code;
    c->ended = true;
    c->reason = late            ? "DeadlineExceeded"
                : out_of_memory ? "OOMKilled"
                : code          ? "Error"
                                : "Completed";
    return code == 0 && !late;
}

/* Starts containers first … first+count-1 together and waits for them. */
static bool run_group(const struct replica *r, size_t first, size_t count)
{
    struct replica_process *processes[REPLICA_CONTAINERS_MAX];
    struct execution *e = r->e;
    struct error err;
    size_t started = 0;
    bool good = true;
    while (started < count && good && !e->stop_requested) {
        size_t index = first + started;
        unlock(r);
        struct replica_process *p =
            replica_process_start(e, index, container_json(e, index), r->images[index], &err);
        lock(r);
        if (p) {
            processes[started++] = p;
            e->containers[index].status = "Running";
            e->pid = replica_process_pid(p);
        } else {
            fail(e, index, "Waiting", "CreateContainerError", err.message);
            good = false;
        }
    }
    execution_set_state(e, EXECUTION_RUNNING);
    if (!good)
        stop_all(r, processes, started);
    bool late = await_all(r, processes, started);
    e->pid = 0;
    for (size_t i = 0; i < started; i++)
        good = judge(r, first + i, processes[i], late) && good;
    return good && !e->stop_requested;
}

static void forget_containers(struct execution *e)
{
    for (size_t i = 0; i < e->container_count; i++)
        e->containers[i] = (struct replica_container){.name = ""};
    for (size_t i = 0; i < e->container_count; i++)
        snprintf(e->containers[i].name, sizeof e->containers[i].name, "%s",
                 value_string(container_json(e, i), "name"));
}

static bool attempt(struct replica *r)
{
    struct execution *e = r->e;
    size_t inits = json_array_size(json_object_get(e->template, "initContainers"));
    r->deadline = runner_deadline((long)value_int(e->configuration, "replicaTimeout", 1) * 1000);
    forget_containers(e);
    for (size_t i = 0; i < inits; i++)
        if (!run_group(r, i, 1))
            return false;
    return run_group(r, inits, e->container_count - inits);
}

/* ---- the whole ---- */

static enum execution_state run_attempts(struct replica *r)
{
    struct execution *e = r->e;
    int64_t retries = value_int(e->configuration, "replicaRetryLimit", 0);
    while (!e->stop_requested) {
        if (attempt(r))
            return EXECUTION_SUCCEEDED;
        if (e->retried >= retries)
            break;
        e->retried++;
    }
    return EXECUTION_FAILED;
}

static void release(const struct replica *r)
{
    struct execution *e = r->e;
    struct error ignored;
    AUTO_FREE char *volumes = replica_process_volumes(e);
    delay(r, e->attached ? NETWORK_LINGER_MS : 0, false);
    struct network_endpoint endpoint = e->endpoint;
    bool attached = e->attached;
    unlock(r);
    (void)!files_remove_tree(volumes, &ignored);
    if (attached)
        network_detach(azure_of(r)->network, &endpoint);
    lock(r);
    e->attached = false;
}

static void *run(void *arg)
{
    struct replica r = {.e = arg};
    struct execution *e = arg;
    struct job_service *owner = e->service;
    enum execution_state state = EXECUTION_FAILED;
    lock(&r);
    if (prepare(&r))
        state = run_attempts(&r);
    release(&r);
    execution_set_state(e,
                        e->stop_requested && state == EXECUTION_FAILED ? EXECUTION_STOPPED : state);
    e->alive = false;
    owner->replicas--;
    pthread_cond_broadcast(&owner->changed);
    pthread_mutex_unlock(&owner->lock);
    return NULL;
}

int replica_start(struct execution *e, struct error *err)
{
    pthread_t thread;
    int rc = runner_thread(&thread, run, e);
    if (rc)
        return error_errno(err, ERROR_SYSTEM, rc, "thread of execution %s", e->name);
    pthread_detach(thread);
    e->alive = true;
    e->service->replicas++;
    return 0;
}
