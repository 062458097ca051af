/* SPDX-License-Identifier: Apache-2.0
 * Log labels; see log_label.h. */
#include "base/log_label.h"

#include "base/log_record.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

char *log_label_format(const struct log_label *label, char out[LOG_LABEL_MAX])
{
    snprintf(out, LOG_LABEL_MAX, "%c %" PRIu64 " %" PRId64, label->letter, label->number,
             label->time_ns);
    return out;
}

static bool is_letter(char c)
{
    for (int kind = 0; kind < LOG_RECORD_KINDS; kind++)
        if (tolower((unsigned char)c) == log_record_letter(kind))
            return true;
    return false;
}

bool log_label_parse(const char *text, struct log_label *out)
{
    char *end;
    if (!is_letter(text[0]) || text[1] != ' ' || !isdigit((unsigned char)text[2]))
        return false;
    out->letter = text[0];
    out->number = strtoull(text + 2, &end, 10);
    if (*end != ' ' || !isdigit((unsigned char)end[1]))
        return false;
    out->time_ns = strtoll(end + 1, &end, 10);
    return !*end && out->number > 0 && out->number < UINT64_MAX / 2 && out->time_ns > 0 &&
           out->time_ns < INT64_MAX / 2;
}
