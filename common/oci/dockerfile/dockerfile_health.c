/* SPDX-License-Identifier: Apache-2.0
 *
 * HEALTHCHECK: its options, Go's durations among them, and its test; see dockerfile_change.h.
 */
#include "oci/dockerfile/dockerfile_change.h"

#include "base/alloc.h"
#include "base/duration.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MINIMUM_NS = 1000000 };

static int apply_interval(json_t *health, const char *member, const char *flag, const char *value,
                          struct error *err)
{
    int64_t ns;
    if (duration_parse(value, &ns, err))
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
