/* SPDX-License-Identifier: Apache-2.0
 * The value of an `until` filter; see time_filter.h. */
#include "backend/api/time_filter.h"

#include "base/alloc.h"
#include "base/timefmt.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const int64_t ns_per_s = 1000000000;

/* Longer names first: "m" begins "ms". Both of Unicode's micro signs count, as in Go. */
static const struct unit {
    const char *name;
    double ns;
} units[] = {
    {"ns", 1},   {"us", 1e3}, {"\xc2\xb5s", 1e3}, {"\xce\xbcs", 1e3},
    {"ms", 1e6}, {"s", 1e9},  {"m", 60e9},        {"h", 3600e9},
};

/* "1.5", ".5", "5."; NULL when there is no digit. */
static const char *scan_number(const char *s, double *out)
{
    double scale = 1;
    bool any = false;
    *out = 0;
    for (; isdigit((unsigned char)*s); s++, any = true)
        *out = *out * 10 + (*s - '0');
    if (*s == '.')
        for (s++; isdigit((unsigned char)*s); s++, any = true)
            *out += (*s - '0') * (scale /= 10);
    return any ? s : NULL;
}

static const struct unit *scan_unit(const char *s)
{
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strncmp(s, units[i].name, strlen(units[i].name)) == 0)
            return &units[i];
    return NULL;
}

bool duration_parse(const char *text, int64_t *ns)
{
    const char *s = text;
    double total = 0;
    bool negative = *s == '-';
    if (*s == '-' || *s == '+')
        s++;
    if (!*s)
        return false;
    while (*s && strcmp(s, "0") != 0) {
        double number;
        s = scan_number(s, &number);
        const struct unit *unit = s ? scan_unit(s) : NULL;
        if (!unit)
            return false;
        s += strlen(unit->name);
        total += number * unit->ns;
    }
    if (total > 4e18)
        return false;
    *ns = (int64_t)(negative ? -total : total);
    return true;
}

/* What may be left out of "2006-01-02T15:04:05", by length of what is there. */
static bool complete_time(const char *text, char *out, size_t size)
{
    static const char full[] = "0000-00-00T00:00:00";
    size_t len = strlen(text);
    if (len != 10 && len != 13 && len != 16 && len != 19)
        return false;
    snprintf(out, size, "%s%sZ", text, full + len);
    return true;
}

/* A time without a zone is the daemon's own. */
static bool parse_local(const char *text, int64_t *ns)
{
    char complete[32];
    int64_t utc;
    if (!complete_time(text, complete, sizeof complete) || !timefmt_parse_rfc3339(complete, &utc))
        return false;
    time_t seconds = (time_t)(utc / ns_per_s);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    tm.tm_isdst = -1;
    *ns = (int64_t)mktime(&tm) * ns_per_s;
    return true;
}

int time_filter_parse(const char *text, int64_t now_ns, int64_t *ns, struct error *err)
{
    int64_t duration;
    if (strcmp(text, "0") != 0 && duration_parse(text, &duration)) {
        *ns = now_ns - duration;
        return 0;
    }
    if (timefmt_parse_docker(text, ns) || parse_local(text, ns))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "failed to parse value as time or duration: \"%.100s\"", text);
}
