/* SPDX-License-Identifier: Apache-2.0
 * Form encoding; see form.h. */
#include "base/form.h"

#include <stdbool.h>
#include <string.h>

void form_add(struct buf *form, const char *key, const char *value)
{
    if (form->len)
        buf_putc(form, '&');
    buf_printf(form, "%s=", key);
    for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || strchr("-_.~", *c);
        if (plain)
            buf_putc(form, (char)*c);
        else
            buf_printf(form, "%%%02X", *c);
    }
}
