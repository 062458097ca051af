/* SPDX-License-Identifier: Apache-2.0
 * Log entries; see cloud_logging.h. */
#include "test/sim/gcp/cloud_logging.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/sim/gcp/logging_filter.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { PAGE_DEFAULT = 50, PAGE_MAX = 1000, ANSWER_BYTES_MAX = 8 * 1024 * 1024 };

struct entry {
    int64_t time_ns, visible_ms, received_ns;
    uint64_t serial; /* the insertId */
    char *job, *execution, *text;
    size_t len;
    bool is_stderr;
};

struct cloud_logging {
    struct gcp *gcp;
    pthread_mutex_t lock;
    struct entry *entries; /* by (time_ns, serial) */
    int64_t stamp_ns;      /* of what was written last */
    size_t count, cap, bytes;
    uint64_t serial;
};

struct cloud_logging *cloud_logging_new(struct gcp *gcp)
{
    struct cloud_logging *l = NEW(struct cloud_logging);
    l->gcp = gcp;
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

static void entry_fini(struct entry *e)
{
    free(e->job);
    free(e->execution);
    free(e->text);
}

void cloud_logging_free(struct cloud_logging *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->count; i++)
        entry_fini(&l->entries[i]);
    free(l->entries);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

size_t cloud_logging_count(struct cloud_logging *l)
{
    pthread_mutex_lock(&l->lock);
    size_t count = l->count;
    pthread_mutex_unlock(&l->lock);
    return count;
}

/* ---- writing ---- */

/* Half of everything goes at once: forgetting one by one would move the rest each time. */
static void forget_oldest(struct cloud_logging *l)
{
    size_t gone = l->count / 2;
    for (size_t i = 0; i < gone; i++) {
        l->bytes -= l->entries[i].len + sizeof(struct entry);
        entry_fini(&l->entries[i]);
    }
    memmove(l->entries, l->entries + gone, (l->count - gone) * sizeof *l->entries);
    l->count -= gone;
}

static void insert(struct cloud_logging *l, struct entry e)
{
    size_t at = l->count;
    if (l->count == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 256;
        l->entries = xrealloc(l->entries, l->cap * sizeof *l->entries);
    }
    while (at > 0 &&
           (l->entries[at - 1].time_ns > e.time_ns ||
            (l->entries[at - 1].time_ns == e.time_ns && l->entries[at - 1].serial > e.serial)))
        at--;
    memmove(l->entries + at + 1, l->entries + at, (l->count - at) * sizeof *l->entries);
    l->entries[at] = e;
    l->count++;
    l->bytes += e.len + sizeof e;
    if (l->bytes > LOGGING_BYTES_MAX)
        forget_oldest(l);
}

static struct entry entry_make(const struct entry *like, const struct log_event *line)
{
    struct entry e = *like;
    e.job = xstrdup(like->job);
    e.execution = xstrdup(like->execution);
    e.text = memcpy(xmalloc(line->len + 1), line->message, line->len);
    e.text[line->len] = '\0';
    e.len = line->len;
    return e;
}

/* Lines are read many at a time and stamped in milliseconds; the service's entries have
 * nanoseconds. */
static int64_t stamp(struct cloud_logging *l, int64_t timestamp_ms)
{
    int64_t ns = timestamp_ms * 1000000;
    l->stamp_ns = ns > l->stamp_ns ? ns : l->stamp_ns + 1;
    return l->stamp_ns;
}

void cloud_logging_write(struct cloud_logging *l, const char *job, const char *execution,
                         bool is_stderr, const struct log_event *lines, size_t count)
{
    struct gcp_tuning *t = &l->gcp->tuning;
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < count; i++) {
        struct entry e = {.time_ns = stamp(l, lines[i].timestamp_ms),
                          .visible_ms = value_now_ms() + t->log_delay_ms,
                          .received_ns = time_now_ns(),
                          .serial = ++l->serial,
                          .job = (char *)job,
                          .execution = (char *)execution,
                          .is_stderr = is_stderr};
        if (value_take_one(&t->log_late))
            e.visible_ms += t->log_late_ms;
        if (value_take_one(&t->log_skew))
            e.time_ns -= t->log_skew_ms * 1000000;
        insert(l, entry_make(&e, &lines[i]));
        if (value_take_one(&t->log_duplicate))
            insert(l, entry_make(&e, &lines[i]));
    }
    pthread_mutex_unlock(&l->lock);
}

/* ---- an entry's JSON ---- */

/* Invalid UTF-8 becomes U+FFFD, as the service does it. */
static json_t *payload_text(const char *text, size_t len)
{
    json_t *whole = json_stringn(text, len);
    if (whole)
        return whole;
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < len;) {
        size_t n = 1;
        json_t *piece = NULL;
        for (; !piece && n <= 4 && i + n <= len; n++)
            piece = json_stringn(text + i, n);
        if (piece)
            buf_append(&out, text + i, --n);
        else
            buf_puts(&out, "\xEF\xBF\xBD");
        i += piece ? n : 1;
        json_decref(piece);
    }
    whole = json_stringn(str_or_empty(out.data), out.len);
    buf_free(&out);
    return whole;
}

/* A JSON line: "severity" is taken out; a lone "message" becomes text. */
static void set_payload(json_t *out, const struct entry *e)
{
    json_t *object = e->len && e->text[0] == '{'
                         ? json_loadb(e->text, e->len, JSON_REJECT_DUPLICATES, NULL)
                         : NULL;
    if (!object) {
        json_object_set_new(out, "textPayload", payload_text(e->text, e->len));
        return;
    }
    json_t *severity = json_object_get(object, "severity");
    if (json_is_string(severity)) {
        json_object_set(out, "severity", severity);
        json_object_del(object, "severity");
    }
    json_t *message = json_object_get(object, "message");
    if (json_object_size(object) == 1 && json_is_string(message))
        json_object_set(out, "textPayload", message);
    else
        json_object_set(out, "jsonPayload", object);
    json_decref(object);
}

static json_t *entry_json(const struct gcp *gcp, const struct entry *e)
{
    char id[25];
    snprintf(id, sizeof id, "%024llx", (unsigned long long)e->serial);
    AUTO_FREE char *log = xasprintf("projects/%s/logs/run.googleapis.com%%2F%s", gcp->project,
                                    e->is_stderr ? "stderr" : "stdout");
    json_t *out = json_pack(
        "{s:s, s:s, s:{s:s, s:{s:s, s:s, s:s}}, s:{s:s, s:s, s:s}}", "insertId", id, "logName", log,
        "resource", "type", "cloud_run_job", "labels", "project_id", gcp->project, "job_name",
        e->job, "location", gcp->region, "labels", "run.googleapis.com/execution_name",
        e->execution, "run.googleapis.com/task_index", "0", "run.googleapis.com/task_attempt", "0");
    gcp_set_time(out, "timestamp", e->time_ns);
    gcp_set_time(out, "receiveTimestamp", e->received_ns);
    set_payload(out, e);
    return out;
}

/* ---- entries.list ---- */

struct query {
    struct logging_filter *filter;
    bool descending;
    size_t page_size;
    /* Where the last page ended; none: serial 0. */
    int64_t time_ns;
    uint64_t serial;
    uint64_t hash; /* of filter and order: a token fits no other query */
};

static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

static bool resource_names_fit(const struct gcp *gcp, const json_t *body, struct gcp_reply *reply)
{
    AUTO_FREE char *own = xasprintf("projects/%s", gcp->project);
    const json_t *names = json_object_get(body, "resourceNames");
    size_t i, len = strlen(own);
    json_t *name;
    if (json_array_size(names) == 0)
        gcp_reply_error(reply, "INVALID_ARGUMENT", "No resource names were provided.");
    json_array_foreach(names, i, name)
    {
        const char *text = str_or_empty(json_string_value(name));
        if (strncmp(text, own, len) != 0 || (text[len] && text[len] != '/'))
            gcp_reply_error(reply, "PERMISSION_DENIED",
                            "Permission denied on resource '%s' (or it may not exist).", text);
    }
    return !reply->status;
}

static bool members_known(const json_t *body, struct gcp_reply *reply)
{
    static const char known[] = " resourceNames filter orderBy pageSize pageToken projectIds ";
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)body, name, value)
    {
        AUTO_FREE char *word = xasprintf(" %s ", name);
        if (!strstr(known, word))
            gcp_reply_error(
                reply, "INVALID_ARGUMENT",
                "Invalid JSON payload received. Unknown name \"%s\": Cannot find field.", name);
    }
    return !reply->status;
}

static bool read_query(const struct gcp *gcp, const json_t *body, struct query *q,
                       struct gcp_reply *reply)
{
    struct error err;
    const char *order = value_string(body, "orderBy"), *token = value_string(body, "pageToken");
    int64_t size = value_int(body, "pageSize", 0);
    unsigned long long serial, hash;
    long long ns;
    if (!members_known(body, reply) || !resource_names_fit(gcp, body, reply))
        return false;
    q->descending = !strcmp(order, "timestamp desc");
    q->page_size = size == 0 ? PAGE_DEFAULT : size > PAGE_MAX ? PAGE_MAX : (size_t)size;
    q->hash = hash_text(hash_text(14695981039346656037u, value_string(body, "filter")), order);
    if (*order && !q->descending && strcmp(order, "timestamp asc") != 0)
        gcp_reply_error(reply, "INVALID_ARGUMENT",
                        "orderBy must be \"timestamp asc\" or "
                        "\"timestamp desc\"");
    else if (size < 0)
        gcp_reply_error(reply, "INVALID_ARGUMENT", "page_size must be positive");
    else if (*token &&
             (sscanf(token, "E%lld.%llx.%llx", &ns, &serial, &hash) != 3 || hash != q->hash))
        gcp_reply_error(reply, "INVALID_ARGUMENT",
                        "page_token is invalid or belongs to another query");
    else if (!(q->filter = logging_filter_parse(value_string(body, "filter"), &err)))
        gcp_reply_error(reply, "INVALID_ARGUMENT", "%s", err.message);
    if (*token && !reply->status) {
        q->time_ns = ns;
        q->serial = serial;
    }
    return !reply->status;
}

static bool is_behind(const struct query *q, const struct entry *e)
{
    if (!q->serial)
        return false;
    int order = e->time_ns != q->time_ns ? (e->time_ns < q->time_ns ? -1 : 1)
                : e->serial != q->serial ? (e->serial < q->serial ? -1 : 1)
                                         : 0;
    return q->descending ? order >= 0 : order <= 0;
}

/* The first entry at or after a time. */
static size_t lower_bound(const struct cloud_logging *l, int64_t time_ns)
{
    size_t low = 0, high = l->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (l->entries[middle].time_ns < time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void set_token(json_t *out, const struct query *q, int64_t time_ns, uint64_t serial)
{
    AUTO_FREE char *token = xasprintf("E%lld.%llx.%llx", (long long)time_ns,
                                      (unsigned long long)serial, (unsigned long long)q->hash);
    value_set_text(out, "nextPageToken", token);
}

/* A duplicate shares (time, insertId) with its original: a page never ends between the two. */
static void collect(struct cloud_logging *l, const struct query *q, json_t *out)
{
    int64_t now = value_now_ms();
    json_t *page = json_array();
    const struct entry *last = NULL;
    size_t first = lower_bound(l, logging_filter_since(q->filter)), bytes = 0;
    for (size_t i = first; i < l->count; i++) {
        const struct entry *e = &l->entries[q->descending ? l->count - 1 - (i - first) : i];
        if (e->visible_ms > now || is_behind(q, e))
            continue;
        bool full = json_array_size(page) >= q->page_size || bytes > ANSWER_BYTES_MAX;
        if (full && last && last->serial == e->serial)
            continue;
        json_t *json = entry_json(l->gcp, e);
        bool fits = logging_filter_matches(q->filter, json);
        if (fits && full)
            set_token(out, q, last->time_ns, last->serial);
        else if (fits) {
            json_array_append(page, json);
            bytes += e->len;
            last = e;
        }
        json_decref(json);
        if (fits && full)
            break;
    }
    if (json_array_size(page))
        json_object_set(out, "entries", page);
    json_decref(page);
}

static void entries_list(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    struct query q = {0};
    if (read_query(gcp, call->body, &q, reply)) {
        struct cloud_logging *l = gcp->logging;
        json_t *out = json_object();
        if (value_take_one(&gcp->tuning.log_empty_pages)) {
            set_token(out, &q, q.time_ns, q.serial);
        } else {
            pthread_mutex_lock(&l->lock);
            collect(l, &q, out);
            pthread_mutex_unlock(&l->lock);
        }
        gcp_reply_json(reply, out);
    }
    logging_filter_free(q.filter);
}

const struct gcp_method logging_methods[] = {
    {"logging", "entries.list", "POST", "/v2/entries:list", entries_list, false}, {0}};
