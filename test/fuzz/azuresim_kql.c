/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer: queries of the simulated Kusto query language, and values in them. A value as the backend
 * quotes it finds exactly the row that has it, whatever it contains. A query that the backend makes
 * of whatever log reference it was given is understood, and finds that execution's rows alone.
 */
#include "backend-aca/aca_names.h"
#include "backend-aca/aca_query.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "cloud/query_quote.h"
#include "test/sim/azure/kql.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct kql_column columns[] = {
    {"TimeGenerated", KQL_DATETIME}, {"Log_s", KQL_STRING}, {"Count_d", KQL_LONG}};
enum { ROWS = 4 };

struct table {
    const char *text; /* with a byte more behind it */
    size_t len;
};

/* Row 1 has the fuzzer's bytes, the others have one more. */
static void cell(const void *ctx, size_t row, size_t column, struct kql_value *out)
{
    const struct table *t = ctx;
    *out = (struct kql_value){.type = columns[column].type, .integer = (int64_t)row * 100};
    if (columns[column].type == KQL_STRING) {
        out->text = t->text;
        out->len = t->len + (row == 1 ? 0 : 1);
    }
}

/* How many rows a query finds; -1: it is refused. */
static long run(const char *text, const struct table *table)
{
    const struct kql_source source = {"T", columns, ARRAY_LEN(columns), ROWS, cell, table};
    struct kql_problem problem;
    struct kql_result result;
    int64_t from_ns, to_ns;
    long found = -1;
    struct kql_query *query = kql_parse(text, &problem);
    if (!query)
        return -1;
    kql_bounds(query, "TimeGenerated", &from_ns, &to_ns);
    if (kql_run(query, &source, 1000, &result, &problem) == 0) {
        found = (long)result.row_count;
        kql_result_fini(&result);
    }
    kql_free(query);
    return found;
}

/* ---- the backend's queries ---- */

static const struct kql_column log_columns[] = {{"TimeGenerated", KQL_DATETIME},
                                                {"ContainerJobName_s", KQL_STRING},
                                                {"ContainerGroupName_s", KQL_STRING},
                                                {"ContainerName_s", KQL_STRING},
                                                {"Log_s", KQL_STRING},
                                                {"Stream_s", KQL_STRING}};
enum { LOG_ROWS = 4, LOG_FOUND = 2 };

/* Rows 0 and 1 are the execution's, 2 another execution's, 3 another job's. */
static void log_cell(const void *ctx, size_t row, size_t column, struct kql_value *out)
{
    const struct aca_execution *execution = ctx;
    const char *const texts[] = {NULL,
                                 row == 3 ? "" : execution->job,
                                 row == 2 ? "" : execution->name,
                                 ACA_MAIN_CONTAINER,
                                 "text",
                                 "stdout"};
    *out = (struct kql_value){.type = log_columns[column].type, .integer = 1000000000};
    if (texts[column]) {
        out->text = texts[column];
        out->len = strlen(texts[column]);
    }
}

static void read_log(const char *ref)
{
    struct aca_execution execution;
    struct kql_problem problem;
    struct kql_result result;
    struct buf condition AUTO(buf) = BUF_INIT, text AUTO(buf) = BUF_INIT;
    const struct log_part part = {.ref = ref, .from_ns = 1, .to_ns = INT64_C(2000000000)};
    if (!aca_execution_parse(ref, &execution))
        return;
    aca_query_open(&condition);
    aca_query_add(&condition, &part, true);
    aca_query_close(&condition);
    const struct aca_query query = {.condition = condition.data, .limit = 10, .from_ns = 1};
    aca_query_write(&text, &query);
    const struct kql_source source = {aca_log_table_name(ACA_LOG_CUSTOM),
                                      log_columns,
                                      ARRAY_LEN(log_columns),
                                      LOG_ROWS,
                                      log_cell,
                                      &execution};
    struct kql_query *parsed = kql_parse(text.data, &problem);
    if (!parsed || kql_run(parsed, &source, 1000, &result, &problem) ||
        result.row_count != LOG_FOUND)
        abort();
    kql_result_fini(&result);
    kql_free(parsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = xstrndup((const char *)data, size);
    const struct table table = {text, strlen(text)};
    struct buf query AUTO(buf) = BUF_INIT;
    if (size > 64 * 1024)
        return 0;
    AUTO_FREE char *ref = xasprintf("/providers/Microsoft.App/jobs/%s", text);
    (void)run(text, &table);
    read_log(ref);
    buf_puts(&query, "T | where Log_s == ");
    query_quote(&query, table.text, table.len);
    buf_puts(&query, " | top 10 by TimeGenerated");
    if (run(query.data, &table) != 1)
        abort();
    buf_clear(&query);
    buf_printf(&query, "T | where Log_s == '%s'", text);
    (void)run(query.data, &table);
    return 0;
}
