/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON that clients send, read as Go's encoding/json reads it: jansson's own reader refuses text
 * that dockerd takes. In strings, bytes that are not UTF-8 and lone surrogates become U+FFFD,
 * \u0000 is a character like others; an object's last member of a name counts. Numbers that are no
 * 64-bit integers become reals, of the largest size at most. Syntax errors are told in Go's words.
 */
#ifndef SOCKERLESS_JSON_INPUT_H
#define SOCKERLESS_JSON_INPUT_H

#include "base/error.h"

#include <jansson.h>
#include <stddef.h>

enum {
    /* Go allows 10,000, which jansson can neither free nor print without as deep a recursion. */
    JSON_INPUT_MAX_DEPTH = 1000,
};

enum json_input_end {
    JSON_INPUT_FIRST, /* Go's Decoder: what follows the first value is not looked at */
    JSON_INPUT_WHOLE, /* Go's Unmarshal: nothing but white space may follow */
};

/* Any value. Owned: json_decref. NULL: ERROR_INVALID_PARAMETER. Its strings and keys may hold NUL:
 * mind json_string_length, json_object_keylen_foreach. */
json_t *json_input_load(const char *text, size_t len, enum json_input_end end,
                        struct error *err) MUST_CHECK;

#endif
