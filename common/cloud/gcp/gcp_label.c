/* SPDX-License-Identifier: Apache-2.0
 * Values of labels; see gcp_label.h. */
#include "cloud/gcp/gcp_label.h"

#include "base/str.h"

#include <openssl/sha.h>
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum { HASH_CHARS = 16 };

static bool label_char(unsigned char c)
{
    return islower(c) || isdigit(c) || c == '-' || c == '_';
}

void gcp_label_value(const char *text, char out[GCP_LABEL_MAX + 1])
{
    const size_t room = GCP_LABEL_MAX - HASH_CHARS - 1;
    size_t n = 0;
    bool changed = strlen(text) > GCP_LABEL_MAX;
    for (const char *c = text; *c && !changed; c++)
        changed = !label_char((unsigned char)*c);
    if (!changed) {
        strcpy(out, text);
        return;
    }
    for (; n < room && text[n]; n++) {
        unsigned char c = (unsigned char)tolower((unsigned char)text[n]);
        out[n] = label_char(c) ? (char)c : '_';
    }
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)text, strlen(text), digest);
    out[n++] = '-';
    hex_encode(digest, HASH_CHARS / 2, out + n);
}
