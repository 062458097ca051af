/* SPDX-License-Identifier: Apache-2.0
 *
 * Azure Container Registry's endpoint: token exchange, admin user and access tokens in front of an
 * ordinary registry. Thread-safe.
 */
#ifndef SOCKERLESS_SIM_AZURE_CONTAINER_REGISTRY_H
#define SOCKERLESS_SIM_AZURE_CONTAINER_REGISTRY_H

#include "test/sim/azure/azure.h"

struct container_registry_options {
    const char *server;   /* "NAME.azurecr.io" */
    const char *upstream; /* URL of the registry behind it; NULL: none */
    const char *password; /* of the admin user, whose name is NAME; NULL: there is no admin user */
};

struct container_registry;
/* options: borrowed until container_registry_free. */
struct container_registry *container_registry_new(struct azure *azure,
                                                  const struct container_registry_options *options);
void container_registry_free(struct container_registry *r);

/* Do the registries of a job's configuration let it pull the image? Only ours asks for a login. */
bool container_registry_may_pull(struct container_registry *r, const char *image,
                                 const json_t *configuration, struct error *err) MUST_CHECK;

/* Route handlers; ctx is the registry. */
void container_registry_exchange(void *ctx, const struct http_request *request,
                                 struct http_reply *reply);
void container_registry_token(void *ctx, const struct http_request *request,
                              struct http_reply *reply);
void container_registry_request(void *ctx, const struct http_request *request,
                                struct http_reply *reply);
void container_registry_layer(void *ctx, const struct http_request *request,
                              struct http_reply *reply);
/* {"tokensIssued", "requests", "refused"}, for tests. */
void container_registry_admin(void *ctx, const struct http_request *request,
                              struct http_reply *reply);

#endif
