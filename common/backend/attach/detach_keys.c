/* SPDX-License-Identifier: Apache-2.0
 * Detach keys of tty sessions; see detach_keys.h. */
#include "backend/attach/detach_keys.h"

#include "base/str.h"

#include <string.h>

static int parse_key(const char *text, size_t len)
{
    if (len == 1)
        return (unsigned char)text[0];
    if (len == 3 && strncmp(text, "DEL", 3) == 0)
        return 127;
    if (len != 6 || strncmp(text, "ctrl-", 5) != 0)
        return -1;
    char c = text[5];
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 1;
    if (c == '@')
        return 0;
    return c >= '[' && c <= '_' ? c - '[' + 27 : -1;
}

int detach_keys_parse(const char *text, struct detach_keys *out, struct error *err)
{
    *out = (struct detach_keys){0};
    const char *at = str_empty(text) ? "ctrl-p,ctrl-q" : text;
    for (;;) {
        size_t len = strcspn(at, ",");
        int key = parse_key(at, len);
        if (key < 0 || out->count == DETACH_KEYS_MAX)
            return error_set(err, ERROR_INVALID_PARAMETER, "Invalid detach keys (%.100s) provided",
                             text);
        out->keys[out->count++] = (unsigned char)key;
        if (!at[len])
            return 0;
        at += len + 1;
    }
}

bool detach_keys_filter(struct detach_keys *d, const void *bytes, size_t len, struct buf *out)
{
    const unsigned char *in = bytes;
    for (size_t i = 0; i < len; i++) {
        if (d->matched && in[i] != d->keys[d->matched]) {
            buf_append(out, d->keys, d->matched); /* it was meant for the process */
            d->matched = 0;
        }
        if (d->count && in[i] == d->keys[d->matched]) {
            if (++d->matched == d->count) {
                d->matched = 0;
                return true;
            }
            continue;
        }
        buf_putc(out, (char)in[i]);
    }
    return false;
}
