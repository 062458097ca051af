/* SPDX-License-Identifier: Apache-2.0
 * Microsoft.Storage: the keys of the one storage account, with which its file shares are linked to
 * the environment. What a share holds is a directory; see environment.h. */
#include "test/sim/azure/storage_account.h"

#include "base/alloc.h"
#include "base/str.h"

#include <string.h>

bool storage_account_key_fits(const struct azure *azure, const char *account, const char *key)
{
    return !strcasecmp(account, azure->account) && str_equal_secret(azure->account_key, key);
}

static void list_keys(struct azure *azure, const struct azure_call *call, struct azure_reply *reply)
{
    if (strcasecmp(call->part[2], azure->account) != 0)
        azure_reply_error(reply, 404, "ResourceNotFound",
                          "The Resource 'Microsoft.Storage/storageAccounts/%s' under resource "
                          "group '%s' was not found. For more details please go to "
                          "https://aka.ms/ARMResourceNotFoundFix",
                          call->part[2], azure->group);
    else
        azure_reply_json(reply, 200,
                         json_pack("{s:[{s:s, s:s, s:s}]}", "keys", "keyName", "key1", "value",
                                   azure->account_key, "permissions", "Full"));
}

const struct azure_method storage_methods[] = {
    {"StorageAccounts_ListKeys", "storageAccounts.listKeys", "POST",
     AZURE_GROUP_PATH "/providers/Microsoft.Storage/storageAccounts/*/listKeys",
     "Microsoft.Storage/storageAccounts/listKeys/action", list_keys, false},
    {0}};
