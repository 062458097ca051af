/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulated Azure from outside: its process, a small registry, and executions that are
 * containers which really run. Needs root.
 */
#include "test/kit/azuresim_rig.h"

#include <unistd.h>

#define answer(status, method, path, body) azuresim_rig_answer(__LINE__, status, method, path, body)
#define expect(status, method, path, body) json_decref(answer(status, method, path, body))
#define JOBS AZURESIM_APP "/jobs"
#define PREVIEW "2024-02-02-preview"

TEST_GROUP(azuresim_rig_setup, azuresim_rig_teardown);

static const json_t *properties(const json_t *resource)
{
    return json_object_get(resource, "properties");
}

/* The only replica's container in an execution of a version that tells of it. */
static const json_t *container_of(const json_t *execution, size_t i)
{
    const json_t *replicas =
        json_object_get(json_object_get(properties(execution), "detailedStatus"), "replicas");
    return json_array_get(json_object_get(json_array_get(replicas, 0), "containers"), i);
}

static const char *error_code(const json_t *refusal)
{
    return value_string(json_object_get(refusal, "error"), "code");
}

TEST(life)
{
    azuresim_rig_create("life", "echo $GREETING; echo oops >&2; exit 3");
    AUTO_FREE char *id = azuresim_rig_run("life");
    json_auto_t *stable = azuresim_rig_execution("life", id, "2024-03-01");
    assert_string_equal(value_string(properties(stable), "status"), "Failed");
    assert_true(*value_string(properties(stable), "endTime"));
    assert_null(json_object_get(properties(stable), "detailedStatus"));
    json_auto_t *preview = azuresim_rig_execution("life", id, PREVIEW);
    assert_int_equal(value_int(container_of(preview, 0), "code", -1), 3);
    assert_string_equal(value_string(container_of(preview, 0), "name"), "main");

    AUTO_FREE char *kql =
        xasprintf("ContainerAppConsoleLogs_CL | where ContainerJobName_s == 'life' and "
                  "ContainerGroupName_s startswith '%s' | project Log_s, Stream_s | order by Log_s",
                  id);
    json_auto_t *logs = azuresim_rig_query(__LINE__, 200, kql);
    assert_int_equal(json_array_size(azuresim_rig_rows(logs)), 2);
    assert_string_equal(azuresim_rig_cell(logs, 0, 0), "oops");
    assert_string_equal(azuresim_rig_cell(logs, 0, 1), "stderr");
    assert_string_equal(azuresim_rig_cell(logs, 1, 0), "hi");
    azuresim_rig_delete("life");
    expect(204, "DELETE", JOBS "/life", NULL);
}

TEST(stopped)
{
    azuresim_rig_create("endless", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done");
    AUTO_FREE char *id = azuresim_rig_start("endless");
    AUTO_FREE char *stop = xasprintf(JOBS "/endless/executions/%s/stop", id);
    struct sim_answer accepted, done;
    azuresim_rig_await("endless", id, "Running");
    azuresim_rig_await_line(id, "ready");
    json_auto_t *running = azuresim_rig_execution("endless", id, "2024-03-01");
    assert_true(str_starts(value_string(json_object_get(running, "tags"), "sockerless-sim-address"),
                           "198.19."));
    azuresim_rig_call(__LINE__, 202, "POST", stop, NULL, &accepted);
    AUTO_FREE char *location = sim_answer_header(&accepted, "Location");
    azuresim_rig_follow(location, &done);
    assert_int_equal(done.status, 200);
    sim_answer_fini(&accepted);
    sim_answer_fini(&done);
    json_auto_t *after = azuresim_rig_execution("endless", id, PREVIEW);
    assert_string_equal(value_string(properties(after), "status"), "Stopped");
    assert_int_equal(value_int(container_of(after, 0), "code", -1), 7);
    json_auto_t *again = answer(400, "POST", stop, NULL);
    assert_string_equal(error_code(again), "JobExecutionNotRunning");
    azuresim_rig_delete("endless");
}

TEST(timeout_ends_it)
{
    AUTO_FREE char *body = azuresim_rig_job(",\"command\":[\"sleep\",\"600\"]", "", "");
    char *timeout = strstr(body, "60");
    memcpy(timeout, " 1", 2);
    azuresim_rig_configure("{\"stop_grace_ms\":100}");
    json_decref(azuresim_rig_put("slow", body));
    AUTO_FREE char *id = azuresim_rig_run("slow");
    json_auto_t *after = azuresim_rig_execution("slow", id, PREVIEW);
    assert_string_equal(value_string(properties(after), "status"), "Failed");
    assert_string_equal(value_string(container_of(after, 0), "additionalInformation"),
                        "DeadlineExceeded");
    azuresim_rig_configure("{\"stop_grace_ms\":30000}");
    azuresim_rig_delete("slow");
}

static void link_share(char *key)
{
    AUTO_FREE char *body =
        xasprintf("{\"properties\":{\"azureFile\":{\"accountName\":\"sockerlesssim\","
                  "\"accountKey\":\"%s\",\"shareName\":\"files\",\"accessMode\":\"ReadWrite\"}}}",
                  key);
    free(key);
    expect(200, "PUT", AZURESIM_ENVIRONMENT "/storages/share", body);
}

static char *account_key(void)
{
    json_auto_t *keys = answer(200, "POST",
                               AZURESIM_SUBSCRIPTION
                               "/resourceGroups/sockerless-sim/providers/Microsoft.Storage/"
                               "storageAccounts/sockerlesssim/listKeys?api-version=2023-05-01",
                               NULL);
    return xstrdup(value_string(json_array_get(json_object_get(keys, "keys"), 0), "value"));
}

/* A share that was linked with a wrong key cannot be mounted. */
TEST(wrong_account_key)
{
    link_share(xstrdup("wrong"));
    AUTO_FREE char *body = azuresim_rig_job(
        ",\"command\":[\"true\"],\"volumeMounts\":[{\"volumeName\":\"v\",\"mountPath\":\"/v\"}]",
        "",
        ",\"volumes\":[{\"name\":\"v\",\"storageType\":\"AzureFile\",\"storageName\":\"share\"}]");
    json_decref(azuresim_rig_put("locked", body));
    AUTO_FREE char *id = azuresim_rig_run("locked");
    json_auto_t *after = azuresim_rig_execution("locked", id, PREVIEW);
    assert_string_equal(value_string(properties(after), "status"), "Failed");
    azuresim_rig_delete("locked");
}

/* An init container fills a volume, a linked share is mounted, a secret is in the environment. */
TEST(init_containers_and_volumes)
{
    link_share(account_key());
    AUTO_FREE char *body = azuresim_rig_job(
        ",\"command\":[\"sh\",\"-c\",\"cat /from/file; echo $WORD; echo kept >/share/out\"],"
        "\"env\":[{\"name\":\"WORD\",\"secretRef\":\"word\"}],\"volumeMounts\":["
        "{\"volumeName\":\"empty\",\"mountPath\":\"/from\"},"
        "{\"volumeName\":\"share\",\"mountPath\":\"/share\"}]",
        ",\"secrets\":[{\"name\":\"word\",\"value\":\"hidden\"}]",
        ",\"initContainers\":[{\"name\":\"first\",\"image\":\"docker.io/library/tool:1\","
        "\"resources\":{\"cpu\":0.25,\"memory\":\"0.5Gi\"},\"command\":[\"sh\",\"-c\",\"echo "
        "copied >/to/file\"],\"volumeMounts\":[{\"volumeName\":\"empty\",\"mountPath\":\"/to\"}]}],"
        "\"volumes\":[{\"name\":\"empty\",\"storageType\":\"EmptyDir\"},"
        "{\"name\":\"share\",\"storageType\":\"AzureFile\",\"storageName\":\"share\"}]");
    json_decref(azuresim_rig_put("volumes", body));
    AUTO_FREE char *id = azuresim_rig_run("volumes");
    json_auto_t *after = azuresim_rig_execution("volumes", id, PREVIEW);
    assert_string_equal(value_string(properties(after), "status"), "Succeeded");
    assert_int_equal(value_int(container_of(after, 0), "code", -1), 0);
    json_auto_t *logs = azuresim_rig_query(
        __LINE__, 200,
        "ContainerAppConsoleLogs_CL | where ContainerJobName_s == 'volumes' | order by Log_s asc");
    assert_int_equal(json_array_size(azuresim_rig_rows(logs)), 2);
    AUTO_FREE char *file = xasprintf("%s/files/sockerlesssim/files/out", sim_rig.sim.state_dir);
    assert_int_equal(access(file, R_OK), 0);

    json_auto_t *job = answer(200, "GET", JOBS "/volumes", NULL);
    AUTO_FREE char *text = json_dumps(job, JSON_COMPACT);
    assert_null(strstr(text, "hidden"));
    json_auto_t *secrets = answer(200, "POST", JOBS "/volumes/listSecrets", NULL);
    assert_string_equal(value_string(json_array_get(json_object_get(secrets, "value"), 0), "value"),
                        "hidden");
    azuresim_rig_delete("volumes");
    expect(200, "DELETE", AZURESIM_ENVIRONMENT "/storages/share", NULL);
    expect(204, "DELETE", AZURESIM_ENVIRONMENT "/storages/share", NULL);
}
