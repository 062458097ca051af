/* SPDX-License-Identifier: Apache-2.0
 * Log records; see log_record.h. */
#include "base/log_record.h"

#include <string.h>

static const char letters[LOG_RECORD_KINDS + 1] = "oepqmx";

char log_record_letter(enum log_record_kind kind)
{
    return letters[kind];
}

bool log_record_exit_code(const char *text, size_t len, int *code)
{
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
