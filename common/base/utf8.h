/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8 (RFC 3629: no overlong forms, no surrogates).
 */
#ifndef SOCKERLESS_BASE_UTF8_H
#define SOCKERLESS_BASE_UTF8_H

#include <stddef.h>

/* Length of the sequence at text, 1 to 4; 0 when these bytes are not one. left: how many there are,
 * at least 1. */
size_t utf8_sequence(const char *text, size_t left);

#endif
