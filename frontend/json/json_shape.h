/* SPDX-License-Identifier: Apache-2.0
 *
 * What types a JSON document must have, as a table, and the check of a document against it with the
 * rules and words of Go's encoding/json: names match without regard to case, unknown ones may
 * hold anything, null fits everywhere. A document that passes can be read by Docker's typed
 * clients.
 */
#ifndef SOCKERLESS_FRONTEND_JSON_SHAPE_H
#define SOCKERLESS_FRONTEND_JSON_SHAPE_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum json_shape_kind {
    SHAPE_TEXT,
    SHAPE_FLAG,
    SHAPE_NUMBER, /* an integer from min to max */
    SHAPE_WORDS,  /* moby's strslice.StrSlice: a text or a list of texts */
    SHAPE_STRUCT, /* an object with `members` */
    SHAPE_MAP,    /* an object whose members are all `item` */
    SHAPE_LIST,   /* a list of `item` */
};

struct json_shape_member;

struct json_shape {
    enum json_shape_kind kind;
    const char *type;                        /* Go's name, "container.HostConfig": errors tell it */
    const struct json_shape_member *members; /* ended by a NULL name */
    const struct json_shape *item;
    int64_t min, max;
};

struct json_shape_member {
    const char *name;
    const struct json_shape *shape;
};

/* 0, or -1 with ERROR_INVALID_PARAMETER about the first value that does not fit: "json: cannot
 * unmarshal number into Go struct field PortBinding.HostConfig.PortBindings.HostPort of type
 * string". */
int json_shape_check(const json_t *value, const struct json_shape *shape,
                     struct error *err) MUST_CHECK;

/* The same document with Go's names for the members of structs, as dockerd keeps it; of two that Go
 * takes for one the last counts. */
void json_shape_rename(json_t *value, const struct json_shape *shape);

#endif
