/* SPDX-License-Identifier: Apache-2.0
 * Identifiers; see id.h. */
#include "base/id.h"

#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void random_bytes(void *out, size_t len)
{
    unsigned char *to = out;
    while (len) {
        ssize_t n = getrandom(to, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            perror("sockerless: getrandom");
            abort();
        }
        to += n;
        len -= (size_t)n;
    }
}

void id_new(char out[ID_HEX_LEN + 1])
{
    unsigned char raw[ID_HEX_LEN / 2];
    do {
        random_bytes(raw, sizeof raw);
        hex_encode(raw, sizeof raw, out);
    } while (strspn(out, "0123456789") >= ID_SHORT_LEN);
}
