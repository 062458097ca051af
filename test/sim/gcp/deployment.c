/* SPDX-License-Identifier: Apache-2.0
 * The thread that makes a revision serve: an instance of it starts and listens, or what the
 * platform says instead; see service.h. */
#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/gcp/service.h"
#include "test/sim/host/runner.h"

#include <stdio.h>
#include <string.h>

struct deployment {
    struct service *service; /* a reference */
    struct revision *revision;
    char operation[OPERATION_ID_MAX];
};

/* ---- what the platform may say ---- */

/* The quota of CPUs, in the forms that it is refused in. */
static bool quota_refuses(struct gcp *gcp, struct revision *r, struct fate *fate)
{
    static const struct {
        const char *status, *message;
    } disguises[] = {
        {"FAILED_PRECONDITION", "Quota exceeded for total allowable CPU per project per region."},
        {"INVALID_ARGUMENT",
         "Revision '%s' is not ready and cannot serve traffic. Container Healthcheck failed. Quota "
         "exceeded for total allowable CPU per project per region."},
        {"FAILED_PRECONDITION",
         "Revision '%s' is not ready and cannot serve traffic. The user-provided container failed "
         "to start and listen on the port defined provided by the PORT=8080 environment variable "
         "within the allocated timeout. This can happen when the container port is misconfigured "
         "or "
         "if the timeout is too short. Logs for this revision might contain more information."}};
    if (!value_take_one(&gcp->tuning.quota_refused))
        return false;
    size_t which = (size_t)gcp->tuning.quota_disguise % ARRAY_LEN(disguises);
    const char *text = disguises[which].message, *mark = strstr(text, "%s");
    fate->status = disguises[which].status;
    snprintf(fate->message, sizeof fate->message, "%.*s%s%s", mark ? (int)(mark - text) : 0, text,
             mark ? r->id : "", mark ? mark + 2 : text);
    return true;
}

/* An instance starts and listens; it stays for the first request. */
static void try_instance(struct revision *r, struct fate *fate)
{
    struct run *run = r->service->run;
    struct instance *i = instance_start(r);
    if (!i) {
        *fate = (struct fate){"INTERNAL", "no thread for an instance"};
        return;
    }
    instance_keep(i);
    while (i->state == INSTANCE_STARTING && !r->service->deleted)
        pthread_cond_wait(&run->changed, &run->lock);
    if (r->service->deleted)
        *fate = (struct fate){"CANCELLED", "the service was deleted"};
    else if (i->fate.status) {
        fate->status = i->fate.status;
        snprintf(fate->message, sizeof fate->message,
                 "Revision '%s' is not ready and cannot serve traffic. %.800s", r->id,
                 i->fate.message);
    }
    instance_let_go(i);
}

struct fate deployment_carry_out(struct service *s, struct revision *r)
{
    struct run *run = s->run;
    struct fate fate = {0};
    s->deployments++;
    int64_t generation = s->generation;
    run_delay(run, run->gcp->tuning.operation_ms);
    if (r && !quota_refuses(run->gcp, r, &fate) && !r->is_stub)
        try_instance(r, &fate);
    if (r) {
        r->fate = fate;
        r->state = fate.status ? REVISION_FAILED : REVISION_READY;
        if (!fate.status && (!s->ready || s->ready->serial < r->serial))
            s->ready = r;
    }
    if (!fate.status)
        s->observed = generation;
    s->fate = fate;
    s->deployments--;
    pthread_cond_broadcast(&run->changed);
    return fate;
}

/* ---- the thread ---- */

/* The platform puts a function's own image back, as a redeployment of the function would. */
static void reset(struct service *s)
{
    struct run *run = s->run;
    run_delay(run, run->gcp->tuning.service_reset_ms);
    struct revision *stub = s->revisions;
    while (stub && !stub->is_stub)
        stub = stub->next;
    if (s->deleted || !stub)
        return;
    json_t *json = json_deep_copy(s->json);
    json_object_set_new(json, "template", json_deep_copy(stub->template));
    json_object_del(json_object_get(json, "template"), "revision");
    service_replace(s, json, "service-123456789012@gcf-admin-robot.iam.gserviceaccount.com");
    (void)deployment_carry_out(s, service_revise(s, true));
}

static void *carry_out(void *arg)
{
    struct deployment *d = arg;
    struct service *s = d->service;
    struct run *run = s->run;
    pthread_mutex_lock(&run->lock);
    bool resets = d->revision && s->of_function && value_take_one(&run->gcp->tuning.service_reset);
    struct fate fate = deployment_carry_out(s, d->revision);
    operation_tell(run, d->operation, service_typed_json(s));
    operation_end(run, d->operation, fate.status ? NULL : service_typed_json(s), &fate);
    if (resets && !fate.status)
        reset(s);
    service_unref(s);
    run->runners--;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
    free(d);
    return NULL;
}

int deployment_start(struct service *s, struct revision *r, const char *operation,
                     struct error *err)
{
    struct deployment *d = NEW(struct deployment);
    pthread_t thread;
    *d = (struct deployment){.service = service_ref(s), .revision = r};
    snprintf(d->operation, sizeof d->operation, "%s", operation);
    int rc = runner_thread(&thread, carry_out, d);
    if (rc) {
        service_unref(s);
        free(d);
        return error_errno(err, ERROR_SYSTEM, rc, "thread of a deployment");
    }
    pthread_detach(thread);
    s->run->runners++;
    return 0;
}
