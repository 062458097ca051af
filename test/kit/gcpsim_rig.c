/* SPDX-License-Identifier: Apache-2.0
 * The simulated Google Cloud from outside; see gcpsim_rig.h. */
#include "test/kit/gcpsim_rig.h"

#include "test/kit/sim_call.h"

#include <stdio.h>
#include <string.h>

char gcpsim_rig_token[128];

#define answer(status, method, path, body) gcpsim_rig_answer(__LINE__, status, method, path, body)
#define expect(status, method, path, body) json_decref(answer(status, method, path, body))

long gcpsim_rig_call_as(const char *bearer, const char *method, const char *path, const char *body,
                        json_t **out)
{
    const struct sim_call call = {bearer, method, path, body, {"Metadata-Flavor: Google"}};
    struct sim_answer got;
    sim_call(&call, &got);
    long status = got.status;
    if (out)
        *out = json_incref(got.json);
    sim_answer_fini(&got);
    return status;
}

void gcpsim_rig_take_token(void)
{
    json_t *given;
    assert_int_equal(gcpsim_rig_call_as("", "POST", "/_sim/tokens", "{}", &given), 200);
    snprintf(gcpsim_rig_token, sizeof gcpsim_rig_token, "%s", value_string(given, "token"));
    json_decref(given);
}

json_t *gcpsim_rig_answer(int line, long status, const char *method, const char *path,
                          const char *body)
{
    json_t *out;
    long got = gcpsim_rig_call_as(gcpsim_rig_token, method, path, body, &out);
    if (got != status)
        print_error("%s %s:\n", method, path);
    _assert_int_equal((LargestIntegralType)got, (LargestIntegralType)status, __FILE__, line);
    return out;
}
void gcpsim_rig_configure(const char *settings)
{
    expect(200, "POST", "/_sim/config", settings);
}

json_t *gcpsim_rig_await(json_t *operation)
{
    for (int i = 0; i < 10 && !value_bool(operation, "done", false); i++) {
        AUTO_FREE char *path = xasprintf("/v2/%s:wait", value_string(operation, "name"));
        json_decref(operation);
        operation = answer(200, "POST", path, "{\"timeout\":\"10s\"}");
    }
    assert_true(value_bool(operation, "done", false));
    return operation;
}

void gcpsim_rig_create(const char *id, const char *script, const char *task_more)
{
    json_auto_t *argument = value_text(script);
    AUTO_FREE char *path = xasprintf(GCPSIM_PARENT "/jobs?jobId=%s", id);
    AUTO_FREE char *quoted = json_dumps(argument, JSON_ENCODE_ANY);
    AUTO_FREE char *body = xasprintf(
        GCPSIM_JOB("{\"image\":\"docker.io/library/tool:1\",\"command\":[\"/bin/sh\",\"-c\"],"
                   "\"args\":[%s],\"env\":[{\"name\":\"GREETING\",\"value\":\"hi\"}]}",
                   "%s"),
        quoted, task_more);
    json_auto_t *operation = gcpsim_rig_await(answer(200, "POST", path, body));
    assert_non_null(json_object_get(operation, "response"));
}

json_t *gcpsim_rig_start(const char *id)
{
    AUTO_FREE char *path = xasprintf(GCPSIM_PARENT "/jobs/%s:run", id);
    json_t *operation = answer(200, "POST", path, "{}");
    assert_non_null(strstr(value_string(json_object_get(operation, "metadata"), "name"), id));
    return operation;
}

char *gcpsim_rig_execution_id(const json_t *operation)
{
    const char *name = value_string(json_object_get(operation, "metadata"), "name");
    return xstrdup(strrchr(name, '/') + 1);
}

char *gcpsim_rig_run(const char *job)
{
    json_auto_t *operation = gcpsim_rig_await(gcpsim_rig_start(job));
    return gcpsim_rig_execution_id(operation);
}

void gcpsim_rig_delete(const char *id)
{
    AUTO_FREE char *path = xasprintf(GCPSIM_PARENT "/jobs/%s", id);
    json_decref(gcpsim_rig_await(answer(200, "DELETE", path, NULL)));
    expect(404, "GET", path, NULL);
}

json_t *gcpsim_rig_logs(const char *execution, const char *more, const char *paging)
{
    AUTO_FREE char *body = xasprintf(
        "{\"resourceNames\":[\"projects/sockerless-sim\"],\"filter\":\"resource.type=\\\"cloud_run"
        "_job\\\" AND labels.\\\"run.googleapis.com/execution_name\\\"=\\\"%s\\\" %s\"%s}",
        execution, more, paging);
    return answer(200, "POST", "/v2/entries:list", body);
}

size_t gcpsim_rig_count(const json_t *list)
{
    return json_array_size(json_object_get(list, "entries"));
}

const json_t *gcpsim_rig_entry(const json_t *list, size_t i)
{
    return json_array_get(json_object_get(list, "entries"), i);
}

const char *gcpsim_rig_text(const json_t *list, size_t i)
{
    return value_string(gcpsim_rig_entry(list, i), "textPayload");
}

json_t *gcpsim_rig_task(const char *job, const char *execution)
{
    AUTO_FREE char *path = xasprintf(GCPSIM_PARENT "/jobs/%s/executions/%s/tasks", job, execution);
    json_auto_t *list = answer(200, "GET", path, NULL);
    return json_incref(json_array_get(json_object_get(list, "tasks"), 0));
}

int gcpsim_rig_setup(void **state)
{
    (void)state;
    if (sim_rig_open("SIM_GCP_BIN", "sockerless-sim-gcp"))
        return -1;
    if (!sim_rig.sim.port)
        exit(getenv("CI") ? 1 : 0);
    gcpsim_rig_take_token();
    return 0;
}

int gcpsim_rig_teardown(void **state)
{
    (void)state;
    return sim_rig_close();
}
