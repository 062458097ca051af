/* SPDX-License-Identifier: Apache-2.0
 * Errors; see error.h. */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* vsnprintf cuts anywhere; a message that ends in half a UTF-8 sequence is not valid JSON text. */
static void trim_partial_utf8(char *text)
{
    size_t len = strlen(text);
    size_t tail = 0;
    while (tail < 4 && tail < len && ((unsigned char)text[len - 1 - tail] & 0xC0) == 0x80)
        tail++;
    if (tail >= len)
        return;
    unsigned char lead = (unsigned char)text[len - 1 - tail];
    size_t want = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    if (want > tail)
        text[len - 1 - tail] = '\0';
}

int error_vset(struct error *err, enum error_code code, const char *fmt, va_list args)
{
    err->code = code;
    vsnprintf(err->message, sizeof err->message, fmt, args);
    trim_partial_utf8(err->message);
    return -1;
}

int error_set(struct error *err, enum error_code code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    error_vset(err, code, fmt, args);
    va_end(args);
    return -1;
}

/* The message without what a context, or its first part, says already: "ecs: RunTask: no" in the
 * context "ecs: start" is "RunTask: no". */
static const char *without_context(const char *message, const char *context)
{
    size_t whole = strlen(context), part = strcspn(context, ":");
    size_t lengths[] = {whole, part};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        if (lengths[i] && !strncmp(message, context, lengths[i]) &&
            !strncmp(message + lengths[i], ": ", 2))
            return message + lengths[i] + 2;
    return message;
}

int error_wrap(struct error *err, const char *fmt, ...)
{
    char inner[ERROR_MESSAGE_MAX];
    memcpy(inner, err->message, sizeof inner);
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(err->message, sizeof err->message, fmt, args);
    va_end(args);
    if (n < 0)
        n = 0;
    size_t used = (size_t)n < sizeof err->message - 1 ? (size_t)n : sizeof err->message - 1;
    size_t room = sizeof err->message - 1 - used;
    size_t separator = room < 2 ? room : 2;
    const char *rest = without_context(inner, err->message);
    size_t kept = strnlen(rest, room - separator);
    memcpy(err->message + used, ": ", separator);
    memcpy(err->message + used + separator, rest, kept);
    err->message[used + separator + kept] = '\0';
    trim_partial_utf8(err->message);
    return -1;
}

int error_errno(struct error *err, enum error_code code, int errnum, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    error_vset(err, code, fmt, args);
    va_end(args);
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, ": %s", strerror(errnum));
    return -1;
}

int error_http_status(enum error_code code)
{
#define X(name, status) status,
    static const int statuses[] = {ERROR_CODES(X)};
#undef X
    return (unsigned)code < ERROR_CODE_COUNT ? statuses[code] : 500;
}

const char *error_code_name(enum error_code code)
{
#define X(name, status) #name,
    static const char *const names[] = {ERROR_CODES(X)};
#undef X
    return (unsigned)code < ERROR_CODE_COUNT ? names[code] : "ERROR_UNKNOWN";
}
