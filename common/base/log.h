/* SPDX-License-Identifier: Apache-2.0
 *
 * Structured logs: one JSON object a line on stderr,
 * {"level":"info","time":"…","component":"backend-ecs","message":"…", fields…}; on a terminal
 * "backend-ecs: info: message (key value, …)".
 *
 *     log_info("task started", LOG_STR("container", id), LOG_INT("took_ms", ms));
 *
 * Secrets are never passed here. Thread-safe (one write(2) a line).
 */
#ifndef SOCKERLESS_BASE_LOG_H
#define SOCKERLESS_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
    const char *key;
    const char *text; /* NULL: the number counts */
    int64_t number;
};

static inline const char *log_text(const char *text)
{
    return text ? text : "";
}

#define LOG_STR(k, v) ((struct log_field){.key = (k), .text = log_text(v)})
#define LOG_INT(k, v) ((struct log_field){.key = (k), .number = (int64_t)(v)})

/* component: borrowed until the process ends. */
void log_open(const char *component, enum log_level lowest);
/* "debug" "info" "warn" "error"; false when unknown. */
bool log_level_parse(const char *name, enum log_level *out);
bool log_enabled(enum log_level level);
void log_write(enum log_level level, const char *message, size_t count,
               const struct log_field *fields);

/* The empty first field lets the list be empty; it is skipped. */
#define LOG_FIELDS(...) ((const struct log_field[]){{0}, ##__VA_ARGS__})
#define LOG_AT(level, message, ...)                                                                \
    do {                                                                                           \
        if (log_enabled(level))                                                                    \
            log_write(level, message,                                                              \
                      sizeof LOG_FIELDS(__VA_ARGS__) / sizeof(struct log_field) - 1,               \
                      LOG_FIELDS(__VA_ARGS__) + 1);                                                \
    } while (0)
#define log_debug(...) LOG_AT(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) LOG_AT(LOG_INFO, __VA_ARGS__)
#define log_warn(...) LOG_AT(LOG_WARN, __VA_ARGS__)
#define log_error(...) LOG_AT(LOG_ERROR, __VA_ARGS__)

#endif
