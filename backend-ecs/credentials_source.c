/* SPDX-License-Identifier: Apache-2.0
 * What several credential sources read: JSON answers and small files; see credentials_source.h. */
#include "credentials_source.h"

#include "base/alloc.h"
#include "base/small_file.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "json/json_doc.h"

int credentials_parse_json(const char *body, size_t len, const char *source,
                           struct aws_credentials *out, struct error *err)
{
    json_t *root = json_doc_load(len ? body : "", len, err);
    if (!root)
        return error_wrap(err, "%s", source);
    const char *access = json_string_value(json_object_get(root, "AccessKeyId"));
    const char *secret = json_string_value(json_object_get(root, "SecretAccessKey"));
    const char *token = json_string_value(json_object_get(root, "Token"));
    const char *end = json_string_value(json_object_get(root, "Expiration"));
    int64_t expires_ns = 0;
    int rc = 0;
    if (!access || !secret)
        rc = error_set(err, ERROR_FORBIDDEN, "%s: the answer holds no access key", source);
    else if (end && !timefmt_parse_rfc3339(end, &expires_ns))
        rc = error_set(err, ERROR_FORBIDDEN, "%s: bad Expiration \"%.40s\"", source, end);
    else
        *out = (struct aws_credentials){
            .access_key = xstrdup(access),
            .secret_key = xstrdup(secret),
            .session_token = str_empty(token) ? NULL : xstrdup(token),
            .expires_ns = expires_ns,
        };
    json_decref(root);
    return rc;
}

char *credentials_read_file(const char *path, struct error *err)
{
    return small_file_read(path, ERROR_FORBIDDEN, err);
}
