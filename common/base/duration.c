/* SPDX-License-Identifier: Apache-2.0
 * Durations; see duration.h. */
#include "base/duration.h"

#include "base/alloc.h"

#include <string.h>

/* Go counts in unsigned numbers up to 2^63: the smallest int64 is a duration, too. */
static const uint64_t magnitude_max = UINT64_C(1) << 63;

static const struct {
    const char *name;
    uint64_t ns;
} units[] = {
    {"ns", 1},
    {"us", 1000},
    {"\xc2\xb5s", 1000}, /* U+00B5, the micro sign */
    {"\xce\xbcs", 1000}, /* U+03BC, the Greek letter mu */
    {"ms", 1000000},
    {"s", 1000000000},
    {"m", 60 * UINT64_C(1000000000)},
    {"h", 3600 * UINT64_C(1000000000)},
};

static int invalid(const char *text, struct error *err)
{
    return error_set(err, ERROR_INVALID_PARAMETER, "time: invalid duration \"%.100s\"", text);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static uint64_t unit_find(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strlen(units[i].name) == len && memcmp(units[i].name, name, len) == 0)
            return units[i].ns;
    return 0;
}

/* The digits before the point; false when they do not fit. */
static bool whole_take(const char **at, uint64_t *out)
{
    for (*out = 0; is_digit(**at); (*at)++) {
        if (*out > (magnitude_max - (uint64_t)(**at - '0')) / 10)
            return false;
        *out = *out * 10 + (uint64_t)(**at - '0');
    }
    return true;
}

/* The digits behind the point, as *out / *scale; what a number cannot hold any more is dropped. */
static void fraction_take(const char **at, uint64_t *out, double *scale)
{
    for (*out = 0, *scale = 1; is_digit(**at); (*at)++)
        if (*out < magnitude_max / 10 - 1) {
            *out = *out * 10 + (uint64_t)(**at - '0');
            *scale *= 10;
        }
}

/* One number with its unit, "1.5h": moves *at behind it and adds it to *sum. */
static int part_take(const char **at, const char *text, uint64_t *sum, struct error *err)
{
    const char *begin = *at;
    uint64_t value, fraction = 0;
    double scale = 1;
    if (!whole_take(at, &value))
        return invalid(text, err);
    bool any = *at > begin;
    if (**at == '.') {
        begin = ++*at;
        fraction_take(at, &fraction, &scale);
        any = any || *at > begin;
    }
    if (!any)
        return invalid(text, err);
    const char *name = *at;
    size_t len = strcspn(name, ".0123456789");
    if (len == 0)
        return error_set(err, ERROR_INVALID_PARAMETER, "time: missing unit in duration \"%.100s\"",
                         text);
    uint64_t unit = unit_find(name, len);
    if (!unit)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "time: unknown unit \"%.*s\" in duration \"%.100s\"",
                         len < 100 ? (int)len : 100, name, text);
    if (value > magnitude_max / unit)
        return invalid(text, err);
    value = value * unit + (uint64_t)((double)fraction * ((double)unit / scale));
    if (value > magnitude_max || *sum > magnitude_max - value)
        return invalid(text, err);
    *sum += value;
    *at = name + len;
    return 0;
}

int duration_parse(const char *text, int64_t *ns, struct error *err)
{
    const char *at = text;
    bool negative = *at == '-';
    uint64_t sum = 0;
    at += *at == '-' || *at == '+';
    *ns = 0;
    if (strcmp(at, "0") == 0)
        return 0;
    if (!*at)
        return invalid(text, err);
    while (*at)
        if (part_take(&at, text, &sum, err))
            return -1;
    if (sum == magnitude_max && !negative)
        return invalid(text, err);
    *ns = negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return 0;
}

bool duration_parse_seconds(const char *text, int64_t *ns)
{
    struct error ignored;
    size_t len = strspn(text, ".0123456789");
    return strcmp(text + len, "s") == 0 && duration_parse(text, ns, &ignored) == 0;
}
