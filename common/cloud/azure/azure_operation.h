/* SPDX-License-Identifier: Apache-2.0
 *
 * Long-running operations of Azure Resource Manager: what a PUT, POST or DELETE began is waited
 * for, by whichever of the three ways its answer offers ("Track asynchronous Azure operations").
 */
#ifndef SOCKERLESS_AZURE_OPERATION_H
#define SOCKERLESS_AZURE_OPERATION_H

#include "cloud/azure/azure_client.h"

struct azure_operation_wait {
    const char *service, *what;  /* as in the call */
    const char *resource;        /* path to read "provisioningState" of; NULL: the answer is final
                                  * unless its headers name an operation */
    struct token_bucket *bucket; /* for reads */
    int64_t deadline_ms;         /* monotonic */
};

/* 0: it succeeded, and *reply is the last answer: of a Location the result. -1: it failed in the
 * end
 * (*why and *err have Azure's words), or did not end in time (ERROR_DEADLINE). *reply stays the
 * caller's. */
int co_azure_operation_wait(struct azure_client *c, const struct azure_operation_wait *wait,
                            struct azure_reply *reply, struct cloud_error *why,
                            struct error *err) MUST_CHECK;

#endif
