/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8, RFC 3629. A NUL character inside a C string is carried as the overlong form C0 80
 * ("modified UTF-8"), which no valid text has: json.h writes it as \u0000 again.
 */
#ifndef SOCKERLESS_BASE_UTF8_H
#define SOCKERLESS_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UTF8_REPLACEMENT = 0xFFFD };
#define UTF8_REPLACEMENT_TEXT "\xEF\xBF\xBD"
#define UTF8_NUL_TEXT "\xC0\x80"

/* Length of the sequence at text, 1 to 4 (no overlong forms, no surrogates); 0 when these bytes are
 * not one. left: how many there are, at least 1. */
size_t utf8_sequence(const char *text, size_t left);
/* Does the C string carry a NUL? No process can be given it. NULL is an empty one. */
bool utf8_has_nul(const char *text);
/* The bytes of a character up to U+10FFFF; returns their number. */
size_t utf8_encode(uint32_t character, char out[4]);

#endif
