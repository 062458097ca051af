/* SPDX-License-Identifier: Apache-2.0
 * Why a cloud's API refused a call; see cloud_error.h. */
#include "cloud/cloud_error.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

bool cloud_error_is(const struct cloud_error *e, const char *code)
{
    return strcmp(e->code, code) == 0;
}

void cloud_error_copy(char *to, size_t size, const char *text)
{
    size_t n = 0;
    for (; text && *text && n + 1 < size; text++)
        to[n++] = (unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text;
    to[n] = '\0';
}

int cloud_error_fill(const struct cloud_error *e, const char *service, const char *what,
                     struct error *err)
{
    char http[32];
    snprintf(http, sizeof http, "HTTP %ld", e->http);
    return error_set(err, e->error, "%s%s%s: %s%s%s%s%s%s%s%s", str_or_empty(service),
                     service ? ": " : "", what, *e->code ? e->code : http, *e->message ? ": " : "",
                     e->message, e->hint ? "; " : "", str_or_empty(e->hint),
                     *e->request_id ? " (request id " : "", e->request_id,
                     *e->request_id ? ")" : "");
}
