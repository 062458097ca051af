/* SPDX-License-Identifier: Apache-2.0
 * Writing log entries and entries.list; see cloud_logging.h. Under the lock a page is only found
 * and copied; its JSON is made afterwards. */
#include "test/sim/gcp/cloud_logging.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/sim/gcp/log_store.h"
#include "test/sim/gcp/logging_filter.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { PAGE_DEFAULT = 50, PAGE_MAX = 1000, TIME_STEP_NS = 1000 };

struct cloud_logging {
    struct gcp *gcp;
    pthread_mutex_t lock;
    struct log_store *store;
    int64_t stamp_ns; /* of what was written last */
    uint64_t serial;
};

struct cloud_logging *cloud_logging_new(struct gcp *gcp)
{
    struct cloud_logging *l = NEW(struct cloud_logging);
    l->gcp = gcp;
    l->store = log_store_new(gcp->project, gcp->region, LOGGING_BYTES_MAX);
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

void cloud_logging_free(struct cloud_logging *l)
{
    if (!l)
        return;
    log_store_free(l->store);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

size_t cloud_logging_count(struct cloud_logging *l)
{
    pthread_mutex_lock(&l->lock);
    size_t count = log_store_count(l->store);
    pthread_mutex_unlock(&l->lock);
    return count;
}

/* ---- writing ---- */

static void set_id(struct log_entry *e, uint64_t serial)
{
    /* odd: no two get the same */
    snprintf(e->id, sizeof e->id, "%016llx", (unsigned long long)(serial * 0x9e3779b97f4a7c15u));
}

/* Time and insertId. */
static void stamp(struct cloud_logging *l, struct log_entry *e, const char *text, size_t len)
{
    struct gcp_tuning *t = &l->gcp->tuning;
    e->time_ns = e->received_ns;
    set_id(e, ++l->serial);
    log_entry_take_fields(e, text, len);
    if (t->log_own_time)
        e->time_ns = e->received_ns;
    if (t->log_own_ids)
        set_id(e, l->serial);
    if (l->stamp_ns && value_take_one(&t->log_same_time))
        e->time_ns = l->stamp_ns;
    e->time_ns -= e->time_ns % TIME_STEP_NS;
    l->stamp_ns = e->time_ns;
}

static void write_line(struct cloud_logging *l, const struct log_source *source,
                       const struct log_event *line)
{
    struct gcp_tuning *t = &l->gcp->tuning;
    struct log_entry e = {.visible_ms = value_now_ms() + t->log_delay_ms,
                          .received_ns = time_now_ns()};
    stamp(l, &e, line->message, line->len);
    if (value_take_one(&t->log_late))
        e.visible_ms += t->log_late_ms;
    if (value_take_one(&t->log_skew))
        e.time_ns -= t->log_skew_ms * 1000000;
    log_store_add(l->store, source, log_entry_new(&e, line->message, line->len));
    if (value_take_one(&t->log_duplicate))
        log_store_add(l->store, source, log_entry_new(&e, line->message, line->len));
}

void cloud_logging_write(struct cloud_logging *l, const struct log_source *source,
                         const struct log_event *lines, size_t count)
{
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < count; i++)
        write_line(l, source, &lines[i]);
    pthread_mutex_unlock(&l->lock);
}

/* ---- entries.list ---- */

struct query {
    struct log_store_query find;
    struct logging_filter *filter;
    uint64_t hash; /* of filter and order: a token fits no other query */
    char after_id[LOG_INSERT_ID_MAX];
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
    unsigned long long hash;
    long long ns;
    if (!members_known(body, reply) || !resource_names_fit(gcp, body, reply))
        return false;
    q->find.descending = !strcmp(order, "timestamp desc");
    q->find.page_size = size == 0 ? PAGE_DEFAULT : size > PAGE_MAX ? PAGE_MAX : (size_t)size;
    q->hash = hash_text(hash_text(14695981039346656037u, value_string(body, "filter")), order);
    if (*order && !q->find.descending && strcmp(order, "timestamp asc") != 0)
        gcp_reply_error(reply, "INVALID_ARGUMENT",
                        "orderBy must be \"timestamp asc\" or "
                        "\"timestamp desc\"");
    else if (size < 0)
        gcp_reply_error(reply, "INVALID_ARGUMENT", "page_size must be positive");
    else if (*token &&
             (sscanf(token, "E%lld.%llx.%63s", &ns, &hash, q->after_id) != 3 || hash != q->hash))
        gcp_reply_error(reply, "INVALID_ARGUMENT",
                        "page_token is invalid or belongs to another query");
    else if (!(q->filter = logging_filter_parse(value_string(body, "filter"), &err)))
        gcp_reply_error(reply, "INVALID_ARGUMENT", "%s", err.message);
    if (*token && !reply->status) {
        q->find.after = true;
        q->find.after_ns = ns;
        q->find.after_id = q->after_id;
    }
    return !reply->status;
}

static void set_token(json_t *out, const struct query *q, int64_t time_ns, const char *id)
{
    AUTO_FREE char *token =
        xasprintf("E%lld.%llx.%s", (long long)time_ns, (unsigned long long)q->hash, id);
    value_set_text(out, "nextPageToken", token);
}

static void set_page(json_t *out, const struct query *q, const struct log_store_page *page)
{
    json_t *entries = json_array();
    for (size_t i = 0; i < page->count; i++)
        json_array_append_new(entries, log_entry_json(page->items[i].alike, page->items[i].entry));
    if (page->count)
        json_object_set(out, "entries", entries);
    json_decref(entries);
    if (page->more)
        set_token(out, q, page->items[page->count - 1].entry->time_ns,
                  page->items[page->count - 1].entry->id);
}

static void entries_list(struct gcp *gcp, const struct gcp_call *call, struct gcp_reply *reply)
{
    struct query q = {0};
    if (read_query(gcp, call->body, &q, reply)) {
        struct cloud_logging *l = gcp->logging;
        json_t *out = json_object();
        if (value_take_one(&gcp->tuning.log_empty_pages)) {
            bool first = !q.find.after;
            set_token(out, &q,
                      !first              ? q.find.after_ns
                      : q.find.descending ? INT64_MAX
                                          : 0,
                      first ? "-" : q.after_id);
        } else {
            struct log_store_page page = {0};
            q.find.filter = q.filter;
            q.find.now_ms = value_now_ms();
            q.find.ids_ascend = !q.find.descending || !gcp->tuning.log_ids_descend;
            pthread_mutex_lock(&l->lock);
            log_store_find(l->store, &q.find, &page);
            pthread_mutex_unlock(&l->lock);
            set_page(out, &q, &page);
            log_store_page_fini(&page);
        }
        gcp_reply_json(reply, out);
    }
    logging_filter_free(q.filter);
}

const struct gcp_method logging_methods[] = {
    {"logging", "entries.list", "POST", "/v2/entries:list", entries_list, false}, {0}};
