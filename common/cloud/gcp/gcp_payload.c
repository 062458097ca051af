/* SPDX-License-Identifier: Apache-2.0
 * Payloads; see gcp_payload.h. jansson's own writer would show 0.1 as 0.10000000000000001;
 * Cloud Logging holds all numbers as doubles, so the shortest form that is the same one is it. */
#include "cloud/gcp/gcp_payload.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>

enum { DIGITS_SURE = 15, DIGITS_EXACT = 17 };
static const double exact_below = 9007199254740992; /* 2^53: every integer is itself */

static void write_real(struct json_writer *w, double value)
{
    char text[40];
    int len = 0;
    if (value > -exact_below && value < exact_below && value == (double)(int64_t)value) {
        json_int(w, (int64_t)value);
        return;
    }
    for (int digits = DIGITS_SURE; digits <= DIGITS_EXACT; digits++) {
        len = snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    json_raw(w, text, (size_t)len);
}

static void write_value(struct json_writer *w, const json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        json_object_open(w);
        json_object_foreach((json_t *)value, key, member)
        {
            json_key(w, key);
            write_value(w, member);
        }
        json_object_close(w);
        break;
    case JSON_ARRAY:
        json_array_open(w);
        json_array_foreach(value, i, member) write_value(w, member);
        json_array_close(w);
        break;
    case JSON_STRING:
        json_string_len(w, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER: json_int(w, json_integer_value(value)); break;
    case JSON_REAL: write_real(w, json_real_value(value)); break;
    case JSON_TRUE: json_bool(w, true); break;
    case JSON_FALSE: json_bool(w, false); break;
    case JSON_NULL: json_put_null(w); break;
    }
}

void gcp_payload_write(const json_t *value, struct buf *out)
{
    struct json_writer w;
    json_writer_init(&w, out);
    write_value(&w, value);
}
