/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulated Log Analytics: tables, delays, limits, faults. Needs root.
 */
#include "base/timefmt.h"
#include "test/kit/azuresim_rig.h"

#define TABLE "ContainerAppConsoleLogs_CL"
#define QUERY_PATH "/v1/workspaces/" AZURESIM_WORKSPACE "/query"
#define query(status, kql) azuresim_rig_query(__LINE__, status, kql)

TEST_GROUP(azuresim_rig_setup, azuresim_rig_teardown);

static size_t count(const json_t *answer)
{
    return json_array_size(azuresim_rig_rows(answer));
}

/* The innermost error's code. */
static const char *inner_code(const json_t *answer)
{
    const json_t *error = json_object_get(answer, "error");
    while (json_object_get(error, "innererror"))
        error = json_object_get(error, "innererror");
    return value_string(error, "code");
}

static json_t *ask(long status, const char *token, const char *path, const char *body)
{
    const struct sim_call call = {token, "POST", path, body, {"Content-Type: application/json"}};
    struct sim_answer got;
    sim_call(&call, &got);
    assert_int_equal(got.status, status);
    json_t *out = json_incref(got.json);
    sim_answer_fini(&got);
    return out;
}

/* First, since the table does not exist before the first line. */
TEST(table_comes_with_the_first_line)
{
    json_auto_t *before = query(400, TABLE " | take 1");
    assert_string_equal(value_string(json_object_get(before, "error"), "code"), "BadArgumentError");
    assert_string_equal(inner_code(before), "SEM0100");
    azuresim_rig_configure("{\"log_delay_ms\":600000}");
    azuresim_rig_create("first", "echo early");
    free(azuresim_rig_run("first"));
    json_decref(query(400, TABLE " | take 1"));
    azuresim_rig_configure("{\"log_delay_ms\":0}");
    AUTO_FREE char *again = azuresim_rig_run("first");
    json_auto_t *after = query(200, TABLE " | project Log_s, TimeGenerated, ContainerGroupName_s");
    assert_int_equal(count(after), 1);
    assert_true(str_starts(azuresim_rig_cell(after, 0, 2), again));
    json_decref(query(400, "ContainerAppConsoleLogs | take 1"));
    azuresim_rig_configure("{\"log_plain\":1}");
    json_auto_t *plain = query(200, "ContainerAppConsoleLogs | project Log, Stream, JobName");
    assert_string_equal(azuresim_rig_cell(plain, 0, 2), "first");
    json_auto_t *environment =
        azuresim_rig_answer(__LINE__, 200, "GET", AZURESIM_ENVIRONMENT, NULL);
    const json_t *logs =
        json_object_get(json_object_get(environment, "properties"), "appLogsConfiguration");
    assert_string_equal(value_string(logs, "destination"), "azure-monitor");
    azuresim_rig_configure("{\"log_plain\":0,\"log_no_stream\":1}");
    json_auto_t *no_stream = query(400, TABLE " | project Stream_s");
    assert_string_equal(inner_code(no_stream), "SEM0100");
    azuresim_rig_configure("{\"log_no_stream\":0}");
    azuresim_rig_delete("first");
}

/* Late lines, lines of one time, and times cut as the table does. */
TEST(disorder)
{
    azuresim_rig_create("disorder", "for i in 1 2 3 4; do echo line $i; sleep 0.01; done");
    azuresim_rig_configure("{\"log_same_time\":2,\"log_late\":1,\"log_late_ms\":600000}");
    free(azuresim_rig_run("disorder"));
    azuresim_rig_configure("{\"log_same_time\":0,\"log_late\":0}");
    json_auto_t *rows = query(200, TABLE " | where ContainerJobName_s == 'disorder'"
                                         " | project TimeGenerated, Log_s"
                                         " | order by TimeGenerated asc");
    assert_int_equal(count(rows), 3);
    const char *time = azuresim_rig_cell(rows, 0, 0);
    assert_true(strlen(time) <= strlen("2026-01-02T03:04:05.678Z"));
    assert_true(strchr(time, 'Z'));
    azuresim_rig_delete("disorder");
}

TEST(delay_by_percent)
{
    azuresim_rig_create("delayed", "echo one");
    azuresim_rig_configure("{\"log_delay_percent\":100}");
    free(azuresim_rig_run("delayed"));
    azuresim_rig_configure("{\"log_delay_percent\":0}");
    json_auto_t *rows = query(200, TABLE " | where ContainerJobName_s == 'delayed'");
    assert_int_equal(count(rows), 0);
    azuresim_rig_delete("delayed");
}

/* Limits leave a part out, and say so beside the table. */
TEST(partial_results)
{
    azuresim_rig_create("many", "seq 1 500");
    free(azuresim_rig_run("many"));
    static const char kql[] = TABLE " | where ContainerJobName_s == 'many' | project Log_s";
    json_auto_t *all = query(200, kql);
    assert_int_equal(count(all), 500);
    assert_null(json_object_get(all, "error"));
    azuresim_rig_configure("{\"log_rows_max\":100}");
    json_auto_t *cut = query(200, kql);
    assert_int_equal(count(cut), 100);
    assert_string_equal(value_string(json_object_get(cut, "error"), "code"), "PartialError");
    azuresim_rig_configure("{\"log_rows_max\":30000,\"log_partial\":1}");
    json_auto_t *half = query(200, kql);
    assert_int_equal(count(half), 250);
    assert_non_null(json_object_get(half, "error"));
    azuresim_rig_configure("{\"log_bytes_max\":100}");
    json_auto_t *bytes = query(200, kql);
    assert_true(count(bytes) > 0 && count(bytes) < 100);
    azuresim_rig_configure("{\"log_bytes_max\":64000000}");
    json_auto_t *again = query(200, kql);
    assert_int_equal(count(again), 500);
    azuresim_rig_delete("many");
}

/* "timespan" cuts what the query sees. */
TEST(timespans)
{
    static const struct {
        const char *span;
        long status;
        bool finds;
    } cases[] = {{"PT1H", 200, true},
                 {"P1D", 200, true},
                 {"P1DT1H2M3.5S", 200, true},
                 {"2020-01-01T00:00:00Z/2020-01-02T00:00:00Z", 200, false},
                 {"2020-01-01T00:00:00Z/P1D", 200, false},
                 {"2020-01-01T00:00:00Z/2100-01-01T00:00:00Z", 200, true},
                 {"P1D/2020-01-01T00:00:00Z", 200, false},
                 {"1h", 400, false},
                 {"P", 400, false},
                 {"PT", 200, false},
                 {"2020-01-01", 400, false}};
    azuresim_rig_create("span", "echo now");
    free(azuresim_rig_run("span"));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *body =
            xasprintf("{\"query\":\"" TABLE " | where ContainerJobName_s == 'span'\","
                      "\"timespan\":\"%s\"}",
                      cases[i].span);
        json_auto_t *rows = ask(cases[i].status, azuresim_tokens.logs, QUERY_PATH, body);
        if ((count(rows) > 0) != cases[i].finds)
            fail_msg("%s", cases[i].span);
    }
    azuresim_rig_delete("span");
}

TEST(refusals)
{
    static const char body[] = "{\"query\":\"" TABLE "\"}";
    json_decref(ask(401, NULL, QUERY_PATH, body));
    json_decref(ask(401, azuresim_tokens.arm, QUERY_PATH, body)); /* of another audience */
    json_decref(ask(404, azuresim_tokens.logs, "/v1/workspaces/none/query", body));
    json_decref(ask(404, azuresim_tokens.logs, "/v1/workspaces/" AZURESIM_WORKSPACE, body));
    json_decref(ask(400, azuresim_tokens.logs, QUERY_PATH, "{}"));
    json_decref(ask(400, azuresim_tokens.logs, QUERY_PATH, "{"));
    json_decref(ask(400, azuresim_tokens.logs, QUERY_PATH, "{\"query\":\"T\",\"limit\":5}"));
    json_auto_t *syntax = query(400, TABLE " | where Log_s == 'x");
    assert_string_equal(inner_code(syntax), "SYN0002");
}

TEST(faults_and_rates)
{
    static const char *const kinds[] = {"throttle", "error", "access_denied", "capacity"};
    static const long statuses[] = {429, 500, 403, 504};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        AUTO_FREE char *fault = xasprintf(
            "{\"operation\":\"logs.query\",\"kind\":\"%s\",\"latency_ms\":2000}", kinds[i]);
        json_decref(azuresim_rig_open(__LINE__, 200, "POST", "/_sim/faults", fault));
        json_decref(query(statuses[i], TABLE));
    }
    azuresim_rig_configure("{\"throttling\":1}");
    int good = 0;
    struct sim_answer got = {.status = 200};
    while (got.status == 200 && good < 400) {
        const struct sim_call call = {
            azuresim_tokens.logs, "POST", QUERY_PATH, "{\"query\":\"" TABLE " | take 1\"}", {NULL}};
        sim_answer_fini(&got);
        sim_call(&call, &got);
        good += got.status == 200;
    }
    azuresim_rig_configure("{\"throttling\":0}");
    assert_int_equal(got.status, 429);
    assert_true(good >= 200);
    AUTO_FREE char *wait_s = sim_answer_header(&got, "Retry-After");
    assert_string_equal(wait_s, "1");
    sim_answer_fini(&got);
}
