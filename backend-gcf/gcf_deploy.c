/* SPDX-License-Identifier: Apache-2.0
 * Functions; see gcf_deploy.h. A function's name says what it is made of, so making one twice finds
 * the first. */
#include "gcf_deploy.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloud/gcp/gcp_label.h"
#include "gcf_archive.h"
#include "gcf_names.h"
#include "gcf_upload.h"
#include "json/json_doc.h"
#include "loop/co.h"

#include <string.h>

enum {
    CREATE_LONGEST_MS = 600000,
    DELETE_LONGEST_MS = 300000,
    STATE_PAUSE_MS = 2000,
    TRIES = 3, /* found, deleted, made anew */
};

/* ---- what is there ---- */

/* *doc NULL: there is none. */
static int co_look(struct gcf_api *api, const char *name, json_t **doc, struct error *err)
{
    const struct gcp_service functions = gcf_functions(api);
    struct cloud_error why;
    *doc = NULL;
    if (co_gcp_get(&functions, "get function", name, doc, &why, err) == 0)
        return 0;
    return gcp_error_is(&why, "NOT_FOUND") ? 0 : -1;
}

static bool is_state(const json_t *doc, const char *state)
{
    return strcmp(json_doc_text(doc, "state"), state) == 0;
}

/* Until it is neither made nor deleted any more: by us before a crash, or given up on. */
static int co_look_settled(struct gcf_api *api, const char *name, json_t **doc, struct error *err)
{
    int64_t deadline_ms = time_mono_ms() + CREATE_LONGEST_MS;
    for (;;) {
        if (co_look(api, name, doc, err))
            return -1;
        if (!*doc || (!is_state(*doc, "DEPLOYING") && !is_state(*doc, "DELETING")))
            return 0;
        if (time_mono_ms() >= deadline_ms)
            return error_set(err, ERROR_DEADLINE, "cloudfunctions: %s stays in state %s",
                             strrchr(name, '/') + 1, json_doc_text(*doc, "state"));
        json_decref(STEAL(*doc));
        if (co_sleep(STATE_PAUSE_MS, err))
            return -1;
    }
}

/* ---- making one ---- */

static json_t *describe(const struct gcf_api *api, const struct gcf_deployment *d, json_t *source)
{
    const struct gcf_config *config = api->config;
    char instance[GCP_LABEL_MAX + 1];
    AUTO_FREE char *memory = xasprintf("%dMi", d->shape.size.memory_mib);
    AUTO_FREE char *cpu = xasprintf("%d", d->shape.size.cpu_units / CLOUD_CPU_UNITS);
    gcp_label_value(api->instance, instance);
    json_t *build = json_pack("{s:s, s:s, s:{s:O}}", "runtime", config->runtime, "entryPoint",
                              GCF_ENTRY_POINT, "source", "storageSource", source);
    if (!str_empty(config->build_account))
        json_object_set_new(
            build, "serviceAccount",
            json_sprintf("projects/%s/serviceAccounts/%s", config->project, config->build_account));
    json_t *service =
        json_pack("{s:s, s:s, s:I, s:I, s:i, s:s}", "availableMemory", memory, "availableCpu", cpu,
                  "timeoutSeconds", (json_int_t)config->timeout_s, "maxInstanceCount",
                  (json_int_t)config->max_instances, "maxInstanceRequestConcurrency", 1,
                  "ingressSettings", "ALLOW_ALL");
    if (!str_empty(config->service_account))
        json_object_set_new(service, "serviceAccountEmail", json_string(config->service_account));
    return json_pack("{s:s, s:s, s:{s:s, s:s, s:s}, s:o, s:o}", "environment", "GEN_2",
                     "description", "Sockerless: a container image as a function", "labels",
                     GCP_LABEL_MANAGED, "true", GCP_LABEL_INSTANCE, instance, "sockerless-pool",
                     d->content, "buildConfig", build, "serviceConfig", service);
}

static int co_call_create(struct gcf_api *api, const struct gcf_deployment *d, json_t *source,
                          json_t **operation, struct cloud_error *why, struct error *err)
{
    AUTO(buf) struct buf body = BUF_INIT;
    json_t *function AUTO(json) = describe(api, d, source);
    char *text = json_dumps(function, JSON_COMPACT);
    buf_puts(&body, text);
    free(text);
    const struct gcp_service functions = gcf_functions(api);
    AUTO_FREE char *target =
        xasprintf("projects/%s/locations/%s/functions?functionId=%s", api->config->project,
                  api->config->region, strrchr(d->name, '/') + 1);
    return co_gcp_change(&functions, "create function", "POST", target, &body, operation, why, err);
}

/* 0: it is there, or another try of ours is making it. */
static int co_create(struct gcf_api *api, const struct gcf_deployment *d, struct error *err)
{
    const struct gcp_service functions = gcf_functions(api);
    json_t *source AUTO(json) = NULL, *operation AUTO(json) = NULL;
    struct cloud_error why;
    struct error ignored;
    if (co_gcf_upload(api, &source, err))
        return -1;
    if (co_call_create(api, d, source, &operation, &why, err))
        return gcp_error_is(&why, "ALREADY_EXISTS") ? 0 : -1;
    if (co_gcp_operation_wait(&functions, "create function", CREATE_LONGEST_MS, &operation, &why,
                              err) == 0)
        return 0;
    const char *hint = gcf_quota_hint(why.message);
    if (*hint) {
        struct error told = *err;
        error_set(err, told.code, "%s%s", told.message, hint);
    }
    /* What failed stays as a function in state FAILED. */
    if (err->code != ERROR_CANCELLED && co_gcf_delete(api, d->name, false, &ignored))
        log_warn("a function that failed is still there", LOG_STR("function", d->name),
                 LOG_STR("error", ignored.message));
    return -1;
}

/* A FAILED one cannot be mended, and its reason is old. */
static int co_ensure_active(struct gcf_api *api, const struct gcf_deployment *d, json_t **doc,
                            struct error *err)
{
    for (int i = 0; i < TRIES; i++) {
        if (co_look_settled(api, d->name, doc, err))
            return -1;
        if (*doc && !is_state(*doc, "FAILED"))
            return 0;
        if (*doc ? co_gcf_delete(api, d->name, true, err) : co_create(api, d, err))
            return -1;
        json_decref(STEAL(*doc));
    }
    return error_set(err, ERROR_SYSTEM, "cloudfunctions: %s does not become active",
                     strrchr(d->name, '/') + 1);
}

int co_gcf_deploy(struct gcf_api *api, const struct gcf_deployment *d, char **uri,
                  struct error *err)
{
    json_t *doc AUTO(json) = NULL;
    if (co_ensure_active(api, d, &doc, err))
        return -1;
    const char *service = json_doc_text(json_object_get(doc, "serviceConfig"), "service");
    AUTO_FREE char *usual = xasprintf("projects/%s/locations/%s/services/%s", api->config->project,
                                      api->config->region, strrchr(d->name, '/') + 1);
    return co_gcf_service_settle(api, gcf_service_valid(service) ? service : usual, &d->shape, uri,
                                 err);
}

/* ---- the rest ---- */

int co_gcf_find_uri(struct gcf_api *api, const char *name, char **uri, struct error *err)
{
    json_t *doc AUTO(json) = NULL;
    *uri = NULL;
    if (co_look(api, name, &doc, err))
        return -1;
    const json_t *config = json_object_get(doc, "serviceConfig");
    const char *text = json_doc_text(config, "uri");
    if (!doc)
        return 0;
    if (*text) {
        *uri = xstrdup(text);
        return 0;
    }
    /* It may be missing: the service knows. */
    const struct gcp_service run = gcf_services(api);
    json_t *service AUTO(json) = NULL;
    struct cloud_error why;
    const char *known = json_doc_text(config, "service");
    if (!gcf_service_valid(known))
        return error_set(err, ERROR_SYSTEM, "cloudfunctions: %s has neither an URL nor a service",
                         strrchr(name, '/') + 1);
    if (co_gcp_get(&run, "get service", known, &service, &why, err))
        return -1;
    *uri = xstrdup(json_doc_text(service, "uri"));
    return 0;
}

int co_gcf_delete(struct gcf_api *api, const char *name, bool wait, struct error *err)
{
    const struct gcp_service functions = gcf_functions(api);
    json_t *operation AUTO(json) = NULL;
    struct cloud_error why;
    if (co_gcp_change(&functions, "delete function", "DELETE", name, NULL, &operation, &why, err) ==
            0 &&
        (!wait || co_gcp_operation_wait(&functions, "delete function", DELETE_LONGEST_MS,
                                        &operation, &why, err) == 0))
        return 0;
    return gcp_error_is(&why, "NOT_FOUND") ? 0 : -1;
}
