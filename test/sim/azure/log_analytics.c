/* SPDX-License-Identifier: Apache-2.0
 * Ingestion and the query API ("Azure Monitor Log Analytics API" and "Azure Monitor service
 * limits"); see log_analytics.h. */
#include "test/sim/azure/log_analytics.h"

#include "base/alloc.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/sim/azure/directory.h"
#include "test/sim/azure/log_query.h"
#include "test/sim/http/call_counts.h"
#include "test/sim/http/fault.h"
#include "test/sim/http/form.h"
#include "test/sim/http/journal.h"
#include "test/sim/http/rate_limit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum {
    BYTES_MAX = 256 * 1024 * 1024,
    DELAY_LEAST_MS = 30000,
    DELAY_MOST_MS = 120000,
    CUSTOM_STEP_NS = 1000000, /* milliseconds */
    PLAIN_STEP_NS = 100
};

struct log_analytics {
    struct azure *azure;
    pthread_mutex_t lock;
    struct log_table *table;
    int64_t last_ns; /* when the line written last was printed */
    struct rate_limit rate;
};

struct log_analytics *log_analytics_new(struct azure *azure, const char *environment)
{
    struct log_analytics *l = NEW(struct log_analytics);
    l->azure = azure;
    l->table = log_table_new(environment, azure->tenant, BYTES_MAX);
    l->rate = (struct rate_limit){.burst = 200, .per_second = 200.0 / 30};
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

void log_analytics_free(struct log_analytics *l)
{
    if (!l)
        return;
    log_table_free(l->table);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

size_t log_analytics_count(struct log_analytics *l)
{
    pthread_mutex_lock(&l->lock);
    size_t count = log_table_count(l->table);
    pthread_mutex_unlock(&l->lock);
    return count;
}

/* ---- ingestion ---- */

/* Each batch has its own: later ones overtake earlier ones, as in the real service. */
static int64_t draw_delay_ms(const struct azure_tuning *t)
{
    uint32_t random;
    random_bytes(&random, sizeof random);
    int64_t drawn = DELAY_LEAST_MS + random % (DELAY_MOST_MS - DELAY_LEAST_MS);
    return t->log_delay_ms + drawn * t->log_delay_percent / 100;
}

void log_analytics_write(struct log_analytics *l, const struct log_source *source, bool is_stderr,
                         const struct log_event *lines, size_t count)
{
    struct azure_tuning *t = &l->azure->tuning;
    int64_t visible_ms = value_now_ms() + draw_delay_ms(t);
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < count; i++) {
        struct log_table_line line = {.time_ns = time_now_ns(),
                                      .visible_ms = visible_ms,
                                      .is_stderr = is_stderr,
                                      .text = lines[i].message,
                                      .len = lines[i].len};
        if (l->last_ns && value_take_one(&t->log_same_time))
            line.time_ns = l->last_ns;
        if (value_take_one(&t->log_late))
            line.visible_ms += t->log_late_ms;
        l->last_ns = line.time_ns;
        log_table_add(l->table, source, &line);
    }
    pthread_mutex_unlock(&l->lock);
}

/* ---- queries ---- */

static struct log_table_view view_of(const struct azure_tuning *t)
{
    struct log_table_view view = {.shape = (t->log_plain ? LOG_TABLE_PLAIN : 0u) |
                                           (t->log_no_stream ? LOG_TABLE_NO_STREAM : 0u),
                                  .now_ms = value_now_ms(),
                                  .step_ns = t->log_step_ns,
                                  .from_ns = INT64_MIN,
                                  .to_ns = INT64_MAX};
    if (!view.step_ns)
        view.step_ns = t->log_plain ? PLAIN_STEP_NS : CUSTOM_STEP_NS;
    return view;
}

/* Under the lock cells are looked at and copied into the answer. */
static void run_query(struct log_analytics *l, struct log_query *q, struct log_answer *answer)
{
    struct azure_tuning *t = &l->azure->tuning;
    struct log_table_view view = view_of(t);
    struct log_limits limits = {.rows = (size_t)t->log_rows_max,
                                .bytes = (size_t)t->log_bytes_max,
                                .half = value_take_one(&t->log_partial)};
    struct kql_source source;
    view.from_ns = q->from_ns;
    view.to_ns = q->to_ns;
    pthread_mutex_lock(&l->lock);
    bool fits = !strcmp(kql_table(q->kql), log_table_name(view.shape));
    struct log_table_rows *rows = fits ? log_table_open(l->table, &view, &source) : NULL;
    log_query_run(q, rows ? &source : NULL, &limits, answer);
    log_table_close(rows);
    pthread_mutex_unlock(&l->lock);
}

/* ---- who calls ---- */

static void refuse(struct log_answer *answer, int status, const char *code, const char *message)
{
    char correlation[37];
    value_uuid(correlation);
    answer->status = status;
    json_decref(answer->body);
    answer->body = json_pack("{s:{s:s, s:s, s:s}}", "error", "message", message, "code", code,
                             "correlationId", correlation);
}

static bool check_caller(struct azure *azure, const struct http_request *request,
                         struct log_answer *answer)
{
    char principal[64];
    const char *token = form_bearer(request);
    if (*token &&
        directory_check(azure->directory, token, DIRECTORY_LOGS, principal, NULL) == TOKEN_GOOD)
        return true;
    refuse(answer, *token ? 403 : 401, *token ? "InvalidTokenError" : "AuthorizationRequiredError",
           *token ? "The provided authentication is not valid for this resource"
                  : "Valid authentication was not provided");
    answer->status = 401;
    return false;
}

/* True when the fault has taken the place of the query. */
static bool apply_fault(struct azure *azure, const struct fault *f, struct log_answer *answer)
{
    static const struct {
        enum fault_kind kind;
        int status;
        const char *code, *message;
    } kinds[] = {{FAULT_THROTTLE, 429, "ThrottledError", "The request had been throttled."},
                 {FAULT_ERROR, 500, "InternalServerError", "Internal server error"},
                 {FAULT_CAPACITY, 504, "GatewayTimeout", "The query timed out."},
                 {FAULT_ACCESS_DENIED, 403, "InsufficientAccessError",
                  "The provided credentials have insufficient access to perform the requested "
                  "operation"}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].kind == f->kind) {
            refuse(answer, f->status ? f->status : kinds[i].status,
                   fault_text(f->code, kinds[i].code), fault_text(f->message, kinds[i].message));
            answer->retry_after_s = f->kind == FAULT_THROTTLE ? (f->latency_ms + 999) / 1000 : 0;
            return true;
        }
    if (f->kind == FAULT_LATENCY || f->kind == FAULT_TIMEOUT)
        fault_delay(&azure->closing, f->latency_ms ? f->latency_ms : 60000);
    answer->drop = f->kind == FAULT_TIMEOUT || f->kind == FAULT_DROP_CONNECTION ||
                   f->kind == FAULT_LOST_ANSWER;
    return answer->drop;
}

static bool is_throttled(struct log_analytics *l)
{
    if (!l->azure->tuning.throttling)
        return false;
    pthread_mutex_lock(&l->lock);
    bool taken = rate_limit_take(&l->rate, time_mono_ms());
    pthread_mutex_unlock(&l->lock);
    return !taken;
}

/* "/v1/workspaces/GUID/query" of our workspace. */
static bool check_path(const struct azure *azure, const struct http_request *request,
                       struct log_answer *answer)
{
    const char *workspace = request->path + strlen("/v1/workspaces/");
    size_t len = strcspn(workspace, "/");
    if (strcmp(workspace + len, "/query") != 0 || strcmp(request->method, "POST") != 0)
        refuse(answer, 404, "PathNotFoundError", "The requested path does not exist");
    else if (strlen(azure->workspace) != len || strncasecmp(workspace, azure->workspace, len) != 0)
        refuse(answer, 404, "WorkspaceNotFoundError", "The workspace could not be found");
    else
        return true;
    return false;
}

static void handle(struct azure *azure, const struct http_request *request,
                   struct log_answer *answer)
{
    struct fault f = {0};
    struct log_query query = {0};
    if (!check_caller(azure, request, answer) || !check_path(azure, request, answer))
        return;
    if (fault_list_take(azure->faults, "logs", "query", &f) && apply_fault(azure, &f, answer))
        return;
    if (is_throttled(azure->logs)) {
        refuse(answer, 429, "ThrottledError", "The request had been throttled.");
        answer->retry_after_s = 1;
    } else if (log_query_read(&query, request->body, request->body_len, answer)) {
        run_query(azure->logs, &query, answer);
    }
    log_query_fini(&query);
}

/* A body that is no JSON is not kept. */
static void keep_journal(struct azure *azure, const struct http_request *request, int status,
                         const char *response)
{
    json_t *body = json_loadb(request->body, request->body_len, 0, NULL);
    json_t *line = json_pack("{s:s, s:s, s:o, s:o?}", "method", request->method, "path",
                             request->path, "parameters", form_parse(request->query), "body", body);
    AUTO_FREE char *text = json_dumps(line, JSON_COMPACT);
    journal_write(azure->journal, "logs", "Query_Execute", text, status, response);
    json_decref(line);
}

void log_analytics_request(void *ctx, const struct http_request *request, struct http_reply *reply)
{
    struct azure *azure = ctx;
    struct log_answer answer = {.status = 200};
    handle(azure, request, &answer);
    AUTO_FREE char *text = json_dumps(answer.body, JSON_COMPACT);
    http_reply_text(reply, answer.status, "application/json; charset=utf-8", text ? text : "{}");
    if (answer.retry_after_s) {
        AUTO_FREE char *seconds = xasprintf("%ld", answer.retry_after_s);
        http_reply_header(reply, "Retry-After", seconds);
    }
    reply->drop = answer.drop;
    call_counts_add(azure->counts, "logs", "query");
    keep_journal(azure, request, answer.status, text);
    log_debug("query", LOG_INT("status", answer.status), LOG_STR("body", request->body));
    json_decref(answer.body);
}
