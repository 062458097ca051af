/* SPDX-License-Identifier: Apache-2.0
 * Names and paths; see aca_names.h. */
#include "aca_names.h"

#include "base/alloc.h"
#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { TOKEN_CHARS = 8, NAME_MAX_LEN = 100 };

void aca_job_name(const char *container_id, const char *run_token, char out[ACA_JOB_NAME_MAX + 1])
{
    int n = snprintf(out, ACA_JOB_NAME_MAX + 1, "sk-%.12s-", container_id);
    for (int taken = 0; *run_token && taken < TOKEN_CHARS; run_token++)
        if (islower((unsigned char)*run_token) || isdigit((unsigned char)*run_token)) {
            out[n++] = *run_token;
            taken++;
        }
    while (n > 0 && out[n - 1] == '-') /* a name ends with a letter or digit */
        n--;
    out[n] = '\0';
}

char *aca_resource_id(const struct aca_config *c, const char *kind, const char *name)
{
    return xasprintf("/subscriptions/%s/resourceGroups/%s/providers/Microsoft.App/%s%s%s",
                     c->subscription_id, c->resource_group, kind, name ? "/" : "",
                     str_or_empty(name));
}

char *aca_path(const struct aca_config *c, const char *id, const char *suffix)
{
    return xasprintf("%s%s?api-version=%s", id, suffix, c->api_version);
}

bool aca_name_valid(const char *name)
{
    size_t n = 0;
    for (; name[n]; n++)
        if (!isalnum((unsigned char)name[n]) && name[n] != '-')
            return false;
    return n > 0 && n <= NAME_MAX_LEN;
}

static bool take_name(const char *text, size_t len, char *out, size_t size)
{
    if (!len || len >= size)
        return false;
    memcpy(out, text, len);
    out[len] = '\0';
    return aca_name_valid(out);
}

bool aca_execution_parse(const char *resource, struct aca_execution *out)
{
    const char *job = strstr(resource, "/jobs/");
    if (!job)
        return false;
    job += strlen("/jobs/");
    const char *execution = strstr(job, "/executions/");
    if (!execution)
        return false;
    const char *name = execution + strlen("/executions/");
    return take_name(job, (size_t)(execution - job), out->job, sizeof out->job) &&
           take_name(name, strlen(name), out->name, sizeof out->name);
}
