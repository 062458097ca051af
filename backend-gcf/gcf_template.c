/* SPDX-License-Identifier: Apache-2.0
 * Templates of revisions; see gcf_service.h. What Functions has put there and we have no opinion on
 * stays. */
#include "base/alloc.h"
#include "base/str.h"
#include "cloud/driver.h"
#include "gcf_service.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>

enum { CONTAINER_PORT = 8080, TEXT_MAX = 32 };

static const char generation_2[] = "EXECUTION_ENVIRONMENT_GEN2";
static char *const command[] = {AGENT_IMAGE_PATH}, *const arguments[] = {"--serve"};

/* Limits and times as the API writes them. */
struct shape_texts {
    char cpu[TEXT_MAX], memory[TEXT_MAX], timeout[TEXT_MAX];
};

static struct shape_texts texts_of(const struct gcf_config *config, const struct gcf_shape *shape)
{
    struct shape_texts t;
    snprintf(t.cpu, sizeof t.cpu, "%d", shape->size.cpu_units / CLOUD_CPU_UNITS);
    snprintf(t.memory, sizeof t.memory, "%dMi", shape->size.memory_mib);
    snprintf(t.timeout, sizeof t.timeout, "%llds", (long long)config->timeout_s);
    return t;
}

/* ---- reading ---- */

static bool is_list(const json_t *list, const char *only)
{
    return json_array_size(list) == 1 &&
           strcmp(str_or_empty(json_string_value(json_array_get(list, 0))), only) == 0;
}

static bool says(const json_t *object, const char *key, const char *text)
{
    return strcmp(json_doc_text(object, key), text) == 0;
}

/* "1Gi" is 1024Mi. */
static long long mebibytes(const char *text)
{
    long long number = strtoll(text, NULL, 10);
    return str_ends(text, "Gi") ? number * 1024 : str_ends(text, "Mi") ? number : -1;
}

/* "1" is 1000m. */
static long long millicpus(const char *text)
{
    long long number = strtoll(text, NULL, 10);
    return str_ends(text, "m") ? number : number * 1000;
}

static bool container_fits(const struct gcf_shape *shape, const struct shape_texts *t,
                           const json_t *container)
{
    const json_t *limits = json_object_get(json_object_get(container, "resources"), "limits");
    return says(container, "image", shape->image) &&
           is_list(json_object_get(container, "command"), command[0]) &&
           is_list(json_object_get(container, "args"), arguments[0]) &&
           millicpus(json_doc_text(limits, "cpu")) == millicpus(t->cpu) &&
           mebibytes(json_doc_text(limits, "memory")) == mebibytes(t->memory);
}

bool gcf_template_fits(const struct gcf_config *config, const struct gcf_shape *shape,
                       const json_t *template)
{
    const struct shape_texts t = texts_of(config, shape);
    const json_t *containers = json_object_get(template, "containers");
    return json_array_size(containers) == 1 &&
           container_fits(shape, &t, json_array_get(containers, 0)) &&
           says(template, "timeout", t.timeout) &&
           says(template, "executionEnvironment", generation_2) &&
           json_integer_value(json_object_get(template, "maxInstanceRequestConcurrency")) == 1 &&
           (str_empty(config->service_account) ||
            says(template, "serviceAccount", config->service_account));
}

/* ---- changing ---- */

static json_t *list_of(char *const *items, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(items[i]));
    return list;
}

/* CPU also between requests: after a restart of the backend no request is open, and what runs runs
 * on. The agent ends with its run, so nothing idles at that price. */
static json_t *make_container(const struct gcf_shape *shape, const struct shape_texts *t,
                              const char *name)
{
    json_t *container =
        json_pack("{s:s, s:o, s:o, s:[{s:s, s:i}], s:{s:{s:s, s:s}, s:b, s:b}, s:s}", "image",
                  shape->image, "command", list_of(command, ARRAY_LEN(command)), "args",
                  list_of(arguments, ARRAY_LEN(arguments)), "ports", "name", "http1",
                  "containerPort", CONTAINER_PORT, "resources", "limits", "cpu", t->cpu, "memory",
                  t->memory, "cpuIdle", 0, "startupCpuBoost", 1, "workingDir", "/");
    if (*name)
        json_object_set_new(container, "name", json_string(name));
    return container;
}

void gcf_template_change(const struct gcf_config *config, const struct gcf_shape *shape,
                         json_t *template)
{
    const struct shape_texts t = texts_of(config, shape);
    const json_t *now = json_array_get(json_object_get(template, "containers"), 0);
    json_t *containers = json_array();
    json_array_append_new(containers, make_container(shape, &t, json_doc_text(now, "name")));
    json_object_del(template, "revision"); /* it would be one with "different configuration" */
    json_object_set_new(template, "containers", containers);
    json_object_set_new(template, "timeout", json_string(t.timeout));
    json_object_set_new(template, "executionEnvironment", json_string(generation_2));
    json_object_set_new(template, "maxInstanceRequestConcurrency", json_integer(1));
    json_object_set_new(template, "scaling",
                        json_pack("{s:I}", "maxInstanceCount", (json_int_t)config->max_instances));
    if (!str_empty(config->service_account))
        json_object_set_new(template, "serviceAccount", json_string(config->service_account));
}
