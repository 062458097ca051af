/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer: what Azure's services answer (errors, executions, rows of Log Analytics), names of
 * executions, and what is quoted into queries. The first byte chooses the reader.
 */
#include "backend-aca/aca_logs.h"
#include "backend-aca/aca_names.h"
#include "backend-aca/aca_query.h"
#include "backend-aca/aca_status.h"
#include "base/alloc.h"
#include "cloud/query_quote.h"
#include "cloud/azure/azure_error.h"
#include "json/json_doc.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REF "/subscriptions/s/resourceGroups/g/providers/Microsoft.App/jobs/j/executions/e"

static struct aca_config config = {.replica_timeout_s = 60};
static json_t *canned;

static int co_canned(void *arg, const char *query, json_t **reply, bool *missing, struct error *err)
{
    (void)arg;
    (void)err;
    assert(strlen(query) <= ACA_QUERY_MAX + 1024);
    *missing = false;
    *reply = json_incref(canned);
    return 0;
}

static void read_error(const char *text, size_t len)
{
    struct http_response res = {.status = 400};
    struct cloud_error why;
    struct error err;
    buf_append(&res.body, text, len);
    azure_error_parse(&res, &why);
    (void)cloud_error_fill(&why, "aca", "get job", &err);
    buf_free(&res.body);
}

static void read_page(bool backward, const char *token)
{
    struct aca_log_source source = {.co_fetch = co_canned};
    struct workload w = {.log_ref = REF};
    struct log_page page = {0};
    struct log_query query = {.workload = &w, .backward = backward, .token = token};
    struct error err;
    arena_init(&page.arena);
    (void)!co_aca_log_pages(&source, &query, 1, &page, &err);
    arena_fini(&page.arena);
}

static void read_json(const char *text, size_t len)
{
    struct workload_status status;
    struct cloud_error why;
    struct error err;
    canned = json_doc_load_with_nul(text, len, &err);
    if (!canned)
        return;
    aca_status_read(&config, canned, &status);
    azure_error_from(json_object_get(canned, "error"), &why);
    read_page(false, NULL);
    read_page(true, NULL);
    read_page(false, "F 5 9 1 4 0 0 0 3 6 6:7 9:a");
    json_decref(canned);
}

/* What becomes part of paths and queries is a plain name; any other log reference is refused. */
static void read_name(const char *text)
{
    struct aca_execution execution;
    if (!aca_execution_parse(text, &execution))
        return;
    assert(aca_name_valid(execution.job) && aca_name_valid(execution.name));
    AUTO(buf) struct buf out = BUF_INIT;
    const struct log_part part = {.ref = text, .key = execution.name, .from_ns = 1};
    aca_query_add(&out, &part, true);
    assert(strchr(out.data, '|') == NULL && strchr(out.data, '\n') == NULL);
}

/* A literal ends where it should, and is of one line. */
static void quote(const char *text, size_t len)
{
    AUTO(buf) struct buf out = BUF_INIT;
    size_t i = 1;
    query_quote(&out, text, len);
    while (out.data[i] != '"') {
        assert((unsigned char)out.data[i] >= 0x20);
        i += out.data[i] == '\\' ? 2 : 1;
    }
    assert(i + 1 == out.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    AUTO_FREE char *text = xstrndup((const char *)data + 1, size - 1);
    size_t len = strlen(text);
    switch (data[0] % 4) {
    case 0: read_error(text, len); break;
    case 1: read_json(text, len); break;
    case 2: read_name(text); break;
    default: quote((const char *)data + 1, size - 1); break;
    }
    return 0;
}
