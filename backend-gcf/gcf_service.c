/* SPDX-License-Identifier: Apache-2.0
 * The service under a function; see gcf_service.h. */
#include "gcf_service.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloud/gcp/gcp_settle.h"
#include "gcf_names.h"
#include "json/json_doc.h"
#include "loop/co.h"

#include <string.h>

enum {
    PATCH_LONGEST_MS =
        300000, /* a revision that does not listen is given up by Google after 4 min */
    READY_LONGEST_MS = 300000,
    READY_PAUSE_MS = 1000,
    PATCHES_MAX = 2, /* another one may have changed it meanwhile */
};

static int co_get_service(struct gcf_api *api, const char *service, json_t **out, struct error *err)
{
    const struct gcp_service run = gcf_services(api);
    struct gcp_settle settle;
    struct cloud_error why;
    gcp_settle_begin(&settle);
    while (co_gcp_get(&run, "get service", service, out, &why, err))
        if (!gcp_error_is(&why, "NOT_FOUND") || co_gcp_settle(&settle, err))
            return -1;
    return 0;
}

/* ---- what it says of itself ---- */

const char *gcf_quota_hint(const char *message)
{
    static const char *const disguises[] = {"healthcheck", "health check", "listen on"};
    if (strcasestr(message, "quota"))
        return "; free CPU of the region, or ask for more of \"Total CPU allocation, in milli "
               "vCPU, "
               "per project per region\"";
    for (size_t i = 0; i < ARRAY_LEN(disguises); i++)
        if (strcasestr(message, disguises[i]))
            return "; where the container printed nothing, the region's CPU quota may be used up: "
                   "look at \"Total CPU allocation, in milli vCPU, per project per region\"";
    return "";
}

static int refuse(const char *service, const char *message, struct error *err)
{
    return error_set(err, strcasestr(message, "quota") ? ERROR_UNAVAILABLE : ERROR_SYSTEM,
                     "run: service %s: %s%s", strrchr(service, '/') + 1,
                     *message ? message : "Google gives no reason", gcf_quota_hint(message));
}

enum readiness { SERVICE_READY, SERVICE_UNREADY, SERVICE_FAILED };

static enum readiness readiness_of(const json_t *doc)
{
    const char *state = json_doc_text(json_object_get(doc, "terminalCondition"), "state");
    if (json_is_true(json_object_get(doc, "reconciling")))
        return SERVICE_UNREADY;
    if (strcmp(state, "CONDITION_FAILED") == 0)
        return SERVICE_FAILED;
    return strcmp(state, "CONDITION_SUCCEEDED") == 0 && *json_doc_text(doc, "uri")
               ? SERVICE_READY
               : SERVICE_UNREADY;
}

static int co_await_ready(struct gcf_api *api, const char *service, json_t **doc, struct error *err)
{
    int64_t deadline_ms = time_mono_ms() + READY_LONGEST_MS;
    for (;;) {
        enum readiness is = readiness_of(*doc);
        if (is == SERVICE_READY)
            return 0;
        if (is == SERVICE_FAILED)
            return refuse(
                service, json_doc_text(json_object_get(*doc, "terminalCondition"), "message"), err);
        if (time_mono_ms() >= deadline_ms)
            return error_set(err, ERROR_DEADLINE, "run: service %s does not become ready",
                             strrchr(service, '/') + 1);
        if (co_sleep(READY_PAUSE_MS, err))
            return -1;
        json_decref(STEAL(*doc));
        if (co_get_service(api, service, doc, err))
            return -1;
    }
}

/* ---- changing it ---- */

static void write_patch(const struct gcf_api *api, const struct gcf_shape *shape, const json_t *doc,
                        struct buf *out)
{
    json_t *body AUTO(json) = json_object();
    json_t *template = json_deep_copy(json_object_get(doc, "template"));
    if (!json_is_object(template)) {
        json_decref(template);
        template = json_object();
    }
    gcf_template_change(api->config, shape, template);
    json_object_set_new(body, "template", template);
    if (*json_doc_text(doc, "etag"))
        json_object_set_new(body, "etag", json_string(json_doc_text(doc, "etag")));
    char *text = json_dumps(body, JSON_COMPACT);
    buf_puts(out, text);
    free(text);
}

static int co_patch(struct gcf_api *api, const char *service, const struct gcf_shape *shape,
                    const json_t *doc, struct error *err)
{
    const struct gcp_service run = gcf_services(api);
    AUTO(buf) struct buf body = BUF_INIT;
    AUTO_FREE char *target = xasprintf("%s?updateMask=template", service);
    json_t *operation AUTO(json) = NULL;
    struct cloud_error why;
    write_patch(api, shape, doc, &body);
    if (co_gcp_change(&run, "patch service", "PATCH", target, &body, &operation, &why, err) == 0 &&
        co_gcp_operation_wait(&run, "patch service", PATCH_LONGEST_MS, &operation, &why, err) == 0)
        return 0;
    if (gcp_error_is(&why, "ABORTED")) /* changed since it was read: it is read again */
        return 0;
    return *gcf_quota_hint(why.message) ? refuse(service, why.message, err) : -1;
}

int co_gcf_service_settle(struct gcf_api *api, const char *service, const struct gcf_shape *shape,
                          char **uri, struct error *err)
{
    json_t *doc AUTO(json) = NULL;
    for (int patches = 0;; patches++) {
        if (co_get_service(api, service, &doc, err))
            return -1;
        if (gcf_template_fits(api->config, shape, json_object_get(doc, "template")))
            break;
        if (patches == PATCHES_MAX)
            return error_set(err, ERROR_SYSTEM,
                             "run: service %s was given the container's image and does not keep "
                             "it; look for what else changes it (a redeployment of the function, "
                             "automatic base image updates, Terraform)",
                             strrchr(service, '/') + 1);
        log_info("the function's service gets the container's image", LOG_STR("service", service),
                 LOG_STR("image", shape->image));
        if (co_patch(api, service, shape, doc, err))
            return -1;
        json_decref(STEAL(doc));
    }
    if (co_await_ready(api, service, &doc, err))
        return -1;
    *uri = xstrdup(json_doc_text(doc, "uri"));
    return 0;
}
