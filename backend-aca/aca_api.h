/* SPDX-License-Identifier: Apache-2.0
 *
 * What the driver's files share: the client, the settings, and a bucket for each quota that Azure
 * counts ("Throttling Resource Manager requests"; "Azure Monitor service limits", Log Analytics
 * query API).
 */
#ifndef SOCKERLESS_ACA_API_H
#define SOCKERLESS_ACA_API_H

#include "aca_config.h"
#include "base/token_bucket.h"
#include "cloud/azure/azure_client.h"

struct aca_api {
    struct azure_client *client;
    const struct aca_config *config;
    struct token_bucket reads, writes, deletes, log_queries;
};

#endif
