/* SPDX-License-Identifier: Apache-2.0
 *
 * One entry of a log service, as far as its place in a container's log goes. What its text is, the
 * service's own file knows.
 */
#ifndef SOCKERLESS_CLOUD_LOG_ENTRY_H
#define SOCKERLESS_CLOUD_LOG_ENTRY_H

#include "base/arena.h"
#include "base/log_label.h"
#include "cloud/driver.h"
#include "cloud/log_cursor.h"

#include <stdbool.h>
#include <stddef.h>

struct log_entry {
    const char *log; /* which one it belongs to: the service's key of a log_ref; borrowed */
    const char *id;  /* tells entries of one time apart, and orders them; borrowed */
    struct log_mark mark;
    bool is_record; /* an agent wrote it as a structured line … */
    struct log_label label;
};

/* The event of a record: its text without escapes, its number. */
void log_entry_record_event(struct log_event *out, const struct log_label *label, const char *text,
                            size_t len, struct arena *arena);

/* What no agent wrote, a line on stdout or stderr. Its newline is dropped. */
void log_entry_foreign_event(struct log_event *out, int64_t timestamp_ns, bool is_stderr,
                             const char *text, size_t len, struct arena *arena);

#endif
