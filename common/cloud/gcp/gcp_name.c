/* SPDX-License-Identifier: Apache-2.0
 * Parts of resource names; see gcp_name.h. */
#include "cloud/gcp/gcp_name.h"

#include <ctype.h>
#include <string.h>

enum { PART_MAX = 100 };

bool gcp_name_take(const char **at, const char *key, struct gcp_part *out)
{
    size_t len = strlen(key);
    if (strncmp(*at, key, len) != 0)
        return false;
    const char *text = *at + len;
    out->text = text;
    out->len = strcspn(text, "/");
    for (size_t i = 0; i < out->len; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("-_.:", text[i]))
            return false;
    *at = text + out->len;
    return out->len > 0 && out->len <= PART_MAX;
}
