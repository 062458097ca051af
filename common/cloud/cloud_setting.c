/* SPDX-License-Identifier: Apache-2.0
 * Checks of the clouds' settings; see cloud_setting.h. */
#include "cloud/cloud_setting.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int cloud_setting_check_word(const struct cloud_setting_word *word, const char *text,
                             struct error *err)
{
    size_t n = 0;
    for (; n <= word->max && text[n]; n++)
        if (!isalnum((unsigned char)text[n]) && !strchr(word->also, text[n]))
            break;
    if (n && !text[n] && n <= word->max)
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER, "%s: \"%.80s\" is not %s like %s",
                     word->variable, text, word->noun, word->example);
}

int cloud_setting_check_url(const char *variable, const char *text, struct error *err)
{
    bool good = str_empty(text) || str_starts(text, "http://") || str_starts(text, "https://");
    for (const char *c = str_or_empty(text); *c; c++)
        good = good && (unsigned char)*c > 0x20 && (unsigned char)*c < 0x7f;
    if (good)
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "%s: \"%.200s\" must start with http:// or https://", variable, text);
}

int cloud_setting_choose(const char *variable, const char *text, const char *const *names,
                         size_t count, struct error *err)
{
    AUTO(buf) struct buf list = BUF_INIT;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], str_or_empty(text)) == 0)
            return (int)i;
        buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
    }
    return error_set(err, ERROR_INVALID_PARAMETER, "%s: \"%.80s\" is not one of %s", variable,
                     str_or_empty(text), list.data);
}

void cloud_setting_fall_back(char **setting, const char *value)
{
    if (!str_empty(*setting) || str_empty(value))
        return;
    free(*setting);
    *setting = xstrdup(value);
}
