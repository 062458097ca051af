/* SPDX-License-Identifier: Apache-2.0
 * JSON members, times, ids; see value.h. */
#include "test/sim/http/value.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/id.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "base/utf8.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

json_t *value_text(const char *text)
{
    return json_stringn_nocheck(text, strlen(text));
}

json_t *value_bytes(const char *bytes, size_t len)
{
    struct buf text AUTO(buf) = BUF_INIT;
    for (size_t at = 0; at < len;) {
        size_t n = (bytes[at] & 0x80) ? utf8_sequence(bytes + at, len - at) : 1;
        buf_append(&text, n ? bytes + at : "\xef\xbf\xbd", n ? n : 3);
        at += n ? n : 1;
    }
    return json_stringn_nocheck(str_or_empty(text.data), text.len);
}

const char *value_string(const json_t *object, const char *key)
{
    return str_or_empty(json_string_value(json_object_get(object, key)));
}

int64_t value_int(const json_t *object, const char *key, int64_t fallback)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool value_bool(const json_t *object, const char *key, bool fallback)
{
    const json_t *value = json_object_get(object, key);
    return json_is_boolean(value) ? json_boolean_value(value) : fallback;
}

void value_set_text(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, value_text(text));
}

int64_t value_now_ms(void)
{
    return time_now_ns() / 1000000;
}

void value_random_hex(char *out, size_t digits)
{
    unsigned char bytes[32];
    char hex[65];
    random_bytes(bytes, sizeof bytes);
    hex_encode(bytes, sizeof bytes, hex);
    memcpy(out, hex, digits);
    out[digits] = '\0';
}

void value_uuid(char out[37])
{
    char h[33];
    value_random_hex(h, 32);
    h[12] = '4';
    h[16] = "89ab"[h[16] & 3];
    snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", h, h + 8, h + 12, h + 16, h + 20);
}

bool value_take_one(atomic_long *counter)
{
    long n = *counter;
    while (n > 0)
        if (atomic_compare_exchange_weak(counter, &n, n - 1))
            return true;
    return false;
}

bool value_only(const char *text, const char *others)
{
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr(others, *text))
            return false;
    return true;
}
