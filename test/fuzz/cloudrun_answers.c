/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer: what Google's services answer (errors, executions, tasks, log entries), our own log
 * tokens, names, and what is quoted into filters. The first byte chooses the reader.
 */
#include "cloud/log_cursor.h"
#include "backend-cloudrun/cloudrun_logs.h"
#include "backend-cloudrun/cloudrun_names.h"
#include "cloud/gcp/gcp_log_filter.h"
#include "backend-cloudrun/cloudrun_status.h"
#include "base/alloc.h"
#include "cloud/query_quote.h"
#include "cloud/gcp/gcp_error.h"
#include "json/json_doc.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REF "projects/p/locations/l/jobs/j/executions/e"

static struct cloudrun_config config = {
    .project = (char *)"p", .region = (char *)"l", .log_id = (char *)"x"};
static json_t *canned;

static int co_canned(void *arg, const struct log_request *request, json_t **reply,
                     struct error *err)
{
    (void)arg;
    (void)err;
    assert(strlen(request->filter) <= GCP_LOG_FILTER_MAX);
    *reply = json_incref(canned);
    return 0;
}

static void read_error(const char *text, size_t len)
{
    struct http_response res = {.status = 400};
    struct cloud_error why;
    struct error err;
    buf_append(&res.body, text, len);
    gcp_error_parse(&res, &why);
    (void)cloud_error_fill(&why, "run", "get job", &err);
    buf_free(&res.body);
}

static void read_page(bool backward, const char *token)
{
    const struct gcp_log_source source = {.kind = &cloudrun_log_kind,
                                          .project = "p",
                                          .region = "l",
                                          .log_id = "x",
                                          .co_fetch = co_canned};
    struct workload w = {.log_ref = REF};
    struct log_page page = {0};
    struct log_query query = {.workload = &w, .backward = backward, .token = token};
    struct error err;
    arena_init(&page.arena);
    (void)!co_gcp_log_pages(&source, &query, 1, &page, &err);
    arena_fini(&page.arena);
}

static void read_json(const char *text, size_t len)
{
    struct workload_status status;
    struct error err;
    canned = json_doc_load_with_nul(text, len, &err);
    if (!canned)
        return;
    cloudrun_status_read(&config, canned, &status);
    cloudrun_status_add_task(&config, canned, &status);
    read_page(false, NULL);
    read_page(true, NULL);
    read_page(false, "F 5 9 1 4 0 0 0 3 6 6:7 9:a");
    json_decref(canned);
}

/* What is parsed is printed to what is parsed again. */
static void read_token(const char *text)
{
    AUTO(arena) struct arena arena;
    struct log_cursor c, again;
    struct cloudrun_name name;
    arena_init(&arena);
    for (int backward = 0; backward < 2; backward++) {
        if (!log_cursor_parse(text, backward, &arena, &c))
            continue;
        const char *printed = log_cursor_format(&c, backward, &arena);
        assert(log_cursor_parse(printed, backward, &arena, &again));
        assert(again.count == c.count && again.edge_ns == c.edge_ns);
    }
    (void)cloudrun_name_parse(text, &name);
}

/* A literal ends where it should. */
static void quote(const char *text, size_t len)
{
    AUTO(buf) struct buf out = BUF_INIT;
    size_t i = 1;
    query_quote(&out, text, len);
    while (out.data[i] != '"')
        i += out.data[i] == '\\' ? 2 : 1;
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
    case 2: read_token(text); break;
    default: quote((const char *)data + 1, size - 1); break;
    }
    return 0;
}
