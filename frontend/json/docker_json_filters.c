/* SPDX-License-Identifier: Apache-2.0
 *
 * The `filters` parameter of lists and prunes, with the rules of moby's filters package; see
 * docker_json.h. Which keys there are is the operation's question.
 */
#include "frontend/json/docker_json.h"

#include "base/alloc.h"
#include "base/str.h"
#include "frontend/json/docker_shape.h"
#include "frontend/json/json_decode.h"
#include "json/json_doc.h"
#include "json/json_input.h"

#include <string.h>

/* {"value":true}: all are values, those with false or null are told apart. */
static void values_of_object(Sockerless__Filter *f, struct arena *a, json_t *values)
{
    const char *name;
    size_t len, most = json_object_size(values);
    json_t *flag;
    f->values = arena_calloc(a, most + 1, sizeof(*f->values));
    f->off = arena_calloc(a, most + 1, sizeof(*f->off));
    json_object_keylen_foreach(values, name, len, flag)
    {
        char *value = json_decode_text_copy(a, name, len);
        f->values[f->n_values++] = value;
        if (!json_is_true(flag))
            f->off[f->n_off++] = value;
    }
}

/* ["value"], before API 1.22; a value that comes twice is one. */
static void values_of_list(Sockerless__Filter *f, struct arena *a, json_t *values)
{
    size_t i;
    json_t *item;
    f->values = arena_calloc(a, json_array_size(values) + 1, sizeof(*f->values));
    json_array_foreach(values, i, item)
    {
        char *value = json_decode_text_copy(a, str_or_empty(json_string_value(item)),
                                            json_string_length(item));
        bool known = false;
        for (size_t k = 0; k < f->n_values && !known; k++)
            known = strcmp(f->values[k], value) == 0;
        if (!known)
            f->values[f->n_values++] = value;
    }
}

/* One form for all keys. Of a document that is neither, the fault as today's form is told. */
static int check_form(const json_t *root, struct error *err)
{
    struct error old;
    if (json_shape_check(root, &docker_shape_filters, err) == 0 ||
        json_shape_check(root, &docker_shape_filters_old, &old) == 0)
        return 0;
    return error_wrap(err, "invalid filter");
}

int docker_json_filters(const char *text, struct arena *a, Sockerless__Filter ***out, size_t *count,
                        struct error *err)
{
    *out = NULL;
    *count = 0;
    if (str_empty(text))
        return 0;
    if (strlen(text) > DOCKER_FILTERS_MAX)
        return error_set(err, ERROR_INVALID_PARAMETER, "invalid filter: longer than %d bytes",
                         DOCKER_FILTERS_MAX);
    json_t *root AUTO(json) = json_input_load(text, strlen(text), JSON_INPUT_WHOLE, err);
    if (!root)
        return error_wrap(err, "invalid filter");
    if (check_form(root, err))
        return -1;
    const char *key;
    size_t len;
    json_t *values;
    *out = arena_calloc(a, json_object_size(root) + 1, sizeof(**out));
    json_object_keylen_foreach(root, key, len, values)
    {
        Sockerless__Filter *f = arena_alloc(a, sizeof(*f));
        sockerless__filter__init(f);
        f->key = json_decode_text_copy(a, key, len);
        if (json_is_object(values))
            values_of_object(f, a, values);
        else
            values_of_list(f, a, values);
        (*out)[(*count)++] = f;
    }
    return 0;
}
