/* SPDX-License-Identifier: Apache-2.0
 * Shared filter values; see label_filter.h. */
#include "backend/api/label_filter.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"

#include <string.h>

bool label_filter_matches(const char *filter, Sockerless__KeyValue *const *labels, size_t count)
{
    const char *equals = strchr(filter, '=');
    size_t key_len = equals ? (size_t)(equals - filter) : strlen(filter);
    for (size_t i = 0; i < count; i++) {
        const char *key = labels[i]->key;
        if (strlen(key) == key_len && memcmp(key, filter, key_len) == 0)
            return !equals || strcmp(equals + 1, str_or_empty(labels[i]->value)) == 0;
    }
    return false;
}

bool filter_is_off(const Sockerless__Filter *f, const char *value)
{
    for (size_t i = 0; i < f->n_off; i++)
        if (strcmp(f->off[i], value) == 0)
            return true;
    return false;
}

static int flag_refused(const Sockerless__Filter *f, struct error *err)
{
    AUTO(buf) struct buf values = BUF_INIT;
    for (size_t i = 0; i < f->n_values; i++)
        buf_printf(&values, "%s%s", i ? " " : "", f->values[i]);
    return error_set(err, ERROR_INVALID_PARAMETER, "Invalid filter '%.100s=[%.100s]'", f->key,
                     str_or_empty(values.data));
}

int filter_flag(const Sockerless__Filter *f, bool absent, bool *out, struct error *err)
{
    *out = absent;
    if (!f->n_values)
        return 0;
    const char *text = f->values[0];
    *out = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    bool known = *out || strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
    return known && f->n_values == 1 && !f->n_off ? 0 : flag_refused(f, err);
}
