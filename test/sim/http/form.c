/* SPDX-License-Identifier: Apache-2.0
 * Forms, queries and logins of requests; see form.h. */
#include "test/sim/http/form.h"

#include "base/alloc.h"
#include "base/percent.h"
#include "base/str.h"
#include "test/sim/http/value.h"

#include <string.h>

char *form_decode(const char *text, size_t len, bool plus)
{
    char *out = xmalloc(len + 1);
    percent_decode(text, len, PERCENT_KEEP_BROKEN | (plus ? PERCENT_PLUS_IS_BLANK : 0u), out);
    return out;
}

json_t *form_parse(const char *text)
{
    json_t *out = json_object();
    while (*text) {
        size_t len = strcspn(text, "&");
        const char *equals = memchr(text, '=', len);
        size_t name_len = equals ? (size_t)(equals - text) : len;
        AUTO_FREE char *name = form_decode(text, name_len, true);
        AUTO_FREE char *value =
            equals ? form_decode(equals + 1, len - name_len - 1, true) : xstrdup("");
        if (*name)
            value_set_text(out, name, value);
        text += len + (text[len] == '&');
    }
    return out;
}

char *form_parameter(const struct http_request *request, const char *name)
{
    json_t *form = form_parse(request->query);
    const char *value = json_string_value(json_object_get(form, name));
    char *out = value ? xstrdup(value) : NULL;
    json_decref(form);
    return out;
}

const char *form_bearer(const struct http_request *request)
{
    const char *value = str_or_empty(http_request_header(request, "Authorization"));
    return strncasecmp(value, "Bearer ", 7) ? "" : value + 7;
}

char *form_basic(const struct http_request *request)
{
    const char *value = http_request_header(request, "Authorization");
    size_t len = 0;
    if (!value || strncasecmp(value, "Basic ", 6))
        return xstrdup("");
    AUTO_FREE unsigned char *pair = base64_decode(value + 6, strlen(value + 6), &len);
    return xstrndup(pair ? (char *)pair : "", pair ? len : 0);
}
