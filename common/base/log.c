/* SPDX-License-Identifier: Apache-2.0
 * Structured logs; see log.h. */
#include "base/log.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/timefmt.h"

#include <string.h>
#include <unistd.h>

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *log_component = "sockerless";
static enum log_level log_lowest = LOG_INFO;
static bool log_to_terminal;

void log_open(const char *component, enum log_level lowest)
{
    log_component = component;
    log_lowest = lowest;
    log_to_terminal = isatty(STDERR_FILENO) == 1;
}

bool log_level_parse(const char *name, enum log_level *out)
{
    for (unsigned i = 0; i < sizeof level_names / sizeof level_names[0]; i++)
        if (strcmp(name, level_names[i]) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    return false;
}

bool log_enabled(enum log_level level)
{
    return level >= log_lowest;
}

static void put_json(struct buf *line, enum log_level level, const char *message, size_t count,
                     const struct log_field *fields)
{
    struct json_writer w;
    char when[TIMEFMT_RFC3339_MAX];
    json_writer_init(&w, line);
    json_object_open(&w);
    json_member_string(&w, "level", level_names[level]);
    json_member_string(&w, "time", timefmt_rfc3339nano(time_now_ns(), when));
    json_member_string(&w, "component", log_component);
    json_member_string(&w, "message", message);
    for (const struct log_field *f = fields; f < fields + count; f++) {
        if (f->text)
            json_member_string(&w, f->key, f->text);
        else
            json_member_int(&w, f->key, f->number);
    }
    json_object_close(&w);
}

/* A control character in what a client or a cloud sent would be a command to the terminal. */
static void put_shown(struct buf *line, const char *text)
{
    for (const char *c = text; *c; c++)
        buf_putc(line, (unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c);
}

/* "frontend: error: message (key value, key value)" */
static void put_text(struct buf *line, enum log_level level, const char *message, size_t count,
                     const struct log_field *fields)
{
    buf_printf(line, "%s: %s: ", log_component, level_names[level]);
    put_shown(line, message);
    for (const struct log_field *f = fields; f < fields + count; f++) {
        buf_printf(line, "%s%s ", f == fields ? " (" : ", ", f->key);
        if (f->text)
            put_shown(line, f->text);
        else
            buf_printf(line, "%lld", (long long)f->number);
    }
    if (count)
        buf_putc(line, ')');
}

void log_write(enum log_level level, const char *message, size_t count,
               const struct log_field *fields)
{
    AUTO(buf) struct buf line = BUF_INIT;
    (log_to_terminal ? put_text : put_json)(&line, level, message, count, fields);
    buf_putc(&line, '\n');
    ssize_t ignored = write(STDERR_FILENO, line.data, line.len);
    (void)ignored; /* there is nowhere to complain to */
}
