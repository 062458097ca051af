/* SPDX-License-Identifier: Apache-2.0
 * A log stream on disk; see event_log.h. A record is a header and the message's bytes; a block is
 * a run of records that is read whole. */
#include "test/sim/host/event_log.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_BYTES = 64 * 1024, BLOCK_EVENTS = 1024, HEADER = 20 };

struct block {
    uint64_t first; /* number of its first event */
    uint64_t offset;
    int64_t min_ms, max_ms; /* timestamps within */
    int64_t first_ingested_ms;
};

struct event_log {
    pthread_mutex_t lock;
    char *path;
    int fd; /* -1 while idle */
    uint64_t size;
    struct event_log_info info;
    struct block *blocks;
    size_t block_count, block_cap;
};

struct event_log *event_log_open(const char *path, struct error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        error_errno(err, ERROR_SYSTEM, errno, "create %s", path);
        return NULL;
    }
    struct event_log *log = NEW(struct event_log);
    pthread_mutex_init(&log->lock, NULL);
    log->path = xstrdup(path);
    log->fd = fd;
    return log;
}

void event_log_free(struct event_log *log)
{
    if (!log)
        return;
    unlink(log->path);
    if (log->fd >= 0)
        close(log->fd);
    pthread_mutex_destroy(&log->lock);
    free(log->blocks);
    free(log->path);
    free(log);
}

void event_log_idle(struct event_log *log)
{
    pthread_mutex_lock(&log->lock);
    if (log->fd >= 0)
        close(log->fd);
    log->fd = -1;
    pthread_mutex_unlock(&log->lock);
}

static void put_record(struct buf *out, const struct log_event *e, int64_t ingested_ms)
{
    uint32_t len = (uint32_t)e->len;
    buf_append(out, &len, 4);
    buf_append(out, &e->timestamp_ms, 8);
    buf_append(out, &ingested_ms, 8);
    buf_append(out, e->message, e->len);
}

static size_t get_record(const char *p, struct log_event *e, int64_t *ingested_ms)
{
    uint32_t len;
    memcpy(&len, p, 4);
    memcpy(&e->timestamp_ms, p + 4, 8);
    memcpy(ingested_ms, p + 12, 8);
    e->message = p + HEADER;
    e->len = len;
    return HEADER + len;
}

/* The block that the next event goes to, at the given file offset. */
static struct block *tail_block(struct event_log *log, uint64_t offset, int64_t ingested_ms)
{
    struct block *last = log->block_count ? &log->blocks[log->block_count - 1] : NULL;
    if (last && offset - last->offset < BLOCK_BYTES && log->info.count - last->first < BLOCK_EVENTS)
        return last;
    if (log->block_count == log->block_cap) {
        log->block_cap = log->block_cap ? log->block_cap * 2 : 8;
        log->blocks = xrealloc(log->blocks, log->block_cap * sizeof *log->blocks);
    }
    last = &log->blocks[log->block_count++];
    *last = (struct block){.first = log->info.count,
                           .offset = offset,
                           .min_ms = INT64_MAX,
                           .max_ms = INT64_MIN,
                           .first_ingested_ms = ingested_ms};
    return last;
}

static int write_at(int fd, const char *p, size_t len, uint64_t offset, struct error *err)
{
    while (len) {
        ssize_t n = pwrite(fd, p, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_errno(err, ERROR_SYSTEM, errno, "write log");
        p += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

static int append_locked(struct event_log *log, const struct log_event *events, size_t count,
                         int64_t ingested_ms, struct error *err)
{
    if (log->fd < 0 && (log->fd = open(log->path, O_RDWR | O_CLOEXEC)) < 0)
        return error_errno(err, ERROR_SYSTEM, errno, "open %s", log->path);
    struct buf records = BUF_INIT;
    for (size_t i = 0; i < count; i++)
        put_record(&records, &events[i], ingested_ms);
    int rc = write_at(log->fd, records.data, records.len, log->size, err);
    buf_free(&records);
    if (rc)
        return -1;
    for (size_t i = 0; i < count; i++) { /* the index learns only what is on disk */
        int64_t ms = events[i].timestamp_ms;
        struct block *b = tail_block(log, log->size, ingested_ms);
        b->min_ms = ms < b->min_ms ? ms : b->min_ms;
        b->max_ms = ms > b->max_ms ? ms : b->max_ms;
        if (log->info.count == 0 || ms < log->info.first_timestamp_ms)
            log->info.first_timestamp_ms = ms;
        if (ms > log->info.last_timestamp_ms)
            log->info.last_timestamp_ms = ms;
        log->info.last_ingested_ms = ingested_ms;
        log->info.count++;
        log->info.bytes += events[i].len;
        log->size += HEADER + events[i].len;
    }
    return 0;
}

int event_log_append(struct event_log *log, const struct log_event *events, size_t count,
                     int64_t ingested_ms, struct error *err)
{
    if (count == 0)
        return 0;
    pthread_mutex_lock(&log->lock);
    if (ingested_ms < log->info.last_ingested_ms) /* the clock was set back: stay in order */
        ingested_ms = log->info.last_ingested_ms;
    int rc = append_locked(log, events, count, ingested_ms, err);
    pthread_mutex_unlock(&log->lock);
    return rc;
}

void event_log_info(struct event_log *log, struct event_log_info *out)
{
    pthread_mutex_lock(&log->lock);
    *out = log->info;
    pthread_mutex_unlock(&log->lock);
}

/* Bounds of block i, copied under the lock. */
static bool block_get(struct event_log *log, size_t i, struct block *out, uint64_t *next_event,
                      uint64_t *next_offset)
{
    pthread_mutex_lock(&log->lock);
    bool ok = i < log->block_count;
    if (ok) {
        *out = log->blocks[i];
        bool last = i + 1 == log->block_count;
        *next_event = last ? log->info.count : log->blocks[i + 1].first;
        *next_offset = last ? log->size : log->blocks[i + 1].offset;
    }
    pthread_mutex_unlock(&log->lock);
    return ok;
}

static int read_block(struct event_log *log, uint64_t from, uint64_t to, struct buf *out,
                      struct error *err)
{
    pthread_mutex_lock(&log->lock); /* a duplicate: the log may go idle meanwhile */
    int fd =
        log->fd >= 0 ? fcntl(log->fd, F_DUPFD_CLOEXEC, 3) : open(log->path, O_RDONLY | O_CLOEXEC);
    pthread_mutex_unlock(&log->lock);
    if (fd < 0)
        return error_errno(err, ERROR_SYSTEM, errno, "open %s", log->path);
    buf_clear(out);
    char *to_fill = buf_reserve(out, (size_t)(to - from));
    size_t done = 0;
    while (done < to - from) {
        ssize_t n = pread(fd, to_fill + done, (size_t)(to - from) - done, (off_t)(from + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    close(fd);
    if (done < to - from)
        return error_set(err, ERROR_SYSTEM, "log %s is shorter than its index", log->path);
    buf_commit(out, done);
    return 0;
}

/* The last block whose first event is <= number. */
static size_t block_of(struct event_log *log, uint64_t number)
{
    pthread_mutex_lock(&log->lock);
    size_t low = 0, high = log->block_count;
    while (low + 1 < high) {
        size_t middle = (low + high) / 2;
        if (log->blocks[middle].first <= number)
            low = middle;
        else
            high = middle;
    }
    pthread_mutex_unlock(&log->lock);
    return low;
}

struct scan {
    struct event_log *log;
    const struct event_range *range;
    event_visitor visit;
    void *ctx;
    struct buf block;
    size_t *offsets; /* of the records in the block, for going backward */
    size_t offset_cap;
};

static bool visit_record(struct scan *s, const char *record, uint64_t number)
{
    struct log_event e;
    int64_t ingested_ms;
    get_record(record, &e, &ingested_ms);
    if (number < s->range->from || number >= s->range->to || e.timestamp_ms < s->range->start_ms ||
        e.timestamp_ms >= s->range->end_ms)
        return true;
    return s->visit(s->ctx, number, ingested_ms, &e);
}

/* 1: go on, 0: the visitor has enough, -1: error. */
static int scan_block(struct scan *s, const struct block *b, uint64_t next_event,
                      uint64_t next_offset, struct error *err)
{
    if (b->max_ms < s->range->start_ms || b->min_ms >= s->range->end_ms)
        return 1;
    if (read_block(s->log, b->offset, next_offset, &s->block, err))
        return -1;
    size_t count = (size_t)(next_event - b->first);
    if (count > s->offset_cap) {
        s->offset_cap = count;
        s->offsets = xrealloc(s->offsets, count * sizeof *s->offsets);
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t len;
        s->offsets[i] = at;
        memcpy(&len, s->block.data + at, 4);
        at += HEADER + len;
    }
    for (size_t i = 0; i < count; i++) {
        size_t k = s->range->backward ? count - 1 - i : i;
        if (!visit_record(s, s->block.data + s->offsets[k], b->first + k))
            return 0;
    }
    return 1;
}

int event_log_scan(struct event_log *log, const struct event_range *range, event_visitor visit,
                   void *ctx, struct error *err)
{
    struct scan s = {.log = log, .range = range, .visit = visit, .ctx = ctx};
    struct block b;
    uint64_t next_event, next_offset;
    int rc = 1;
    if (range->from >= range->to)
        return 0;
    size_t i = block_of(log, range->backward ? range->to - 1 : range->from);
    while (rc == 1 && block_get(log, i, &b, &next_event, &next_offset)) {
        rc = scan_block(&s, &b, next_event, next_offset, err);
        if (range->backward ? (b.first <= range->from || i == 0) : next_event >= range->to)
            break;
        i = range->backward ? i - 1 : i + 1;
    }
    buf_free(&s.block);
    free(s.offsets);
    return rc < 0 ? -1 : 0;
}

struct ingestion {
    int64_t ms;
    uint64_t end;
};

static bool count_ingested(void *ctx, uint64_t number, int64_t ingested_ms,
                           const struct log_event *event)
{
    struct ingestion *in = ctx;
    (void)event;
    if (ingested_ms > in->ms)
        return false;
    in->end = number + 1;
    return true;
}

uint64_t event_log_ingested_by(struct event_log *log, int64_t ms)
{
    pthread_mutex_lock(&log->lock);
    uint64_t count = log->info.count;
    bool all = count == 0 || log->info.last_ingested_ms <= ms;
    size_t low = 0, high = log->block_count; /* blocks below low begin in time */
    while (!all && low < high) {
        size_t middle = (low + high) / 2;
        if (log->blocks[middle].first_ingested_ms <= ms)
            low = middle + 1;
        else
            high = middle;
    }
    uint64_t from = !all && low ? log->blocks[low - 1].first : 0;
    pthread_mutex_unlock(&log->lock);
    if (all)
        return count;
    struct ingestion in = {ms, from};
    struct event_range range = {from, count, INT64_MIN, INT64_MAX, false};
    struct error ignored;
    if (low && event_log_scan(log, &range, count_ingested, &in, &ignored))
        return from;
    return in.end;
}
