/* SPDX-License-Identifier: Apache-2.0
 * Entries of Cloud Logging; see gcp_log_entry.h. */
#include "cloud/gcp/gcp_log_entry.h"

#include "base/alloc.h"
#include "base/log_record.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloud/gcp/gcp_payload.h"
#include "json/json_doc.h"

#include <string.h>

/* A special field that the collector does not support stays in the payload. */
static bool read_label(const json_t *json, struct log_label *out)
{
    const json_t *labels = json_object_get(json, "labels");
    const json_t *payload = json_object_get(json, "jsonPayload");
    return log_label_parse(json_doc_text(labels, LOG_LABEL_KEY), out) ||
           log_label_parse(json_doc_text(json_object_get(payload, LOG_LABEL_FIELD), LOG_LABEL_KEY),
                           out);
}

bool gcp_log_entry_read(const json_t *json, const char *run_label, struct log_entry *out)
{
    const json_t *labels = json_object_get(json, "labels");
    out->log = json_doc_text(labels, run_label);
    out->id = json_doc_text(json, "insertId");
    out->mark.id = log_mark_id(out->id);
    out->is_record = read_label(json, &out->label);
    /* Nothing at all is an empty line; a protoPayload is no line. */
    return !json_object_get(json, "protoPayload") &&
           timefmt_parse_rfc3339(json_doc_text(json, "timestamp"), &out->mark.ns) &&
           log_mark_time_valid(out->mark.ns);
}

/* What Cloud Run takes from the process's stderr, or what says itself that it is an error. */
static bool is_stderr(const json_t *entry)
{
    static const char *const severities[] = {"ERROR", "CRITICAL", "ALERT", "EMERGENCY"};
    const char *severity = json_doc_text(entry, "severity");
    for (size_t i = 0; i < ARRAY_LEN(severities); i++)
        if (strcmp(severities[i], severity) == 0)
            return true;
    return str_ends(json_doc_text(entry, "logName"), "%2Fstderr");
}

/* textPayload, or what is left of a structured line whose fields were not all taken out. */
static void record_event(const json_t *json, const struct log_label *label, struct arena *arena,
                         struct log_event *out)
{
    const json_t *text = json_object_get(json, "textPayload");
    if (!json_is_string(text))
        text = json_object_get(json_object_get(json, "jsonPayload"), "message");
    bool has_text = json_is_string(text);
    log_entry_record_event(out, label, has_text ? json_string_value(text) : "",
                           has_text ? json_string_length(text) : 0, arena);
}

void gcp_log_entry_event(const json_t *json, const struct log_entry *entry, struct arena *arena,
                         struct log_event *out)
{
    const json_t *plain = json_object_get(json, "textPayload");
    const json_t *object = json_object_get(json, "jsonPayload");
    AUTO(buf) struct buf line = BUF_INIT;
    if (entry->is_record) {
        record_event(json, &entry->label, arena, out);
        return;
    }
    if (!json_is_string(plain) && json_is_object(object))
        gcp_payload_write(object, &line);
    const char *text = json_is_string(plain) ? json_string_value(plain) : str_or_empty(line.data);
    size_t len = json_is_string(plain) ? json_string_length(plain) : line.len;
    log_entry_foreign_event(out, entry->mark.ns, is_stderr(json), text, len, arena);
}
