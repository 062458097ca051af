/* SPDX-License-Identifier: Apache-2.0
 * A log entry; see log_entry.h. */
#include "test/sim/gcp/log_entry.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
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
    return (a->id > b->id) - (a->id < b->id);
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

/* A JSON line: "severity" is taken out; a lone "message" becomes text. */
static void set_payload(json_t *out, const struct log_entry *e)
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

json_t *log_entry_json(json_t *alike, const struct log_entry *e)
{
    char id[25];
    snprintf(id, sizeof id, "%024llx", (unsigned long long)e->id);
    json_t *out = json_object();
    value_set_text(out, "insertId", id);
    json_object_update(out, alike);
    gcp_set_time(out, "timestamp", e->time_ns);
    gcp_set_time(out, "receiveTimestamp", e->received_ns);
    set_payload(out, e);
    return out;
}
