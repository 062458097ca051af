/* SPDX-License-Identifier: Apache-2.0
 *
 * What the driver's files share: the client, the settings, and a bucket for each quota that Google
 * counts (Cloud Run documentation, "Quotas"; Cloud Logging documentation, "Quotas and limits").
 */
#ifndef SOCKERLESS_CLOUDRUN_API_H
#define SOCKERLESS_CLOUDRUN_API_H

#include "base/token_bucket.h"
#include "cloudrun_config.h"
#include "cloud/gcp/gcp_client.h"

struct cloudrun_api {
    struct gcp_client *client;
    const struct cloudrun_config *config;
    struct token_bucket reads, writes, runs, log_reads;
};

#endif
