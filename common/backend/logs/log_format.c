/* SPDX-License-Identifier: Apache-2.0
 * Log format; see log_format.h. */
#include "backend/logs/log_format.h"

#include "base/log_record.h"
#include "base/timefmt.h"
#include "ipc/frame.h"

#include <stdlib.h>
#include <string.h>

/* Docker's own size of a piece of a long line. */
enum { LOG_FRAME_TEXT_MAX = 16 * 1024 };

static const struct {
    enum log_entry entry;
    uint8_t stream; /* 0 stdout, 1 stderr */
    bool newline;
} kinds[LOG_RECORD_KINDS] = {
    [LOG_RECORD_STDOUT] = {LOG_ENTRY_TEXT, 0, true},
    [LOG_RECORD_STDERR] = {LOG_ENTRY_TEXT, 1, true},
    [LOG_RECORD_STDOUT_PIECE] = {LOG_ENTRY_TEXT, 0, false},
    [LOG_RECORD_STDERR_PIECE] = {LOG_ENTRY_TEXT, 1, false},
    [LOG_RECORD_MARK] = {LOG_ENTRY_MARK, 0, false},
    [LOG_RECORD_EXIT] = {LOG_ENTRY_EXIT, 0, false},
};

enum log_entry log_entry_kind(const struct log_event *event, const char **text, size_t *len)
{
    enum log_record_kind kind;
    log_record_parse(event->text, event->len, &kind, text, len);
    return kinds[kind].entry;
}

bool log_entry_is_mark(const struct log_event *event, const char *mark)
{
    const char *text;
    size_t len;
    return mark && log_entry_kind(event, &text, &len) == LOG_ENTRY_MARK && len == strlen(mark) &&
           memcmp(text, mark, len) == 0;
}

/* Timestamp and details come once a line, before its first piece, as dockerd prints them. Without
 * attributes, details are a lone blank. */
static void put_prefix(struct log_format *f, int64_t timestamp_ns)
{
    char when[TIMEFMT_RFC3339_MAX];
    if (f->timestamps) {
        buf_puts(&f->scratch, timefmt_rfc3339nano_fixed(timestamp_ns, when));
        buf_putc(&f->scratch, ' ');
    }
    if (f->details)
        buf_printf(&f->scratch, "%s ", f->details);
}

static bool wanted(const struct log_format *f, unsigned stream, int64_t timestamp_ns)
{
    if (stream == 0 ? !f->want_stdout : !f->want_stderr)
        return false;
    return timestamp_ns >= f->since_ns && (f->until_ns == 0 || timestamp_ns <= f->until_ns);
}

void log_format_event(struct log_format *f, const struct log_event *event)
{
    struct log_ring_record record = {.time_ns = event->timestamp_ns};
    log_record_parse(event->text, event->len, &record.kind, &record.text, &record.len);
    log_format_record(f, &record);
}

void log_format_record(struct log_format *f, const struct log_ring_record *record)
{
    enum log_record_kind kind = record->kind;
    const char *text = record->text;
    size_t len = record->len;
    if (kinds[kind].entry == LOG_ENTRY_EXIT)
        log_format_run_start(f);
    unsigned stream = kinds[kind].stream;
    if (kinds[kind].entry != LOG_ENTRY_TEXT || !wanted(f, stream, record->time_ns))
        return;
    uint8_t type = stream == 0 ? FRAME_STDOUT : FRAME_STDERR;
    buf_clear(&f->scratch);
    if (!f->line_open[stream])
        put_prefix(f, record->time_ns);
    while (len > LOG_FRAME_TEXT_MAX) { /* not the agent's own doing: its records are shorter */
        buf_append(&f->scratch, text, LOG_FRAME_TEXT_MAX);
        f->emit(f->owner, type, f->scratch.data, f->scratch.len);
        buf_clear(&f->scratch);
        text += LOG_FRAME_TEXT_MAX;
        len -= LOG_FRAME_TEXT_MAX;
    }
    buf_append(&f->scratch, text, len);
    if (kinds[kind].newline)
        buf_putc(&f->scratch, '\n');
    f->line_open[stream] = !kinds[kind].newline;
    if (f->scratch.len)
        f->emit(f->owner, type, f->scratch.data, f->scratch.len);
}

void log_format_run_start(struct log_format *f)
{
    f->line_open[0] = f->line_open[1] = false;
}

void log_format_fini(struct log_format *f)
{
    buf_free(&f->scratch);
    free(f->details);
}
