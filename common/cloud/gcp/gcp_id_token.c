/* SPDX-License-Identifier: Apache-2.0
 * ID tokens; see gcp_id_token.h. */
#include "cloud/gcp/gcp_id_token.h"

#include "base/alloc.h"
#include "base/str.h"
#include "cloud/token_exchange.h"
#include "json/json_doc.h"

#include <string.h>

static const int64_t ns_per_s = 1000000000;

/* The claims are its second part. Who it is for checks the signature. */
static json_t *claims_of(const char *text)
{
    struct error ignored;
    const char *begin = strchr(text, '.'), *end = begin ? strchr(begin + 1, '.') : NULL;
    size_t len;
    if (!end)
        return NULL;
    AUTO_FREE unsigned char *json = base64_decode(begin + 1, (size_t)(end - begin - 1), &len);
    return json ? json_doc_load(json, len, &ignored) : NULL;
}

int gcp_id_token_take(const char *text, const char *what, struct access_token *out,
                      struct error *err)
{
    json_t *claims AUTO(json) = text && token_clean(text) ? claims_of(text) : NULL;
    json_int_t end_s = json_integer_value(json_object_get(claims, "exp"));
    if (end_s <= 0 || end_s > INT64_MAX / ns_per_s)
        return error_set(err, ERROR_SYSTEM, "%s: the answer holds no ID token", what);
    out->value = xstrdup(text);
    out->expires_ns = end_s * ns_per_s;
    return 0;
}
