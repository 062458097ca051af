/* SPDX-License-Identifier: Apache-2.0
 * Shared filter values; see label_filter.h. */
#include "backend/api/label_filter.h"

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

bool filter_bool(const char *text, bool *out)
{
    *out = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    return *out || strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
}
