/* SPDX-License-Identifier: Apache-2.0
 *
 * From DescribeTasks' answers to the core's status.
 */
#include "backend-ecs/ecs_status.h"

#include "backend-ecs/ecs_task.h"
#include "base/alloc.h"
#include "test/kit/test.h"

#include <string.h>

static struct workload_status read_text(const char *text)
{
    struct workload_status out;
    json_t *task = json_loads(text, 0, NULL);
    assert_non_null(task);
    ecs_status_read(task, &out);
    json_decref(task);
    return out;
}

TEST(phases)
{
    static const struct {
        const char *name;
        enum workload_phase phase;
    } cases[] = {
        {"PROVISIONING", WORKLOAD_PENDING},    {"PENDING", WORKLOAD_PENDING},
        {"ACTIVATING", WORKLOAD_PENDING},      {"RUNNING", WORKLOAD_RUNNING},
        {"DEACTIVATING", WORKLOAD_STOPPING},   {"STOPPING", WORKLOAD_STOPPING},
        {"DEPROVISIONING", WORKLOAD_STOPPING}, {"STOPPED", WORKLOAD_STOPPED},
        {"NEW_STATE", WORKLOAD_PENDING},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *text = xasprintf("{\"lastStatus\":\"%s\"}", cases[i].name);
        assert_int_equal(read_text(text).phase, cases[i].phase);
    }
}

TEST(running_task)
{
    struct workload_status s = read_text(
        "{\"lastStatus\":\"RUNNING\",\"startedAt\":1700000000.25,\"attachments\":[{\"type\":"
        "\"x\"},{\"type\":\"ElasticNetworkInterface\",\"details\":[{\"name\":\"subnetId\","
        "\"value\":\"s\"},{\"name\":\"privateIPv4Address\",\"value\":\"10.0.0.7\"}]}],"
        "\"containers\":[{\"name\":\"main\",\"networkInterfaces\":[{\"privateIpv4Address\":"
        "\"10.0.0.8\"}]}]}");
    assert_string_equal(s.address, "10.0.0.7");
    assert_int_equal(s.started_ns, 1700000000250000000);
    assert_false(s.has_exit_code);
    s = read_text("{\"lastStatus\":\"RUNNING\",\"containers\":[{\"name\":\"agent-install\","
                  "\"exitCode\":0},{\"name\":\"main\",\"networkInterfaces\":[{"
                  "\"privateIpv4Address\":\"10.0.0.8\"}]}]}");
    assert_string_equal(s.address, "10.0.0.8");
    assert_false(s.has_exit_code);
}

TEST(ended_task)
{
    struct workload_status s = read_text(
        "{\"lastStatus\":\"STOPPED\",\"stopCode\":\"EssentialContainerExited\",\"stoppedReason\":"
        "\"Essential container in task exited\",\"startedAt\":1,\"stoppedAt\":9,"
        "\"executionStoppedAt\":7,\"containers\":[{\"name\":\"main\",\"exitCode\":7}]}");
    assert_true(s.has_exit_code);
    assert_int_equal(s.exit_code, 7);
    assert_false(s.start_failed);
    assert_int_equal(s.stopped_ns, 7000000000);
    assert_string_equal(s.reason, "Essential container in task exited");
}

TEST(out_of_memory)
{
    static const struct {
        const char *containers;
        bool oom_killed;
    } cases[] = {
        {"{\"name\":\"main\",\"exitCode\":137,\"reason\":\"OutOfMemoryError: Container killed due "
         "to memory usage\"}",
         true},
        {"{\"name\":\"main\",\"reason\":\"OutOfMemoryError: container killed\"}", true},
        {"{\"name\":\"main\",\"exitCode\":137}],\"stoppedReason\":\"OutOfMemoryError: Container "
         "killed "
         "due to memory usage\",\"attachments\":[",
         true},
        {"{\"name\":\"main\",\"exitCode\":137}", false},
        {"{\"name\":\"agent-install\",\"reason\":\"OutOfMemoryError: it\"},{\"name\":\"main\"}",
         false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *text = xasprintf("{\"lastStatus\":\"STOPPED\",\"startedAt\":1,"
                                         "\"containers\":[%s]}",
                                         cases[i].containers);
        assert_int_equal(read_text(text).oom_killed, cases[i].oom_killed);
    }
}

TEST(failed_start)
{
    struct workload_status s = read_text(
        "{\"lastStatus\":\"STOPPED\",\"stopCode\":\"TaskFailedToStart\",\"stoppedReason\":"
        "\"CannotPullContainerError: not found\",\"containers\":[{\"name\":\"main\",\"reason\":"
        "\"CannotPullContainerError: not "
        "found\"},{\"name\":\"agent-install\",\"reason\":\"why\"}]}");
    assert_true(s.start_failed);
    assert_false(s.has_exit_code);
    assert_string_equal(s.reason, "CannotPullContainerError: not found; agent-install: why");
    assert_true(
        read_text("{\"lastStatus\":\"STOPPED\",\"stopCode\":\"UserInitiated\"}").start_failed);
    assert_false(read_text("{\"lastStatus\":\"STOPPED\",\"stopCode\":\"UserInitiated\","
                           "\"startedAt\":5}")
                     .start_failed);
}

TEST(odd_answers_do_no_harm)
{
    static const char *const texts[] = {
        "{}",
        "{\"lastStatus\":3,\"containers\":{},\"attachments\":7,\"startedAt\":\"x\"}",
        ("{\"lastStatus\":\"STOPPED\",\"containers\":[1,null,{\"name\":\"main\",\"exitCode\":\"1\","
         "\"networkInterfaces\":[]}],\"startedAt\":1e300,\"attachments\":[{\"details\":[null]}]}"),
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct workload_status s = read_text(texts[i]);
        assert_false(s.has_exit_code);
        assert_string_equal(s.address, "");
        assert_int_equal(s.started_ns, 0);
    }
    AUTO_FREE char *reason = xcalloc(1, 3001);
    memset(reason, 'r', 3000);
    AUTO_FREE char *text =
        xasprintf("{\"stoppedReason\":\"%s\",\"containers\":[{\"reason\":\"x\"}]}", reason);
    assert_int_equal(strlen(read_text(text).reason), 511);
}

TEST(run_task_failures)
{
    struct error err;
    json_t *reply = json_loads("{\"tasks\":[],\"failures\":[{\"arn\":\"a\",\"reason\":"
                               "\"RESOURCE:MEMORY\",\"detail\":\"d\"}]}",
                               0, NULL);
    assert_int_equal(ecs_task_failure(reply, &err), -1);
    assert_int_equal(err.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(err.message, "RESOURCE:MEMORY: d (a)"));
    json_decref(reply);
    reply = json_loads("{}", 0, NULL);
    ecs_task_failure(reply, &err);
    assert_non_null(strstr(err.message, "no reason given"));
    json_decref(reply);
}
