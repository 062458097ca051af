/* SPDX-License-Identifier: Apache-2.0
 *
 * Log records: how an agent writes a container's output into the cloud's log service, which keeps
 * one merged sequence of lines. The agent's log tee writes records (agent/log_tee.h describes the
 * format), the backend's log reader takes them apart with log_record_parse().
 *
 *     plain line        stdout, written as it is
 *     0x01 o text       stdout line that is empty or begins with 0x01 itself
 *     0x01 e text       stderr line
 *     0x01 p text       piece of a stdout line: no newline follows it in the original
 *     0x01 q text       piece of a stderr line
 *     0x01 m text       mark: everything printed before it precedes it in the log
 *     0x01 x digits     the main process's exit code; the last record. In a log without numbers
 *                       (LOG_LINES_TEXT) a blank and the record's own number follow, which is how
 *                       many records the log has
 *
 * Log services keep text, not bytes: they replace what is not UTF-8 and some drop NUL. Such a text
 * is escaped, which its letter in upper case says (0x01 O text): each byte that is part of no
 * UTF-8 character, each NUL and each 0x01 is written as 0x01 and two hexadecimal digits. Nothing
 * at all is escaped as one blank, since some drop entries without a text. Drivers take the escapes
 * out with log_record_decode().
 *
 * A record is one line. How that line looks is the cloud's choice (enum log_lines):
 *
 *     LOG_LINES_TEXT        the record itself, for services that keep lines in the order of arrival
 *     LOG_LINES_STRUCTURED  a JSON object with the special fields of Google's log collectors, for
 *                           services that order entries by time: the record's text is "message",
 *                           its letter, number and time are a label (log_label.h)
 */
#ifndef SOCKERLESS_BASE_LOG_RECORD_H
#define SOCKERLESS_BASE_LOG_RECORD_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LOG_RECORD_ESCAPE = 0x01,
    /* A record with prefix and newline is never longer: log drivers cut at 16 KiB, and the second
     * half of a cut record would look like a plain line. */
    LOG_RECORD_MAX = 16 * 1024,
    LOG_RECORD_TEXT_MAX = LOG_RECORD_MAX - 16,
};

enum log_lines { LOG_LINES_TEXT, LOG_LINES_STRUCTURED, LOG_LINES_FORMATS };

/* "text", "structured": what the agent is told; NULL: no such format. */
const char *log_lines_name(enum log_lines lines);

enum log_record_kind {
    LOG_RECORD_STDOUT,
    LOG_RECORD_STDERR,
    LOG_RECORD_STDOUT_PIECE,
    LOG_RECORD_STDERR_PIECE,
    LOG_RECORD_MARK,
    LOG_RECORD_EXIT,
    LOG_RECORD_KINDS,
};

/* The letter after the escape byte: "oepqmx"[kind]. */
char log_record_letter(enum log_record_kind kind);

/* True when some service would change this text. */
bool log_record_must_escape(const char *text, size_t len);
/* How many bytes of the text the next unit has, 1 to 4; *bare: it needs no escape. */
size_t log_record_unit(const char *text, size_t left, bool *bare);
void log_record_escape(struct buf *out, const char *text, size_t len);
/* An escaped record becomes one that is not, in place; any other line stays as it is. Returns the
 * new length, which is never greater. */
size_t log_record_decode(char *record, size_t len);

/* The text of a mark that says its own number, for logs that keep no numbers: "#256". */
enum { LOG_ANCHOR_MAX = 24 };
void log_record_anchor_format(uint64_t number, char out[LOG_ANCHOR_MAX]);
/* False: the mark's text is another one. */
bool log_record_anchor_parse(const char *text, size_t len, uint64_t *number);

/* Take one line (without or with its newline) apart. *text points into line. False when the line
 * begins with the escape byte but is no record (something else than the agent wrote it): then it is
 * given as stdout text, whole. */
bool log_record_parse(const char *line, size_t len, enum log_record_kind *kind, const char **text,
                      size_t *text_len);

/* Reading backward: true when a record of this kind ends a line that no later record belongs to. A
 * piece belongs to the line of the next record of its stream; as last record of its stream it is a
 * line of its own. newer_seen (stdout, stderr) is kept by this function, false at the run's end. */
bool log_record_ends_line(enum log_record_kind kind, bool newer_seen[2]);

/* The number in the text of a LOG_RECORD_EXIT, 0 … 255; false when it is none. */
bool log_record_exit_code(const char *text, size_t len, int *code);
/* How many records the log has, from the same text; 0: it does not say. */
uint64_t log_record_exit_number(const char *text, size_t len);

#endif
