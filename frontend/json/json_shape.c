/* SPDX-License-Identifier: Apache-2.0
 * The walk over a document and its shape; see json_shape.h. */
#include "frontend/json/json_shape.h"

#include "frontend/json/json_decode.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { PATH_ROOM = 256 };

struct walk {
    const char *in_struct; /* the innermost struct, NULL outside */
    char path[PATH_ROOM];  /* names of the members that lead to it, "HostConfig.Mounts" */
    struct error *err;
};

static const char *without_package(const char *type)
{
    const char *dot = strrchr(type, '.');
    return dot ? dot + 1 : type;
}

/* What is left of the number as it was written. */
static void number_text(const json_t *value, char *out, size_t size)
{
    int n = json_is_integer(value)
                ? snprintf(out, size, " %lld", (long long)json_integer_value(value))
                : snprintf(out, size, " %.15g", json_real_value(value));
    if (json_is_real(value) && !strpbrk(out, ".e"))
        snprintf(out + n, size - (size_t)n, ".0");
}

static int mismatch(const struct walk *w, const json_t *value, const char *type, bool is_number)
{
    char number[40] = "";
    if (is_number && json_is_number(value))
        number_text(value, number, sizeof number);
    if (!w->in_struct)
        return error_set(w->err, ERROR_INVALID_PARAMETER,
                         "json: cannot unmarshal %s%s into Go value of type %s",
                         json_decode_kind_name(value), number, type);
    return error_set(w->err, ERROR_INVALID_PARAMETER,
                     "json: cannot unmarshal %s%s into Go struct field %s.%s of type %s",
                     json_decode_kind_name(value), number, w->in_struct, w->path, type);
}

static int check(struct walk *w, const json_t *value, const struct json_shape *shape);

static const struct json_shape_member *member_find(const struct json_shape_member *members,
                                                   const char *name)
{
    while (members->name && strcasecmp(members->name, name) != 0)
        members++;
    return members->name ? members : NULL;
}

static int check_struct(struct walk *w, const json_t *value, const struct json_shape *shape)
{
    const char *outer = w->in_struct, *key;
    size_t len = strlen(w->path);
    json_t *inner;
    json_object_foreach((json_t *)(uintptr_t)value, key, inner)
    {
        const struct json_shape_member *m = member_find(shape->members, key);
        if (!m)
            continue;
        w->in_struct = without_package(shape->type);
        snprintf(w->path + len, PATH_ROOM - len, "%s%s", len ? "." : "", m->name);
        if (check(w, inner, m->shape))
            return -1;
        w->path[len] = '\0';
    }
    w->in_struct = outer;
    return 0;
}

static int check_items(struct walk *w, const json_t *value, const struct json_shape *item)
{
    const char *key;
    json_t *inner;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)value, key, inner)
    {
        if (check(w, inner, item))
            return -1;
    }
    json_array_foreach(value, i, inner)
    {
        if (check(w, inner, item))
            return -1;
    }
    return 0;
}

/* StrSlice reads a list, or else a text: its errors are those of the text. */
static int check_words(struct walk *w, const json_t *value)
{
    size_t i;
    const json_t *item;
    if (json_is_string(value))
        return 0;
    if (!json_is_array(value))
        return mismatch(w, value, "string", false);
    json_array_foreach(value, i, item)
    {
        if (!json_is_string(item) && !json_is_null(item))
            return mismatch(w, value, "string", false);
    }
    return 0;
}

static bool is_in_range(const json_t *value, const struct json_shape *shape)
{
    return json_is_integer(value) && json_integer_value(value) >= shape->min &&
           json_integer_value(value) <= shape->max;
}

static int check(struct walk *w, const json_t *value, const struct json_shape *shape)
{
    bool is_object = json_is_object(value);
    if (json_is_null(value))
        return 0;
    switch (shape->kind) {
    case SHAPE_TEXT: return json_is_string(value) ? 0 : mismatch(w, value, shape->type, false);
    case SHAPE_FLAG: return json_is_boolean(value) ? 0 : mismatch(w, value, shape->type, false);
    case SHAPE_NUMBER: return is_in_range(value, shape) ? 0 : mismatch(w, value, shape->type, true);
    case SHAPE_WORDS: return check_words(w, value);
    case SHAPE_STRUCT:
        return is_object ? check_struct(w, value, shape) : mismatch(w, value, shape->type, false);
    case SHAPE_MAP:
        return is_object ? check_items(w, value, shape->item)
                         : mismatch(w, value, shape->type, false);
    case SHAPE_LIST: break;
    }
    return json_is_array(value) ? check_items(w, value, shape->item)
                                : mismatch(w, value, shape->type, false);
}

int json_shape_check(const json_t *value, const struct json_shape *shape, struct error *err)
{
    struct walk w = {.err = err};
    return check(&w, value, shape);
}

static void rename_members(json_t *value, const struct json_shape_member *members)
{
    json_t *renamed = json_object(), *inner;
    const char *key;
    json_object_foreach(value, key, inner)
    {
        const struct json_shape_member *m = member_find(members, key);
        if (m)
            json_shape_rename(inner, m->shape);
        json_object_set_nocheck(renamed, m ? m->name : key, inner);
    }
    json_object_clear(value);
    json_object_update(value, renamed);
    json_decref(renamed);
}

void json_shape_rename(json_t *value, const struct json_shape *shape)
{
    json_t *inner;
    const char *key;
    size_t i;
    if (shape->kind == SHAPE_STRUCT && json_is_object(value))
        rename_members(value, shape->members);
    if (shape->kind == SHAPE_MAP)
        json_object_foreach(value, key, inner) json_shape_rename(inner, shape->item);
    if (shape->kind == SHAPE_LIST)
        json_array_foreach(value, i, inner) json_shape_rename(inner, shape->item);
}
