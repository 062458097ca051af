/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines: a record of the container's log as a line of the agent's stdout, in the format that
 * the cloud has chosen (base/log_record.h). Used by log_tee.c.
 */
#ifndef SOCKERLESS_AGENT_LOG_LINE_H
#define SOCKERLESS_AGENT_LOG_LINE_H

#include "base/buf.h"
#include "base/log_record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOG_RUN_MARK_MAX = 36 };

struct log_line_writer {
    enum log_lines lines;
    uint64_t number;      /* of the last record … */
    int64_t time_ns;      /* … and its time: none is earlier than the one before */
    char run[9];          /* this process among all that write to the same log service */
    const char *run_mark; /* "": records do not say whose they are; at most LOG_RUN_MARK_MAX */
};

void log_line_writer_init(struct log_line_writer *w, enum log_lines lines);
/* How many of the text's first bytes fit into one line of at most LOG_RECORD_MAX; at least 1 when
 * there is one, and no UTF-8 character is cut. */
size_t log_line_fits(const struct log_line_writer *w, const char *text, size_t len);
/* Appends the record's line, newline included. The text fits. */
void log_line_write(struct log_line_writer *w, enum log_record_kind kind, const char *text,
                    size_t len, struct buf *out);

#endif
