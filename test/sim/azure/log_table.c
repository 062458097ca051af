/* SPDX-License-Identifier: Apache-2.0
 * Lines and the table's columns (ContainerAppConsoleLogs in the Azure Monitor reference; those of
 * the custom table have a suffix for their type); see log_table.h. */
#include "test/sim/azure/log_table.h"

#include "base/alloc.h"

#include <string.h>
#include <uthash.h>

/* A container's lines share one. */
struct origin {
    UT_hash_handle hh;
    char *key, *job, *group, *container, *image;
    char id[65]; /* of the container */
    size_t lines;
};

struct line {
    struct origin *origin;
    int64_t time_ns, visible_ms;
    bool is_stderr;
    size_t len;
    char text[];
};

struct log_table {
    const char *environment, *tenant;
    size_t bytes, bytes_max;
    struct origin *origins;
    struct line **lines; /* in the order of time_ns */
    size_t count, cap;
    int64_t first_visible_ms; /* of any line ever; 0: none */
};

struct log_table *log_table_new(const char *environment, const char *tenant, size_t bytes_max)
{
    struct log_table *t = NEW(struct log_table);
    t->environment = environment;
    t->tenant = tenant;
    t->bytes_max = bytes_max;
    return t;
}

static void drop_line(struct log_table *t, struct line *line)
{
    struct origin *o = line->origin;
    t->bytes -= sizeof *line + line->len;
    free(line);
    if (--o->lines)
        return;
    HASH_DEL(t->origins, o);
    free(o->key);
    free(o->job);
    free(o->group);
    free(o->container);
    free(o->image);
    free(o);
}

static void drop_oldest(struct log_table *t, size_t count)
{
    for (size_t i = 0; i < count; i++)
        drop_line(t, t->lines[i]);
    t->count -= count;
    if (t->count)
        memmove(t->lines, t->lines + count, t->count * sizeof(void *));
}

void log_table_free(struct log_table *t)
{
    if (!t)
        return;
    drop_oldest(t, t->count);
    free(t->lines);
    free(t);
}

size_t log_table_count(const struct log_table *t)
{
    return t->count;
}

/* ---- writing ---- */

static void container_id(const char *key, char out[65])
{
    uint64_t hash = 1469598103934665603u;
    static const char digits[] = "0123456789abcdef";
    for (const char *c = key; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    for (int i = 0; i < 64; i++) {
        hash = hash * 6364136223846793005u + 1442695040888963407u;
        out[i] = digits[hash >> 60];
    }
    out[64] = '\0';
}

static struct origin *find_or_make(struct log_table *t, const struct log_source *source)
{
    struct origin *o;
    AUTO_FREE char *key = xasprintf("%s/%s", source->group, source->container);
    HASH_FIND_STR(t->origins, key, o);
    if (o)
        return o;
    o = NEW(struct origin);
    container_id(key, o->id);
    o->key = STEAL(key);
    o->job = xstrdup(source->job);
    o->group = xstrdup(source->group);
    o->container = xstrdup(source->container);
    o->image = xstrdup(source->image);
    HASH_ADD_KEYPTR(hh, t->origins, o->key, strlen(o->key), o);
    return o;
}

void log_table_add(struct log_table *t, const struct log_source *source,
                   const struct log_table_line *from)
{
    struct line *line = xmalloc(sizeof *line + from->len);
    *line = (struct line){.origin = find_or_make(t, source),
                          .time_ns = from->time_ns,
                          .visible_ms = from->visible_ms,
                          .is_stderr = from->is_stderr,
                          .len = from->len};
    memcpy(line->text, from->text, from->len);
    line->origin->lines++;
    if (t->count == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 256;
        t->lines = xrealloc(t->lines, t->cap * sizeof *t->lines);
    }
    size_t at = t->count++;
    for (; at > 0 && t->lines[at - 1]->time_ns > line->time_ns; at--)
        t->lines[at] = t->lines[at - 1];
    t->lines[at] = line;
    t->bytes += sizeof *line + line->len;
    if (!t->first_visible_ms || line->visible_ms < t->first_visible_ms)
        t->first_visible_ms = line->visible_ms;
    if (t->bytes > t->bytes_max && t->count > 1)
        drop_oldest(t, t->count / 2);
}

/* ---- reading ---- */

enum field {
    FIELD_TIME,
    FIELD_TENANT,
    FIELD_SOURCE,
    FIELD_ENVIRONMENT,
    FIELD_JOB,
    FIELD_GROUP,
    FIELD_CONTAINER,
    FIELD_CONTAINER_ID,
    FIELD_IMAGE,
    FIELD_LOG,
    FIELD_PRINTED,
    FIELD_EPOCH,
    FIELD_EMPTY,
    FIELD_TYPE,
    FIELD_STREAM
};

/* The stream's column is the last one. */
static const struct table_column {
    enum field field;
    enum kql_type type;
    const char *custom, *plain; /* NULL: that table has none */
} columns[] = {{FIELD_TENANT, KQL_GUID, "TenantId", "TenantId"},
               {FIELD_TIME, KQL_DATETIME, "TimeGenerated", "TimeGenerated"},
               {FIELD_SOURCE, KQL_STRING, "SourceSystem", "SourceSystem"},
               {FIELD_EMPTY, KQL_STRING, "ContainerAppName_s", "ContainerAppName"},
               {FIELD_EMPTY, KQL_STRING, "RevisionName_s", "RevisionName"},
               {FIELD_ENVIRONMENT, KQL_STRING, "EnvironmentName_s", "EnvironmentName"},
               {FIELD_JOB, KQL_STRING, "ContainerJobName_s", "JobName"},
               {FIELD_GROUP, KQL_STRING, "ContainerGroupName_s", "ContainerGroupName"},
               {FIELD_CONTAINER, KQL_STRING, "ContainerName_s", "ContainerName"},
               {FIELD_CONTAINER_ID, KQL_STRING, "ContainerId_s", "ContainerId"},
               {FIELD_IMAGE, KQL_STRING, "ContainerImage_s", "ContainerImage"},
               {FIELD_LOG, KQL_STRING, "Log_s", "Log"},
               {FIELD_PRINTED, KQL_DATETIME, "time_t", NULL},
               {FIELD_EPOCH, KQL_REAL, "_timestamp_d", NULL},
               {FIELD_TYPE, KQL_STRING, "Type", "Type"},
               {FIELD_STREAM, KQL_STRING, "Stream_s", "Stream"}};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

struct log_table_rows {
    const struct log_table *table;
    struct log_table_view view;
    const struct line **lines;
    size_t count;
    struct kql_column columns[COLUMNS];
    enum field fields[COLUMNS];
    size_t column_count;
};

const char *log_table_name(unsigned shape)
{
    return shape & LOG_TABLE_PLAIN ? "ContainerAppConsoleLogs" : "ContainerAppConsoleLogs_CL";
}

static const char *field_text(const struct log_table_rows *rows, const struct line *line,
                              enum field field)
{
    switch (field) {
    case FIELD_TENANT: return rows->table->tenant;
    case FIELD_SOURCE: return rows->view.shape & LOG_TABLE_PLAIN ? "Azure" : "RestAPI";
    case FIELD_ENVIRONMENT: return rows->table->environment;
    case FIELD_JOB: return line->origin->job;
    case FIELD_GROUP: return line->origin->group;
    case FIELD_CONTAINER: return line->origin->container;
    case FIELD_CONTAINER_ID: return line->origin->id;
    case FIELD_IMAGE: return line->origin->image;
    case FIELD_TYPE: return log_table_name(rows->view.shape);
    case FIELD_STREAM: return line->is_stderr ? "stderr" : "stdout";
    default: return "";
    }
}

static int64_t cut(int64_t ns, int64_t step_ns)
{
    return ns - ns % step_ns;
}

static void cell(const void *ctx, size_t row, size_t column, struct kql_value *out)
{
    const struct log_table_rows *rows = ctx;
    const struct line *line = rows->lines[row];
    enum field field = rows->fields[column];
    *out = (struct kql_value){.type = rows->columns[column].type};
    if (field == FIELD_TIME || field == FIELD_PRINTED) {
        out->integer = cut(line->time_ns, field == FIELD_TIME ? rows->view.step_ns : 100);
    } else if (field == FIELD_EPOCH) {
        out->real = (double)cut(line->time_ns, 1000) / 1e9;
    } else if (field == FIELD_LOG) {
        out->text = line->text;
        out->len = line->len;
    } else {
        out->text = field_text(rows, line, field);
        out->len = strlen(out->text);
    }
}

static void choose_columns(struct log_table_rows *rows)
{
    size_t count = COLUMNS - (rows->view.shape & LOG_TABLE_NO_STREAM ? 1 : 0);
    for (size_t i = 0; i < count; i++) {
        bool plain = rows->view.shape & LOG_TABLE_PLAIN;
        const char *name = plain ? columns[i].plain : columns[i].custom;
        if (!name)
            continue;
        rows->fields[rows->column_count] = columns[i].field;
        rows->columns[rows->column_count++] = (struct kql_column){name, columns[i].type};
    }
}

/* The first line that may be in a window from there on. */
static size_t first_from(const struct log_table *t, int64_t from_ns)
{
    size_t low = 0, high = t->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->lines[middle]->time_ns < from_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct log_table_rows *log_table_open(const struct log_table *t, const struct log_table_view *view,
                                      struct kql_source *out)
{
    if (!t->first_visible_ms || t->first_visible_ms > view->now_ms)
        return NULL;
    struct log_table_rows *rows = NEW(struct log_table_rows);
    rows->table = t;
    rows->view = *view;
    rows->lines = xcalloc(t->count + 1, sizeof *rows->lines);
    for (size_t i = first_from(t, view->from_ns); i < t->count; i++) {
        int64_t time_ns = cut(t->lines[i]->time_ns, view->step_ns);
        if (time_ns > view->to_ns)
            break;
        if (t->lines[i]->visible_ms <= view->now_ms && time_ns >= view->from_ns)
            rows->lines[rows->count++] = t->lines[i];
    }
    choose_columns(rows);
    *out = (struct kql_source){.table = log_table_name(view->shape),
                               .columns = rows->columns,
                               .column_count = rows->column_count,
                               .row_count = rows->count,
                               .cell = cell,
                               .ctx = rows};
    return rows;
}

void log_table_close(struct log_table_rows *rows)
{
    if (!rows)
        return;
    free(rows->lines);
    free(rows);
}
