/* SPDX-License-Identifier: Apache-2.0
 *
 * Log records, both ways: any line must be parsed within its bounds, and any output that goes
 * through the tee must come out of the parser unchanged. The first byte chooses how the input is
 * cut into writes.
 */
#include "agent/log_tee.h"
#include "base/log_record.h"
#include "base/buf.h"
#include "ipc/frame.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void parse_one(const char *line, size_t len, struct buf out[3])
{
    enum log_record_kind kind;
    const char *text;
    size_t text_len;
    bool ok = log_record_parse(line, len, &kind, &text, &text_len);
    require(text >= line && text + text_len <= line + len);
    if (!out)
        return;
    uint64_t anchor;
    require(ok && kind != LOG_RECORD_EXIT);
    if (kind == LOG_RECORD_MARK) {
        require(log_record_anchor_parse(text, text_len, &anchor));
        return;
    }
    bool err = kind == LOG_RECORD_STDERR || kind == LOG_RECORD_STDERR_PIECE;
    struct buf *to = &out[err ? FRAME_STDERR : FRAME_STDOUT];
    buf_append(to, text, text_len);
    if (kind == LOG_RECORD_STDOUT || kind == LOG_RECORD_STDERR)
        buf_putc(to, '\n');
}

/* Whatever it is, no byte is read or written behind it. */
static void decode_one(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    require(log_record_decode(copy, size) <= size);
    free(copy);
}

/* What came before the damage can be read. */
static void take_batch(const uint8_t *data, size_t size)
{
    struct log_ring ring;
    struct log_ring_record record;
    log_ring_init(&ring, 4096);
    log_ring_append(&ring, 1, LOG_RECORD_STDOUT, "before", 6);
    if (!log_ring_take(&ring, data, size))
        require(log_ring_first(&ring) <= log_ring_end(&ring));
    struct log_ring_cursor cursor = {.number = log_ring_first(&ring)};
    size_t bytes = 0;
    while (log_ring_read(&ring, &cursor, &record))
        bytes += record.len + (record.len ? (unsigned char)record.text[record.len - 1] & 0u : 0);
    require(bytes <= ring.bytes && cursor.number == log_ring_end(&ring));
    log_ring_fini(&ring);
}

static void on_drained(void *owner)
{
    (void)owner;
}

static void on_mark(void *owner, const char *text, size_t len)
{
    (void)owner;
    (void)text;
    (void)len;
}

static const struct log_tee_events events = {on_drained, on_mark, on_drained};

/* Through the tee into a file in memory, and back. */
static void round_trip(const uint8_t *data, size_t size)
{
    static struct loop loop;
    static int file = -1;
    static char log[4 * 1024 * 1024];
    struct error err;
    struct buf in[3] = {{0}}, out[3] = {{0}};
    if (file < 0) {
        require(loop_init(&loop, &err) == 0);
        file = memfd_create("log", MFD_CLOEXEC);
    }
    require(file >= 0 && ftruncate(file, 0) == 0 && lseek(file, 0, SEEK_SET) == 0);
    struct log_tee *tee = log_tee_open(&loop, file, LOG_LINES_TEXT, &events, NULL);
    size_t step = (size_t)data[0] + 1;
    for (size_t at = 1; at < size; at += step) {
        size_t n = size - at < step ? size - at : step;
        uint8_t type = (at / step) % 2 ? FRAME_STDERR : FRAME_STDOUT;
        buf_append(&in[type], data + at, n);
        log_tee_output(tee, type, (const char *)data + at, n);
    }
    log_tee_exit(tee, 0);
    log_tee_close(tee);
    ssize_t len = pread(file, log, sizeof log, 0);
    require(len >= 6 && log[len - 1] == '\n');
    char *end = log + len - 1;
    while (end > log && end[-1] != '\n')
        end--;
    require(memcmp(end, "\x01x0 ", 4) == 0);
    for (char *at = log; at < end;) {
        char *newline = memchr(at, '\n', (size_t)(end - at));
        require(newline && newline > at && newline - at < LOG_RECORD_MAX);
        parse_one(at, log_record_decode(at, (size_t)(newline - at)), out);
        at = newline + 1;
    }
    for (int type = FRAME_STDOUT; type <= FRAME_STDERR; type++) {
        require(in[type].len == out[type].len);
        require(in[type].len == 0 || memcmp(in[type].data, out[type].data, in[type].len) == 0);
        buf_free(&in[type]);
        buf_free(&out[type]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    parse_one((const char *)data, size, NULL);
    decode_one(data, size);
    take_batch(data, size);
    if (size > 1 && size < 1024 * 1024)
        round_trip(data, size);
    return 0;
}
