/* SPDX-License-Identifier: Apache-2.0
 *
 * Log format: one entry of a container's log, as the agent wrote it, becomes the frame that
 * `docker logs` shows. Last step of the path log service → reader or hub → session → channel.
 */
#ifndef SOCKERLESS_BACKEND_LOG_FORMAT_H
#define SOCKERLESS_BACKEND_LOG_FORMAT_H

#include "cloud/driver.h"
#include "base/buf.h"
#include "base/log_ring.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_format {
    bool want_stdout, want_stderr, timestamps;
    char *details;              /* before each line: log_details.h; NULL: nothing; owned */
    int64_t since_ns, until_ns; /* inclusive; 0: none */
    void (*emit)(void *owner, uint8_t frame_type, const char *text, size_t len);
    void *owner;
    bool line_open[2]; /* stdout, stderr: the last piece shown had no newline */
    struct buf scratch;
};

enum log_entry { LOG_ENTRY_TEXT, LOG_ENTRY_MARK, LOG_ENTRY_EXIT };

/* What an entry is; for marks *text is the mark's. */
enum log_entry log_entry_kind(const struct log_event *event, const char **text, size_t *len);
bool log_entry_is_mark(const struct log_event *event, const char *mark);

/* Show one entry, or one record, if the options ask for it. */
void log_format_event(struct log_format *f, const struct log_event *event);
void log_format_record(struct log_format *f, const struct log_ring_record *record);
/* Another run follows: it begins with a new line. */
void log_format_run_start(struct log_format *f);
void log_format_fini(struct log_format *f);

#endif
