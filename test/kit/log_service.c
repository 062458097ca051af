/* SPDX-License-Identifier: Apache-2.0
 * A small Cloud Logging; see log_service.h. */
#include "test/kit/log_service.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/kit/test.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { READERS_MAX = 300 };

struct log_service log_service;
static struct log_service *const service = &log_service;
void log_service_reset(void)
{
    log_service = (struct log_service){0};
}

void log_service_say(int job, int64_t ns, int id, const char *text)
{
    service->lines[service->line_count++] =
        (struct log_service_line){.ns = log_service_epoch + ns, .id = id, .job = job, .text = text};
}

static int by_time_and_id(const void *a, const void *b)
{
    const struct log_service_line *x = a, *y = b;
    if (x->ns != y->ns)
        return x->ns < y->ns ? -1 : 1;
    return x->id - y->id;
}

static int newest_first(const void *a, const void *b)
{
    const struct log_service_line *x = a, *y = b;
    return x->ns == y->ns && service->ids_ascend ? x->id - y->id : by_time_and_id(b, a);
}

static bool has_time(const char *part, const char *comparison, int64_t *ns)
{
    char mark[32];
    const char *end = strchr(part, ')');
    snprintf(mark, sizeof mark, "timestamp%s\"", comparison);
    const char *found = strstr(part, mark);
    if (!found || found > end)
        return false;
    AUTO_FREE char *when = xstrndup(found + strlen(mark), strcspn(found + strlen(mark), "\""));
    return timefmt_parse_rfc3339(when, ns);
}

static bool matches(const char *filter, const struct log_service_line *line)
{
    char name[64];
    int64_t from, to;
    snprintf(name, sizeof name, "job_name=\"job-%d\"", line->job);
    for (const char *part = strstr(filter, name); part; part = strstr(part + 1, name)) {
        assert_true(has_time(part, ">=", &from));
        if (line->ns >= from && (!has_time(part, "<=", &to) || line->ns <= to))
            return true;
    }
    return false;
}

static json_t *entry_of(const struct log_service_line *line)
{
    char when[TIMEFMT_RFC3339_MAX], job[32], execution[40], id[16];
    snprintf(job, sizeof job, "job-%d", line->job);
    snprintf(execution, sizeof execution, "job-%d-x", line->job);
    snprintf(id, sizeof id, "i%06d", line->id);
    timefmt_rfc3339nano(line->ns, when);
    return json_pack("{s:s, s:s, s:s, s:s, s:{s:{s:s}}, s:{s:s}}", "insertId", id, "timestamp",
                     when, "textPayload", line->text, "logName", "projects/p-1/logs/x", "resource",
                     "labels", "job_name", job, "labels", "run.googleapis.com/execution_name",
                     execution);
}

/* Not a coroutine here: nothing suspends. */
static int co_fake_fetch(void *arg, const struct log_request *request, json_t **reply,
                         struct error *err)
{
    static struct log_service_line sorted[LOG_SERVICE_MAX];
    size_t n = 0, size = (size_t)request->page_size;
    int64_t skip = 0;
    (void)arg;
    service->calls++;
    if (service->too_large_above && request->page_size > service->too_large_above)
        return error_set(err, ERROR_TOO_LARGE, "too large");
    if (service->page_limit && size > (size_t)service->page_limit)
        size = (size_t)service->page_limit;
    snprintf(service->last_filter, sizeof service->last_filter, "%s", request->filter);
    if (strlen(request->filter) > service->longest_filter)
        service->longest_filter = strlen(request->filter);
    for (size_t i = 0; i < service->line_count; i++)
        if (matches(request->filter, &service->lines[i]))
            sorted[n++] = service->lines[i];
    qsort(sorted, n, sizeof *sorted, request->newest_first ? newest_first : by_time_and_id);
    if (request->page_token)
        assert_true(str_to_i64(request->page_token, &skip));
    json_t *entries = json_array();
    for (size_t i = (size_t)skip; i < n && i < (size_t)skip + size; i++)
        json_array_append_new(entries, entry_of(&sorted[i]));
    *reply = json_pack("{s:o}", "entries", entries);
    if ((size_t)skip + size < n) {
        char token[24];
        snprintf(token, sizeof token, "%zu", (size_t)skip + size);
        json_object_set_new(*reply, "nextPageToken", json_string(token));
    }
    return 0;
}

const struct gcp_log_source log_service_source = {.kind = &cloudrun_log_kind,
                                                  .project = "p-1",
                                                  .region = "r-1",
                                                  .log_id = "sockerless",
                                                  .co_fetch = co_fake_fetch};

/* ---- readers ---- */

struct log_service_reader log_service_reader_of(int job)
{
    struct log_service_reader r = {.since_ns = log_service_epoch};
    snprintf(r.workload.log_ref, sizeof r.workload.log_ref,
             "projects/p-1/locations/r-1/jobs/job-%d/executions/job-%d-x", job, job);
    return r;
}

void log_service_read_all(struct log_service_reader **readers, size_t count)
{
    static struct log_query queries[READERS_MAX];
    static struct log_page pages[READERS_MAX];
    struct error err = {0};
    for (size_t i = 0; i < count; i++) {
        queries[i] = (struct log_query){.workload = &readers[i]->workload,
                                        .token = readers[i]->token,
                                        .backward = readers[i]->backward,
                                        .since_ns = readers[i]->since_ns,
                                        .until_ns = readers[i]->until_ns};
        memset(&pages[i], 0, sizeof pages[i]);
        arena_init(&pages[i].arena);
    }
    if (co_gcp_log_pages(&log_service_source, queries, count, pages, &err))
        fail_msg("%s", err.message);
    for (size_t i = 0; i < count; i++) {
        struct log_service_reader *r = readers[i];
        for (size_t k = 0; k < pages[i].count; k++) {
            size_t len = strlen(r->got);
            snprintf(r->got + len, sizeof r->got - len, "%s ", pages[i].events[k].text);
        }
        free(r->token);
        r->token = pages[i].next_token ? xstrdup(pages[i].next_token) : NULL;
        r->at_end = pages[i].at_end;
        if (r->backward && pages[i].forward_token) { /* go on forward from here */
            free(r->token);
            r->token = xstrdup(pages[i].forward_token);
            r->backward = false;
        }
        arena_fini(&pages[i].arena);
    }
}

void log_service_read(struct log_service_reader *r)
{
    log_service_read_all(&r, 1);
}

void log_service_expect(struct log_service_reader *r, const char *text)
{
    assert_string_equal(r->got, text);
    r->got[0] = '\0';
}

void log_service_read_expect(struct log_service_reader *r, const char *text)
{
    log_service_read(r);
    log_service_expect(r, text);
}
