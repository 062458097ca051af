/* SPDX-License-Identifier: Apache-2.0
 *
 * Azure Resource Manager's request rates of a subscription: token buckets. Thread-safe.
 */
#ifndef SOCKERLESS_SIM_AZURE_ARM_QUOTA_H
#define SOCKERLESS_SIM_AZURE_ARM_QUOTA_H

#include <stdbool.h>

struct arm_quota;
struct arm_quota *arm_quota_new(void);
void arm_quota_free(struct arm_quota *q);

struct arm_quota_taken {
    bool good;
    long remaining;
    const char *kind; /* "reads", "writes", "deletes"; static */
};
/* One request with that HTTP method. */
struct arm_quota_taken arm_quota_take(struct arm_quota *q, const char *http_method);

#endif
