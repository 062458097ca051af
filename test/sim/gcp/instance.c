/* SPDX-License-Identifier: Apache-2.0
 * One thread an instance: network, pull, container, its port, idleness, the end; see service.h. The
 * lock of Cloud Run is held except around what blocks. */
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "test/sim/gcp/resource.h"
#include "test/sim/gcp/service.h"
#include "test/sim/host/runner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

enum { PROBE_EVERY_MS = 10, PROBE_TIMEOUT_MS = 1000, NETWORK_LINGER_MS = 50 };

const json_t *instance_container(const struct instance *i)
{
    return json_array_get(json_object_get(i->revision->template, "containers"), 0);
}

long instance_port(const struct revision *r)
{
    const json_t *container = json_array_get(json_object_get(r->template, "containers"), 0);
    return (long)value_int(json_array_get(json_object_get(container, "ports"), 0), "containerPort",
                           8080);
}

static void instance_free(struct instance *i)
{
    struct service *s = i->revision->service;
    pthread_cond_destroy(&i->changed);
    free(i);
    service_unref(s);
}

void instance_keep(struct instance *i)
{
    i->users++;
}

void instance_let_go(struct instance *i)
{
    i->users--;
    if (i->over && !i->users)
        instance_free(i);
}

static void set_state(struct instance *i, enum instance_state state)
{
    i->state = state;
    i->idle_ms = value_now_ms();
    pthread_cond_broadcast(&i->changed);
    pthread_cond_broadcast(&i->revision->service->run->changed);
}

static bool must_end(const struct instance *i)
{
    return i->end_requested || i->revision->service->run->gcp->closing;
}

static void wait_for(struct instance *i, long ms)
{
    struct timespec until = runner_deadline(ms);
    (void)!pthread_cond_timedwait(&i->changed, &i->revision->service->run->lock, &until);
}

static void fail(struct instance *i, const char *status, const char *message)
{
    i->fate.status = status;
    snprintf(i->fate.message, sizeof i->fate.message, "%s", message);
}

/* ---- the start ---- */

static void push_variable(struct strv *v, const char *name, const char *value)
{
    strv_push(v, name);
    strv_push(v, value);
}

static int start_container(struct instance *i, const struct image *image, struct error *err)
{
    char port[12];
    struct run *run = i->revision->service->run;
    struct process_spec spec = {.template = i->revision->template,
                                .id = i->id,
                                .volumes_id = i->id,
                                .image = image,
                                .endpoint = &i->endpoint};
    snprintf(port, sizeof port, "%ld", instance_port(i->revision));
    push_variable(&spec.variables, "PORT", port);
    push_variable(&spec.variables, "K_SERVICE", i->revision->service->id);
    push_variable(&spec.variables, "K_REVISION", i->revision->id);
    push_variable(&spec.variables, "K_CONFIGURATION", i->revision->service->id);
    i->process = (struct process){.gcp = run->gcp,
                                  .lock = &run->lock,
                                  .changed = &i->changed,
                                  .source = {.service = i->revision->service->id,
                                             .revision = i->revision->id,
                                             .instance = i->id}};
    int rc = process_start(&i->process, &spec, err);
    strv_free(&spec.variables);
    return rc;
}

static bool port_answers(const char *address, long port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {.tv_sec = PROBE_TIMEOUT_MS / 1000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    inet_pton(AF_INET, address, &at.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    bool ok = connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
    close(fd);
    return ok;
}

/* The default startup probe: TCP, until the port answers. */
static void await_port(struct instance *i)
{
    struct run *run = i->revision->service->run;
    int64_t until = value_now_ms() + run->gcp->tuning.startup_timeout_ms;
    long port = instance_port(i->revision);
    char message[512];
    bool answers = false;
    while (!i->process.ended && !must_end(i) && value_now_ms() < until && !answers) {
        pthread_mutex_unlock(&run->lock);
        answers = port_answers(i->endpoint.address, port);
        pthread_mutex_lock(&run->lock);
        if (!answers)
            wait_for(i, PROBE_EVERY_MS);
    }
    if (answers && !i->process.ended)
        return;
    snprintf(message, sizeof message,
             "The user-provided container failed to start and listen on the port defined provided "
             "by the PORT=%ld environment variable within the allocated timeout. This can happen "
             "when the container port is misconfigured or if the timeout is too short.%s Logs for "
             "this revision might contain more information.",
             port, i->process.ended ? " The container exited." : "");
    fail(i, must_end(i) ? "CANCELLED" : "FAILED_PRECONDITION", message);
}

static void start(struct instance *i)
{
    struct run *run = i->revision->service->run;
    struct gcp *gcp = run->gcp;
    struct error err = {0};
    struct network_endpoint endpoint;
    const struct image *image = NULL;
    const char *reference = value_string(instance_container(i), "image");
    run_delay(run, gcp->tuning.provision_ms);
    pthread_mutex_unlock(&run->lock);
    int rc = network_attach(gcp->network, i->netns_id, &endpoint, &err);
    if (rc == 0)
        image = image_store_pull(gcp->images, reference, &err);
    pthread_mutex_lock(&run->lock);
    i->attached = rc == 0;
    i->endpoint = endpoint;
    if (!image) {
        AUTO_FREE char *message =
            xasprintf("Image '%s' not found or could not be pulled: %s", reference, err.message);
        fail(i, "NOT_FOUND", message);
        return;
    }
    if (must_end(i)) {
        fail(i, "CANCELLED", "the instance is not needed any more");
        return;
    }
    pthread_mutex_unlock(&run->lock);
    rc = start_container(i, image, &err);
    pthread_mutex_lock(&run->lock);
    if (rc) {
        fail(i, "FAILED_PRECONDITION", err.message);
        return;
    }
    process_watch(&i->process);
    await_port(i);
}

/* ---- from then on ---- */

/* Without requests an instance ends after a while, unless so many are to stay. */
static bool is_idle(const struct instance *i)
{
    const struct revision *r = i->revision;
    const json_t *scaling = json_object_get(r->template, "scaling");
    if (i->in_flight)
        return false;
    if (r->service->ready != r && r->state != REVISION_DEPLOYING)
        return true;
    return (int64_t)r->instance_count > value_int(scaling, "minInstanceCount", 0) &&
           value_now_ms() - i->idle_ms >= r->service->run->gcp->tuning.idle_ms;
}

static void serve(struct instance *i)
{
    set_state(i, INSTANCE_READY);
    while (!i->process.ended && !must_end(i) && !is_idle(i)) {
        long idle_ms = i->revision->service->run->gcp->tuning.idle_ms;
        wait_for(i, i->in_flight || idle_ms > 1000 ? 1000 : idle_ms ? idle_ms : 1);
    }
}

static void end(struct instance *i)
{
    struct run *run = i->revision->service->run;
    set_state(i, INSTANCE_ENDING);
    struct process over = i->process;
    if (over.container) {
        (void)!process_stop(&i->process);
        over = i->process;
        i->process.container = NULL;
        run_delay(run, NETWORK_LINGER_MS);
    }
    struct network_endpoint endpoint = i->endpoint;
    bool attached = i->attached;
    pthread_mutex_unlock(&run->lock);
    if (over.container)
        process_reap(&over);
    process_release(run->gcp, i->id);
    if (attached)
        network_detach(run->gcp->network, &endpoint);
    pthread_mutex_lock(&run->lock);
    i->attached = false;
}

static void *life(void *arg)
{
    struct instance *i = arg;
    struct run *run = i->revision->service->run;
    pthread_mutex_lock(&run->lock);
    start(i);
    if (!i->fate.status)
        serve(i);
    log_debug("instance ends", LOG_STR("revision", i->revision->id), LOG_STR("instance", i->id),
              LOG_STR("reason", i->fate.status ? i->fate.message : ""));
    end(i);
    LL_DELETE(i->revision->instances, i);
    i->revision->instance_count--;
    run->instance_count--;
    i->over = true;
    instance_let_go(i);
    run->runners--;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
    return NULL;
}

struct instance *instance_start(struct revision *r)
{
    struct instance *i = NEW(struct instance);
    struct run *run = r->service->run;
    pthread_t thread;
    i->revision = r;
    service_ref(r->service);
    value_random_hex(i->id, 32);
    value_random_hex(i->netns_id, NETWORK_ID_LEN);
    resource_cond_init(&i->changed);
    i->users = 1;
    if (runner_thread(&thread, life, i)) {
        instance_free(i);
        return NULL;
    }
    pthread_detach(thread);
    LL_PREPEND(r->instances, i);
    r->instance_count++;
    run->instance_count++;
    run->runners++;
    return i;
}
