/* SPDX-License-Identifier: Apache-2.0
 * Log records; see log_record.h. */
#include "base/log_record.h"

#include "base/str.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ESCAPED_LEN = 3 /* 0x01 and two digits */ };

static const char letters[LOG_RECORD_KINDS + 1] = "oepqmx";

const char *log_lines_name(enum log_lines lines)
{
    static const char *const names[LOG_LINES_FORMATS] = {"text", "structured"};
    return (unsigned)lines < LOG_LINES_FORMATS ? names[lines] : NULL;
}

char log_record_letter(enum log_record_kind kind)
{
    return letters[kind];
}

void log_record_anchor_format(uint64_t number, char out[LOG_ANCHOR_MAX])
{
    snprintf(out, LOG_ANCHOR_MAX, "#%" PRIu64, number);
}

/* All of the text; 0: it is not a number from 1 on. */
static uint64_t parse_number(const char *text, size_t len)
{
    uint64_t value = 0;
    if (len == 0 || len > 18)
        return 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    return value;
}

bool log_record_anchor_parse(const char *text, size_t len, uint64_t *number)
{
    uint64_t value = len && text[0] == '#' ? parse_number(text + 1, len - 1) : 0;
    if (value)
        *number = value;
    return value > 0;
}

/* The length of the exit code's digits. */
static size_t exit_code_len(const char *text, size_t len)
{
    const char *blank = len ? memchr(text, ' ', len) : NULL;
    return blank ? (size_t)(blank - text) : len;
}

uint64_t log_record_exit_number(const char *text, size_t len)
{
    size_t digits = exit_code_len(text, len);
    return digits < len ? parse_number(text + digits + 1, len - digits - 1) : 0;
}

bool log_record_exit_code(const char *text, size_t len, int *code)
{
    size_t digits = exit_code_len(text, len);
    if (digits < len && !log_record_exit_number(text, len))
        return false;
    len = digits;
    if (len == 0 || len > 3)
        return false;
    int value = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (text[i] - '0');
    }
    if (value > 255)
        return false;
    *code = value;
    return true;
}

bool log_record_ends_line(enum log_record_kind kind, bool newer_seen[2])
{
    if (kind == LOG_RECORD_MARK || kind == LOG_RECORD_EXIT)
        return false;
    bool is_piece = kind == LOG_RECORD_STDOUT_PIECE || kind == LOG_RECORD_STDERR_PIECE;
    unsigned stream = kind == LOG_RECORD_STDERR || kind == LOG_RECORD_STDERR_PIECE;
    bool ends = !is_piece || !newer_seen[stream];
    newer_seen[stream] = true;
    return ends;
}

/* ---- escapes ---- */

size_t log_record_unit(const char *text, size_t left, bool *bare)
{
    size_t n = utf8_sequence(text, left);
    *bare = n > 0 && *text != '\0' && *text != LOG_RECORD_ESCAPE;
    return n ? n : 1;
}

bool log_record_must_escape(const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t n = utf8_sequence(text + i, len - i);
        if (!n || text[i] == '\0')
            return true;
        i += n;
    }
    return false;
}

void log_record_escape(struct buf *out, const char *text, size_t len)
{
    bool bare;
    if (len == 0)
        buf_putc(out, ' ');
    size_t plain = 0; /* start of the run that needs no change */
    for (size_t i = 0; i < len;) {
        size_t n = log_record_unit(text + i, len - i, &bare);
        if (!bare) {
            char digits[3];
            buf_append(out, text + plain, i - plain);
            hex_encode(text + i, 1, digits);
            buf_putc(out, LOG_RECORD_ESCAPE);
            buf_append(out, digits, 2);
            plain = i + n;
        }
        i += n;
    }
    if (len > plain)
        buf_append(out, text + plain, len - plain);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that is escaped here, or -1. */
static int escaped_byte(const char *at, size_t left)
{
    if (left < ESCAPED_LEN || at[0] != LOG_RECORD_ESCAPE)
        return -1;
    int high = hex_digit(at[1]), low = hex_digit(at[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

size_t log_record_decode(char *record, size_t len)
{
    char letter = len > 1 && record[0] == LOG_RECORD_ESCAPE ? record[1] : '\0';
    if (letter < 'A' || letter > 'Z' || !memchr(letters, letter - 'A' + 'a', LOG_RECORD_KINDS))
        return len;
    record[1] = (char)(letter - 'A' + 'a');
    if (len == 3 && record[2] == ' ')
        return 2;
    size_t to = 2;
    for (size_t from = 2; from < len;) {
        int byte = escaped_byte(record + from, len - from);
        record[to++] = byte < 0 ? record[from] : (char)byte;
        from += byte < 0 ? 1 : ESCAPED_LEN;
    }
    return to;
}

/* ---- records ---- */

bool log_record_parse(const char *line, size_t len, enum log_record_kind *kind, const char **text,
                      size_t *text_len)
{
    if (len && line[len - 1] == '\n')
        len--;
    *kind = LOG_RECORD_STDOUT;
    *text = line;
    *text_len = len;
    if (len == 0 || line[0] != LOG_RECORD_ESCAPE)
        return true;
    const char *letter = len > 1 ? memchr(letters, line[1], LOG_RECORD_KINDS) : NULL;
    int code;
    if (!letter ||
        (letter - letters == LOG_RECORD_EXIT && !log_record_exit_code(line + 2, len - 2, &code)))
        return false;
    *kind = (enum log_record_kind)(letter - letters);
    *text = line + 2;
    *text_len = len - 2;
    return true;
}
