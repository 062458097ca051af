/* SPDX-License-Identifier: Apache-2.0
 * Reading logs; see cloudrun_logs.h. Which entries make a page is log_batch.c's; this is what Cloud
 * Logging's filters and answers look like. */
#include "cloudrun_logs.h"

#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"
#include "cloudrun_entry.h"
#include "cloudrun_filter.h"
#include "json/json_doc.h"

#include <string.h>

enum { PAGE_SIZE = 1000 /* the API's largest */ };

/* An execution's name is its job's with something appended. */
static bool log_key(const char *log_ref, char out[LOG_KEY_SIZE])
{
    struct cloudrun_name name;
    if (!cloudrun_name_parse(log_ref, &name) || !name.execution.len)
        return false;
    memcpy(out, name.execution.text, name.execution.len);
    out[name.execution.len] = '\0';
    return true;
}

static void filter_open(void *arg, struct buf *out)
{
    const struct cloudrun_log_source *source = arg;
    cloudrun_filter_open(out, source->config);
}

static void filter_add(void *arg, struct buf *out, const struct log_part *part, bool first)
{
    (void)arg;
    cloudrun_filter_add(out, part, first);
}

static void filter_close(void *arg, struct buf *out)
{
    (void)arg;
    cloudrun_filter_close(out);
}

static int co_fetch(void *arg, const struct log_request *request, struct log_answer *out,
                    struct error *err)
{
    const struct cloudrun_log_source *source = arg;
    if (source->co_fetch(source->arg, request, &out->doc, err))
        return -1;
    const char *next = json_doc_string(out->doc, "nextPageToken");
    out->items = json_object_get(out->doc, "entries");
    out->next = str_empty(next) ? NULL : xstrdup(next);
    return 0;
}

static bool read_entry(void *arg, const json_t *item, struct log_entry *out)
{
    (void)arg;
    return cloudrun_entry_read(item, out);
}

static void make_event(void *arg, const json_t *item, const struct log_entry *entry,
                       struct arena *arena, struct log_event *out)
{
    (void)arg;
    cloudrun_entry_event(item, entry, arena, out);
}

static const struct log_protocol service = {
    .filter_max = CLOUDRUN_FILTER_MAX,
    .page_size = PAGE_SIZE,
    .key = log_key,
    .filter_open = filter_open,
    .filter_add = filter_add,
    .filter_close = filter_close,
    .co_fetch = co_fetch,
    .read = read_entry,
    .event = make_event,
};

int co_cloudrun_log_pages(const struct cloudrun_log_source *source, const struct log_query *queries,
                          size_t count, struct log_page *pages, struct error *err)
{
    return co_log_batch_pages(&service, (void *)source, queries, count, pages, err);
}

/* ---- Cloud Logging ---- */

int co_cloudrun_log_fetch_google(void *arg, const struct log_request *request, json_t **reply,
                                 struct error *err)
{
    struct cloudrun_api *api = arg;
    AUTO(buf) struct buf body = BUF_INIT;
    AUTO_FREE char *project = xasprintf("projects/%s", api->config->project);
    char *const names[] = {project};
    struct json_writer w;
    struct cloud_error why;
    json_writer_init(&w, &body);
    json_object_open(&w);
    json_key(&w, "resourceNames");
    json_string_array(&w, names, 1);
    json_member_string(&w, "filter", request->filter);
    json_member_string(&w, "orderBy", request->newest_first ? "timestamp desc" : "timestamp asc");
    json_member_int(&w, "pageSize", request->page_size);
    if (request->page_token)
        json_member_string(&w, "pageToken", request->page_token);
    json_object_close(&w);
    const struct gcp_call call = {
        .service = "logging",
        .what = "list entries",
        .method = "POST",
        .path = "v2/entries:list",
        .body = &body,
        .bucket = &api->log_reads,
        .repeatable = true,
    };
    return co_gcp_call(api->client, &call, reply, &why, err);
}
