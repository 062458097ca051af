/* SPDX-License-Identifier: Apache-2.0
 * Signal names; see signal_name.h. signal(7), x86-64 and arm64 numbering. */
#include "backend/run/signal_name.h"

#include "base/alloc.h"
#include "base/str.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

enum {
    SIGNAL_FIRST = 1,
    SIGNAL_LAST = 31,
    RTMIN = 34,
    RTMAX = 64,
    RTMIN_OFFSETS = 15,
    RTMAX_OFFSETS = 14
};

static const struct {
    const char *name;
    int number;
} signals[] = {
    {"HUP", 1},   {"INT", 2},   {"QUIT", 3},  {"ILL", 4},     {"TRAP", 5},      {"ABRT", 6},
    {"IOT", 6},   {"BUS", 7},   {"FPE", 8},   {"KILL", 9},    {"USR1", 10},     {"SEGV", 11},
    {"USR2", 12}, {"PIPE", 13}, {"ALRM", 14}, {"TERM", 15},   {"STKFLT", 16},   {"CHLD", 17},
    {"CLD", 17},  {"CONT", 18}, {"STOP", 19}, {"TSTP", 20},   {"TTIN", 21},     {"TTOU", 22},
    {"URG", 23},  {"XCPU", 24}, {"XFSZ", 25}, {"VTALRM", 26}, {"PROF", 27},     {"WINCH", 28},
    {"IO", 29},   {"POLL", 29}, {"PWR", 30},  {"SYS", 31},    {"RTMIN", RTMIN}, {"RTMAX", RTMAX},
};

/* moby names the lower half from RTMIN up, the upper from RTMAX down. */
static int parse_offset(const char *text, int base, int sign)
{
    int64_t n;
    if (!isdigit((unsigned char)*text) || !str_to_i64(text, &n) || n < 1 ||
        n > (sign > 0 ? RTMIN_OFFSETS : RTMAX_OFFSETS))
        return 0;
    return base + sign * (int)n;
}

int signal_parse(const char *name)
{
    int64_t number;
    if (str_to_i64(name, &number))
        return number >= INT_MIN && number <= INT_MAX ? (int)number : 0;
    if (strncasecmp(name, "SIG", 3) == 0)
        name += 3;
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        if (strcasecmp(name, signals[i].name) == 0)
            return signals[i].number;
    if (strncasecmp(name, "RTMIN+", 6) == 0)
        return parse_offset(name + 6, RTMIN, 1);
    if (strncasecmp(name, "RTMAX-", 6) == 0)
        return parse_offset(name + 6, RTMAX, -1);
    return 0;
}

bool signal_exists(int number)
{
    return (number >= SIGNAL_FIRST && number <= SIGNAL_LAST) ||
           (number >= RTMIN && number <= RTMAX);
}
