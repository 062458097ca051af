/* SPDX-License-Identifier: Apache-2.0
 *
 * Azure Container Registry: login for `NAME.azurecr.io` (and .cn, .us) hosts. Either with a user
 * and password that are configured for one registry (its admin user, a token), or with the
 * backend's own identity: its Azure AD access token is exchanged at the registry for a refresh
 * token, with which the registry client gets its tokens by itself (POST /oauth2/token). Refresh
 * tokens live for three hours and are kept until shortly before.
 */
#ifndef SOCKERLESS_ACR_H
#define SOCKERLESS_ACR_H

#include "cloud/driver.h"
#include "base/access_token.h"
#include "loop/http_client.h"

#include <stdbool.h>
#include <stddef.h>

struct acr_options { /* borrowed for the object's lifetime; all but http may be NULL */
    struct http_client *http;
    const char *login_server; /* which registry username and password are for: "name.azurecr.io" */
    const char *username, *password;
    const char *tenant;          /* of the identity; NULL: let the registry find it */
    co_access_token_fn co_token; /* for Azure Resource Manager; NULL: no identity */
    void *token_arg;
    const char *endpoint_url; /* one URL instead of https://HOST, for a simulator */
};

struct acr;
struct acr *acr_new(const struct acr_options *options);
void acr_free(struct acr *a); /* no call may be under way */

/* See driver.h: registry_ops. Not found, too, when nothing is configured: a registry may
 * allow anonymous pulls. */
int co_acr_credentials(struct acr *a, const char *registry_host, struct registry_credentials *out,
                       struct error *err) MUST_CHECK;

/* The login server in lower case into out; false when it is no such name. */
bool acr_host(const char *host, char *out, size_t size);
/* When a JWT expires (its "exp", seconds), in wall clock ns; 0 when it does not say. The signature
 * is the issuer's business. */
int64_t acr_jwt_expiry_ns(const char *jwt);

#endif
