/* SPDX-License-Identifier: Apache-2.0
 *
 * Pure parts of the Cloud Run backend: settings, names, sizes, and what executions and tasks say.
 */
#include "backend-cloudrun/cloudrun_names.h"
#include "cloud/gcp/gcp_label.h"
#include "backend-cloudrun/cloudrun_size.h"
#include "backend-cloudrun/cloudrun_status.h"

#include "base/alloc.h"
#include "test/kit/test.h"

#include <stdio.h>
#include <string.h>

/* ---- status ---- */

static struct cloudrun_config config;

/* `'` stands for `"`. */
static json_t *document(const char *text)
{
    AUTO_FREE char *json = xstrdup(text);
    for (char *c = json; *c; c++)
        if (*c == '\'')
            *c = '"';
    json_t *doc = json_loads(json, 0, NULL);
    if (!doc)
        fail_msg("%s", text);
    return doc;
}

#define CONDITION(state, why, words)                                                               \
    "'conditions':[{'type':'Completed','state':'CONDITION_" state "','executionReason':'" why      \
    "','message':'" words "'}]"
#define OVER "'completionTime':'2026-01-01T00:00:09Z','startTime':'2026-01-01T00:00:01.5Z'"

TEST(executions)
{
    static const struct {
        const char *execution;
        enum workload_phase phase;
        const char *reason;
    } cases[] = {
        {"{}", WORKLOAD_PENDING, ""},
        {"{'conditions':[{'type':'Started','state':'CONDITION_SUCCEEDED','message':'yes'},"
         "{'type':'ResourcesAvailable','state':'CONDITION_PENDING','message':'no room',"
         "'reason':'WAITING_FOR_OPERATION'}]}",
         WORKLOAD_PENDING, "no room (WAITING_FOR_OPERATION)"},
        {"{'runningCount':1,'annotations':{'sockerless.dev/sim-address':'10.0.0.5'}}",
         WORKLOAD_RUNNING, ""},
        {"{'runningCount':1," CONDITION("RECONCILING", "CANCELLING", "ending") "}",
         WORKLOAD_STOPPING, "ending (CANCELLING)"},
        {"{" OVER ",'failedCount':1," CONDITION("FAILED", "NON_ZERO_EXIT_CODE", "bad") "}",
         WORKLOAD_STOPPED, "bad (NON_ZERO_EXIT_CODE)"},
        {"{" OVER ",'cancelledCount':1," CONDITION("FAILED", "CANCELLED", "cut") "}",
         WORKLOAD_STOPPED, "cut (CANCELLED)"},
        {"{" CONDITION("SUCCEEDED", "", "") ",'succeededCount':1}", WORKLOAD_STOPPED, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *doc = document(cases[i].execution);
        struct workload_status status;
        cloudrun_status_read(&config, doc, &status);
        if (status.phase != cases[i].phase || strcmp(status.reason, cases[i].reason) != 0)
            fail_msg("%s: %d %s", cases[i].execution, status.phase, status.reason);
        json_decref(doc);
    }
}

TEST(a_running_job_without_address_says_what_to_do)
{
    json_t *doc = document("{'runningCount':1}");
    struct workload_status status;
    cloudrun_status_read(&config, doc, &status);
    assert_non_null(strstr(status.reason, "SOCKERLESS_CALLBACK_URL"));
    config.reverse_agent = true;
    cloudrun_status_read(&config, doc, &status);
    config.reverse_agent = false;
    assert_string_equal(status.reason, "");
    json_decref(doc);
}

TEST(exit_codes)
{
    static const struct {
        const char *task;
        int code; /* -1: none */
        bool start_failed;
        const char *reason;
        bool needs_agent_layer;
    } cases[] = {
        {"{'startTime':'2026-01-01T00:00:01Z','lastAttemptResult':{'exitCode':3}}", 3, false, "",
         false},
        {"{'startTime':'2026-01-01T00:00:01Z','lastAttemptResult':{}}", 0, false, "", false},
        {"{'startTime':'2026-01-01T00:00:01Z','lastAttemptResult':{'termSignal':9}}", 137, false,
         "", false},
        {"{'startTime':'2026-01-01T00:00:01Z','lastAttemptResult':{'status':{'code':4,"
         "'message':'late'}}}",
         -1, false, "late", false},
        {"{'conditions':[{'type':'Completed','state':'CONDITION_FAILED'}]}", -1, true, "", false},
        {"{'startTime':'2026-01-01T00:00:01Z','lastAttemptResult':{'exitCode':121}}", 121, false,
         "neither curl nor wget", true},
        {"{'startTime':'2026-01-01T00:00:01Z','lastAttemptResult':{'exitCode':122}}", 122, false,
         "could not be downloaded", false},
        {"{'startTime':'2026-01-01T00:00:01Z','lastAttemptResult':{'exitCode':121},'containers':[{"
         "'command':['/sockerless-agent']}]}",
         121, false, "", false},
        {"{'conditions':[{'type':'Completed'}],'lastAttemptResult':{'status':{'code':9,'message':"
         "'exec /bin/sh: no such file or directory'}}}",
         -1, true, "has no shell", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *doc = document(cases[i].task), *execution = document("{" OVER "}");
        struct workload_status status;
        cloudrun_status_read(&config, execution, &status);
        cloudrun_status_add_task(&config, doc, &status);
        assert_int_equal(status.has_exit_code ? status.exit_code : -1, cases[i].code);
        assert_int_equal(status.start_failed, cases[i].start_failed);
        assert_int_equal(status.needs_agent_layer, cases[i].needs_agent_layer);
        if (!strstr(status.reason, cases[i].reason) || (!*cases[i].reason && *status.reason))
            fail_msg("%s", status.reason);
        assert_true(status.stopped_ns > status.started_ns && status.started_ns > 0);
        json_decref(doc);
        json_decref(execution);
    }
    struct workload_status status = {.phase = WORKLOAD_STOPPED};
    cloudrun_status_add_task(&config, NULL, &status);
    assert_true(status.start_failed);
}

TEST(out_of_memory)
{
    static const struct {
        const char *result;
        bool oom_killed;
    } cases[] = {
        {"{'termSignal':9,'status':{'code':8,'message':'Memory limit of 512 MiB exceeded with 531 "
         "MiB used. Consider increasing the memory limit.'}}",
         true},
        {"{'termSignal':9,'status':{'code':8,'message':'The container was terminated: its memory "
         "limit was exceeded.'}}",
         true},
        {"{'exitCode':137,'status':{'code':2,'message':'Out of memory'}}", true},
        {"{'status':{'code':8,'message':'The configured memory limit was reached.'}}", true},
        {"{'status':{'code':8,'message':'Out-of-memory event detected in container'}}", true},
        {"{'exitCode':137},'conditions':[{'type':'Completed','state':'CONDITION_FAILED',"
         "'message':'Memory limit of 512 MiB exceeded with 531 MiB used.'}]",
         true},
        {"{'exitCode':1},'conditions':[{'type':'Completed','state':'CONDITION_FAILED',"
         "'message':'The container exited with an error.'}]",
         false},
        {"{'termSignal':9,'status':{'code':2,'message':'The container exited with an error.'}}",
         false},
        {"{'termSignal':9}", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct workload_status status = {.phase = WORKLOAD_STOPPED};
        AUTO_FREE char *text = xasprintf(
            "{'startTime':'2026-01-01T00:00:01Z','lastAttemptResult':%s}", cases[i].result);
        json_t *task = document(text);
        cloudrun_status_add_task(&config, task, &status);
        assert_int_equal(status.oom_killed, cases[i].oom_killed);
        json_decref(task);
    }
}

/* ---- names, sizes ---- */

TEST(names)
{
    char id[CLOUDRUN_JOB_ID_MAX + 1], a[GCP_LABEL_MAX + 1], b[GCP_LABEL_MAX + 1];
    char longest[129];
    struct cloudrun_name name;
    cloudrun_job_id("0123456789abcdef", "abcdef-7-9", id);
    assert_string_equal(id, "sockerless-0123456789ab-abcdef-7");
    cloudrun_job_id("0123456789abcdef", "abcdefg-9", id);
    assert_string_equal(id, "sockerless-0123456789ab-abcdefg");
    gcp_label_value("plain_value-1", a);
    assert_string_equal(a, "plain_value-1");
    memset(longest, 'x', 128);
    longest[128] = '\0';
    gcp_label_value(longest, a);
    longest[127] = 'y';
    gcp_label_value(longest, b);
    assert_int_equal(strlen(a), 63);
    assert_string_not_equal(a, b);
    assert_true(cloudrun_name_parse("projects/p/locations/l/jobs/j/executions/e-1", &name));
    assert_int_equal(name.execution.len, 3);
    assert_false(cloudrun_name_parse("projects/p/locations/l/jobs/j/executions/", &name));
    assert_false(cloudrun_name_parse("projects/p/locations/l/jobs/j?x", &name));
    assert_false(cloudrun_name_parse("jobs/j", &name));
}

TEST(sizes)
{
    static const struct {
        struct cloud_size_wish wish;
        int cpus, mib;
    } cases[] = {
        {{0}, 1, 512},
        {{.memory_bytes = 1}, 1, 512},
        {{.nano_cpus = 1500000000}, 2, 512},
        {{.cpu_quota = 250000}, 4, 2048},
        {{.memory_bytes = (5LL << 30) + 1}, 2, 5121},
        {{.nano_cpus = 5000000000, .memory_bytes = 32LL << 30}, 8, 32768},
    };
    struct cloud_size size;
    struct error err;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(cloud_size_choose(&cloudrun_size_table, &cases[i].wish, &size, &err), 0);
        assert_int_equal(size.cpu_units, cases[i].cpus * CLOUD_CPU_UNITS);
        assert_int_equal(size.memory_mib, cases[i].mib);
    }
    assert_int_equal(cloud_size_choose(&cloudrun_size_table,
                                       &(struct cloud_size_wish){.memory_bytes = INT64_MAX}, &size,
                                       &err),
                     -1);
    assert_int_equal(cloud_size_choose(&cloudrun_size_table,
                                       &(struct cloud_size_wish){.nano_cpus = INT64_MAX}, &size,
                                       &err),
                     -1);
    assert_non_null(strstr(err.message, "--cpus"));
    struct cloud_size_wish wish = {.nano_cpus = 8000000001};
    assert_int_equal(cloud_size_choose(&cloudrun_size_table, &wish, &size, &err), -1);
    assert_string_equal(err.message, "9 CPUs are more than a Cloud Run job can have (8); ask for "
                                     "fewer with --cpus");
    wish = (struct cloud_size_wish){.memory_bytes = (32LL << 30) + 1};
    assert_int_equal(cloud_size_choose(&cloudrun_size_table, &wish, &size, &err), -1);
    assert_string_equal(err.message, "32769 MiB are more than a Cloud Run job can have (32 GiB); "
                                     "ask for less with --memory");
}

/* ---- settings ---- */

/* NULL: all is well; else the message. */
static const char *load(struct cloudrun_config *c, char **flags, int count)
{
    static struct error err;
    char *argv[16] = {"backend"};
    enum config_request request;
    *c = (struct cloudrun_config){0};
    const struct config_setting settings[] = {CLOUDRUN_SETTINGS(*c), {0}};
    for (int i = 0; i < count; i++)
        argv[i + 1] = flags[i];
    if (config_load(settings, count + 1, argv, &request, &err) ||
        cloudrun_config_finish(c, NULL, &err))
        return err.message;
    return NULL;
}

static void unload(struct cloudrun_config *c)
{
    const struct config_setting settings[] = {CLOUDRUN_SETTINGS(*c), {0}};
    cloudrun_config_fini(c);
    config_unload(settings);
}

TEST(settings)
{
    struct cloudrun_config c;
    char *flags[] = {"--agent.gcs_bucket=b", "--gcr-vpc-connector=c1"};
    clearenv();
    setenv("SOCKERLESS_GCR_PROJECT", "p-1", 1);
    const char *problem = load(&c, flags, 2);
    if (problem)
        fail_msg("%s", problem);
    assert_string_equal(c.region, "us-central1");
    assert_string_equal(c.log_id, "sockerless");
    assert_null(c.agent_image);
    assert_string_equal(c.gcs_object, "sockerless-agent");
    assert_string_equal(c.connector_name, "projects/p-1/locations/us-central1/connectors/c1");
    assert_int_equal(c.injection, CLOUDRUN_INJECT_STARTUP_COMMAND);
    unload(&c);
    setenv("SOCKERLESS_GCR_AGENT_INJECTION_METHOD", "image_layer", 1);
    assert_null(load(&c, flags, 0));
    assert_int_equal(c.injection, CLOUDRUN_INJECT_IMAGE_LAYER);
    unload(&c);
    clearenv();
}

TEST(wrong_settings_say_what_to_set)
{
    static const struct {
        char *flags[3];
        const char *says;
    } cases[] = {
        {{"--agent.gcs_bucket=b"}, "set SOCKERLESS_GCR_PROJECT"},
        {{"--gcr-project=p"}, "SOCKERLESS_GCR_AGENT_GCS_BUCKET"},
        {{"--gcr-project=p\"", "--agent.gcs_bucket=b"}, "SOCKERLESS_GCR_PROJECT"},
        {{"--gcr-project=p", "--gcr-region=a/b", "--agent.gcs_bucket=b"}, "us-central1"},
        {{"--gcr-project=p", "--agent.injection_method=magic"}, "not one of startup_command"},
        {{"--gcr-project=p", "--agent.gcs_bucket=b", "--agent.sha256=12"}, "64 hexadecimal"},
        {{"--gcr-project=p", "--agent.url=ftp://x"}, "http:// or https://"},
        {{"--gcr-project=p", "--agent.gcs_bucket=b", "--agent.registry=r.dev/x:1"}, "without tag"},
        {{"--gcr-project=p", "--agent.gcs_bucket=b", "--agent.registry=::"}, "AGENT_REGISTRY"},
        {{"--gcr-project=p", "--gcr-agent-image=::"}, "SOCKERLESS_GCR_AGENT_IMAGE"},
        {{"--gcr-project=p", "--gcr-agent-token=short"}, "SOCKERLESS_GCR_AGENT_TOKEN must be 8"},
        {{"--gcr-project=p", "--gcr-agent-token=with a blank"}, "SOCKERLESS_GCR_AGENT_TOKEN must"},
        {{"--gcr-project=p", "--gcr-vpc-connector=c", "--gcr-vpc-network=n"}, "not both"},
        {{"--gcr-project=p", "--gcr-vpc-connector=c", "--gcr-vpc-subnetwork=s"}, "not both"},
        {{"--gcr-project=p", "--gcr-vpc-tags=a,b"}, "SOCKERLESS_GCR_VPC_TAGS needs"},
        {{"--gcr-project=p", "--gcr-vpc-network=n", "--gcr-vpc-tags=a_b"}, "sockerless,ci"},
        {{"--gcr-project=p", "--gcr-vpc-network=n\""}, "SOCKERLESS_GCR_VPC_NETWORK"},
        {{"--gcr-project=p", "--gcr-vpc-subnetwork=a b"}, "SOCKERLESS_GCR_VPC_SUBNETWORK"},
        {{"--gcr-project=p", "--gcr-vpc-network=n", "--gcr-vpc-egress=some"},
         "private-ranges-only, all-traffic"},
        {{"--gcr-project=p", "--gcr-vpc-egress=all-traffic"}, "SOCKERLESS_GCR_VPC_EGRESS needs"},
    };
    clearenv();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cloudrun_config c;
        char *flags[3];
        int count = 0;
        for (; count < 3 && cases[i].flags[count]; count++)
            flags[count] = cases[i].flags[count];
        const char *problem = load(&c, flags, count);
        if (!problem || !strstr(problem, cases[i].says))
            fail_msg("%zu: %s", i, problem ? problem : "accepted");
        unload(&c);
    }
}
