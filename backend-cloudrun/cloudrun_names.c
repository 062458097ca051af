/* SPDX-License-Identifier: Apache-2.0
 * Names and marks on Cloud Run resources; see cloudrun_names.h. */
#include "cloudrun_names.h"

#include "base/alloc.h"
#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { TOKEN_CHARS = 8, PART_MAX = 100 };

void cloudrun_job_id(const char *container_id, const char *run_token,
                     char out[CLOUDRUN_JOB_ID_MAX + 1])
{
    int n = snprintf(out, CLOUDRUN_JOB_ID_MAX + 1, "sockerless-%.12s-%.*s", container_id,
                     TOKEN_CHARS, run_token);
    while (n > 0 && out[n - 1] == '-') /* a name ends with a letter or digit */
        out[--n] = '\0';
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
