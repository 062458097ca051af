/* SPDX-License-Identifier: Apache-2.0
 *
 * Table-driven decoding of a JSON object into a protobuf-c struct, with Go's leniency: keys match
 * without regard to case, null leaves the field alone, unknown keys are ignored.
 */
#ifndef SOCKERLESS_FRONTEND_JSON_DECODE_H
#define SOCKERLESS_FRONTEND_JSON_DECODE_H

#include "base/arena.h"
#include "base/error.h"

#include <jansson.h>
#include <stddef.h>

enum json_kind {
    JSON_TEXT, /* char * */
    JSON_FLAG, /* protobuf_c_boolean */
    JSON_INT32,
    JSON_INT64,
    JSON_TEXTS,     /* repeated string: count at `extra`, items at `offset` */
    JSON_TEXT_LIST, /* StringList *, NULL when absent */
    JSON_COMMAND,   /* the same; a bare string is a list of one */
    JSON_COMMANDS,  /* like JSON_TEXTS; a bare string is a list of one */
    JSON_KEYS,      /* an object's keys, as repeated string */
    JSON_LABELS,    /* an object of strings, as repeated KeyValue */
    JSON_ANY,       /* known, decoded elsewhere */
};

struct json_field {
    const char *name;
    enum json_kind kind;
    size_t offset;
    size_t extra; /* offset of n_… for repeated fields, of has_… for optional ones, else 0 */
};

/* Returns how many known keys there were, -1 with Go's words for a wrong type. `type` is the name
 * of Go's struct in those words. fields ends with a NULL name. */
int json_decode_object(json_t *object, const struct json_field *fields, const char *type,
                       struct arena *a, void *out, struct error *err) MUST_CHECK;

/* A C string of text that may hold NUL: as base/utf8.h carries it. */
char *json_decode_text_copy(struct arena *a, const char *text, size_t len);

/* A member by name, without regard to case; NULL when absent or null. */
json_t *json_decode_member(json_t *object, const char *name);
/* "number", "string", "object" … as Go says in errors. */
const char *json_decode_kind_name(const json_t *value);
int json_decode_type_error(struct error *err, const json_t *value, const char *type,
                           const char *field, const char *wanted);

#endif
