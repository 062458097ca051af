/* SPDX-License-Identifier: Apache-2.0
 * Reading untrusted JSON; see json_doc.h. */
#include "json/json_doc.h"

#include "base/alloc.h"
#include "base/str.h"
#include "json/json_tame.h"

#include <stdbool.h>

/* Deepest nesting outside of strings. Broken documents give some number; jansson refuses them. */
static size_t nesting(const char *text, size_t len)
{
    size_t depth = 0, deepest = 0;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > deepest)
                deepest = depth;
        } else if ((c == '}' || c == ']') && depth) {
            depth--;
        }
    }
    return deepest;
}

static json_t *load(const void *bytes, size_t len, size_t flags, struct error *err)
{
    if (nesting(bytes, len) > JSON_DOC_MAX_DEPTH) {
        error_set(err, ERROR_INVALID_PARAMETER, "JSON nested deeper than %d levels",
                  JSON_DOC_MAX_DEPTH);
        return NULL;
    }
    json_error_t trouble;
    json_t *doc = json_loadb(bytes, len, flags, &trouble);
    if (!doc) {
        error_set(err, ERROR_INVALID_PARAMETER, "malformed JSON: line %d: %s", trouble.line,
                  trouble.text);
        return NULL;
    }
    if (!json_is_object(doc)) {
        json_decref(doc);
        error_set(err, ERROR_INVALID_PARAMETER, "malformed JSON: not an object");
        return NULL;
    }
    return doc;
}

json_t *json_doc_load(const void *bytes, size_t len, struct error *err)
{
    return load(bytes, len, 0, err);
}

json_t *json_doc_load_with_nul(const void *bytes, size_t len, struct error *err)
{
    json_t *doc = load(bytes, len, JSON_ALLOW_NUL, err);
    if (doc)
        return doc;
    struct error again;
    AUTO(buf) struct buf tamed = BUF_INIT;
    json_tame(bytes, len, JSON_DOC_MAX_DEPTH, &tamed);
    return load(tamed.data, tamed.len, JSON_ALLOW_NUL, &again);
}

const char *json_doc_string(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

const char *json_doc_text(const json_t *object, const char *key)
{
    return str_or_empty(json_doc_string(object, key));
}
