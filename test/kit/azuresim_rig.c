/* SPDX-License-Identifier: Apache-2.0
 * The simulated Azure from outside; see azuresim_rig.h. */
#include "test/kit/azuresim_rig.h"

#include <stdio.h>
#include <string.h>

struct azuresim_tokens azuresim_tokens;

#define answer(status, method, path, body) azuresim_rig_answer(__LINE__, status, method, path, body)

enum { POLLS_MAX = 20000 };

/* ---- calls ---- */

static void must_be(int line, long status, const char *method, const char *path,
                    const struct sim_answer *got)
{
    if (got->status != status) {
        AUTO_FREE char *text = got->json ? json_dumps(got->json, JSON_COMPACT) : NULL;
        print_error("%s %s: %s\n", method, path, str_or_empty(text));
    }
    _assert_int_equal((LargestIntegralType)got->status, (LargestIntegralType)status, __FILE__,
                      line);
}

void azuresim_rig_call(int line, long status, const char *method, const char *path,
                       const char *body, struct sim_answer *got)
{
    AUTO_FREE char *url =
        strstr(path, "api-version=") || str_starts(path, "/_sim")
            ? xstrdup(path)
            : xasprintf("%s%sapi-version=2024-03-01", path, strchr(path, '?') ? "&" : "?");
    const struct sim_call call = {
        azuresim_tokens.arm, method, url, body, {"Content-Type: application/json"}};
    sim_call(&call, got);
    must_be(line, status, method, path, got);
}

json_t *azuresim_rig_answer(int line, long status, const char *method, const char *path,
                            const char *body)
{
    struct sim_answer got;
    azuresim_rig_call(line, status, method, path, body, &got);
    json_t *out = json_incref(got.json);
    sim_answer_fini(&got);
    return out;
}

json_t *azuresim_rig_open(int line, long status, const char *method, const char *path,
                          const char *body)
{
    const struct sim_call call = {NULL, method, path, body, {NULL}};
    struct sim_answer got;
    sim_call(&call, &got);
    must_be(line, status, method, path, &got);
    json_t *out = json_incref(got.json);
    sim_answer_fini(&got);
    return out;
}

void azuresim_rig_configure(const char *settings)
{
    json_decref(answer(200, "POST", "/_sim/config", settings));
}

static char *take_token(const char *audience)
{
    AUTO_FREE char *body = xasprintf("{\"audience\":\"%s\"}", audience);
    json_auto_t *given = azuresim_rig_open(__LINE__, 200, "POST", "/_sim/tokens", body);
    return xstrdup(value_string(given, "token"));
}

void azuresim_rig_take_tokens(void)
{
    free(azuresim_tokens.arm);
    free(azuresim_tokens.logs);
    azuresim_tokens.arm = take_token("https://management.azure.com");
    azuresim_tokens.logs = take_token("https://api.loganalytics.io");
}

char *azuresim_rig_credential(const char *name)
{
    AUTO_FREE char *path = xasprintf("%s/azure.json", sim_rig.sim.state_dir);
    json_auto_t *values = json_load_file(path, 0, NULL);
    assert_true(*value_string(values, name));
    return xstrdup(value_string(values, name));
}

/* ---- jobs ---- */

char *azuresim_rig_job(const char *container, const char *configuration, const char *template)
{
    return xasprintf("{\"location\":\"East US\",\"properties\":{\"environmentId\":"
                     "\"" AZURESIM_ENVIRONMENT
                     "\",\"configuration\":{\"triggerType\":\"Manual\",\"replicaTimeout\":60%s},"
                     "\"template\":{\"containers\":[{\"name\":\"main\",\"image\":\"docker.io/"
                     "library/tool:1\",\"resources\":{\"cpu\":0.25,\"memory\":\"0.5Gi\"}%s}]%s}}}",
                     configuration, container, template);
}

json_t *azuresim_rig_put(const char *name, const char *body)
{
    AUTO_FREE char *path = xasprintf(AZURESIM_APP "/jobs/%s", name);
    struct sim_answer got;
    azuresim_rig_call(__LINE__, 201, "PUT", path, body, &got);
    assert_string_equal(value_string(json_object_get(got.json, "properties"), "provisioningState"),
                        "InProgress");
    AUTO_FREE char *operation = sim_answer_header(&got, "Azure-AsyncOperation");
    assert_non_null(operation);
    sim_answer_fini(&got);
    for (int i = 0; i < POLLS_MAX; i++) {
        json_t *status = answer(200, "GET", operation, NULL);
        if (strcmp(value_string(status, "status"), "InProgress") != 0)
            return status;
        json_decref(status);
    }
    fail_msg("the operation on %s does not end", name);
    return NULL;
}

void azuresim_rig_create(const char *name, const char *script)
{
    json_auto_t *argument = value_text(script);
    AUTO_FREE char *quoted = json_dumps(argument, JSON_ENCODE_ANY);
    AUTO_FREE char *container =
        xasprintf(",\"command\":[\"/bin/sh\",\"-c\"],\"args\":[%s],\"env\":[{\"name\":\"GREETING\","
                  "\"value\":\"hi\"}]",
                  quoted);
    AUTO_FREE char *body = azuresim_rig_job(container, "", "");
    json_auto_t *operation = azuresim_rig_put(name, body);
    assert_string_equal(value_string(operation, "status"), "Succeeded");
}

void azuresim_rig_follow(const char *location, struct sim_answer *got)
{
    const struct sim_call call = {azuresim_tokens.arm, "GET", location, NULL, {NULL}};
    for (int i = 0; i < POLLS_MAX; i++) {
        sim_call(&call, got);
        if (got->status != 202)
            return;
        sim_answer_fini(got);
    }
    fail_msg("%s does not end", location);
}

char *azuresim_rig_start(const char *job)
{
    AUTO_FREE char *path = xasprintf(AZURESIM_APP "/jobs/%s/start", job);
    struct sim_answer accepted, done;
    azuresim_rig_call(__LINE__, 202, "POST", path, NULL, &accepted);
    AUTO_FREE char *location = sim_answer_header(&accepted, "Location");
    sim_answer_fini(&accepted);
    azuresim_rig_follow(location, &done);
    assert_int_equal(done.status, 200);
    char *name = xstrdup(value_string(done.json, "name"));
    sim_answer_fini(&done);
    assert_true(str_starts(name, job));
    return name;
}

json_t *azuresim_rig_execution(const char *job, const char *execution, const char *version)
{
    AUTO_FREE char *path =
        xasprintf(AZURESIM_APP "/jobs/%s/executions/%s?api-version=%s", job, execution, version);
    return answer(200, "GET", path, NULL);
}

static bool is_over(const char *state)
{
    return strcmp(state, "Processing") != 0 && strcmp(state, "Running") != 0;
}

void azuresim_rig_await(const char *job, const char *execution, const char *state)
{
    for (int i = 0; i < POLLS_MAX; i++) {
        json_auto_t *got = azuresim_rig_execution(job, execution, "2024-03-01");
        const char *now = value_string(json_object_get(got, "properties"), "status");
        if (!strcmp(now, state))
            return;
        if (is_over(now))
            fail_msg("%s is %s, not %s", execution, now, state);
    }
    fail_msg("%s does not become %s", execution, state);
}

char *azuresim_rig_run(const char *job)
{
    char *execution = azuresim_rig_start(job);
    for (int i = 0; i < POLLS_MAX; i++) {
        json_auto_t *got = azuresim_rig_execution(job, execution, "2024-03-01");
        if (is_over(value_string(json_object_get(got, "properties"), "status")))
            return execution;
    }
    fail_msg("%s does not end", execution);
    return NULL;
}

void azuresim_rig_delete(const char *name)
{
    AUTO_FREE char *path = xasprintf(AZURESIM_APP "/jobs/%s", name);
    struct sim_answer accepted, done;
    azuresim_rig_call(__LINE__, 202, "DELETE", path, NULL, &accepted);
    AUTO_FREE char *location = sim_answer_header(&accepted, "Location");
    sim_answer_fini(&accepted);
    azuresim_rig_follow(location, &done);
    assert_int_equal(done.status, 204);
    sim_answer_fini(&done);
    json_decref(answer(404, "GET", path, NULL));
}

/* ---- logs ---- */

const json_t *azuresim_rig_rows(const json_t *got)
{
    return json_object_get(json_array_get(json_object_get(got, "tables"), 0), "rows");
}

static void query(const char *kql, struct sim_answer *got)
{
    json_auto_t *request = json_object();
    value_set_text(request, "query", kql);
    AUTO_FREE char *body = json_dumps(request, JSON_COMPACT);
    const struct sim_call call = {azuresim_tokens.logs,
                                  "POST",
                                  "/v1/workspaces/" AZURESIM_WORKSPACE "/query",
                                  body,
                                  {"Content-Type: application/json", "Prefer: wait=60"}};
    sim_call(&call, got);
}

json_t *azuresim_rig_query(int line, long status, const char *kql)
{
    struct sim_answer got;
    query(kql, &got);
    must_be(line, status, "query", kql, &got);
    json_t *out = json_incref(got.json);
    sim_answer_fini(&got);
    return out;
}

void azuresim_rig_await_line(const char *execution, const char *text)
{
    AUTO_FREE char *kql =
        xasprintf("ContainerAppConsoleLogs_CL | where ContainerGroupName_s startswith '%s' and "
                  "Log_s == '%s' | project Log_s",
                  execution, text);
    for (int i = 0; i < POLLS_MAX; i++) {
        struct sim_answer got; /* 400: there is no table before the first line */
        query(kql, &got);
        bool has = got.status == 200 && json_array_size(azuresim_rig_rows(got.json)) > 0;
        sim_answer_fini(&got);
        if (has)
            return;
    }
    fail_msg("%s does not print %s", execution, text);
}

const char *azuresim_rig_cell(const json_t *got, size_t row, size_t column)
{
    return str_or_empty(
        json_string_value(json_array_get(json_array_get(azuresim_rig_rows(got), row), column)));
}

/* ---- life ---- */

int azuresim_rig_setup(void **state)
{
    (void)state;
    if (sim_rig_open("SIM_AZURE_BIN", "sockerless-sim-azure"))
        return -1;
    if (!sim_rig.sim.port)
        exit(getenv("CI") ? 1 : 0);
    azuresim_rig_take_tokens();
    return 0;
}

int azuresim_rig_teardown(void **state)
{
    (void)state;
    free(azuresim_tokens.arm);
    free(azuresim_tokens.logs);
    return sim_rig_close();
}
