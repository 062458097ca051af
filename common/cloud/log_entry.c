/* SPDX-License-Identifier: Apache-2.0
 * Events of log entries; see log_entry.h. */
#include "cloud/log_entry.h"

#include "base/log_record.h"

#include <string.h>

/* letter 0: the text as it is. */
static void event_set(struct log_event *out, int64_t timestamp_ns, char letter, const char *text,
                      size_t len, struct arena *arena)
{
    size_t prefix = letter ? 2 : 0;
    char *copy = arena_alloc(arena, prefix + len + 1);
    if (letter) {
        copy[0] = LOG_RECORD_ESCAPE;
        copy[1] = letter;
    }
    memcpy(copy + prefix, text, len);
    len = letter ? log_record_decode(copy, prefix + len) : len;
    copy[len] = '\0';
    *out = (struct log_event){.timestamp_ns = timestamp_ns, .text = copy, .len = len};
}

void log_entry_record_event(struct log_event *out, const struct log_label *label, const char *text,
                            size_t len, struct arena *arena)
{
    event_set(out, label->time_ns, label->letter, text, len, arena);
    out->number = label->number;
}

void log_entry_foreign_event(struct log_event *out, int64_t timestamp_ns, bool is_stderr,
                             const char *text, size_t len, struct arena *arena)
{
    while (len && text[len - 1] == '\n')
        len--;
    char letter = is_stderr                             ? log_record_letter(LOG_RECORD_STDERR)
                  : len && text[0] == LOG_RECORD_ESCAPE ? log_record_letter(LOG_RECORD_STDOUT)
                                                        : '\0';
    event_set(out, timestamp_ns, letter, text, len, arena);
}
