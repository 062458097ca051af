/* SPDX-License-Identifier: Apache-2.0
 * Names and marks on cloud resources; see ecs_names.h. */
#include "ecs_names.h"

#include "base/str.h"

#include <openssl/sha.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool tag_char(unsigned char c)
{
    /* [\p{L}\p{Z}\p{N}_.:/=+\-@] of the TagValue shape; of UTF-8 we let every sequence through. */
    return c >= 0x80 || isalnum(c) || (c && strchr(" _.:/=+-@", c));
}

void ecs_tag_value(const char *text, char out[ECS_TAG_VALUE_MAX + 1])
{
    size_t n = 0;
    for (; *text && n < ECS_TAG_VALUE_MAX; text++)
        out[n++] = tag_char((unsigned char)*text) ? *text : '_';
    if (*text) /* cut: not inside a UTF-8 sequence */
        while (n && ((unsigned char)*text & 0xC0) == 0x80) {
            text--;
            n--;
        }
    out[n] = '\0';
}

void ecs_started_by(const char *instance, char out[ECS_STARTED_BY_MAX + 1])
{
    enum { HASH_CHARS = 16 };
    size_t n = (size_t)snprintf(out, ECS_STARTED_BY_MAX + 1, "sockerless/");
    const size_t room = ECS_STARTED_BY_MAX - HASH_CHARS - 1;
    bool changed = false;
    const char *in = instance;
    for (; *in && n < room; in++) {
        bool ok = isalnum((unsigned char)*in) || *in == '-' || *in == '_' || *in == '/';
        changed |= !ok;
        out[n++] = ok ? *in : '_';
    }
    out[n] = '\0';
    if (!changed && !*in)
        return;
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)instance, strlen(instance), digest);
    out[n++] = '-';
    hex_encode(digest, HASH_CHARS / 2, out + n);
}

bool ecs_family_of_arn(const char *arn, char *out, size_t size)
{
    static const char mark[] = ":task-definition/";
    const char *at = strstr(arn, mark);
    if (!at)
        return false;
    at += sizeof mark - 1;
    size_t len = strcspn(at, ":");
    if (!len || len >= size)
        return false;
    memcpy(out, at, len);
    out[len] = '\0';
    return true;
}

bool ecs_family_is_ours(const char *family)
{
    size_t prefix = sizeof ECS_FAMILY_PREFIX - 1;
    return str_starts(family, ECS_FAMILY_PREFIX) &&
           strlen(family) == prefix + ECS_FAMILY_HASH_LEN &&
           str_is_hex(family + prefix, ECS_FAMILY_HASH_LEN);
}

const char *ecs_task_id(const char *arn)
{
    const char *slash = strrchr(arn, '/');
    return slash ? slash + 1 : arn;
}
