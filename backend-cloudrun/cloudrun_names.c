/* SPDX-License-Identifier: Apache-2.0
 * Names and marks on Cloud Run resources; see cloudrun_names.h. */
#include "cloudrun_names.h"

#include "base/alloc.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

enum { TOKEN_CHARS = 8 };

void cloudrun_job_id(const char *container_id, const char *run_token,
                     char out[CLOUDRUN_JOB_ID_MAX + 1])
{
    int n = snprintf(out, CLOUDRUN_JOB_ID_MAX + 1, "sockerless-%.12s-%.*s", container_id,
                     TOKEN_CHARS, run_token);
    while (n > 0 && out[n - 1] == '-') /* a name ends with a letter or digit */
        out[--n] = '\0';
}

bool cloudrun_name_parse(const char *text, struct cloudrun_name *out)
{
    *out = (struct cloudrun_name){0};
    if (!gcp_name_take(&text, "projects/", &out->project) ||
        !gcp_name_take(&text, "/locations/", &out->location) ||
        !gcp_name_take(&text, "/jobs/", &out->job))
        return false;
    if (!*text)
        return true;
    return gcp_name_take(&text, "/executions/", &out->execution) && !*text;
}
