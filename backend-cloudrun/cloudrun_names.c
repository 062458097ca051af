/* SPDX-License-Identifier: Apache-2.0
 * Names and marks on Cloud Run resources; see cloudrun_names.h. */
#include "cloudrun_names.h"

#include "base/alloc.h"
#include "base/str.h"

#include <openssl/sha.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { TOKEN_CHARS = 8, HASH_CHARS = 16, PART_MAX = 100 };

void cloudrun_job_id(const char *container_id, const char *run_token,
                     char out[CLOUDRUN_JOB_ID_MAX + 1])
{
    int n = snprintf(out, CLOUDRUN_JOB_ID_MAX + 1, "sockerless-%.12s-%.*s", container_id,
                     TOKEN_CHARS, run_token);
    while (n > 0 && out[n - 1] == '-') /* a name ends with a letter or digit */
        out[--n] = '\0';
}

static bool label_char(unsigned char c)
{
    return islower(c) || isdigit(c) || c == '-' || c == '_';
}

void cloudrun_label_value(const char *text, char out[CLOUDRUN_LABEL_MAX + 1])
{
    const size_t room = CLOUDRUN_LABEL_MAX - HASH_CHARS - 1;
    size_t n = 0;
    bool changed = strlen(text) > CLOUDRUN_LABEL_MAX;
    for (const char *c = text; *c && !changed; c++)
        changed = !label_char((unsigned char)*c);
    if (!changed) {
        strcpy(out, text);
        return;
    }
    for (; n < room && text[n]; n++) {
        unsigned char c = (unsigned char)tolower((unsigned char)text[n]);
        out[n] = label_char(c) ? (char)c : '_';
    }
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)text, strlen(text), digest);
    out[n++] = '-';
    hex_encode(digest, HASH_CHARS / 2, out + n);
}

/* "KEY/value" at *at, up to the next slash. */
static bool take_part(const char **at, const char *key, struct cloudrun_part *out)
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

bool cloudrun_name_parse(const char *text, struct cloudrun_name *out)
{
    *out = (struct cloudrun_name){0};
    if (!take_part(&text, "projects/", &out->project) ||
        !take_part(&text, "/locations/", &out->location) || !take_part(&text, "/jobs/", &out->job))
        return false;
    if (!*text)
        return true;
    return take_part(&text, "/executions/", &out->execution) && !*text;
}
