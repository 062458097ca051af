/* SPDX-License-Identifier: Apache-2.0
 *
 * Microsoft.Storage: the storage account whose file shares can be linked to the environment.
 */
#ifndef SOCKERLESS_SIM_AZURE_STORAGE_ACCOUNT_H
#define SOCKERLESS_SIM_AZURE_STORAGE_ACCOUNT_H

#include "test/sim/azure/azure.h"

bool storage_account_key_fits(const struct azure *azure, const char *account, const char *key);

#endif
