/* SPDX-License-Identifier: Apache-2.0
 * Lines of a text in memory; see line_reader.h. */
#include "base/line_reader.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>

struct line_reader line_reader_of(char *text, size_t len)
{
    return (struct line_reader){.at = text, .end = len ? text + len : text};
}

char *line_reader_next(struct line_reader *r)
{
    if (r->at == r->end)
        return NULL;
    char *line = r->at;
    char *newline = memchr(line, '\n', (size_t)(r->end - line));
    if (newline)
        *newline = '\0';
    r->at = newline ? newline + 1 : r->end;
    r->number++;
    return line;
}

/* *indented: the entry has white space before it. */
static char *entry_take(struct line_reader *r, const char *comments, bool *indented)
{
    char *line;
    while ((line = line_reader_next(r))) {
        *indented = isspace((unsigned char)*line);
        line = str_trim(line);
        if (*line && !strchr(comments, *line))
            return line;
    }
    return NULL;
}

char *line_reader_entry(struct line_reader *r, const char *comments)
{
    bool unused;
    return entry_take(r, comments, &unused);
}

bool line_reader_setting(struct line_reader *r, const char *comments, struct line_setting *out)
{
    *out = (struct line_setting){0};
    char *line = entry_take(r, comments, &out->indented);
    if (!line)
        return false;
    if (*line == '[') {
        char *close = strchr(line, ']');
        *(close ? close : line + 1) = '\0';
        out->section = str_trim(line + 1);
        return true;
    }
    char *equals = strchr(line, '=');
    if (equals) {
        *equals = '\0';
        out->value = str_trim(equals + 1);
    }
    out->name = str_trim(line);
    return true;
}

int line_reader_split(char *line, char separator, char **fields, int most)
{
    int n = 0;
    while (line && n < most) {
        fields[n++] = line;
        line = strchr(line, separator);
        if (line)
            *line++ = '\0';
    }
    return n;
}
