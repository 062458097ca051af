/* SPDX-License-Identifier: Apache-2.0
 *
 * Pure parts of the Container Apps driver: what executions say, names, and settings with what is
 * wrong about them.
 */
#include "backend-aca/aca_status.h"

#include "backend-aca/aca_names.h"
#include "base/alloc.h"
#include "base/str.h"
#include "json/json_doc.h"
#include "test/kit/test.h"

#include <stdlib.h>
#include <string.h>

static struct aca_config config = {.replica_timeout_s = 60, .reverse_agent = true};

/* `'` stands for `"`. */
static struct workload_status status_of(const char *text)
{
    struct workload_status out;
    struct error err;
    AUTO_FREE char *copy = xstrdup(text);
    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *doc = json_doc_load(copy, strlen(copy), &err);
    if (!doc)
        fail_msg("%s: %s", err.message, text);
    aca_status_read(&config, doc, &out);
    json_decref(doc);
    return out;
}

/* ---- executions ---- */

TEST(phases)
{
    static const struct {
        const char *execution;
        enum workload_phase phase;
    } cases[] = {
        {"{'properties':{'status':'Running'}}", WORKLOAD_RUNNING},
        {"{'properties':{'status':'Processing'}}", WORKLOAD_PENDING},
        {"{'properties':{'status':'Succeeded'}}", WORKLOAD_STOPPED},
        {"{'properties':{'status':'Failed'}}", WORKLOAD_STOPPED},
        {"{'properties':{'status':'Degraded'}}", WORKLOAD_STOPPED},
        {"{'properties':{'status':'Stopped'}}", WORKLOAD_STOPPED},
        {"{'properties':{'status':'Unknown'}}", WORKLOAD_UNKNOWN},
        {"{'properties':{'status':'Invented','endTime':'2026-01-01T00:00:00Z'}}", WORKLOAD_STOPPED},
        {"{'properties':{'status':null}}", WORKLOAD_UNKNOWN},
        {"{'status':'Running'}", WORKLOAD_RUNNING},
        {"{}", WORKLOAD_UNKNOWN},
        /* The job's own state says nothing. */
        {"{'properties':{'provisioningState':'Succeeded','status':'Running'}}", WORKLOAD_RUNNING},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (status_of(cases[i].execution).phase != cases[i].phase)
            fail_msg("%s", cases[i].execution);
}

#define DETAILS(container)                                                                         \
    ",'detailedStatus':{'replicas':[{'containers':[{'name':'agent-install','code':0}," container   \
    "]}]}}}"

TEST(exit_codes)
{
    static const struct {
        const char *execution;
        int code; /* -1: none is told */
    } cases[] = {
        {"{'properties':{'status':'Succeeded'}}", 0},
        {"{'properties':{'status':'Failed'}}", 1},
        {"{'properties':{'status':'Degraded'}}", 1},
        {"{'properties':{'status':'Stopped'}}", -1},
        {"{'properties':{'status':'Failed'" DETAILS("{'name':'main','code':7}"), 7},
        {"{'properties':{'status':'Succeeded'" DETAILS("{'name':'main','code':0}"), 0},
        {"{'properties':{'status':'Stopped'" DETAILS("{'name':'main','code':143}"), 143},
        {"{'properties':{'status':'Failed'" DETAILS("{'name':'main','status':'Waiting'}"), -1},
        {"{'properties':{'status':'Failed'" DETAILS("{'name':'main','code':4294967295}"), 255},
        {"{'properties':{'status':'Failed'" DETAILS("{'name':'main','code':-1}"), 255},
        {"{'properties':{'status':'Failed','detailedStatus':null}}", 1},
        {"{'properties':{'status':'Failed','detailedStatus':{'replicas':[null,{}]}}}", 1},
        /* Ended by its time limit. */
        {"{'properties':{'status':'Failed','startTime':'2026-01-01T00:00:00Z','endTime':"
         "'2026-01-01T00:01:00Z'}}",
         137},
        {"{'properties':{'status':'Failed','startTime':'2026-01-01T00:00:00Z','endTime':"
         "'2026-01-01T00:00:59Z'}}",
         1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct workload_status s = status_of(cases[i].execution);
        if (s.has_exit_code != (cases[i].code >= 0) ||
            (s.has_exit_code && s.exit_code != cases[i].code))
            fail_msg("%s: %d", cases[i].execution, s.exit_code);
    }
}

TEST(why_it_ended)
{
    struct workload_status s = status_of(
        "{'properties':{'status':'Failed'" DETAILS("{'name':'main','status':'Waiting',"
                                                   "'additionalInformation':'ErrImagePull: x'}"));
    assert_true(s.start_failed);
    assert_string_equal(s.reason, "the execution is Failed: ErrImagePull: x");
    s = status_of("{'properties':{'status':'Failed'" DETAILS(
        "{'name':'main','code':137,'additionalInformation':'OOMKilled'}"));
    assert_true(s.oom_killed && !s.start_failed);
    s = status_of("{'properties':{'status':'Failed'" DETAILS(
        "{'name':'main','code':137,'additionalInformation':'Container was out of memory'}"));
    assert_true(s.oom_killed);
    s = status_of("{'properties':{'status':'Failed'" DETAILS(
        "{'name':'main','code':137,'additionalInformation':'Error'}"));
    assert_false(s.oom_killed);
    s = status_of("{'properties':{'status':'Failed','startTime':'2026-01-01T00:00:00Z','endTime':"
                  "'2026-01-01T00:01:00Z'}}");
    assert_string_equal(s.reason,
                        "the execution was ended after 60 s (SOCKERLESS_ACA_REPLICA_TIMEOUT)");
}

/* Where the agent was to come from, when it did not come. */
TEST(why_there_is_no_agent)
{
    static const char not_found[] = "{'properties':{'status':'Failed'" DETAILS(
        "{'name':'main','status':'Waiting','additionalInformation':'CreateContainerError'}");
    struct workload_status s = status_of(not_found);
    assert_string_equal(s.reason, "the execution is Failed: CreateContainerError");
    config.injection = ACA_INJECT_BAKED_IN;
    s = status_of(not_found);
    assert_non_null(strstr(s.reason, "the image must hold the agent at /sockerless-agent"));
    s = status_of("{'properties':{'status':'Failed'" DETAILS(
        "{'name':'main','status':'Waiting','additionalInformation':'ErrImagePull: x'}"));
    assert_string_equal(s.reason, "the execution is Failed: ErrImagePull: x");
    config.injection = ACA_INJECT_AZURE_FILES;
    config.agent_path = (char *)"bin/agent";
    s = status_of(not_found);
    assert_non_null(strstr(s.reason, "the share must hold the agent at bin/agent"));
    config.injection = ACA_INJECT_INIT_CONTAINER;
    s = status_of("{'properties':{'status':'Failed','detailedStatus':{'replicas':[{'containers':["
                  "{'name':'main','status':'Waiting'},{'name':'agent-install','status':'Waiting',"
                  "'additionalInformation':'ErrImagePull: no such image'}]}]}}}");
    assert_true(s.start_failed);
    assert_non_null(strstr(s.reason, "the agent has failed: ErrImagePull: no such image: check "
                                     "SOCKERLESS_ACA_AGENT_IMAGE"));
}

TEST(an_address_that_no_job_has)
{
    config.reverse_agent = false;
    assert_non_null(
        strstr(status_of("{'properties':{'status':'Running'}}").reason, "SOCKERLESS_CALLBACK_URL"));
    assert_string_equal(
        status_of("{'tags':{'sockerless-sim-address':'10.0.0.1'},'properties':{'status':"
                  "'Running'}}")
            .address,
        "10.0.0.1");
    config.reverse_agent = true;
}

/* ---- names ---- */

/* Below 32 characters, lower-case letters, digits and single hyphens. */
TEST(job_names)
{
    static const struct {
        const char *token, *name;
    } cases[] = {{"00ff00ff-1", "sk-0123456789ab-00ff00ff"},
                 {"a-b--c", "sk-0123456789ab-abc"},
                 {"---", "sk-0123456789ab"},
                 {"0123456789abcdef", "sk-0123456789ab-01234567"}};
    char name[ACA_JOB_NAME_MAX + 1];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        aca_job_name("0123456789abcdef0123456789abcdef", cases[i].token, name);
        assert_string_equal(name, cases[i].name);
        assert_true(aca_name_valid(name));
    }
}

/* ---- settings ---- */

static void usual(struct aca_config *c)
{
    static const struct aca_config values = {
        .subscription_id = (char *)"34adfa4f-cedf-4dc0-ba29-b6d1a69ab345",
        .resource_group = (char *)"my-group_(1)",
        .environment = (char *)"my-environment",
        .location = (char *)"westeurope",
        .log_table = (char *)"auto",
        .api_version = (char *)"2026-07-01",
        .storage_share = (char *)"sockerless",
        .agent_path = (char *)"sockerless-agent",
        .agent_image = (char *)"sockerless/agent:latest",
    };
    *c = values;
}

TEST(settings)
{
    struct aca_config c;
    struct error err;
    usual(&c);
    assert_int_equal(aca_config_finish(&c, "linux/amd64", &err), 0);
    assert_string_equal(c.environment_id,
                        "/subscriptions/34adfa4f-cedf-4dc0-ba29-b6d1a69ab345/resourceGroups/"
                        "my-group_(1)/providers/Microsoft.App/managedEnvironments/my-environment");
    assert_int_equal(c.injection, ACA_INJECT_INIT_CONTAINER);
    aca_config_fini(&c);
    c.storage_name = (char *)"linked";
    assert_int_equal(aca_config_finish(&c, NULL, &err), 0);
    assert_int_equal(c.injection, ACA_INJECT_AZURE_FILES);
    aca_config_fini(&c);
}

TEST(wrong_settings_say_what_to_set)
{
    struct aca_config c;
    struct error err;
    const struct {
        char **field;
        const char *value, *says;
    } cases[] = {
        {&c.subscription_id, "x", "SOCKERLESS_ACA_SUBSCRIPTION_ID: \"x\" is not a valid"},
        {&c.subscription_id, "34adfa4f-cedf-4dc0-ba29-b6d1a69ab34g", "is not a valid"},
        {&c.resource_group, "", "set SOCKERLESS_ACA_RESOURCE_GROUP"},
        {&c.resource_group, "a/b", "SOCKERLESS_ACA_RESOURCE_GROUP: \"a/b\""},
        {&c.resource_group, "a.", "must not end with a dot"},
        {&c.environment, "-a", "SOCKERLESS_ACA_ENVIRONMENT: \"-a\""},
        {&c.environment, "/subscriptions/x", "is not a valid resource id like"},
        {&c.environment, "/subscriptions/s/../providers/Microsoft.App/managedEnvironments/e",
         "is not a valid resource id"},
        {&c.environment, "/subscriptions/./s/providers/Microsoft.App/managedEnvironments/e",
         "is not a valid resource id"},
        {&c.environment, "/subscriptions//s/providers/Microsoft.App/managedEnvironments/e",
         "is not a valid resource id"},
        {&c.location, "west europe", "SOCKERLESS_ACA_LOCATION"},
        {&c.log_workspace, "my-workspace", "SOCKERLESS_ACA_LOG_ANALYTICS_WORKSPACE"},
        {&c.log_table, "Logs", "is not one of auto, ContainerAppConsoleLogs_CL, "},
        {&c.api_version, "2024&x", "SOCKERLESS_ACA_API_VERSION"},
        {&c.registry_server, "https://x", "SOCKERLESS_ACA_REGISTRY_SERVER"},
        {&c.registry_username, "me", "belong together"},
        {&c.registry_password, "secret", "belong together"},
        {&c.identity, "mine", "SOCKERLESS_ACA_IDENTITY: \"mine\" is neither \"system\" nor"},
        {&c.storage_account, "My-Account", "SOCKERLESS_ACA_STORAGE_ACCOUNT"},
        {&c.storage_share, "a/b", "SOCKERLESS_ACA_SHARE"},
        {&c.agent_path, "../agent", "SOCKERLESS_ACA_AGENT_PATH"},
        {&c.agent_injection, "magic", "is not one of init_container, azure_files, baked_in, "},
        {&c.agent_injection, "azure_files", "set SOCKERLESS_ACA_STORAGE_ACCOUNT"},
        {&c.agent_image, "UPPER", "SOCKERLESS_ACA_AGENT_IMAGE"},
        {&c.endpoint_url, "ftp://x", "SOCKERLESS_ENDPOINT_URL"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        usual(&c);
        *cases[i].field = (char *)cases[i].value;
        if (aca_config_finish(&c, "linux/amd64", &err) == 0)
            fail_msg("%s is accepted", cases[i].value);
        if (!strstr(err.message, cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", err.message, cases[i].says);
        free(c.environment_id);
    }
    usual(&c);
    c.identity = (char *)"system";
    assert_int_equal(aca_config_finish(&c, "linux/amd64", &err), 0);
    free(c.environment_id);
    c.environment_id = NULL;
    c.registry_server = (char *)"my.azurecr.io";
    assert_int_equal(aca_config_finish(&c, "linux/amd64", &err), -1);
    assert_non_null(strstr(err.message, "is made with each job and has no role at my.azurecr.io"));
    free(c.environment_id);
    usual(&c);
    c.agent_token = (char *)"s3cr t-t0ken";
    assert_int_equal(aca_config_finish(&c, "linux/amd64", &err), -1);
    assert_null(strstr(err.message, "s3cr"));
    free(c.environment_id);
    usual(&c);
    assert_int_equal(aca_config_finish(&c, "linux/arm64", &err), -1);
    assert_non_null(strstr(err.message, "Container Apps has linux/amd64 only"));
    free(c.environment_id);
}
