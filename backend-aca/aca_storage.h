/* SPDX-License-Identifier: Apache-2.0
 *
 * The file share with the agent, linked to the environment as a storage that jobs can mount.
 */
#ifndef SOCKERLESS_ACA_STORAGE_H
#define SOCKERLESS_ACA_STORAGE_H

#include "aca_api.h"

#include <stdbool.h>

struct aca_storage {
    struct aca_api *api;
    bool linked; /* by us, or not ours to link */
};

/* Link the share of SOCKERLESS_ACA_STORAGE_ACCOUNT, once; without an account there is nothing to
 * do: the operator has linked it, or no share is used. */
int co_aca_storage_ensure(struct aca_storage *s, struct error *err) MUST_CHECK;

#endif
