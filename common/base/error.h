/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors: a closed, Docker-facing set of codes and one message.
 *
 * A fallible function takes `struct error *err` last, returns 0/-1 (or pointer/NULL) and writes
 * *err only on failure. Callers own the struct; NULL is not accepted. A layer wraps once with
 * error_wrap("ecs: run task: "); the error is logged once, where it is handled.
 */
#ifndef SOCKERLESS_BASE_ERROR_H
#define SOCKERLESS_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* name, HTTP status that Docker's API uses for it (moby errdefs). The numbers of the enum are the
 * ones of ErrorCode in proto/sockerless.proto; static assertions in ipc/rpc_server.c check
 * some of them. */
#define ERROR_CODES(X)                                                                             \
    X(ERROR_NONE, 200)                                                                             \
    X(ERROR_INVALID_PARAMETER, 400)                                                                \
    X(ERROR_UNAUTHORIZED, 401)                                                                     \
    X(ERROR_FORBIDDEN, 403)                                                                        \
    X(ERROR_NOT_FOUND, 404)                                                                        \
    X(ERROR_CONFLICT, 409)                                                                         \
    X(ERROR_NOT_MODIFIED, 304)                                                                     \
    X(ERROR_TOO_LARGE, 413)                                                                        \
    X(ERROR_TOO_MANY_REQUESTS, 429)                                                                \
    X(ERROR_SYSTEM, 500)                                                                           \
    X(ERROR_NOT_IMPLEMENTED, 501)                                                                  \
    X(ERROR_UNAVAILABLE, 503)                                                                      \
    X(ERROR_DEADLINE, 504)                                                                         \
    X(ERROR_CANCELLED, 499)

#define X(name, status) name,
enum error_code { ERROR_CODES(X) ERROR_CODE_COUNT };
#undef X

enum { ERROR_MESSAGE_MAX = 1024 };

struct error {
    enum error_code code;
    char message[ERROR_MESSAGE_MAX];
};

/* Fill *err; always returns -1 so that a function can `return error_set(...)`. Over-long messages
 * are cut at a character boundary of UTF-8. */
int error_set(struct error *err, enum error_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
int error_vset(struct error *err, enum error_code code, const char *fmt, va_list args)
    PRINTF_LIKE(3, 0);

/* Prefix the message: "prefix: message". What the message begins with already, the prefix or its
 * first part, is not said twice: "ecs: stop" before "ecs: StopTask: no" is "ecs: stop: StopTask:
 * no". Keeps the code. Returns -1. */
int error_wrap(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Like error_set with ": strerror(errnum)" appended. */
int error_errno(struct error *err, enum error_code code, int errnum, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* The HTTP status of a code, from the table above. */
int error_http_status(enum error_code code);
/* "ERROR_NOT_FOUND" … for logs. Static storage. */
const char *error_code_name(enum error_code code);

#endif
