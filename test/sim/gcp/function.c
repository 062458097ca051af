/* SPDX-License-Identifier: Apache-2.0
 * Functions and their JSON; see function.h. */
#include "test/sim/gcp/function.h"

#include "base/alloc.h"
#include "base/timefmt.h"
#include "test/sim/gcp/resource.h"

#include <stdio.h>
#include <string.h>

struct function *function_find(struct run *run, const char *id)
{
    struct function *f;
    HASH_FIND_STR(run->functions, id, f);
    return f;
}

struct function *function_new(struct run *run, const char *id, json_t *json)
{
    struct function *f = NEW(struct function);
    AUTO_FREE char *name = resource_name(run->gcp, "functions", id);
    f->run = run;
    snprintf(f->id, sizeof f->id, "%s", id);
    f->json = json;
    value_set_text(json, "name", name);
    gcp_set_time(json, "createTime", time_now_ns());
    gcp_set_time(json, "updateTime", time_now_ns());
    HASH_ADD_STR(run->functions, id, f);
    return f;
}

void function_replace(struct function *f, json_t *json)
{
    resource_keep(json, f->json);
    gcp_set_time(json, "updateTime", time_now_ns());
    json_decref(f->json);
    f->json = json;
}

void function_free(struct function *f)
{
    HASH_DEL(f->run->functions, f);
    json_decref(f->json);
    free(f);
}

void function_free_all(struct run *run)
{
    struct function *f, *next;
    HASH_ITER(hh, run->functions, f, next)
    {
        function_free(f);
    }
}

/* ---- JSON ---- */

static void set_build(const struct function *f, json_t *build)
{
    if (*f->build) {
        AUTO_FREE char *name = xasprintf("projects/" GCP_PROJECT_NUMBER "/locations/%s/builds/%s",
                                         f->run->gcp->region, f->build);
        value_set_text(build, "build", name);
    }
}

static void set_service(const struct function *f, json_t *config, bool with_uri)
{
    const struct gcp *gcp = f->run->gcp;
    AUTO_FREE char *name = resource_name(gcp, "services", f->id);
    AUTO_FREE char *uri = service_uri(gcp, f->id);
    if (!*f->revision)
        return;
    value_set_text(config, "service", name);
    value_set_text(config, "revision", f->revision);
    if (with_uri)
        value_set_text(config, "uri", uri);
}

json_t *function_json(const struct function *f, bool with_uri)
{
    static const char *const states[] = {"DEPLOYING", "ACTIVE", "FAILED", "DELETING"};
    const struct gcp *gcp = f->run->gcp;
    json_t *out = json_deep_copy(f->json);
    AUTO_FREE char *url = xasprintf("http://%s" FUNCTION_URL_PREFIX "%s", gcp->address, f->id);
    value_set_text(out, "state", states[f->state]);
    if (f->fate.status && f->state == FUNCTION_FAILED)
        json_object_set_new(out, "stateMessages",
                            json_pack("[{s:s, s:s, s:s}]", "severity", "ERROR", "type",
                                      "CloudRunServiceNotFound", "message", f->fate.message));
    set_build(f, json_object_get(out, "buildConfig"));
    set_service(f, json_object_get(out, "serviceConfig"), with_uri);
    if (*f->revision)
        value_set_text(out, "url", url);
    return out;
}

/* ---- its service ---- */

static void push_env(json_t *env, const char *name, const char *value)
{
    json_array_append_new(env, json_pack("{s:s, s:s}", "name", name, "value", value));
}

static json_t *env_json(const struct function *f)
{
    const json_t *config = json_object_get(f->json, "serviceConfig");
    const char *name;
    json_t *value, *env = json_array();
    push_env(env, "FUNCTION_TARGET",
             value_string(json_object_get(f->json, "buildConfig"), "entryPoint"));
    push_env(env, "LOG_EXECUTION_ID", "true");
    json_object_foreach(json_object_get(config, "environmentVariables"), name, value)
    {
        push_env(env, name, json_string_value(value));
    }
    return env;
}

static json_t *container_json(const struct function *f)
{
    const json_t *config = json_object_get(f->json, "serviceConfig");
    AUTO_FREE char *image =
        xasprintf("%s-docker.pkg.dev/%s/gcf-artifacts/%s:version_%u", f->run->gcp->region,
                  f->run->gcp->project, f->id, f->versions);
    return json_pack("{s:s, s:s, s:[{s:s, s:i}], s:{s:{s:s, s:s}, s:b, s:b}, s:o}", "name",
                     "worker", "image", image, "ports", "name", "http1", "containerPort", 8080,
                     "resources", "limits", "cpu", value_string(config, "availableCpu"), "memory",
                     value_string(config, "availableMemory"), "cpuIdle", 1, "startupCpuBoost", 1,
                     "env", env_json(f));
}

json_t *function_service_json(const struct function *f)
{
    const json_t *config = json_object_get(f->json, "serviceConfig");
    char letters[4], timeout[16];
    value_random_hex(letters, 3);
    snprintf(timeout, sizeof timeout, "%lds", (long)value_int(config, "timeoutSeconds", 60));
    AUTO_FREE char *revision = xasprintf("%.50s-%05u-%s", f->id, f->versions, letters);
    json_t *template = json_pack(
        "{s:s, s:o, s:s, s:I, s:{s:I}, s:s}", "revision", revision, "containers",
        json_pack("[o]", container_json(f)), "timeout", timeout, "maxInstanceRequestConcurrency",
        (json_int_t)value_int(config, "maxInstanceRequestConcurrency", 1), "scaling",
        "maxInstanceCount", (json_int_t)value_int(config, "maxInstanceCount", 100),
        "serviceAccount", value_string(config, "serviceAccountEmail"));
    gcp_set_int(json_object_get(template, "scaling"), "minInstanceCount",
                value_int(config, "minInstanceCount", 0));
    const json_t *labels = json_object_get(f->json, "labels");
    json_t *all = labels ? json_deep_copy(labels) : json_object();
    value_set_text(all, "goog-managed-by", "cloudfunctions");
    const char *ingress = value_string(config, "ingressSettings");
    return json_pack("{s:o, s:o, s:s}", "template", template, "labels", all, "ingress",
                     !strcmp(ingress, "ALLOW_ALL")             ? "INGRESS_TRAFFIC_ALL"
                     : !strcmp(ingress, "ALLOW_INTERNAL_ONLY") ? "INGRESS_TRAFFIC_INTERNAL_ONLY"
                                                               : "INGRESS_TRAFFIC_INTERNAL_LOAD_"
                                                                 "BALANCER");
}
