/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading untrusted JSON, with jansson.
 *
 * jansson recurses once a nesting level and allows 2,048 of them, which is more than a coroutine's
 * stack holds: json_doc_load() refuses deep documents before jansson sees them.
 */
#ifndef SOCKERLESS_JSON_DOC_H
#define SOCKERLESS_JSON_DOC_H

#include "base/error.h"

#include <jansson.h>
#include <stddef.h>

enum { JSON_DOC_MAX_DEPTH = 64 };

/* The document, which must be an object. Owned: json_decref. NULL: ERROR_INVALID_PARAMETER. */
json_t *json_doc_load(const void *bytes, size_t len, struct error *err) MUST_CHECK;
/* The same, but its strings may hold NUL characters, as log lines do: mind json_string_length. What
 * is nested too deep, or is a number that jansson cannot hold, is changed instead (json_tame.h). */
json_t *json_doc_load_with_nul(const void *bytes, size_t len, struct error *err) MUST_CHECK;

static inline void auto_release_json(json_t **slot)
{
    json_decref(*slot);
}

/* Borrowed text of a member; NULL when absent or not a string. */
const char *json_doc_string(const json_t *object, const char *key);
/* The same, but "" then. */
const char *json_doc_text(const json_t *object, const char *key);

#endif
