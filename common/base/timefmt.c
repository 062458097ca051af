/* SPDX-License-Identifier: Apache-2.0
 * Time; see timefmt.h. */
#include "base/timefmt.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NS_PER_S = 1000000000 };

int64_t time_now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t time_mono_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t time_ns_of_ms(int64_t ms)
{
    int64_t ns;
    if (!__builtin_mul_overflow(ms, INT64_C(1000000), &ns))
        return ns;
    return ms < 0 ? INT64_MIN : INT64_MAX;
}

static char *format_with(int64_t ns, char *out, bool fixed)
{
    if (ns == 0) {
        strcpy(out, fixed ? "0001-01-01T00:00:00.000000000Z" : "0001-01-01T00:00:00Z");
        return out;
    }
    time_t s = (time_t)(ns / NS_PER_S);
    long frac = (long)(ns % NS_PER_S);
    if (frac < 0) {
        frac += NS_PER_S;
        s--;
    }
    struct tm tm;
    gmtime_r(&s, &tm);
    size_t n = strftime(out, TIMEFMT_RFC3339_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
    if (fixed || frac) {
        n += (size_t)snprintf(out + n, TIMEFMT_RFC3339_MAX - n, ".%09ld", frac);
        while (!fixed && out[n - 1] == '0')
            n--;
    }
    out[n++] = 'Z';
    out[n] = '\0';
    return out;
}

char *timefmt_rfc3339nano(int64_t ns, char out[TIMEFMT_RFC3339_MAX])
{
    return format_with(ns, out, false);
}

char *timefmt_rfc3339nano_fixed(int64_t ns, char out[TIMEFMT_RFC3339_MAX])
{
    return format_with(ns, out, true);
}

/* Up to nine digits of a decimal fraction as nanoseconds; further digits are dropped. */
static const char *parse_fraction(const char *s, int64_t *ns)
{
    int64_t scale = NS_PER_S / 10;
    *ns = 0;
    while (isdigit((unsigned char)*s)) {
        *ns += (*s++ - '0') * scale;
        scale /= 10;
    }
    return s;
}

bool timefmt_parse_rfc3339(const char *text, int64_t *ns)
{
    struct tm tm = {0};
    int used = 0;
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec, &used) != 6 ||
        used != 19)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    if (tm.tm_year < 70 || tm.tm_year > 300 || tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 ||
        tm.tm_mday > 31 || tm.tm_hour < 0 || tm.tm_hour > 23 || tm.tm_min < 0 || tm.tm_min > 59 ||
        tm.tm_sec < 0 || tm.tm_sec > 60)
        return false;
    const char *s = text + used;
    int64_t frac = 0;
    if (*s == '.') {
        if (!isdigit((unsigned char)s[1]))
            return false;
        s = parse_fraction(s + 1, &frac);
    }
    long offset = 0;
    if (*s == 'Z' || *s == 'z') {
        s++;
    } else {
        int hours, minutes;
        if ((*s != '+' && *s != '-') || sscanf(s + 1, "%2d:%2d", &hours, &minutes) != 2 ||
            strlen(s) != 6 || hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
            return false;
        offset = (hours * 60L + minutes) * 60L * (*s == '-' ? -1 : 1);
        s += 6;
    }
    if (*s)
        return false;
    *ns = ((int64_t)timegm(&tm) - offset) * NS_PER_S + frac;
    return true;
}

/* Go's strconv.ParseInt, up to the end or a dot. */
static const char *parse_seconds(const char *s, int64_t *seconds)
{
    bool negative = *s == '-';
    s += *s == '-' || *s == '+';
    if (!isdigit((unsigned char)*s))
        return NULL;
    for (*seconds = 0; isdigit((unsigned char)*s); s++)
        if (__builtin_mul_overflow(*seconds, 10, seconds) ||
            __builtin_add_overflow(*seconds, *s - '0', seconds))
            return NULL;
    *seconds *= negative ? -1 : 1;
    return s;
}

/* Clients say "for ever" by a time that nanoseconds do not hold: it is the year 2116, so that sums
 * of two hold. */
static int64_t bounded(int64_t seconds)
{
    static const int64_t most = INT64_MAX / 2 / NS_PER_S - 1;
    return seconds > most ? most : seconds < -most ? -most : seconds;
}

bool timefmt_parse_docker(const char *text, int64_t *ns)
{
    int64_t seconds, frac = 0;
    if (timefmt_parse_rfc3339(text, ns)) {
        *ns = bounded(*ns / NS_PER_S) * NS_PER_S + *ns % NS_PER_S;
        return true;
    }
    const char *s = parse_seconds(text, &seconds);
    if (s && *s == '.')
        s = isdigit((unsigned char)s[1]) ? parse_fraction(s + 1, &frac) : NULL;
    if (!s || *s)
        return false;
    *ns = bounded(seconds) * NS_PER_S + (*text == '-' ? -frac : frac);
    return true;
}
