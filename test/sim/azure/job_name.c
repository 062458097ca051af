/* SPDX-License-Identifier: Apache-2.0
 * Resource ids of jobs; see job.h. */
#include "base/alloc.h"
#include "test/sim/azure/job.h"

char *job_id(const struct job_service *s, const char *name)
{
    return xasprintf("/subscriptions/%s/resourceGroups/%s" AZURE_APP "/jobs/%s",
                     s->azure->subscription, s->azure->group, name);
}
