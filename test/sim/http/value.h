/* SPDX-License-Identifier: Apache-2.0
 *
 * Small things that every simulated service needs: members of JSON objects, times, random ids.
 */
#ifndef SOCKERLESS_SIM_HTTP_VALUE_H
#define SOCKERLESS_SIM_HTTP_VALUE_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A string value. jansson's own json_string() must not be called: base/json.c has that name too. */
json_t *value_text(const char *text);
/* A string value of bytes that may be anything: what is not UTF-8 becomes U+FFFD. */
json_t *value_bytes(const char *bytes, size_t len);
/* "" when absent or no string. Borrowed. */
const char *value_string(const json_t *object, const char *key);
int64_t value_int(const json_t *object, const char *key, int64_t fallback);
bool value_bool(const json_t *object, const char *key, bool fallback);
void value_set_text(json_t *object, const char *key, const char *text); /* nothing when NULL */
int64_t value_now_ms(void);                                             /* since the epoch */
/* Random hexadecimal digits; a random UUID. */
void value_random_hex(char *out, size_t digits);
void value_uuid(char out[37]);
/* Takes one from a counter that never goes below zero. */
bool value_take_one(atomic_long *counter);
/* Every character is a letter, a digit or one of `others`. */
bool value_only(const char *text, const char *others);

#endif
