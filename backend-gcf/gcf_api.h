/* SPDX-License-Identifier: Apache-2.0
 *
 * What the driver's files share: clients, settings, a bucket for each quota that Google counts
 * (Cloud Run functions documentation, "Quotas"; Cloud Run and Cloud Logging likewise), and the two
 * tables of what is known of functions and of runs.
 */
#ifndef SOCKERLESS_GCF_API_H
#define SOCKERLESS_GCF_API_H

#include "base/token_bucket.h"
#include "cloud/gcp/gcp_client.h"
#include "cloud/gcp/gcp_operation.h"
#include "gcf_config.h"

struct gcf_pool;
struct gcf_runs;

struct gcf_api {
    struct loop *loop;
    struct gcp_client *client;
    struct gcp_credential_chain *credentials;
    struct http_client *http;    /* short calls that are not of an API: the upload */
    struct http_client *waiting; /* requests that stay open as long as a run */
    const struct gcf_config *config;
    const char *instance;
    struct token_bucket reads, writes, service_reads, service_writes, log_reads;
    struct gcf_pool *pool;
    struct gcf_runs *runs;
};

static inline struct gcp_service gcf_functions(struct gcf_api *api)
{
    return (struct gcp_service){.client = api->client,
                                .name = "cloudfunctions",
                                .version = "v2",
                                .reads = &api->reads,
                                .writes = &api->writes};
}
static inline struct gcp_service gcf_services(struct gcf_api *api)
{
    return (struct gcp_service){.client = api->client,
                                .name = "run",
                                .version = "v2",
                                .reads = &api->service_reads,
                                .writes = &api->service_writes};
}

#endif
