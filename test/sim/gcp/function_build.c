/* SPDX-License-Identifier: Apache-2.0
 * The thread that carries out what was asked of a function: the build of its source, its service,
 * its deletion; see function.h. The operation tells how far it is, stage by stage. */
#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/sim/gcp/function.h"
#include "test/sim/gcp/resource.h"
#include "test/sim/host/runner.h"

#include <stdio.h>
#include <string.h>

#define METADATA_TYPE "type.googleapis.com/google.cloud.functions.v2.OperationMetadata"
#define FUNCTION_TYPE "type.googleapis.com/google.cloud.functions.v2.Function"
#define EMPTY_TYPE "type.googleapis.com/google.protobuf.Empty"

enum stage { STAGE_ARTIFACT_REGISTRY, STAGE_BUILD, STAGE_SERVICE, STAGES };

struct work {
    struct function *function; /* busy: nobody else frees it */
    enum function_work kind;
    char operation[OPERATION_ID_MAX];
    int64_t created_ns;
    json_t *request;
};

static void work_free(struct work *w)
{
    json_decref(w->request);
    free(w);
}

/* ---- what the operation tells ---- */

static json_t *stages_json(enum stage at)
{
    static const char *const names[] = {"ARTIFACT_REGISTRY", "BUILD", "SERVICE"};
    json_t *out = json_array();
    for (int i = 0; i < STAGES; i++)
        json_array_append_new(out, json_pack("{s:s, s:s, s:s}", "name", names[i], "message",
                                             i < (int)at ? "" : "Creating", "state",
                                             i < (int)at    ? "COMPLETE"
                                             : i == (int)at ? "IN_PROGRESS"
                                                            : "NOT_STARTED"));
    return out;
}

static json_t *metadata_json(const struct work *w, enum stage at, bool over)
{
    static const char *const verbs[] = {"create", "update", "update", "delete"};
    static const char *const types[] = {"CREATE_FUNCTION", "UPDATE_FUNCTION", "UPDATE_FUNCTION",
                                        "DELETE_FUNCTION"};
    const struct gcp *gcp = w->function->run->gcp;
    AUTO_FREE char *target = resource_name(gcp, "functions", w->function->id);
    json_t *out =
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "@type", METADATA_TYPE, "target", target, "verb",
                  verbs[w->kind], "apiVersion", "v2", "operationType", types[w->kind]);
    gcp_set_time(out, "createTime", w->created_ns);
    if (over)
        gcp_set_time(out, "endTime", time_now_ns());
    if (w->request)
        json_object_set(out, "requestResource", w->request);
    if (w->kind == FUNCTION_DELETE)
        return out;
    json_object_set_new(out, "stages", stages_json(at));
    if (*w->function->build) {
        AUTO_FREE char *build = xasprintf("projects/" GCP_PROJECT_NUMBER "/locations/%s/builds/%s",
                                          gcp->region, w->function->build);
        value_set_text(out, "buildName", build);
    }
    return out;
}

static void tell(const struct work *w, enum stage at)
{
    operation_tell(w->function->run, w->operation, metadata_json(w, at, false));
}

/* ---- building ---- */

static bool build(struct work *w, struct fate *fate)
{
    struct function *f = w->function;
    struct gcp *gcp = f->run->gcp;
    struct error err;
    run_delay(f->run, gcp->tuning.build_ms);
    if (value_take_one(&gcp->tuning.build_fails))
        error_set(&err, ERROR_INVALID_PARAMETER,
                  "Build failed with status: FAILURE and message: An unexpected error occurred. "
                  "Refer to build logs.");
    else if (source_upload_check(gcp, json_object_get(f->json, "buildConfig"), &err) == 0)
        return true;
    fate->status = "INVALID_ARGUMENT";
    snprintf(fate->message, sizeof fate->message,
             "%.700s. For more details see the logs at "
             "https://console.cloud.google.com/cloud-build/builds;region=%s/%s?project=" //
             GCP_PROJECT_NUMBER ".",
             err.message, gcp->region, f->build);
    return false;
}

/* The service with the built image: a new one, or a new revision of the one that there is, which
 * loses whatever others have changed in it. */
static bool deploy(struct work *w, struct fate *fate)
{
    struct function *f = w->function;
    struct run *run = f->run;
    struct error err;
    f->versions++;
    json_t *json = function_service_json(f);
    if (service_check(run->gcp, json, f->id, &err)) {
        *fate = (struct fate){.status = "INVALID_ARGUMENT"};
        snprintf(fate->message, sizeof fate->message,
                 "Could not create or update Cloud Run service %s, %s", f->id, err.message);
        json_decref(json);
        return false;
    }
    struct service *s = service_find(run, f->id);
    if (s)
        service_replace(s, json, "gcf-admin-robot");
    else
        s = service_new(run, f->id, json, "gcf-admin-robot");
    s->of_function = true;
    service_ref(s);
    struct revision *r = service_revise(s, true);
    snprintf(f->revision, sizeof f->revision, "%s", r->id);
    struct fate done = deployment_carry_out(s, r);
    service_unref(s);
    if (done.status) {
        fate->status = done.status;
        snprintf(fate->message, sizeof fate->message,
                 "Could not create or update Cloud Run service %s. %.800s", f->id, done.message);
    }
    return !done.status;
}

static void make(struct work *w, struct fate *fate)
{
    struct function *f = w->function;
    f->state = FUNCTION_DEPLOYING;
    value_uuid(f->build);
    tell(w, STAGE_BUILD);
    if (build(w, fate)) {
        tell(w, STAGE_SERVICE);
        (void)deploy(w, fate);
    }
    f->fate = *fate;
    f->state = fate->status ? FUNCTION_FAILED : FUNCTION_ACTIVE;
}

static void unmake(struct work *w)
{
    struct function *f = w->function;
    run_delay(f->run, f->run->gcp->tuning.operation_ms);
    struct service *s = service_find(f->run, f->id);
    if (s)
        service_delete(s);
}

/* ---- the thread ---- */

static void *carry_out(void *arg)
{
    struct work *w = arg;
    struct function *f = w->function;
    struct run *run = f->run;
    struct fate fate = {0};
    pthread_mutex_lock(&run->lock);
    if (w->kind == FUNCTION_DELETE)
        unmake(w);
    else if (w->kind == FUNCTION_RELABEL)
        run_delay(run, run->gcp->tuning.operation_ms);
    else
        make(w, &fate);
    operation_tell(run, w->operation, metadata_json(w, STAGES, true));
    json_t *response = w->kind == FUNCTION_DELETE ? json_pack("{s:s}", "@type", EMPTY_TYPE)
                                                  : function_json(f, true);
    if (w->kind != FUNCTION_DELETE)
        value_set_text(response, "@type", FUNCTION_TYPE);
    operation_end(run, w->operation, response, &fate);
    f->busy = false;
    if (w->kind == FUNCTION_DELETE)
        function_free(f);
    run->runners--;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
    work_free(w);
    return NULL;
}

json_t *function_build_start(struct function *f, enum function_work kind, struct error *err)
{
    struct work *w = NEW(struct work);
    pthread_t thread;
    char id[37];
    value_uuid(id);
    *w = (struct work){.function = f, .kind = kind, .created_ns = time_now_ns()};
    snprintf(w->operation, sizeof w->operation, "operation-%s", id);
    if (kind != FUNCTION_DELETE) {
        w->request = json_deep_copy(f->json);
        value_set_text(w->request, "@type", FUNCTION_TYPE);
    }
    f->busy = true;
    if (kind != FUNCTION_RELABEL)
        f->state = kind == FUNCTION_DELETE ? FUNCTION_DELETING : FUNCTION_DEPLOYING;
    json_t *operation =
        operation_open(f->run, w->operation, metadata_json(w, STAGE_ARTIFACT_REGISTRY, false));
    int rc = runner_thread(&thread, carry_out, w);
    if (rc) {
        error_errno(err, ERROR_SYSTEM, rc, "thread of function %s", f->id);
        f->busy = false;
        work_free(w);
        json_decref(operation);
        return NULL;
    }
    pthread_detach(thread);
    f->run->runners++;
    return operation;
}
