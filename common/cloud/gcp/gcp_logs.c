/* SPDX-License-Identifier: Apache-2.0
 * Reading logs; see gcp_logs.h. Which entries make a page is log_batch.c's; this is what Cloud
 * Logging's filters and answers look like. */
#include "cloud/gcp/gcp_logs.h"

#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"
#include "cloud/gcp/gcp_log_entry.h"
#include "cloud/gcp/gcp_log_filter.h"
#include "json/json_doc.h"

#include <string.h>

enum { PAGE_SIZE = 1000 /* the API's largest */ };

static void filter_open(void *arg, struct buf *out)
{
    gcp_log_filter_open(out, arg);
}

static void filter_add(void *arg, struct buf *out, const struct log_part *part, bool first)
{
    gcp_log_filter_add(out, arg, part, first);
}

static void filter_close(void *arg, struct buf *out)
{
    (void)arg;
    gcp_log_filter_close(out);
}

static int co_fetch(void *arg, const struct log_request *request, struct log_answer *out,
                    struct error *err)
{
    const struct gcp_log_source *source = arg;
    if (source->co_fetch(source->arg, request, &out->doc, err))
        return -1;
    const char *next = json_doc_string(out->doc, "nextPageToken");
    out->items = json_object_get(out->doc, "entries");
    out->next = str_empty(next) ? NULL : xstrdup(next);
    return 0;
}

static bool read_entry(void *arg, const json_t *item, struct log_entry *out)
{
    const struct gcp_log_source *source = arg;
    return gcp_log_entry_read(item, source->kind->run_label, out);
}

static void make_event(void *arg, const json_t *item, const struct log_entry *entry,
                       struct arena *arena, struct log_event *out)
{
    (void)arg;
    gcp_log_entry_event(item, entry, arena, out);
}

int co_gcp_log_pages(const struct gcp_log_source *source, const struct log_query *queries,
                     size_t count, struct log_page *pages, struct error *err)
{
    const struct log_protocol service = {
        .filter_max = GCP_LOG_FILTER_MAX,
        .page_size = PAGE_SIZE,
        .key = source->kind->key,
        .filter_open = filter_open,
        .filter_add = filter_add,
        .filter_close = filter_close,
        .co_fetch = co_fetch,
        .read = read_entry,
        .event = make_event,
    };
    return co_log_batch_pages(&service, (void *)source, queries, count, pages, err);
}

/* ---- Cloud Logging ---- */

int co_gcp_log_fetch_google(void *arg, const struct log_request *request, json_t **reply,
                            struct error *err)
{
    const struct gcp_log_reader *reader = arg;
    AUTO(buf) struct buf body = BUF_INIT;
    AUTO_FREE char *project = xasprintf("projects/%s", reader->project);
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
        .bucket = reader->bucket,
        .repeatable = true,
    };
    return co_gcp_call(reader->client, &call, reply, &why, err);
}
