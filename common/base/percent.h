/* SPDX-License-Identifier: Apache-2.0
 *
 * Percent-encoded text of URLs and forms (RFC 3986, 2.1), decoded.
 */
#ifndef SOCKERLESS_BASE_PERCENT_H
#define SOCKERLESS_BASE_PERCENT_H

#include <stddef.h>

enum percent_options {
    PERCENT_PLUS_IS_BLANK = 1, /* as in forms and queries */
    PERCENT_KEEP_BROKEN = 2,   /* a '%' without two hexadecimal digits stands for itself */
};

/* Decodes len bytes into out[len + 1], adds a NUL and returns how many bytes there are: NULs may be
 * among them. -1: a broken escape. */
long percent_decode(const char *text, size_t len, unsigned options, char *out);

#endif
