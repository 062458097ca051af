/* SPDX-License-Identifier: Apache-2.0
 * The log tee; see log_tee.h for the format. Sits between main_process.c and the agent's stdout.
 * Owns the queue of records that stdout has not taken yet and one held-back line per stream. */
#include "agent/log_tee.h"

#include "agent/log_line.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "ipc/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct held_line {
    size_t len;
    char text[LOG_RECORD_TEXT_MAX];
};

struct mark {
    uint64_t end; /* total bytes queued when the mark was complete */
    size_t len;
    char text[LOG_TEE_MARK_TEXT_MAX];
};

struct log_tee {
    const struct log_tee_events *events;
    void *owner;
    int fd; /* -1: off */
    bool pollable;
    bool polling;
    bool full; /* from LOG_TEE_QUEUE_MAX until most of it was written */
    uv_poll_t poll;
    struct log_line_writer writer;
    struct log_ring ring;
    bool no_anchors;
    uint64_t anchor;     /* number of the last anchor; 0: none yet */
    size_t since_anchor; /* bytes of records behind it */
    struct buf queue;
    uint64_t queued_total, written_total;
    struct held_line out, err;
    struct mark marks[LOG_TEE_MARKS_MAX]; /* in order, marks[0] the oldest */
    size_t mark_count;
};

static void tee_flush(struct log_tee *t);

static void marks_report(struct log_tee *t)
{
    while (t->mark_count && (t->fd < 0 || t->marks[0].end <= t->written_total)) {
        struct mark done = t->marks[0];
        t->mark_count--;
        memmove(t->marks, t->marks + 1, t->mark_count * sizeof *t->marks);
        t->events->mark_written(t->owner, done.text, done.len);
    }
}

static void tee_switch_off(struct log_tee *t)
{
    if (t->polling)
        uv_poll_stop(&t->poll);
    t->polling = false;
    t->fd = -1;
    t->written_total = t->queued_total;
    buf_free(&t->queue);
}

static void on_writable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct log_tee *t = poll->data;
    bool was_full = t->full;
    tee_flush(t);
    marks_report(t);
    if (t->queue.len == 0 || (was_full && !t->full))
        t->events->drained(t->owner);
}

/* Nothing but a plain file cannot be polled, and a plain file takes everything at once. */
static void poll_when_needed(struct log_tee *t)
{
    bool wanted = t->fd >= 0 && t->queue.len > 0 && t->pollable;
    if (wanted == t->polling)
        return;
    t->polling = wanted;
    if (wanted)
        uv_poll_start(&t->poll, UV_WRITABLE, on_writable);
    else
        uv_poll_stop(&t->poll);
}

static void tee_flush(struct log_tee *t)
{
    while (t->fd >= 0 && t->queue.len) {
        ssize_t n = write(t->fd, t->queue.data, t->queue.len);
        if (n > 0) {
            t->written_total += (uint64_t)n;
            buf_consume(&t->queue, (size_t)n);
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && t->pollable) {
            break;
        } else {
            tee_switch_off(t);
        }
    }
    poll_when_needed(t);
    if (t->queue.len >= LOG_TEE_QUEUE_MAX)
        t->full = true;
    else if (t->queue.len <= LOG_TEE_QUEUE_MAX / 4)
        t->full = false;
}

/* The kind of a piece of such a line. */
static enum log_record_kind piece_of(enum log_record_kind kind)
{
    return kind == LOG_RECORD_STDOUT   ? LOG_RECORD_STDOUT_PIECE
           : kind == LOG_RECORD_STDERR ? LOG_RECORD_STDERR_PIECE
                                       : kind;
}

/* Every record passes here. */
static void tee_write(struct log_tee *t, enum log_record_kind kind, const char *text, size_t len)
{
    size_t before = t->queue.len;
    log_line_write(&t->writer, kind, text, len, &t->queue);
    log_ring_append(&t->ring, t->writer.time_ns, kind, text, len);
    t->queued_total += t->queue.len - before;
    t->since_anchor += t->queue.len - before;
}

static void tee_anchor(struct log_tee *t)
{
    char text[LOG_ANCHOR_MAX];
    bool due = t->writer.number - t->anchor >= LOG_TEE_ANCHOR_RECORDS ||
               t->since_anchor >= LOG_TEE_ANCHOR_BYTES;
    if (t->writer.lines != LOG_LINES_TEXT || t->no_anchors || !due)
        return;
    t->anchor = t->writer.number + 1;
    log_record_anchor_format(t->anchor, text);
    tee_write(t, LOG_RECORD_MARK, text, strlen(text));
    t->since_anchor = 0;
}

/* One record, or several where escapes make the text too long for one. */
static void tee_record(struct log_tee *t, enum log_record_kind kind, const char *text, size_t len)
{
    size_t fits;
    tee_anchor(t);
    while ((fits = log_line_fits(&t->writer, text, len)) < len) {
        tee_write(t, piece_of(kind), text, fits);
        text += fits;
        len -= fits;
    }
    tee_write(t, kind, text, len);
}

/* How many of the first `len` bytes to write so that no UTF-8 character is cut. Text that is not
 * UTF-8 is cut anywhere. */
static size_t piece_length(const char *text, size_t len)
{
    for (size_t back = 1; back <= 4 && back < len; back++) {
        unsigned char c = (unsigned char)text[len - back];
        if (c < 0x80)
            return len;
        if (c >= 0xC0) {
            size_t need = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
            return need > back ? len - back : len;
        }
    }
    return len;
}

static void held_flush(struct log_tee *t, struct held_line *h, enum log_record_kind piece)
{
    if (h->len)
        tee_record(t, piece, h->text, h->len);
    h->len = 0;
}

/* The held line is full and goes on: write most of it as a piece. */
static void held_cut(struct log_tee *t, struct held_line *h, enum log_record_kind piece)
{
    size_t cut = piece_length(h->text, h->len);
    tee_record(t, piece, h->text, cut);
    memmove(h->text, h->text + cut, h->len - cut);
    h->len -= cut;
}

/* The held line's rest, which has room. */
static void line_end(struct log_tee *t, struct held_line *h, enum log_record_kind line,
                     const char *bytes, size_t len)
{
    if (h->len == 0) {
        tee_record(t, line, bytes, len);
        return;
    }
    memcpy(h->text + h->len, bytes, len);
    tee_record(t, line, h->text, h->len + len);
    h->len = 0;
}

static void split_lines(struct log_tee *t, struct held_line *h, enum log_record_kind line,
                        const char *bytes, size_t len)
{
    while (len) {
        size_t room = sizeof h->text - h->len;
        const char *newline = memchr(bytes, '\n', len <= room ? len : room + 1);
        if (newline) {
            size_t n = (size_t)(newline - bytes);
            line_end(t, h, line, bytes, n);
            bytes += n + 1;
            len -= n + 1;
            continue;
        }
        size_t taken = len <= room ? len : room;
        memcpy(h->text + h->len, bytes, taken);
        h->len += taken;
        bytes += taken;
        len -= taken;
        if (len)
            held_cut(t, h, piece_of(line));
    }
}

void log_tee_output(struct log_tee *t, uint8_t type, const char *bytes, size_t len)
{
    if (t->fd < 0)
        return;
    if (type == FRAME_STDERR)
        split_lines(t, &t->err, LOG_RECORD_STDERR, bytes, len);
    else
        split_lines(t, &t->out, LOG_RECORD_STDOUT, bytes, len);
    tee_flush(t);
    t->events->recorded(t->owner);
}

static void held_flush_all(struct log_tee *t)
{
    held_flush(t, &t->out, LOG_RECORD_STDOUT_PIECE);
    held_flush(t, &t->err, LOG_RECORD_STDERR_PIECE);
}

static void mark_queue(struct log_tee *t, const char *text, size_t len)
{
    char line[LOG_TEE_MARK_TEXT_MAX];
    if (t->fd < 0)
        return;
    for (size_t i = 0; i < len; i++)
        line[i] = text[i] == '\n' ? ' ' : text[i];
    held_flush_all(t);
    tee_record(t, LOG_RECORD_MARK, line, len);
}

static void mark_flush(struct log_tee *t, bool waiting)
{
    tee_flush(t);
    marks_report(t);
    if (waiting && !t->full)
        t->events->drained(t->owner);
    t->events->recorded(t->owner);
}

bool log_tee_mark(struct log_tee *t, const char *text, size_t len)
{
    if (t->mark_count == LOG_TEE_MARKS_MAX || len > LOG_TEE_MARK_TEXT_MAX)
        return false;
    bool waiting = t->queue.len > 0; /* then this flush may be one that is waited for */
    struct mark *m = &t->marks[t->mark_count++];
    m->len = len;
    if (len)
        memcpy(m->text, text, len);
    mark_queue(t, text, len);
    m->end = t->queued_total;
    mark_flush(t, waiting);
    return true;
}

bool log_tee_mark_unreported(struct log_tee *t, const char *text, size_t len)
{
    if (len > LOG_TEE_MARK_TEXT_MAX)
        return false;
    bool waiting = t->queue.len > 0;
    mark_queue(t, text, len);
    mark_flush(t, waiting);
    return true;
}

void log_tee_exit(struct log_tee *t, int code)
{
    if (t->fd < 0)
        return;
    held_flush_all(t);
    tee_anchor(t);
    char text[40];
    int n = t->writer.lines == LOG_LINES_TEXT ? snprintf(text, sizeof text, "%d %llu", code,
                                                         (unsigned long long)t->writer.number + 1)
                                              : snprintf(text, sizeof text, "%d", code);
    tee_write(t, LOG_RECORD_EXIT, text, (size_t)n);
    tee_flush(t);
    t->events->recorded(t->owner);
}

void log_tee_without_anchors(struct log_tee *t)
{
    t->no_anchors = true;
}

const struct log_ring *log_tee_ring(const struct log_tee *t)
{
    return &t->ring;
}

bool log_tee_full(const struct log_tee *t)
{
    return t->full;
}

bool log_tee_flushed(const struct log_tee *t)
{
    return t->queue.len == 0;
}

void log_tee_of_run(struct log_tee *t, const char *run)
{
    t->writer.run_mark = run;
}

struct log_tee *log_tee_open(struct loop *l, int fd, enum log_lines lines,
                             const struct log_tee_events *events, void *owner)
{
    struct log_tee *t = NEW(struct log_tee);
    log_line_writer_init(&t->writer, lines);
    log_ring_init(&t->ring, LOG_RING_MAX);
    t->events = events;
    t->owner = owner;
    t->fd = fd;
    int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);
    if (flags < 0) {
        t->fd = -1;
        return t;
    }
    if (uv_poll_init(&l->uv, &t->poll, fd) == 0) {
        t->poll.data = t;
        t->pollable = true;
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    }
    return t;
}

static void tee_free(struct log_tee *t)
{
    buf_free(&t->queue);
    log_ring_fini(&t->ring);
    free(t);
}

static void on_closed(uv_handle_t *handle)
{
    tee_free(handle->data);
}

void log_tee_close(struct log_tee *t)
{
    t->fd = -1;
    t->mark_count = 0;
    if (t->pollable) {
        uv_close((uv_handle_t *)&t->poll, on_closed);
        return;
    }
    tee_free(t);
}
