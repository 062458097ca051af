/* SPDX-License-Identifier: Apache-2.0
 *
 * Log tee: copies what the main process prints to the agent's own stdout, where the cloud's log
 * service picks it up. Log services merge stdout and stderr and do not mark unfinished lines,
 * so the tee writes records (base/log_record.h), one a line (log_line.h):
 *
 *   - a stdout line is written so that the log reads naturally in the cloud's console;
 *   - a piece of a line says that in the original no newline follows; either the next piece of the
 *     same line follows, or the output ended here;
 *   - a mark, with the text given by FRAME_LOG_MARK: all output before it precedes it;
 *   - the last record is the exit code of the main process in decimal, written also when the
 * process could not be started (126, 127, 128), and in a log without numbers its own number;
 *   - a record's line is at most LOG_RECORD_MAX (16 KiB) long with its newline; longer lines are
 * cut into pieces, never inside a UTF-8 character.
 *
 * An unfinished line is held back until its newline, until it is too long, until a mark, or until
 * the process ends; never by time. The newest records are kept (base/log_ring.h) for those who
 * cannot wait for the log service. In a log without numbers (LOG_LINES_TEXT) a mark with the text
 * of log_record_anchor_format() says its own number, now and then: so whoever reads some part of
 * the log knows which records these are. Nothing is lost and nothing blocks: stdout is
 * non-blocking, what it does not take is queued, and log_tee_full() tells the main process to stop
 * reading. A stdout that is gone (EPIPE) switches the tee off.
 */
#ifndef SOCKERLESS_AGENT_LOG_TEE_H
#define SOCKERLESS_AGENT_LOG_TEE_H

#include "base/log_record.h"
#include "base/log_ring.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LOG_TEE_QUEUE_MAX = 256 * 1024, /* bytes queued at which the tee is full */
    LOG_TEE_MARKS_MAX = 16,         /* marks under way */
    LOG_TEE_MARK_TEXT_MAX = 64,
    /* So many records, or bytes of records, without an anchor; the ring always holds several. */
    LOG_TEE_ANCHOR_RECORDS = 256,
    LOG_TEE_ANCHOR_BYTES = 64 * 1024,
};

struct log_tee;

struct log_tee_events {
    /* Was full, is no more; or everything queued has been written. */
    void (*drained)(void *owner);
    /* The mark has reached stdout. */
    void (*mark_written)(void *owner, const char *text, size_t len);
    /* log_tee_ring() has new records. */
    void (*recorded)(void *owner);
};

/* fd: borrowed, made non-blocking. -1: the tee is off. lines: the format. */
struct log_tee *log_tee_open(struct loop *l, int fd, enum log_lines lines,
                             const struct log_tee_events *events, void *owner);
/* Records say whose they are; run: borrowed, from before the first record on. */
void log_tee_of_run(struct log_tee *t, const char *run);
/* There is no backend that would read the log. */
void log_tee_without_anchors(struct log_tee *t);
/* What is still queued is dropped. */
void log_tee_close(struct log_tee *t);

/* Output of the main process; type FRAME_STDOUT or FRAME_STDERR. */
void log_tee_output(struct log_tee *t, uint8_t type, const char *bytes, size_t len);
/* False: too many marks under way, or the text is too long. Newlines in the text become blanks. */
bool log_tee_mark(struct log_tee *t, const char *text, size_t len);
/* The same without a report, and so without a limit to what is under way. */
bool log_tee_mark_unreported(struct log_tee *t, const char *text, size_t len);
/* The last record. */
void log_tee_exit(struct log_tee *t, int code);

/* The newest records, borrowed. */
const struct log_ring *log_tee_ring(const struct log_tee *t);
bool log_tee_full(const struct log_tee *t);
bool log_tee_flushed(const struct log_tee *t);

#endif
