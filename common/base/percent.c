/* SPDX-License-Identifier: Apache-2.0
 * Percent-encoded text; see percent.h. */
#include "base/percent.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

long percent_decode(const char *text, size_t len, unsigned options, char *out)
{
    long n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < len ? hex_value(text[i + 1]) : -1;
            int low = high >= 0 ? hex_value(text[i + 2]) : -1;
            if (low >= 0) {
                c = (char)(high * 16 + low);
                i += 2;
            } else if (!(options & PERCENT_KEEP_BROKEN)) {
                return -1;
            }
        } else if (c == '+' && options & PERCENT_PLUS_IS_BLANK) {
            c = ' ';
        }
        out[n++] = c;
    }
    out[n] = '\0';
    return n;
}
