/* SPDX-License-Identifier: Apache-2.0
 * What registries answer when something is wrong; see registry_error.h. */
#include "oci/registry/registry_error.h"

#include "base/alloc.h"
#include "base/str.h"
#include "json/json_doc.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MESSAGE_MAX = 300, CODE_MAX = 64 };

static const char no_access[] = "requested access to the resource is denied";

enum names { NAMES_NOTHING, NAMES_REPOSITORY, NAMES_REFERENCE };

static const struct known {
    const char *code; /* the registry's */
    long status;      /* that stands for the code in an answer without a readable body; 0: none */
    enum error_code ours;
    enum names names;
    const char *before, *after; /* the name */
    const char *message;        /* when the registry has none */
} known_errors[] = {
    {"DENIED", 403, ERROR_NOT_FOUND, NAMES_REPOSITORY, "pull access denied for ",
     ", repository does not exist or may require 'docker login'", no_access},
    {"MANIFEST_UNKNOWN", 404, ERROR_NOT_FOUND, NAMES_REFERENCE, "manifest for ", " not found",
     "manifest unknown"},
    {"NAME_UNKNOWN", 0, ERROR_NOT_FOUND, NAMES_REPOSITORY, "repository ", " not found",
     "repository name not known to registry"},
    {"BLOB_UNKNOWN", 0, ERROR_NOT_FOUND, NAMES_NOTHING, NULL, NULL, "blob unknown to registry"},
    {"UNAUTHORIZED", 401, ERROR_UNAUTHORIZED, NAMES_NOTHING, NULL, NULL, "authentication required"},
    {"TOOMANYREQUESTS", 429, ERROR_TOO_MANY_REQUESTS, NAMES_NOTHING, NULL, NULL,
     "too many requests; try again later"},
};

static const struct known *find_code(const char *code)
{
    for (size_t i = 0; i < ARRAY_LEN(known_errors); i++)
        if (strcasecmp(known_errors[i].code, code) == 0)
            return &known_errors[i];
    return NULL;
}

static const struct known *find_status(long status)
{
    for (size_t i = 0; i < ARRAY_LEN(known_errors); i++)
        if (known_errors[i].status == status)
            return &known_errors[i];
    return NULL;
}

/* One line, no control characters, bounded. */
static void clean(char *out, size_t size, const char *text)
{
    size_t n = 0;
    text = str_or_empty(text);
    for (; *text && n + 1 < size; text++)
        out[n++] = (unsigned char)*text < 0x20 ? ' ' : *text;
    out[n] = '\0';
}

/* code and message of the first error in the body, "" where absent. */
static void read_body(const struct http_response *res, char code[CODE_MAX], char *message,
                      size_t size)
{
    struct error ignored;
    code[0] = message[0] = '\0';
    json_t *doc AUTO(json) =
        res->body.len ? json_doc_load(res->body.data, res->body.len, &ignored) : NULL;
    json_t *first = json_array_get(json_object_get(doc, "errors"), 0);
    const char *text = json_doc_string(first, "message");
    if (!text)
        text = json_doc_string(doc, "details");
    if (!text)
        text = json_doc_string(doc, "error_description");
    clean(code, CODE_MAX, json_doc_string(first, "code"));
    clean(message, size, text);
}

char *registry_error_message(const struct http_response *res, char *out, size_t size)
{
    char code[CODE_MAX];
    read_body(res, code, out, size);
    return out;
}

/* "MANIFEST_UNKNOWN" → "manifest unknown", as Docker prints codes. */
static void code_words(const char *code, char out[CODE_MAX])
{
    size_t n = 0;
    for (; code[n] && n + 1 < CODE_MAX; n++)
        out[n] = code[n] == '_'                     ? ' '
                 : code[n] >= 'A' && code[n] <= 'Z' ? (char)(code[n] + ('a' - 'A'))
                                                    : code[n];
    out[n] = '\0';
}

static int set_known(struct error *err, const struct known *k, const struct image_ref *ref,
                     const char *message)
{
    char words[CODE_MAX], name[IMAGE_REF_TEXT_MAX];
    code_words(k->code, words);
    if (!*message)
        message = k->message;
    if (!ref || k->names == NAMES_NOTHING)
        return error_set(err, !ref && k->status == 403 ? ERROR_FORBIDDEN : k->ours, "%s: %s", words,
                         message);
    if (k->names == NAMES_REPOSITORY)
        image_ref_familiar_name(ref, name, sizeof name);
    else
        image_ref_familiar(ref, name, sizeof name);
    return error_set(err, k->ours, "%s%s%s: %s: %s", k->before, name, k->after, words, message);
}

int registry_error_denied(struct error *err, const struct image_ref *ref, const char *message)
{
    return set_known(err, find_code("DENIED"), ref, message);
}

int registry_error_set(struct error *err, const struct http_response *res,
                       const struct image_ref *ref, bool denied)
{
    char code[CODE_MAX], message[MESSAGE_MAX];
    read_body(res, code, message, sizeof message);
    const struct known *k = *code ? find_code(code) : NULL;
    if (!k && res->status < 500 && (ref || !*code))
        k = find_status(res->status);
    if (res->status == 401 && denied) /* the body's message is about the missing login */
        return registry_error_denied(err, ref, "");
    if (k)
        return set_known(err, k, ref, message);
    enum error_code ours = res->status >= 500   ? ERROR_UNAVAILABLE
                           : res->status == 404 ? ERROR_NOT_FOUND
                                                : ERROR_SYSTEM;
    if (!*code || res->status >= 500)
        return error_set(err, ours, "received unexpected HTTP status %ld from the registry%s%s",
                         res->status, *message ? ": " : "", message);
    char words[CODE_MAX];
    code_words(code, words);
    return error_set(err, ours, "%s%s%s", words, *message ? ": " : "", message);
}
