/* SPDX-License-Identifier: Apache-2.0
 * Rows of Log Analytics; see aca_rows.h. Cells may be null, or of another type than text. */
#include "aca_rows.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "json/json_doc.h"

#include <string.h>

static int find_column(const json_t *table, const char *name)
{
    const json_t *columns = json_object_get(table, "columns");
    for (size_t i = 0; i < json_array_size(columns); i++)
        if (strcmp(json_doc_text(json_array_get(columns, i), "name"), name) == 0)
            return (int)i;
    return -1;
}

bool aca_rows_open(const json_t *answer, struct aca_rows *out)
{
    const json_t *table = json_array_get(json_object_get(answer, "tables"), 0);
    *out = (struct aca_rows){.rows = json_object_get(table, "rows"),
                             .time = find_column(table, "TimeGenerated"),
                             .group = find_column(table, "Group"),
                             .log = find_column(table, "Log"),
                             .stream = find_column(table, "Stream")};
    return out->time >= 0 && out->group >= 0 && out->log >= 0;
}

void aca_rows_close(struct aca_rows *r)
{
    json_decref(r->line);
    r->line = NULL;
}

static const char *cell(const json_t *row, int column)
{
    return column < 0 ? "" : str_or_empty(json_string_value(json_array_get(row, (size_t)column)));
}

/* An agent's line is an object with a label (base/log_label.h); whatever else begins with a brace
 * is a user's. */
static json_t *read_line(const json_t *row, int column, struct log_label *label)
{
    const json_t *value = json_array_get(row, (size_t)column);
    const char *text = json_string_value(value);
    struct error ignored;
    if (!text || text[0] != '{' || !strstr(text, LOG_LABEL_KEY))
        return NULL;
    json_t *doc AUTO(json) = json_doc_load_with_nul(text, json_string_length(value), &ignored);
    const json_t *labels = json_object_get(doc, LOG_LABEL_FIELD);
    return log_label_parse(json_doc_text(labels, LOG_LABEL_KEY), label) ? STEAL(doc) : NULL;
}

bool aca_rows_read(struct aca_rows *r, const json_t *row, struct log_entry *out)
{
    aca_rows_close(r);
    *out = (struct log_entry){.log = cell(row, r->group), .id = cell(row, r->log)};
    if (!timefmt_parse_rfc3339(cell(row, r->time), &out->mark.ns) ||
        !log_mark_time_valid(out->mark.ns))
        return false;
    r->line = read_line(row, r->log, &out->label);
    out->is_record = r->line != NULL;
    if (!out->is_record) /* rows have no name of their own */
        out->mark.id = log_mark_id(out->id);
    return true;
}

void aca_rows_event(const struct aca_rows *r, const json_t *row, const struct log_entry *entry,
                    struct arena *arena, struct log_event *out)
{
    const json_t *text =
        r->line ? json_object_get(r->line, "message") : json_array_get(row, (size_t)r->log);
    bool has_text = json_is_string(text);
    const char *bytes = has_text ? json_string_value(text) : "";
    size_t len = has_text ? json_string_length(text) : 0;
    if (r->line)
        log_entry_record_event(out, &entry->label, bytes, len, arena);
    else
        log_entry_foreign_event(out, entry->mark.ns, strcmp(cell(row, r->stream), "stderr") == 0,
                                bytes, len, arena);
}
