/* SPDX-License-Identifier: Apache-2.0
 * Log lines; see log_line.h. The special fields of a structured line are described in Cloud
 * Logging's documentation, "Structured logging", "Special JSON fields in messages". */
#include "agent/log_line.h"

#include "base/alloc.h"
#include "base/id.h"
#include "base/json.h"
#include "base/log_label.h"
#include "base/str.h"
#include "base/timefmt.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    STRUCTURE_MAX = 384,  /* of a structured line, all but the text */
    STRUCTURED_WORST = 8, /* bytes that one byte of text may take: \u0001 and two digits */
    TEXT_WORST = 3,       /* 0x01 and two digits */
    JSON_CONTROL_LEN = 6, /* \u001b */
    ESCAPE_DIGITS_LEN = 2,
};

void log_line_writer_init(struct log_line_writer *w, enum log_lines lines)
{
    unsigned char random[sizeof w->run / 2];
    *w = (struct log_line_writer){.lines = lines, .run_mark = ""};
    random_bytes(random, sizeof random);
    hex_encode(random, sizeof random, w->run);
}

/* ---- how much fits ---- */

/* What the next character of a text takes. */
static size_t unit_cost(enum log_lines lines, const char *text, size_t len, bool bare)
{
    bool json = lines == LOG_LINES_STRUCTURED;
    if (!bare)
        return (json ? JSON_CONTROL_LEN : 1) + ESCAPE_DIGITS_LEN;
    if (json && (unsigned char)*text < 0x20)
        return JSON_CONTROL_LEN;
    return json && (*text == '"' || *text == '\\') ? 2 : len;
}

size_t log_line_fits(const struct log_line_writer *w, const char *text, size_t len)
{
    bool json = w->lines == LOG_LINES_STRUCTURED, bare;
    size_t room = json ? LOG_RECORD_MAX - STRUCTURE_MAX : LOG_RECORD_TEXT_MAX, at = 0;
    if (len <= room / (json ? STRUCTURED_WORST : TEXT_WORST))
        return len;
    if (!json && len <= room && !log_record_must_escape(text, len))
        return len;
    while (at < len) {
        size_t n = log_record_unit(text + at, len - at, &bare);
        size_t cost = unit_cost(w->lines, text + at, n, bare);
        if (cost > room)
            break;
        room -= cost;
        at += n;
    }
    return at;
}

/* ---- writing ---- */

static void write_text(char letter, bool escaped, const char *text, size_t len, struct buf *out)
{
    bool plain = letter == log_record_letter(LOG_RECORD_STDOUT) && !escaped && len > 0 &&
                 text[0] != LOG_RECORD_ESCAPE;
    if (!plain)
        buf_append(out, (char[]){LOG_RECORD_ESCAPE, letter}, 2);
    if (escaped)
        log_record_escape(out, text, len);
    else if (len)
        buf_append(out, text, len);
}

/* As the console shows them; NULL: the default. */
static const char *const severities[LOG_RECORD_KINDS] = {
    [LOG_RECORD_STDERR] = "ERROR",
    [LOG_RECORD_STDERR_PIECE] = "ERROR",
    [LOG_RECORD_MARK] = "DEBUG",
    [LOG_RECORD_EXIT] = "DEBUG",
};

/* The collector takes all but "message" out; what remains is the entry's text. The insertId orders
 * what the service keeps as one instant. */
static void write_structured(const struct log_line_writer *w, enum log_record_kind kind,
                             char letter, bool escaped, const char *text, size_t len,
                             struct buf *out)
{
    AUTO(buf) struct buf copy = BUF_INIT;
    struct json_writer j;
    char when[TIMEFMT_RFC3339_MAX], id[32], place[LOG_LABEL_MAX];
    const struct log_label label = {letter, w->number, w->time_ns};
    if (escaped)
        log_record_escape(&copy, text, len);
    snprintf(id, sizeof id, "%016" PRIx64 "-%s", w->number, w->run);
    json_writer_init(&j, out);
    json_object_open(&j);
    json_key(&j, "message");
    json_string_len(&j, escaped ? copy.data : text, escaped ? copy.len : len);
    if (severities[kind])
        json_member_string(&j, "severity", severities[kind]);
    json_member_string(&j, "time", timefmt_rfc3339nano_fixed(w->time_ns, when));
    json_member_string(&j, "logging.googleapis.com/insertId", id);
    json_member_object(&j, LOG_LABEL_FIELD);
    json_member_string(&j, LOG_LABEL_KEY, log_label_format(&label, place));
    if (*w->run_mark)
        json_member_string(&j, LOG_LABEL_RUN, w->run_mark);
    json_object_close(&j);
    json_object_close(&j);
}

void log_line_write(struct log_line_writer *w, enum log_record_kind kind, const char *text,
                    size_t len, struct buf *out)
{
    bool structured = w->lines == LOG_LINES_STRUCTURED;
    bool escaped = log_record_must_escape(text, len) || (structured && len == 0);
    char letter = log_record_letter(kind);
    int64_t now_ns = time_now_ns();
    if (escaped)
        letter = (char)toupper((unsigned char)letter);
    w->number++;
    w->time_ns = now_ns > w->time_ns ? now_ns : w->time_ns + 1;
    if (structured)
        write_structured(w, kind, letter, escaped, text, len, out);
    else
        write_text(letter, escaped, text, len, out);
    buf_putc(out, '\n');
}
