/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer: queries of the simulated Kusto query language, and values in them. A value as the backend
 * quotes it finds exactly the row that has it, whatever it contains.
 */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = xstrndup((const char *)data, size);
    const struct table table = {text, strlen(text)};
    struct buf query AUTO(buf) = BUF_INIT;
    if (size > 64 * 1024)
        return 0;
    (void)run(text, &table);
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
