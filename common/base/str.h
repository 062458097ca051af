/* SPDX-License-Identifier: Apache-2.0
 *
 * Strings: parsing, hex, base64, and NULL-terminated string vectors.
 */
#ifndef SOCKERLESS_BASE_STR_H
#define SOCKERLESS_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
static inline bool str_empty(const char *s)
{
    return !s || !*s;
}
/* Never NULL: for protobuf-c strings and printf. */
static inline const char *str_or_empty(const char *s)
{
    return s ? s : "";
}

/* Without white space around it: the end is cut in place, the beginning passed over. */
char *str_trim(char *text);

/* Whole-string decimal integer; false when empty, out of range or followed by anything. */
bool str_to_i64(const char *s, int64_t *out);

/* Lower-case hex of `len` bytes into out[2*len+1]. */
void hex_encode(const void *bytes, size_t len, char *out);
bool str_is_hex(const char *s, size_t len); /* the first len characters are [0-9a-f] */

/* Base64, standard alphabet with padding; returns a heap string. */
char *base64_encode(const void *bytes, size_t len);
/* Decodes standard and URL alphabets, padding optional. Heap bytes with a NUL after them and
 * *out_len set, or NULL when the text is not base64. */
unsigned char *base64_decode(const char *text, size_t len, size_t *out_len);

/* Equal strings, in time that depends only on the length of `given` (for tokens). */
bool str_equal_secret(const char *expected, const char *given);

/* A growing NULL-terminated vector of owned strings. */
struct strv {
    char **items; /* items[count] == NULL once anything was pushed; NULL when empty and unused */
    size_t count, cap;
};
#define STRV_INIT ((struct strv){0})
void strv_push(struct strv *v, const char *text); /* copies */
void strv_push_owned(struct strv *v, char *text); /* transfers */
/* The items of "a, b,c", blanks around them trimmed; empty ones are dropped. NULL: none. */
void strv_push_list(struct strv *v, const char *text);
/* The addresses of "unix:///a, tcp://b:1". A comma or blank ends one only where another scheme
 * follows: paths may have both. */
void strv_push_urls(struct strv *v, const char *text);
void strv_free(struct strv *v);
static inline void auto_release_strv(struct strv *v)
{
    strv_free(v);
}

#endif
