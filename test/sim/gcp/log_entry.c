/* SPDX-License-Identifier: Apache-2.0
 * A log entry; see log_entry.h. */
#include "test/sim/gcp/log_entry.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "test/sim/gcp/gcp.h"

#include <stdio.h>
#include <string.h>

struct log_entry *log_entry_new(const struct log_entry *like, const char *text, size_t len)
{
    struct log_entry *e = xmalloc(sizeof *e + len + 1);
    *e = *like;
    e->len = len;
    memcpy(e->text, text, len);
    e->text[len] = '\0';
    return e;
}

size_t log_entry_bytes(const struct log_entry *e)
{
    return sizeof *e + e->len + 1;
}

int log_entry_compare(const struct log_entry *a, const struct log_entry *b)
{
    return strcmp(a->id, b->id);
}

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

/* ---- structured lines ---- */

/* NULL: not a structured line. */
static json_t *load_line(const char *text, size_t len)
{
    return len && text[0] == '{'
               ? json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL)
               : NULL;
}

static bool line_time(const json_t *line, int64_t *ns)
{
    const json_t *stamp = json_object_get(line, "timestamp");
    const json_t *seconds = json_object_get(line, "timestampSeconds"), *nanos = NULL;
    const char *time = json_string_value(json_object_get(line, "time"));
    if (time)
        return timefmt_parse_rfc3339(time, ns);
    if (json_is_object(stamp)) {
        seconds = json_object_get(stamp, "seconds");
        nanos = json_object_get(stamp, "nanos");
    } else {
        nanos = json_object_get(line, "timestampNanos");
    }
    if (!json_is_integer(seconds) || json_integer_value(seconds) < 1)
        return false;
    *ns = json_integer_value(seconds) * 1000000000 + json_integer_value(nanos);
    return true;
}

void log_entry_take_fields(struct log_entry *e, const char *text, size_t len)
{
    json_t *line = load_line(text, len);
    const char *id = json_string_value(json_object_get(line, "logging.googleapis.com/insertId"));
    (void)line_time(line, &e->time_ns);
    if (!str_empty(id) && strlen(id) < sizeof e->id)
        snprintf(e->id, sizeof e->id, "%s", id);
    json_decref(line);
}

/* Members of a line that become the entry's own; NULL: they are taken out, and used elsewhere. */
static const struct {
    const char *line, *entry;
    json_type type;
} special[] = {
    {"severity", "severity", JSON_STRING},
    {"httpRequest", "httpRequest", JSON_OBJECT},
    {"time", NULL, JSON_STRING},
    {"timestamp", NULL, JSON_OBJECT},
    {"timestampSeconds", NULL, JSON_INTEGER},
    {"timestampNanos", NULL, JSON_INTEGER},
    {"logging.googleapis.com/insertId", NULL, JSON_STRING},
    {"logging.googleapis.com/labels", "labels", JSON_OBJECT},
    {"logging.googleapis.com/operation", "operation", JSON_OBJECT},
    {"logging.googleapis.com/sourceLocation", "sourceLocation", JSON_OBJECT},
    {"logging.googleapis.com/spanId", "spanId", JSON_STRING},
    {"logging.googleapis.com/trace", "trace", JSON_STRING},
};

static void move_member(json_t *line, size_t i, json_t *out)
{
    json_t *value = json_object_get(line, special[i].line);
    if (!value || json_typeof(value) != special[i].type)
        return;
    const char *to = special[i].entry;
    if (to && !strcmp(to, "labels")) {
        json_t *all = json_copy(json_object_get(out, to)); /* the log's are shared */
        json_object_update(all, value);
        json_object_set_new(out, to, all);
    } else if (to) {
        json_object_set(out, to, value);
    }
    json_object_del(line, special[i].line);
}

/* What remains of a line is its payload; a lone "message" becomes text. */
static void set_payload(json_t *out, const struct log_entry *e)
{
    json_t *line = load_line(e->text, e->len);
    if (!line) {
        json_object_set_new(out, "textPayload", payload_text(e->text, e->len));
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(special); i++)
        move_member(line, i, out);
    json_t *message = json_object_get(line, "message");
    if (json_object_size(line) == 1 && json_is_string(message))
        json_object_set(out, "textPayload", message);
    else
        json_object_set(out, "jsonPayload", line);
    json_decref(line);
}

json_t *log_entry_json(json_t *alike, const struct log_entry *e)
{
    json_t *out = json_object();
    value_set_text(out, "insertId", e->id);
    json_object_update(out, alike);
    gcp_set_time(out, "timestamp", e->time_ns);
    gcp_set_time(out, "receiveTimestamp", e->received_ns);
    set_payload(out, e);
    return out;
}
