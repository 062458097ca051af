/* SPDX-License-Identifier: Apache-2.0
 *
 * The lines of a text that is in memory, and what small files make of them: entries, `name = value`
 * settings below [sections], fields. The text is cut in place and nothing is copied; its reader
 * bounds it by what he puts into memory.
 */
#ifndef SOCKERLESS_BASE_LINE_READER_H
#define SOCKERLESS_BASE_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>

struct line_reader {
    char *at, *end;
    unsigned number; /* of the line that was read last, from 1 */
};

/* text[len] must be there and be NUL. NULL with a len of 0 is a text without lines. */
struct line_reader line_reader_of(char *text, size_t len);

/* The next line without its '\n'; NULL at the end. An empty line behind the last '\n' is none. */
char *line_reader_next(struct line_reader *r);

/* The next line that holds more than white space and does not begin with one of `comments`, without
 * white space around it; NULL at the end. */
char *line_reader_entry(struct line_reader *r, const char *comments);

struct line_setting {
    char *section; /* of "[section] …"; "" when the bracket is not closed; else NULL */
    char *name;    /* of "name = value"; NULL for a section */
    char *value;   /* NULL for a section, and when there is no '=' */
    bool indented; /* white space before it */
};
/* The next entry as part of an ini file, all parts without white space around them. False at the
 * end. Quotes, and comments behind a value, are the reader's own affair. */
bool line_reader_setting(struct line_reader *r, const char *comments, struct line_setting *out);

/* Cuts a line at its separators into at most `most` fields; what follows the last of these is
 * dropped. Returns how many, at least 1. */
int line_reader_split(char *line, char separator, char **fields, int most);

#endif
