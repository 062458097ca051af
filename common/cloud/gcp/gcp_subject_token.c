/* SPDX-License-Identifier: Apache-2.0
 * Where a workload's own token comes from: "credential_source" of an external_account file; see
 * gcp_source.h. (AIP-4117; executables and AWS's signed requests are refused by name.) */
#include "base/alloc.h"
#include "base/small_file.h"
#include "base/str.h"
#include "cloud/gcp/gcp_source.h"
#include "cloud/token_exchange.h"
#include "json/json_doc.h"

#include <string.h>

enum { TOKEN_MAX = 32 * 1024 };

/* "format": {"type": "text" | "json", "subject_token_field_name": …}. */
static char *extract(json_t *source, const char *text, const char *from, struct error *err)
{
    json_t *format = json_object_get(source, "format");
    const char *type = json_doc_string(format, "type");
    bool is_json = type && strcmp(type, "json") == 0;
    if (type && !is_json && strcmp(type, "text") != 0) {
        error_set(err, ERROR_FORBIDDEN, "\"format\": \"%.40s\" is neither text nor json", type);
        return NULL;
    }
    json_t *doc AUTO(token_json) = NULL;
    const char *token = text;
    if (is_json) {
        const char *field = token_member(format, "subject_token_field_name", err);
        doc = field ? json_doc_load(text, strlen(text), err) : NULL;
        if (!doc) {
            error_wrap(err, "%s", from);
            return NULL;
        }
        token = json_doc_string(doc, field);
    }
    size_t len = token ? strlen(token) : 0;
    while (len && strchr(" \t\r\n", token[len - 1]))
        len--;
    if (!len || len > TOKEN_MAX) {
        error_set(err, ERROR_FORBIDDEN, "%s holds no token", from);
        return NULL;
    }
    return xstrndup(token, len);
}

static char *from_file(json_t *source, const char *path, struct error *err)
{
    char *text AUTO(secret) = small_file_read(path, ERROR_FORBIDDEN, err);
    return text ? extract(source, text, path, err) : NULL;
}

/* {"Name": "value"} → "Name: value" lines. */
static int read_headers(json_t *source, struct strv *out, struct error *err)
{
    const char *name;
    json_t *value;
    json_t *headers = json_object_get(source, "headers");
    if (json_object_size(headers) > TOKEN_HEADERS_MAX)
        return error_set(err, ERROR_FORBIDDEN, "\"headers\" are more than %d", TOKEN_HEADERS_MAX);
    json_object_foreach(headers, name, value)
    {
        const char *text = json_string_value(value);
        if (!text || !*name || strpbrk(name, ": \t\r\n") || strpbrk(text, "\r\n"))
            return error_set(err, ERROR_FORBIDDEN, "\"headers\": \"%.60s\" is not a valid header",
                             name);
        strv_push_owned(out, xasprintf("%s: %s", name, text));
    }
    return 0;
}

/* Plain http is allowed: such URLs are the platform's own, link-local metadata services. */
static char *co_from_url(const struct gcp_context *context, json_t *source, const char *url,
                         struct error *err)
{
    struct strv headers AUTO(strv) = STRV_INIT;
    if (!str_starts(url, "https://") && !str_starts(url, "http://")) {
        error_set(err, ERROR_FORBIDDEN, "\"url\" is not an http or https URL");
        return NULL;
    }
    if (read_headers(source, &headers, err))
        return NULL;
    const struct token_exchange x = {
        .what = "subject token",
        .url = url,
        .headers = (const char *const *)headers.items,
    };
    struct http_response res AUTO(token_response) = {0};
    if (co_token_exchange(context->http, &x, &res, err))
        return NULL;
    return extract(source, str_or_empty(res.body.data), "the answer of \"url\"", err);
}

char *co_gcp_subject_token(const struct gcp_context *context, json_t *source, struct error *err)
{
    static const char *const refused[] = {"executable", "environment_id", "certificate"};
    const char *file = json_doc_string(source, "file");
    const char *url = json_doc_string(source, "url");
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if (json_object_get(source, refused[i])) {
            error_set(err, ERROR_FORBIDDEN,
                      "\"credential_source\" with \"%s\" is not supported; use a file or a URL",
                      refused[i]);
            return NULL;
        }
    if (!str_empty(file))
        return from_file(source, file, err);
    if (!str_empty(url))
        return co_from_url(context, source, url, err);
    error_set(err, ERROR_FORBIDDEN, "\"credential_source\" has neither \"file\" nor \"url\"");
    return NULL;
}
