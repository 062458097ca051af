/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON writer: appends to a buf without building a tree (reading is jansson's job). Commas are
 * placed by the writer. Text that is not UTF-8 is written with U+FFFD in place of bad bytes, as Go
 * does; in C strings the NUL of utf8.h as \u0000. `<`, `>`, `&` stay as they are.
 */
#ifndef SOCKERLESS_BASE_JSON_H
#define SOCKERLESS_BASE_JSON_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_writer {
    struct buf *out;
    bool need_comma;
};

void json_writer_init(struct json_writer *w, struct buf *out);

void json_object_open(struct json_writer *w);
void json_object_close(struct json_writer *w);
void json_array_open(struct json_writer *w);
void json_array_close(struct json_writer *w);

/* The key of the next value inside an object. */
void json_key(struct json_writer *w, const char *key);

/* Not json_string and json_null: those are jansson's, and a program may use both. */
void json_put_string(struct json_writer *w, const char *text); /* NULL writes null */
void json_string_len(struct json_writer *w, const char *text, size_t len);
void json_int(struct json_writer *w, int64_t value);
void json_uint(struct json_writer *w, uint64_t value);
void json_bool(struct json_writer *w, bool value);
void json_put_null(struct json_writer *w);
/* A value that is JSON text already; not checked. */
void json_raw(struct json_writer *w, const char *json, size_t len);
/* An array of strings; count 0 writes [] . */
void json_string_array(struct json_writer *w, char *const *items, size_t count);

static inline void json_member_string(struct json_writer *w, const char *key, const char *text)
{
    json_key(w, key);
    json_put_string(w, text);
}
static inline void json_member_int(struct json_writer *w, const char *key, int64_t value)
{
    json_key(w, key);
    json_int(w, value);
}
static inline void json_member_bool(struct json_writer *w, const char *key, bool value)
{
    json_key(w, key);
    json_bool(w, value);
}
static inline void json_member_object(struct json_writer *w, const char *key)
{
    json_key(w, key);
    json_object_open(w);
}
static inline void json_member_array(struct json_writer *w, const char *key)
{
    json_key(w, key);
    json_array_open(w);
}

#endif
