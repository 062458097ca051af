/* SPDX-License-Identifier: Apache-2.0
 * Log options; see log_options.h. The rules and words are those of moby's daemon/logger. */
#include "backend/logs/log_options.h"

#include "backend/api/go_regex.h"
#include "base/alloc.h"
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define JSON_FILE "json-file"
#define NON_BLOCKING "non-blocking"

/* NULL options: those of a driver whose options are not known here. */
static const struct driver {
    const char *name;
    const char *const *options;
    const char *refusal; /* of an option; its name and the driver's */
} drivers[] = {
    {JSON_FILE,
     (const char *const[]){"max-file", "max-size", "compress", "labels", "labels-regex", "env",
                           "env-regex", "tag", NULL},
     "unknown log opt '%s' for %s log driver"},
    {"local", (const char *const[]){"max-file", "max-size", "compress", NULL},
     "unknown log opt '%s' for log driver %s"},
    {"none", NULL, NULL},
    {"awslogs", NULL, NULL},
    {"fluentd", NULL, NULL},
    {"gcplogs", NULL, NULL},
    {"gelf", NULL, NULL},
    {"journald", NULL, NULL},
    {"logentries", NULL, NULL},
    {"splunk", NULL, NULL},
    {"syslog", NULL, NULL},
};

static const struct driver *driver_of(const Sockerless__HostOptions *host)
{
    const char *name = str_empty(host->log_driver) ? JSON_FILE : host->log_driver;
    for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
        if (strcmp(drivers[i].name, name) == 0)
            return &drivers[i];
    return NULL;
}

static bool driver_is(const Sockerless__HostOptions *host, const char *name)
{
    const struct driver *d = driver_of(host);
    return d && strcmp(d->name, name) == 0;
}

const char *log_options_find(const Sockerless__HostOptions *host, const char *name)
{
    for (size_t i = 0; i < host->n_log_options; i++)
        if (strcmp(host->log_options[i]->key, name) == 0)
            return host->log_options[i]->value;
    return NULL;
}

bool log_options_driver_ignored(const Sockerless__HostOptions *host)
{
    return !driver_is(host, JSON_FILE) && !driver_is(host, "local") && !driver_is(host, "none");
}

/* ---- values ---- */

/* docker/go-units: "10", "1.5m", "2 GiB". *is_zero: it says nothing. */
static bool size_valid(const char *text, bool *is_zero)
{
    const char *at = text + strspn(text, "0123456789");
    if (at == text)
        return false;
    while (*at == '.' && isdigit((unsigned char)at[1]))
        at += 1 + strspn(at + 1, "0123456789");
    *is_zero = strspn(text, "0.") == (size_t)(at - text);
    at += *at == ' ';
    at += *at && strchr("kKmMgGtTpP", *at) ? 1 : 0;
    at += *at == 'i' || *at == 'I';
    at += *at == 'b' || *at == 'B';
    return !*at;
}

/* Go's strconv.ParseBool. */
static bool bool_parse(const char *text, bool *out)
{
    static const char *const words[] = {"1", "t", "T", "true",  "TRUE",  "True",
                                        "0", "f", "F", "false", "FALSE", "False"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(words[i], text) == 0) {
            *out = i < ARRAY_LEN(words) / 2;
            return true;
        }
    return false;
}

/* Go's strconv.Atoi. */
static int count_parse(const char *text, long *out, struct error *err)
{
    char *end;
    errno = 0;
    *out = strtol(text, &end, 10);
    if (isspace((unsigned char)*text) || end == text || *end)
        return error_set(err, ERROR_SYSTEM, "strconv.Atoi: parsing \"%.100s\": invalid syntax",
                         text);
    if (errno)
        return error_set(err, ERROR_SYSTEM, "strconv.Atoi: parsing \"%.100s\": value out of range",
                         text);
    return 0;
}

static int check_size(const char *text, struct error *err)
{
    bool is_zero = false;
    if (text && !size_valid(text, &is_zero))
        return error_set(err, ERROR_SYSTEM, "invalid size: '%.100s'", text);
    return is_zero ? error_set(err, ERROR_SYSTEM, "max-size must be a positive number") : 0;
}

static int check_regex(const char *text, struct error *err)
{
    if (str_empty(text))
        return 0;
    struct go_regex *re = go_regex_new(text, err);
    if (!re)
        return -1;
    go_regex_free(re);
    return 0;
}

static int check_values(const Sockerless__HostOptions *host, struct error *err)
{
    const char *size = log_options_find(host, "max-size");
    const char *files = log_options_find(host, "max-file");
    const char *compress = log_options_find(host, "compress");
    bool compressed = false;
    long count = 1;
    if (check_size(size, err) || (files && count_parse(files, &count, err)))
        return -1;
    if (count < 1)
        return error_set(err, ERROR_SYSTEM, "max-file cannot be less than 1");
    if (compress && !bool_parse(compress, &compressed))
        return error_set(err, ERROR_SYSTEM, "strconv.ParseBool: parsing \"%.100s\": invalid syntax",
                         compress);
    if (compressed && (count == 1 || !size))
        return error_set(err, ERROR_SYSTEM,
                         "compress cannot be true when max-file is less than 2 or max-size is not "
                         "set");
    return check_regex(log_options_find(host, "labels-regex"), err) ||
                   check_regex(log_options_find(host, "env-regex"), err)
               ? -1
               : 0;
}

int log_options_open_check(const Sockerless__HostOptions *host, struct error *err)
{
    if (!driver_is(host, JSON_FILE) || check_values(host, err) == 0)
        return 0;
    err->code = ERROR_SYSTEM; /* as moby: not the request, the daemon's work fails */
    return error_wrap(err, "failed to initialize logging driver");
}

/* ---- names and the delivery mode ---- */

static int check_mode(const Sockerless__HostOptions *host, struct error *err)
{
    const char *mode = str_or_empty(log_options_find(host, "mode"));
    const char *buffer = log_options_find(host, "max-buffer-size");
    bool non_blocking = strcmp(mode, NON_BLOCKING) == 0, is_zero;
    if (*mode && !non_blocking && strcmp(mode, "blocking") != 0)
        return error_set(err, ERROR_INVALID_PARAMETER, "logger: logging mode not supported: %.100s",
                         mode);
    if (buffer && !non_blocking)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "logger: max-buffer-size option is only supported with 'mode=" NON_BLOCKING
                         "'");
    if (buffer && !size_valid(buffer, &is_zero))
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "error parsing option max-buffer-size: invalid size: '%.100s'", buffer);
    return 0;
}

static bool is_known(const struct driver *d, const char *option)
{
    if (strcmp(option, "mode") == 0 || strcmp(option, "max-buffer-size") == 0)
        return true;
    for (const char *const *known = d->options; *known; known++)
        if (strcmp(*known, option) == 0)
            return true;
    return false;
}

int log_options_check(const Sockerless__HostOptions *host, struct error *err)
{
    const struct driver *d = driver_of(host);
    if (!d)
        return error_set(err, ERROR_INVALID_PARAMETER,
                         "error looking up logging plugin %.100s: plugin \"%.100s\" not found",
                         host->log_driver, host->log_driver);
    if (strcmp(d->name, "none") == 0)
        return 0;
    if (check_mode(host, err))
        return -1;
    for (size_t i = 0; d->options && i < host->n_log_options; i++)
        if (!is_known(d, host->log_options[i]->key))
            return error_set(err, ERROR_INVALID_PARAMETER, d->refusal, host->log_options[i]->key,
                             d->name);
    return 0;
}
