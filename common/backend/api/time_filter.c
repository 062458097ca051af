/* SPDX-License-Identifier: Apache-2.0
 * The value of an `until` filter; see time_filter.h. */
#include "backend/api/time_filter.h"

#include "base/duration.h"
#include "base/timefmt.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const int64_t ns_per_s = 1000000000;

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
    struct error ignored;
    if (strcmp(text, "0") != 0 && duration_parse(text, &duration, &ignored) == 0) {
        if (__builtin_sub_overflow(now_ns, duration, ns))
            *ns = INT64_MAX; /* further ahead than a clock goes */
        return 0;
    }
    if (timefmt_parse_docker(text, ns) || parse_local(text, ns))
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "failed to parse value as time or duration: \"%.100s\"", text);
}
