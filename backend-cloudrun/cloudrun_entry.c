/* SPDX-License-Identifier: Apache-2.0
 * Entries of Cloud Logging; see cloudrun_entry.h. */
#include "cloudrun_entry.h"

#include "base/alloc.h"
#include "base/log_record.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloudrun_payload.h"
#include "json/json_doc.h"

#include <string.h>

bool cloudrun_entry_read(const json_t *entry, struct cloudrun_entry *out)
{
    const json_t *resource = json_object_get(json_object_get(entry, "resource"), "labels");
    const json_t *labels = json_object_get(entry, "labels");
    out->job = json_doc_text(resource, "job_name");
    out->execution = json_doc_text(labels, "run.googleapis.com/execution_name");
    out->insert_id = json_doc_text(entry, "insertId");
    out->mark.id = cloudrun_mark_id(out->insert_id);
    /* Nothing at all is an empty line; a protoPayload is no line. */
    return !json_object_get(entry, "protoPayload") &&
           timefmt_parse_rfc3339(json_doc_text(entry, "timestamp"), &out->mark.ns) &&
           cloudrun_mark_time_valid(out->mark.ns);
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

void cloudrun_entry_event(const json_t *entry, const struct cloudrun_mark *mark,
                          struct arena *arena, struct log_event *out)
{
    const json_t *plain = json_object_get(entry, "textPayload");
    AUTO(buf) struct buf json = BUF_INIT;
    const json_t *object = json_object_get(entry, "jsonPayload");
    if (!json_is_string(plain) && json_is_object(object))
        cloudrun_payload_write(object, &json);
    const char *text = json_is_string(plain) ? json_string_value(plain) : str_or_empty(json.data);
    size_t len = json_is_string(plain) ? json_string_length(plain) : json.len;
    while (len && text[len - 1] == '\n')
        len--;
    /* The agent marks its lines itself. */
    size_t prefix = !(len && text[0] == LOG_RECORD_ESCAPE) && is_stderr(entry) ? 2 : 0;
    char *copy = arena_alloc(arena, prefix + len + 1);
    if (prefix) {
        copy[0] = LOG_RECORD_ESCAPE;
        copy[1] = log_record_letter(LOG_RECORD_STDERR);
    }
    memcpy(copy + prefix, text, len);
    copy[prefix + len] = '\0';
    *out = (struct log_event){.timestamp_ns = mark->ns, .text = copy, .len = prefix + len};
}
