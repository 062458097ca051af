/* SPDX-License-Identifier: Apache-2.0
 *
 * HEALTHCHECK: its options, Go's durations among them, and its test; see dockerfile_change.h.
 */
#include "oci/dockerfile/dockerfile_change.h"

#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    int64_t ns;
} units[] = {
    {"ns", 1},
    {"us", 1000},
    {"\xc2\xb5s", 1000}, /* micro sign */
    {"\xce\xbcs", 1000}, /* mu */
    {"ms", 1000000},
    {"s", 1000000000},
    {"m", 60 * INT64_C(1000000000)},
    {"h", 3600 * INT64_C(1000000000)},
};

enum { MINIMUM_NS = 1000000 };

static int invalid_duration(const char *text, struct error *err)
{
    return error_set(err, ERROR_INVALID_PARAMETER, "time: invalid duration \"%.100s\"", text);
}

static const int64_t *unit_find(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strlen(units[i].name) == len && strncmp(units[i].name, name, len) == 0)
            return &units[i].ns;
    return NULL;
}

/* One "1.5h"; moves *at behind it and adds to *sum. */
static int duration_part(const char **at, const char *whole, int64_t *sum, struct error *err)
{
    const char *p = *at;
    int64_t value = 0, unit;
    double fraction = 0, scale = 0.1;
    size_t digits = 0;
    for (; *p >= '0' && *p <= '9'; p++, digits++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *p - '0', &value))
            return invalid_duration(whole, err);
    if (*p == '.')
        for (p++; *p >= '0' && *p <= '9'; p++, digits++, scale /= 10)
            fraction += (*p - '0') * scale;
    if (digits == 0)
        return invalid_duration(whole, err);
    size_t len = strcspn(p, ".0123456789");
    if (len == 0)
        return error_set(err, ERROR_INVALID_PARAMETER, "time: missing unit in duration \"%.100s\"",
                         whole);
    const int64_t *ns = unit_find(p, len);
    if (!ns)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "time: unknown unit \"%.*s\" in duration \"%.100s\"",
                         len < 100 ? (int)len : 100, p, whole);
    unit = *ns;
    if (__builtin_mul_overflow(value, unit, &value) ||
        __builtin_add_overflow(value, (int64_t)(fraction * (double)unit + 0.5), &value) ||
        __builtin_add_overflow(*sum, value, sum))
        return invalid_duration(whole, err);
    *at = p + len;
    return 0;
}

/* Go's time.ParseDuration. */
static int read_duration(const char *text, int64_t *out, struct error *err)
{
    const char *at = text;
    bool negative = *at == '-';
    *out = 0;
    at += *at == '-' || *at == '+';
    if (strcmp(at, "0") == 0)
        return 0;
    if (!*at)
        return invalid_duration(text, err);
    while (*at)
        if (duration_part(&at, text, out, err))
            return -1;
    if (negative)
        *out = -*out;
    return 0;
}

static int apply_interval(json_t *health, const char *member, const char *flag, const char *value,
                          struct error *err)
{
    int64_t ns;
    if (read_duration(value, &ns, err))
        return -1;
    if (ns < MINIMUM_NS)
        return error_set(err, ERROR_INVALID_PARAMETER, "Interval \"%s\" cannot be less than 1ms",
                         flag);
    json_object_set_new(health, member, json_integer(ns));
    return 0;
}

static int apply_retries(json_t *health, const char *member, const char *flag, const char *value,
                         struct error *err)
{
    int64_t n;
    (void)flag;
    if (!str_to_i64(value, &n))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "strconv.ParseInt: parsing \"%.100s\": invalid syntax", value);
    if (n > INT32_MAX || n < INT32_MIN)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "strconv.ParseInt: parsing \"%.100s\": value out of range", value);
    if (n < 1)
        return error_set(err, ERROR_INVALID_PARAMETER, "--retries must be at least 1 (not %d)",
                         (int)n);
    json_object_set_new(health, member, json_integer(n));
    return 0;
}

static const struct option {
    const char *flag, *member;
    int (*apply)(json_t *health, const char *member, const char *flag, const char *value,
                 struct error *err);
} options[] = {
    {"interval", "Interval", apply_interval},
    {"timeout", "Timeout", apply_interval},
    {"start-period", "StartPeriod", apply_interval},
    {"retries", "Retries", apply_retries},
};

/* values: one for each option, NULL when it was not given */
static int read_flags(const struct strv *flags, const char *values[], struct error *err)
{
    for (size_t i = 0; i < flags->count; i++) {
        const char *flag = flags->items[i] + 2;
        size_t len = strcspn(flag, "="), o = 0;
        int shown = len < 100 ? (int)len : 100;
        while (o < ARRAY_LEN(options) &&
               (strlen(options[o].flag) != len || strncmp(options[o].flag, flag, len) != 0))
            o++;
        if (o == ARRAY_LEN(options))
            return error_set(err, ERROR_INVALID_PARAMETER, "Unknown flag: %.*s", shown, flag);
        if (values[o])
            return error_set(err, ERROR_INVALID_PARAMETER, "Duplicate flag specified: %.*s", shown,
                             flag);
        if (flag[len] != '=')
            return error_set(err, ERROR_INVALID_PARAMETER, "Missing a value on flag: %.*s", shown,
                             flag);
        values[o] = flag + len + 1;
    }
    return 0;
}

static int apply_none(struct dockerfile_state *s, const struct dockerfile_instruction *in,
                      struct error *err)
{
    if (in->args.count > 1)
        return error_set(err, ERROR_INVALID_PARAMETER, "HEALTHCHECK NONE takes no arguments");
    json_object_set_new(s->config, "Healthcheck", json_pack("{s:[s]}", "Test", "NONE"));
    return 0;
}

static json_t *test_of(const struct dockerfile_instruction *in)
{
    json_t *test = json_array();
    json_array_append_new(test, json_string(in->is_json ? "CMD" : "CMD-SHELL"));
    for (size_t i = 1; i < in->args.count; i++)
        json_array_append_new(test, json_string(in->args.items[i]));
    return test;
}

int dockerfile_apply_healthcheck(struct dockerfile_state *s,
                                 const struct dockerfile_instruction *in, struct error *err)
{
    const char *values[ARRAY_LEN(options)] = {NULL};
    if (in->args.count == 0)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "HEALTHCHECK requires at least one argument");
    if (strcasecmp(in->args.items[0], "NONE") == 0)
        return apply_none(s, in, err);
    if (read_flags(&in->flags, values, err))
        return -1;
    if (strcasecmp(in->args.items[0], "CMD") != 0)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "Unknown type \"%.100s\" in HEALTHCHECK (try CMD)", in->args.items[0]);
    if (in->args.count == 1)
        return error_set(err, ERROR_INVALID_PARAMETER, "Missing command after HEALTHCHECK CMD");
    json_t *health = json_pack("{s:o}", "Test", test_of(in));
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (values[i] && *values[i] &&
            options[i].apply(health, options[i].member, options[i].flag, values[i], err)) {
            json_decref(health);
            return -1;
        }
    json_object_set_new(s->config, "Healthcheck", health);
    return 0;
}
