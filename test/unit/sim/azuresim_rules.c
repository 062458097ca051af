/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of the simulated Azure Resource Manager: what it refuses, long-running operations,
 * conflicts, lists in pages, faults and rates. Needs root.
 */
#include "test/kit/azuresim_rig.h"

#define answer(status, method, path, body) azuresim_rig_answer(__LINE__, status, method, path, body)
#define expect(status, method, path, body) json_decref(answer(status, method, path, body))
#define JOBS AZURESIM_APP "/jobs"
#define MAIN "\"name\":\"main\""

TEST_GROUP(azuresim_rig_setup, azuresim_rig_teardown);

static const char *error_code(const json_t *refusal)
{
    return value_string(json_object_get(refusal, "error"), "code");
}

static void fault(const char *operation, const char *kind)
{
    AUTO_FREE char *body = xasprintf("{\"operation\":\"arm.%s\",\"kind\":\"%s\"}", operation, kind);
    json_decref(azuresim_rig_open(__LINE__, 200, "POST", "/_sim/faults", body));
}

/* ---- scope and version ---- */

TEST(scopes)
{
    static const struct {
        const char *path;
        long status;
        const char *code;
    } cases[] = {
        {"/subscriptions/other/providers/Microsoft.App/jobs", 404, "SubscriptionNotFound"},
        {AZURESIM_SUBSCRIPTION "/resourceGroups/other/providers/Microsoft.App/jobs", 404,
         "ResourceGroupNotFound"},
        {AZURESIM_APP "/apps", 404, "InvalidResourceType"},
        {AZURESIM_APP "/jobs/none", 404, "ResourceNotFound"},
        {AZURESIM_APP "/jobs/none/executions", 404, "ResourceNotFound"},
        {AZURESIM_APP "/managedEnvironments/none", 404, "ResourceNotFound"},
        {AZURESIM_ENVIRONMENT "/storages/none", 404, "ManagedEnvironmentStorageNotFound"},
        {AZURESIM_APP "/jobs?api-version=2020-01-01", 400, "NoRegisteredProviderFound"},
        {AZURESIM_APP "/jobs?api-version=", 400, "MissingApiVersionParameter"},
        {AZURESIM_SUBSCRIPTION
         "/providers/Microsoft.App/locations/eastus/containerappsjobOperationStatuses/none",
         404, "OperationNotFound"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_auto_t *refusal = answer(cases[i].status, "GET", cases[i].path, NULL);
        assert_string_equal(error_code(refusal), cases[i].code);
    }
    json_auto_t *method = answer(405, "PATCH", JOBS "/none", "{}");
    assert_string_equal(error_code(method), "HttpMethodNotAllowed");
    /* names compare in any case */
    expect(200, "GET",
           "/subscriptions/22222222-3333-4444-8555-666666666666/resourcegroups/SOCKERLESS-SIM/"
           "providers/microsoft.app/managedenvironments/Sockerless-Sim",
           NULL);
}

/* ---- bodies ---- */

static void refuse_job(const char *name, const char *code, const char *body)
{
    AUTO_FREE char *path = xasprintf(JOBS "/%s", name);
    json_auto_t *refusal =
        answer(strstr(code, "NotFound") && strstr(code, "ManagedEnvironmentN") ? 404 : 400, "PUT",
               path, body);
    if (strcmp(error_code(refusal), code) != 0)
        fail_msg("%s\nis %s, not %s", body, error_code(refusal), code);
}

TEST(containers_are_checked)
{
#define TEMPLATE_CODE "InvalidParameterValueInContainerTemplate"
    static const struct {
        const char *container, *configuration, *template, *code;
    } cases[] = {
        {",\"workingDir\":\"/\"", "", "", "InvalidRequestContent"},
        {",\"command\":\"sh\"", "", "", TEMPLATE_CODE},
        {",\"args\":[1]", "", "", TEMPLATE_CODE},
        {",\"env\":[{\"name\":\"A=B\"}]", "", "", TEMPLATE_CODE},
        {",\"env\":[{\"name\":\"A\",\"value\":1}]", "", "", TEMPLATE_CODE},
        {",\"env\":[{\"name\":\"A\",\"secretRef\":\"none\"}]", "", "", TEMPLATE_CODE},
        {",\"env\":[{\"name\":\"A\",\"values\":\"b\"}]", "", "", "InvalidRequestContent"},
        {",\"volumeMounts\":[{\"volumeName\":\"none\",\"mountPath\":\"/a\"}]", "", "",
         TEMPLATE_CODE},
        {",\"volumeMounts\":[{\"volumeName\":\"v\",\"mountPath\":\"a\"}]", "",
         ",\"volumes\":[{\"name\":\"v\",\"storageType\":\"EmptyDir\"}]", TEMPLATE_CODE},
        {"", "",
         ",\"volumes\":[{\"name\":\"v\",\"storageType\":\"AzureFile\",\"storageName\":"
         "\"none\"}]",
         "ManagedEnvironmentStorageNotFound"},
        {"", "", ",\"volumes\":[{\"name\":\"v\",\"storageType\":\"Disk\"}]", TEMPLATE_CODE},
        {"", "", ",\"initContainers\":[{" MAIN ",\"image\":\"a\"}]", TEMPLATE_CODE},
        {"", "", ",\"initContainers\":[{\"name\":\"Upper\",\"image\":\"a\"}]", TEMPLATE_CODE},
        {"", "", ",\"scale\":{}", "InvalidRequestContent"},
        {"", ",\"replicaRetryLimit\":11", "", "InvalidReplicaRetryLimit"},
        {"", ",\"manualTriggerConfig\":{\"parallelism\":2}", "", "InvalidManualTriggerConfig"},
        {"", ",\"secrets\":[{\"name\":\"a\"}]", "", "ContainerAppSecretInvalid"},
        {"", ",\"secrets\":[{\"name\":\"A_b\",\"value\":\"c\"}]", "", "ContainerAppSecretInvalid"},
        {"",
         ",\"registries\":[{\"server\":\"x.azurecr.io\",\"username\":\"x\","
         "\"passwordSecretRef\":\"none\"}]",
         "", "ContainerAppRegistryPasswordSecretRefNotFound"},
        {"", ",\"registries\":[{\"server\":\"https://x.azurecr.io\"}]", "", "InvalidRegistry"},
        {"", ",\"activeRevisionsMode\":\"Single\"", "", "InvalidRequestContent"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *body =
            azuresim_rig_job(cases[i].container, cases[i].configuration, cases[i].template);
        refuse_job("checked", cases[i].code, body);
    }
    expect(404, "GET", JOBS "/checked", NULL);
}

/* The body of azuresim_rig_job with one text for another. */
static char *changed_job(const char *from, const char *to)
{
    AUTO_FREE char *body = azuresim_rig_job("", "", "");
    const char *at = strstr(body, from);
    assert_non_null(at);
    return xasprintf("%.*s%s%s", (int)(at - body), body, to, at + strlen(from));
}

TEST(jobs_are_checked)
{
    static const struct {
        const char *from, *to, *code;
    } cases[] = {
        {"\"location\":\"East US\",", "", "LocationRequired"},
        {"East US", "West US", "LocationNotAvailableForResourceType"},
        {"managedEnvironments/sockerless-sim", "managedEnvironments/none",
         "ManagedEnvironmentNotFound"},
        {"\"Manual\"", "\"Schedule\"", "InvalidJobTriggerType"},
        {":60", ":0", "InvalidReplicaTimeout"},
        {":60", ":604801", "InvalidReplicaTimeout"},
        {"\"triggerType\":\"Manual\",\"replicaTimeout\":60", "\"triggerType\":\"Manual\"",
         "InvalidReplicaTimeout"},
        {"0.25", "0.3", "ContainerAppInvalidResourceTotal"},
        {"0.25", "\"0.25\"", "InvalidParameterValueInContainerTemplate"},
        {"0.5Gi", "1Gi", "ContainerAppInvalidResourceTotal"},
        {"0.25,\"memory\":\"0.5Gi\"", "4.25,\"memory\":\"8.5Gi\"",
         "ContainerAppInvalidResourceTotal"},
        {"0.5Gi", "half", "InvalidParameterValueInContainerTemplate"},
        {"docker.io/library/tool:1", "", "InvalidParameterValueInContainerTemplate"},
        {"\"location\"", "\"tags\":{\"a/b\":\"c\"},\"location\"", "InvalidTagNameCharacters"},
        {"\"location\"", "\"tags\":{\"a\":\"c\",\"A\":\"d\"},\"location\"", "DuplicateTagName"},
        {"\"location\"", "\"tags\":{\"a\":5},\"location\"", "InvalidRequestContent"},
        {"\"location\"", "\"sku\":{},\"location\"", "InvalidRequestContent"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *body = changed_job(cases[i].from, cases[i].to);
        refuse_job("checked", cases[i].code, body);
    }
    char value[300];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    AUTO_FREE char *tags = xasprintf("\"tags\":{\"a\":\"%s\"},\"location\"", value);
    AUTO_FREE char *long_tag = changed_job("\"location\"", tags);
    refuse_job("checked", "InvalidTagValueLength", long_tag);
    refuse_job("checked", "InvalidRequestContent", "[]");
    refuse_job("checked", "InvalidRequestContent", "{");
    static const char *const names[] = {"Upper", "1digit", "a--b", "ends-",
                                        "a23456789012345678901234567890xy"};
    AUTO_FREE char *body = azuresim_rig_job("", "", "");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        refuse_job(names[i], "ContainerAppInvalidName", body);
}

/* ---- long-running operations ---- */

TEST(one_change_at_a_time)
{
    AUTO_FREE char *body = azuresim_rig_job("", "", "");
    struct sim_answer got;
    azuresim_rig_configure("{\"operation_ms\":600000,\"retry_after_s\":7}");
    azuresim_rig_call(__LINE__, 201, "PUT", JOBS "/busy", body, &got);
    AUTO_FREE char *operation = sim_answer_header(&got, "Azure-AsyncOperation");
    AUTO_FREE char *seconds = sim_answer_header(&got, "retry-after");
    assert_string_equal(seconds, "7");
    sim_answer_fini(&got);
    static const struct {
        const char *method, *path;
    } changes[] = {{"PUT", JOBS "/busy"}, {"DELETE", JOBS "/busy"}, {"POST", JOBS "/busy/start"}};
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        json_auto_t *refusal = answer(409, changes[i].method, changes[i].path,
                                      strcmp(changes[i].method, "PUT") ? NULL : body);
        assert_string_equal(error_code(refusal), "ContainerAppOperationInProgress");
    }
    json_auto_t *status = answer(200, "GET", operation, NULL);
    assert_string_equal(value_string(status, "status"), "InProgress");
    /* the URL is to be taken as it is */
    *strstr(operation, "&h=") = '\0';
    expect(404, "GET", operation, NULL);
    azuresim_rig_configure("{\"operation_ms\":20,\"retry_after_s\":0}");
}

TEST(operations_that_fail_in_the_end)
{
    AUTO_FREE char *body = azuresim_rig_job("", "", "");
    fault("jobs.put", "capacity");
    json_auto_t *operation = azuresim_rig_put("doomed", body);
    assert_string_equal(value_string(operation, "status"), "Failed");
    assert_true(*error_code(operation));
    json_auto_t *job = answer(200, "GET", JOBS "/doomed", NULL);
    assert_string_equal(value_string(json_object_get(job, "properties"), "provisioningState"),
                        "Failed");
    expect(400, "POST", JOBS "/doomed/start", NULL);
    azuresim_rig_delete("doomed");

    static const char *const paths[] = {JOBS "/late/start", JOBS "/late"};
    azuresim_rig_create("late", "true");
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct sim_answer accepted, done;
        fault(i ? "jobs.delete" : "jobs.start", "capacity");
        azuresim_rig_call(__LINE__, 202, i ? "DELETE" : "POST", paths[i], NULL, &accepted);
        AUTO_FREE char *location = sim_answer_header(&accepted, "Location");
        azuresim_rig_follow(location, &done);
        assert_int_equal(done.status, 500);
        assert_true(*error_code(done.json));
        sim_answer_fini(&accepted);
        sim_answer_fini(&done);
    }
    azuresim_rig_delete("late");
}

TEST(start_at_once_and_overrides)
{
    azuresim_rig_create("over", "echo own");
    azuresim_rig_configure("{\"start_at_once\":1}");
    json_auto_t *started =
        answer(200, "POST", JOBS "/over/start",
               "{\"containers\":[{" MAIN ",\"image\":\"docker.io/library/tool:1\",\"command\":"
               "[\"sh\",\"-c\"],\"args\":[\"exit 9\"]}]}");
    azuresim_rig_configure("{\"start_at_once\":0}");
    AUTO_FREE char *id = xstrdup(value_string(started, "name"));
    assert_true(str_ends(value_string(started, "id"), id));
    azuresim_rig_await("over", id, "Failed");
    json_auto_t *mounts = answer(400, "POST", JOBS "/over/start",
                                 "{\"containers\":[{" MAIN ",\"volumeMounts\":[]}]}");
    assert_string_equal(error_code(mounts), "InvalidRequestContent");
    expect(400, "POST", JOBS "/over/start", "{\"containers\":[{\"name\":\"other\"}]}");
    azuresim_rig_delete("over");
}

TEST(images_that_cannot_be_pulled)
{
    static const char *const images[] = {"docker.io/library/none:1",
                                         "sockerlesssim.azurecr.io/library/tool:1"};
    for (size_t i = 0; i < ARRAY_LEN(images); i++) {
        AUTO_FREE char *body = changed_job("docker.io/library/tool:1", images[i]);
        json_decref(azuresim_rig_put("lost", body));
        AUTO_FREE char *id = azuresim_rig_run("lost");
        json_auto_t *after = azuresim_rig_execution("lost", id, "2026-07-01");
        AUTO_FREE char *text = json_dumps(after, JSON_COMPACT);
        assert_non_null(strstr(text, "\"status\":\"Failed\""));
        assert_non_null(strstr(text, "ErrImagePull"));
        azuresim_rig_delete("lost");
    }
}

/* ---- lists, faults, rates ---- */

TEST(lists_come_in_pages)
{
    char name[] = "listed-0";
    for (int i = 0; i < 5; i++) {
        name[7] = (char)('0' + i);
        azuresim_rig_create(name, "true");
    }
    azuresim_rig_configure("{\"page_size\":2}");
    AUTO_FREE char *next = xstrdup(JOBS);
    size_t seen = 0, pages = 0;
    while (*next) {
        json_auto_t *page = answer(200, "GET", next, NULL);
        size_t i;
        json_t *job;
        json_array_foreach(json_object_get(page, "value"), i, job) seen +=
            str_starts(value_string(job, "name"), "listed-");
        pages++;
        free(next);
        next = xstrdup(value_string(page, "nextLink"));
    }
    assert_int_equal(seen, 5);
    assert_true(pages >= 3);
    azuresim_rig_configure("{\"page_size\":100}");
    for (int i = 0; i < 5; i++) {
        name[7] = (char)('0' + i);
        azuresim_rig_delete(name);
    }
}

TEST(faults)
{
    static const struct {
        const char *kind;
        long status;
    } kinds[] = {{"throttle", 429}, {"error", 503},         {"access_denied", 403},
                 {"capacity", 503}, {"drop_connection", 0}, {"lost_answer", 0}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        fault("jobs.list", kinds[i].kind);
        expect(kinds[i].status, "GET", JOBS, NULL);
    }
    expect(200, "GET", JOBS, NULL);
}

TEST(rates)
{
    struct sim_answer got = {.status = 200};
    int good = 0;
    azuresim_rig_configure("{\"throttling\":1}");
    while (got.status == 200 && good < 2000) {
        const struct sim_call call = {
            azuresim_tokens.arm, "GET", AZURESIM_ENVIRONMENT AZURESIM_VERSION, NULL, {NULL}};
        sim_answer_fini(&got);
        sim_call(&call, &got);
        good += got.status == 200;
    }
    azuresim_rig_configure("{\"throttling\":0}");
    assert_int_equal(got.status, 429);
    assert_true(good >= 250);
    assert_string_equal(error_code(got.json), "SubscriptionRequestsThrottled");
    AUTO_FREE char *seconds = sim_answer_header(&got, "Retry-After");
    AUTO_FREE char *left = sim_answer_header(&got, "x-ms-ratelimit-remaining-subscription-reads");
    assert_string_equal(seconds, "1");
    assert_string_equal(left, "0");
    sim_answer_fini(&got);
}
