/* SPDX-License-Identifier: Apache-2.0
 *
 * Cloud Functions and services of Cloud Run in the simulated Google Cloud: what the API takes,
 * refuses and answers. What is invoked is in gcpsim_invocations.c.
 */
#include "test/kit/gcpsim_rig.h"

#define FUNCTIONS GCPSIM_PARENT "/functions"
#define SERVICES GCPSIM_PARENT "/services"
#define answer(status, method, path, body) gcpsim_rig_answer(__LINE__, status, method, path, body)
#define expect(status, method, path, body) json_decref(answer(status, method, path, body))

TEST_GROUP(gcpsim_rig_setup, gcpsim_rig_teardown);

static const json_t *at(const json_t *object, const char *one, const char *two)
{
    return json_object_get(json_object_get(object, one), two);
}

static json_t *container_of(const json_t *service)
{
    return json_array_get(at(service, "template", "containers"), 0);
}

TEST(life)
{
    AUTO_FREE char *body = gcpsim_rig_function_body("Serve", "");
    json_t *first = answer(200, "POST", FUNCTIONS "?functionId=life", body);
    assert_true(str_starts(strrchr(value_string(first, "name"), '/'), "/operation-"));
    assert_string_equal(value_string(json_object_get(first, "metadata"), "operationType"),
                        "CREATE_FUNCTION");
    json_auto_t *operation = gcpsim_rig_await(first);
    const json_t *function = json_object_get(operation, "response");
    assert_string_equal(value_string(function, "state"), "ACTIVE");
    const json_t *config = json_object_get(function, "serviceConfig");
    assert_true(str_ends(value_string(config, "service"), "/services/life"));
    assert_true(str_starts(value_string(config, "uri"), "http://127.0.0.1:"));
    assert_int_equal(value_int(config, "timeoutSeconds", 0), 60);

    json_auto_t *service = answer(200, "GET", SERVICES "/life", NULL);
    assert_string_equal(value_string(service, "uri"), value_string(config, "uri"));
    assert_string_equal(value_string(json_object_get(service, "template"), "revision"),
                        value_string(config, "revision"));
    expect(409, "POST", FUNCTIONS "?functionId=life", body);
    gcpsim_rig_delete_function("life");
}

TEST(without_uri)
{
    gcpsim_rig_create_function("hidden");
    json_auto_t *list = answer(200, "GET", FUNCTIONS "?filter=labels.pool:%22a%22", NULL);
    const json_t *one = json_array_get(json_object_get(list, "functions"), 0);
    assert_non_null(at(one, "serviceConfig", "service"));
    assert_null(at(one, "serviceConfig", "uri"));
    json_auto_t *others = answer(200, "GET", FUNCTIONS "?filter=-labels.pool:*", NULL);
    assert_int_equal(json_array_size(json_object_get(others, "functions")), 0);
    expect(400, "GET", FUNCTIONS "?filter=colour:blue", NULL);
    gcpsim_rig_configure("{\"uri_missing\":1}");
    json_auto_t *hidden = answer(200, "GET", FUNCTIONS "/hidden", NULL);
    assert_null(at(hidden, "serviceConfig", "uri"));
    json_auto_t *again = answer(200, "GET", FUNCTIONS "/hidden", NULL);
    assert_non_null(at(again, "serviceConfig", "uri"));
    gcpsim_rig_delete_function("hidden");
}

/* Members of serviceConfig, and whether they are taken. */
TEST(rules)
{
    static const char *const refused[] = {
        "\"timeoutSeconds\":3601",
        "\"timeoutSeconds\":0",
        "\"maxInstanceCount\":0",
        "\"minInstanceCount\":200,\"maxInstanceCount\":100",
        "\"availableMemory\":\"64Mi\"",
        "\"availableCpu\":\"lots\"",
        "\"colour\":\"blue\"",
        "\"environmentVariables\":{\"PORT\":\"1\"}",
        "\"availableCpu\":\"0.5\",\"maxInstanceRequestConcurrency\":2",
        "\"maxInstanceRequestConcurrency\":1001"};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        AUTO_FREE char *more = xasprintf(",%s", refused[i]);
        AUTO_FREE char *body = gcpsim_rig_function_body("Serve", more);
        expect(400, "POST", FUNCTIONS "?functionId=rules", body);
    }
    AUTO_FREE char *body = gcpsim_rig_function_body("Serve", "");
    expect(400, "POST", FUNCTIONS "?functionId=abc", body); /* too short */
    expect(400, "POST", FUNCTIONS "?functionId=Rules", body);
    expect(400, "POST", FUNCTIONS, body);
    expect(
        400, "POST", FUNCTIONS "?functionId=rules",
        "{\"buildConfig\":{\"runtime\":\"cobol1\",\"source\":{\"storageSource\":{\"bucket\":\"b\","
        "\"object\":\"o\"}}}}");
    expect(
        404, "POST", FUNCTIONS "?functionId=rules",
        "{\"buildConfig\":{\"runtime\":\"go124\",\"source\":{\"storageSource\":{\"bucket\":\"b\","
        "\"object\":\"o\"}}}}");
    expect(404, "GET", FUNCTIONS "/rules", NULL);
    expect(404, "DELETE", FUNCTIONS "/rules", NULL);
}

static json_t *create_failing(const char *id, const char *body)
{
    AUTO_FREE char *path = xasprintf(FUNCTIONS "?functionId=%s", id);
    json_t *operation = gcpsim_rig_await(answer(200, "POST", path, body));
    assert_non_null(json_object_get(operation, "error"));
    return operation;
}

static void says(const json_t *operation, const char *text)
{
    const char *message = value_string(json_object_get(operation, "error"), "message");
    if (!strstr(message, text))
        fail_msg("\"%s\" is not in: %s", text, message);
}

TEST(builds_that_fail)
{
    AUTO_FREE char *good = gcpsim_rig_function_body("Serve", "");
    gcpsim_rig_configure("{\"build_fails\":1}");
    json_auto_t *first = create_failing("failing", good);
    says(first, "Build failed with status: FAILURE");
    json_auto_t *function = answer(200, "GET", FUNCTIONS "/failing", NULL);
    assert_string_equal(value_string(function, "state"), "FAILED");
    expect(404, "GET", SERVICES "/failing", NULL);
    gcpsim_rig_delete_function("failing");

    json_auto_t *storage = gcpsim_rig_upload("Other");
    AUTO_FREE char *source = json_dumps(storage, JSON_COMPACT);
    AUTO_FREE char *misnamed =
        xasprintf("{\"buildConfig\":{\"runtime\":\"go124\",\"entryPoint\":\"Serve\",\"source\":{"
                  "\"storageSource\":%s}}}",
                  source);
    json_auto_t *second = create_failing("misnamed", misnamed);
    says(second, "'Serve' is not defined");
    AUTO_FREE char *python = xasprintf(
        "{\"buildConfig\":{\"runtime\":\"python312\",\"entryPoint\":\"Other\",\"source\":{"
        "\"storageSource\":%s}}}",
        source);
    gcpsim_rig_delete_function("misnamed");
    json_auto_t *third = create_failing("python", python);
    says(third, "no main.py");
    gcpsim_rig_delete_function("python");
}

/* While one operation goes on, no other begins; the one that was given up on goes on. */
TEST(given_up_on_and_active_later)
{
    AUTO_FREE char *body = gcpsim_rig_function_body("Serve", "");
    gcpsim_rig_configure("{\"build_ms\":600000}");
    json_auto_t *slow = answer(200, "POST", FUNCTIONS "?functionId=slow-one", body);
    assert_false(value_bool(slow, "done", false));
    json_auto_t *refused = answer(409, "DELETE", FUNCTIONS "/slow-one", NULL);
    assert_string_equal(value_string(json_object_get(refused, "error"), "status"), "ABORTED");
    json_auto_t *function = answer(200, "GET", FUNCTIONS "/slow-one", NULL);
    assert_string_equal(value_string(function, "state"), "DEPLOYING");
    gcpsim_rig_configure("{\"build_ms\":0}"); /* what goes on takes its time: the end ends it */
}

TEST(a_service_is_patched_and_stays)
{
    gcpsim_rig_create_function("patched");
    json_auto_t *before = answer(200, "GET", SERVICES "/patched", NULL);
    json_auto_t *operation = gcpsim_rig_await(gcpsim_rig_patch_service("patched", "true", ""));
    assert_non_null(json_object_get(operation, "response"));
    json_auto_t *after = answer(200, "GET", SERVICES "/patched", NULL);
    assert_string_equal(value_string(container_of(after), "image"), "docker.io/library/tool:1");
    assert_string_not_equal(value_string(before, "latestReadyRevision"),
                            value_string(after, "latestReadyRevision"));
    assert_string_not_equal(value_string(before, "etag"), value_string(after, "etag"));
    /* labels of the function do not touch the service, a redeployment does */
    json_decref(gcpsim_rig_await(answer(200, "PATCH", FUNCTIONS "/patched?updateMask=labels",
                                        "{\"labels\":{\"a\":\"b\"}}")));
    json_auto_t *labelled = answer(200, "GET", SERVICES "/patched", NULL);
    assert_string_equal(value_string(container_of(labelled), "image"), "docker.io/library/tool:1");
    json_decref(gcpsim_rig_await(
        answer(200, "PATCH", FUNCTIONS "/patched?updateMask=service_config.timeout_seconds",
               "{\"serviceConfig\":{\"timeoutSeconds\":77}}")));
    json_auto_t *redone = answer(200, "GET", SERVICES "/patched", NULL);
    assert_non_null(strstr(value_string(container_of(redone), "image"), "gcf-artifacts"));
    assert_string_equal(value_string(json_object_get(redone, "template"), "timeout"), "77s");
    gcpsim_rig_delete_function("patched");
}

/* A revision's name belongs to one configuration; without one, what does not change makes none. */
TEST(revisions)
{
    gcpsim_rig_create_function("revised");
    json_auto_t *service = answer(200, "GET", SERVICES "/revised", NULL);
    json_t *template = json_object_get(service, "template");
    AUTO_FREE char *name = xstrdup(value_string(template, "revision"));
    AUTO_FREE char *taken = xasprintf(
        "{\"template\":{\"revision\":\"%s\",\"containers\":[{\"image\":\"busybox\"}]}}", name);
    json_auto_t *refused = answer(409, "PATCH", SERVICES "/revised", taken);
    assert_non_null(strstr(value_string(json_object_get(refused, "error"), "message"),
                           "different configuration already exists"));
    expect(400, "PATCH", SERVICES "/revised",
           "{\"template\":{\"revision\":\"other-1\",\"containers\":[{\"image\":\"busybox\"}]}}");
    json_decref(gcpsim_rig_await(gcpsim_rig_patch_service("revised", "true", "")));
    json_auto_t *first = answer(200, "GET", SERVICES "/revised", NULL);
    json_decref(gcpsim_rig_await(gcpsim_rig_patch_service("revised", "true", "")));
    json_auto_t *second = answer(200, "GET", SERVICES "/revised", NULL);
    assert_string_equal(value_string(first, "latestCreatedRevision"),
                        value_string(second, "latestCreatedRevision"));
    AUTO_FREE char *stale =
        xasprintf("{\"etag\":%s,\"template\":{\"containers\":[{\"image\":\"busybox\"}]}}",
                  "\"\\\"0000\\\"\"");
    expect(409, "PATCH", SERVICES "/revised", stale);
    gcpsim_rig_delete_function("revised");
}

/* Members of a template, and whether they are taken. */
TEST(service_rules)
{
    static const struct {
        long status;
        const char *template;
    } cases[] = {
        {200, "\"containers\":[{\"image\":\"busybox\",\"ports\":[{\"containerPort\":9000}]}]"},
        {400, "\"containers\":[]"},
        {400, "\"containers\":[{\"image\":\"quay.io/a/b\"}]"},
        {400,
         "\"containers\":[{\"image\":\"busybox\",\"env\":[{\"name\":\"PORT\",\"value\":\"1\"}]}]"},
        {400, "\"containers\":[{\"image\":\"busybox\",\"ports\":[{\"containerPort\":0}]}]"},
        {400, "\"containers\":[{\"image\":\"busybox\",\"ports\":[{},{}]}]"},
        {400, "\"containers\":[{\"image\":\"busybox\"}],\"timeout\":\"3601s\""},
        {400, "\"containers\":[{\"image\":\"busybox\"}],\"maxInstanceRequestConcurrency\":1001"},
        {400, "\"containers\":[{\"image\":\"busybox\"}],\"scaling\":{\"minInstanceCount\":2,"
              "\"maxInstanceCount\":1}"},
        {400,
         "\"containers\":[{\"image\":\"busybox\",\"resources\":{\"limits\":{\"cpu\":\"0.5\"}}}],"
         "\"executionEnvironment\":\"EXECUTION_ENVIRONMENT_GEN2\""},
        {400,
         "\"containers\":[{\"image\":\"busybox\",\"resources\":{\"limits\":{\"cpu\":\"0.5\"}}}],"
         "\"maxInstanceRequestConcurrency\":2"},
        {200,
         "\"containers\":[{\"image\":\"busybox\",\"resources\":{\"limits\":{\"cpu\":\"0.5\"}}}]"},
        {400, "\"containers\":[{\"image\":\"busybox\"}],\"colour\":\"blue\""},
        {400, "\"containers\":[{\"image\":\"busybox\"}],\"labels\":{\"A\":\"b\"}"},
    };
    gcpsim_rig_create_function("ruled");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *body = xasprintf("{\"template\":{%s}}", cases[i].template);
        expect(cases[i].status, "PATCH", SERVICES "/ruled?validateOnly=true", body);
    }
    expect(400, "PATCH", SERVICES "/ruled?updateMask=colour", "{}");
    expect(404, "PATCH", SERVICES "/none", "{\"template\":{}}");
    gcpsim_rig_delete_function("ruled");
}

/* Only the masked members change. */
TEST(update_mask)
{
    gcpsim_rig_create_function("masked");
    json_decref(gcpsim_rig_await(gcpsim_rig_patch_service("masked", "true", "")));
    json_decref(
        gcpsim_rig_await(answer(200, "PATCH", SERVICES "/masked?updateMask=template.timeout",
                                "{\"template\":{\"timeout\":\"99s\"}}")));
    json_auto_t *service = answer(200, "GET", SERVICES "/masked", NULL);
    assert_string_equal(value_string(json_object_get(service, "template"), "timeout"), "99s");
    assert_string_equal(value_string(container_of(service), "image"), "docker.io/library/tool:1");
    gcpsim_rig_delete_function("masked");
}

TEST(quota_refused_in_its_disguises)
{
    static const char *const texts[] = {
        "Quota exceeded for total allowable CPU per project per region.",
        "Container Healthcheck failed", "failed to start and listen on the port"};
    gcpsim_rig_create_function("quota");
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO_FREE char *settings = xasprintf("{\"quota_refused\":1,\"quota_disguise\":%zu}", i);
        AUTO_FREE char *script = xasprintf("exit %zu", i);
        gcpsim_rig_configure(settings);
        json_auto_t *operation = gcpsim_rig_await(gcpsim_rig_patch_service("quota", script, ""));
        says(operation, texts[i]);
        json_auto_t *service = answer(200, "GET", SERVICES "/quota", NULL);
        assert_string_equal(value_string(json_object_get(service, "terminalCondition"), "state"),
                            "CONDITION_FAILED");
        /* what served before still does */
        assert_string_not_equal(value_string(service, "latestReadyRevision"),
                                value_string(service, "latestCreatedRevision"));
    }
    gcpsim_rig_delete_function("quota");
}

static bool image_is(const char *service, const char *text)
{
    AUTO_FREE char *path = xasprintf(SERVICES "/%s", service);
    json_auto_t *json = answer(200, "GET", path, NULL);
    return strstr(value_string(container_of(json), "image"), text) != NULL;
}

TEST(a_service_that_is_reset)
{
    gcpsim_rig_create_function("unstuck");
    gcpsim_rig_configure("{\"service_reset\":1,\"service_reset_ms\":20}");
    json_decref(gcpsim_rig_await(gcpsim_rig_patch_service("unstuck", "true", "")));
    for (int i = 0; i < 2000 && !image_is("unstuck", "gcf-artifacts"); i++)
        ;
    assert_true(image_is("unstuck", "gcf-artifacts"));
    json_decref(gcpsim_rig_await(gcpsim_rig_patch_service("unstuck", "true", "")));
    assert_true(image_is("unstuck", "tool:1"));
    gcpsim_rig_delete_function("unstuck");
}

TEST(deleted_by_somebody_else)
{
    gcpsim_rig_create_function("halved");
    json_decref(gcpsim_rig_await(answer(200, "DELETE", SERVICES "/halved", NULL)));
    expect(404, "GET", SERVICES "/halved", NULL);
    expect(200, "GET", FUNCTIONS "/halved", NULL);
    gcpsim_rig_delete_function("halved");
}

TEST(faults)
{
    expect(200, "POST", "/_sim/faults",
           "[{\"operation\":\"cloudfunctions.functions.list\",\"kind\":\"throttle\"},"
           "{\"operation\":\"cloudfunctions.functions.list\",\"kind\":\"error\",\"status\":503},"
           "{\"operation\":\"run.services.list\",\"kind\":\"access_denied\"},"
           "{\"operation\":\"cloudfunctions.operations.get\",\"kind\":\"error\",\"status\":500}]");
    expect(429, "GET", FUNCTIONS, NULL);
    expect(503, "GET", FUNCTIONS, NULL);
    expect(200, "GET", FUNCTIONS, NULL);
    expect(403, "GET", SERVICES, NULL);
    expect(500, "GET", GCPSIM_PARENT "/operations/operation-1", NULL);
    expect(404, "GET", GCPSIM_PARENT "/operations/operation-1", NULL);
}
