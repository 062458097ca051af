/* SPDX-License-Identifier: Apache-2.0
 * Names; see gcf_names.h. */
#include "gcf_names.h"

#include "base/str.h"
#include "cloud/gcp/gcp_name.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#define RUNS "/runs/"

enum { OWNER_CHARS = 8 };

void gcf_function_id(const char *instance, const char *content, char out[GCF_ID_MAX + 1])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char owner[OWNER_CHARS + 1];
    SHA256((const unsigned char *)instance, strlen(instance), digest);
    hex_encode(digest, OWNER_CHARS / 2, owner);
    snprintf(out, GCF_ID_MAX + 1, "sockerless-%s-%.*s", owner, GCF_CONTENT_CHARS, content);
}

static bool is_name(const char *text, const char *kind)
{
    struct gcp_part part;
    return strlen(text) <= GCF_NAME_MAX && gcp_name_take(&text, "projects/", &part) &&
           gcp_name_take(&text, "/locations/", &part) && gcp_name_take(&text, kind, &part) &&
           !*text;
}

bool gcf_name_valid(const char *name)
{
    return is_name(name, "/functions/");
}

bool gcf_service_valid(const char *name)
{
    return is_name(name, "/services/");
}

/* What is before the separator, if it is a function. */
static bool take_function(const char *text, const char *separator, char out[GCF_NAME_MAX + 1])
{
    size_t len = separator ? (size_t)(separator - text) : 0;
    if (len == 0 || len > GCF_NAME_MAX)
        return false;
    memcpy(out, text, len);
    out[len] = '\0';
    return gcf_name_valid(out);
}

bool gcf_owned_parse(const char *owned, char function[GCF_NAME_MAX + 1], char container[65])
{
    const char *mark = strchr(owned, '#');
    if (!take_function(owned, mark, function) || strlen(mark + 1) != 64 ||
        !str_is_hex(mark + 1, 64))
        return false;
    strcpy(container, mark + 1);
    return true;
}

bool gcf_run_parse(const char *run, char function[GCF_NAME_MAX + 1], char token[GCF_TOKEN_MAX + 1])
{
    const char *runs = strstr(run, RUNS);
    if (!take_function(run, runs, function))
        return false;
    const char *text = runs + strlen(RUNS);
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (len == 0 || len > GCF_TOKEN_MAX || text[len])
        return false;
    strcpy(token, text);
    return true;
}
