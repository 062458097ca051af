/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON objects into structs by table; see json_decode.h.
 */
#include "frontend/json/json_decode.h"

#include "base/str.h"
#include "base/utf8.h"

#include "proto/sockerless.pb-c.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

struct decoding {
    const struct json_field *field;
    const char *type;
    struct arena *arena;
    char *out;
    struct error *err;
};

#define FIELD_AT(d, c_type, where) ((c_type *)(void *)((d)->out + (where)))

const char *json_decode_kind_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "object";
    case JSON_ARRAY: return "array";
    case JSON_STRING: return "string";
    case JSON_INTEGER:
    case JSON_REAL: return "number";
    case JSON_TRUE:
    case JSON_FALSE: return "bool";
    default: return "null";
    }
}

int json_decode_type_error(struct error *err, const json_t *value, const char *type,
                           const char *field, const char *wanted)
{
    char number[32] = "";
    if (json_is_real(value))
        snprintf(number, sizeof(number), " %g", json_real_value(value));
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "json: cannot unmarshal %s%s into Go struct field %s.%s of type %s",
                     json_decode_kind_name(value), number, type, field, wanted);
}

json_t *json_decode_member(json_t *object, const char *name)
{
    const char *key;
    json_t *value = json_object_get(object, name);
    if (!value) {
        json_object_foreach(object, key, value) if (strcasecmp(key, name) == 0) break;
        if (!key)
            return NULL;
    }
    return json_is_null(value) ? NULL : value;
}

char *json_decode_text_copy(struct arena *a, const char *text, size_t len)
{
    const char *nul = len ? memchr(text, '\0', len) : NULL;
    if (!nul)
        return arena_strndup(a, text, len);
    char *out = arena_alloc(a, 2 * len + 1), *to = out;
    for (size_t i = 0; i < len; i++) {
        if (text[i])
            *to++ = text[i];
        else
            to = stpcpy(to, UTF8_NUL_TEXT);
    }
    *to = '\0';
    return out;
}

/* "" for null. */
static char *text_of(const struct decoding *d, const json_t *value)
{
    return json_decode_text_copy(d->arena, str_or_empty(json_string_value(value)),
                                 json_string_length(value));
}

static int wrong(const struct decoding *d, const json_t *value, const char *wanted)
{
    return json_decode_type_error(d->err, value, d->type, d->field->name, wanted);
}

static int decode_text(const struct decoding *d, json_t *value)
{
    if (!json_is_string(value))
        return wrong(d, value, "string");
    *FIELD_AT(d, char *, d->field->offset) = text_of(d, value);
    return 0;
}

static int decode_flag(const struct decoding *d, json_t *value)
{
    if (!json_is_boolean(value))
        return wrong(d, value, "bool");
    *FIELD_AT(d, protobuf_c_boolean, d->field->offset) = json_is_true(value);
    return 0;
}

static int decode_int(const struct decoding *d, json_t *value)
{
    bool narrow = d->field->kind == JSON_INT32;
    json_int_t n = json_integer_value(value);
    if (!json_is_integer(value) || (narrow && (n < INT32_MIN || n > INT32_MAX)))
        return wrong(d, value, narrow ? "int" : "int64");
    if (narrow)
        *FIELD_AT(d, int32_t, d->field->offset) = (int32_t)n;
    else
        *FIELD_AT(d, int64_t, d->field->offset) = n;
    if (d->field->extra)
        *FIELD_AT(d, protobuf_c_boolean, d->field->extra) = true;
    return 0;
}

static int texts_of(const struct decoding *d, json_t *value, size_t *count, char ***items)
{
    size_t index;
    json_t *item;
    if (!json_is_array(value))
        return wrong(d, value, "[]string");
    *items = arena_calloc(d->arena, json_array_size(value) + 1, sizeof(char *));
    *count = 0;
    json_array_foreach(value, index, item)
    {
        if (!json_is_string(item) && !json_is_null(item))
            return wrong(d, item, "string");
        (*items)[(*count)++] = text_of(d, item);
    }
    return 0;
}

/* Go's strslice.StrSlice. */
static int command_of(const struct decoding *d, json_t *value, size_t *count, char ***items)
{
    if (!json_is_string(value))
        return texts_of(d, value, count, items);
    *items = arena_calloc(d->arena, 1, sizeof(char *));
    (*items)[0] = text_of(d, value);
    *count = 1;
    return 0;
}

static int decode_text_list(const struct decoding *d, json_t *value)
{
    Sockerless__StringList *list = arena_alloc(d->arena, sizeof(*list));
    sockerless__string_list__init(list);
    *FIELD_AT(d, Sockerless__StringList *, d->field->offset) = list;
    return d->field->kind == JSON_COMMAND ? command_of(d, value, &list->n_items, &list->items)
                                          : texts_of(d, value, &list->n_items, &list->items);
}

static int decode_keys(const struct decoding *d, json_t *value)
{
    const char *key;
    size_t len;
    json_t *item;
    if (!json_is_object(value))
        return wrong(d, value, "map[string]struct {}");
    char **items = arena_calloc(d->arena, json_object_size(value) + 1, sizeof(char *));
    size_t count = 0;
    json_object_keylen_foreach(value, key, len, item) items[count++] =
        json_decode_text_copy(d->arena, key, len);
    *FIELD_AT(d, char **, d->field->offset) = items;
    *FIELD_AT(d, size_t, d->field->extra) = count;
    return 0;
}

static int decode_labels(const struct decoding *d, json_t *value)
{
    const char *key;
    size_t len;
    json_t *item;
    if (!json_is_object(value))
        return wrong(d, value, "map[string]string");
    Sockerless__KeyValue **items =
        arena_calloc(d->arena, json_object_size(value) + 1, sizeof(*items));
    size_t count = 0;
    json_object_keylen_foreach(value, key, len, item)
    {
        if (!json_is_string(item) && !json_is_null(item))
            return wrong(d, item, "string");
        Sockerless__KeyValue *pair = arena_alloc(d->arena, sizeof(*pair));
        sockerless__key_value__init(pair);
        pair->key = json_decode_text_copy(d->arena, key, len);
        pair->value = text_of(d, item);
        items[count++] = pair;
    }
    *FIELD_AT(d, Sockerless__KeyValue **, d->field->offset) = items;
    *FIELD_AT(d, size_t, d->field->extra) = count;
    return 0;
}

static int decode_value(const struct decoding *d, json_t *value)
{
    switch (d->field->kind) {
    case JSON_TEXT: return decode_text(d, value);
    case JSON_FLAG: return decode_flag(d, value);
    case JSON_INT32:
    case JSON_INT64: return decode_int(d, value);
    case JSON_TEXTS:
        return texts_of(d, value, FIELD_AT(d, size_t, d->field->extra),
                        FIELD_AT(d, char **, d->field->offset));
    case JSON_COMMANDS:
        return command_of(d, value, FIELD_AT(d, size_t, d->field->extra),
                          FIELD_AT(d, char **, d->field->offset));
    case JSON_TEXT_LIST:
    case JSON_COMMAND: return decode_text_list(d, value);
    case JSON_KEYS: return decode_keys(d, value);
    case JSON_LABELS: return decode_labels(d, value);
    case JSON_ANY: break;
    }
    return 0;
}

int json_decode_object(json_t *object, const struct json_field *fields, const char *type,
                       struct arena *a, void *out, struct error *err)
{
    struct decoding d = {.type = type, .arena = a, .out = out, .err = err};
    const char *key;
    json_t *value;
    int known = 0;
    json_object_foreach(object, key, value)
    {
        for (d.field = fields; d.field->name; d.field++)
            if (strcasecmp(key, d.field->name) == 0)
                break;
        if (!d.field->name)
            continue;
        known++;
        if (!json_is_null(value) && decode_value(&d, value))
            return -1;
    }
    return known;
}
