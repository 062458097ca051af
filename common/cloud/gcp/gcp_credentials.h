/* SPDX-License-Identifier: Apache-2.0
 *
 * Google's Application Default Credentials: the file that GOOGLE_APPLICATION_CREDENTIALS names,
 * gcloud's own file, the metadata server, in this order (documentation, "How Application Default
 * Credentials works"). A file holds a service account's key, a person's refresh token, a workload
 * identity federation or an impersonation; gcp_source.h names a source for each. The chain keeps
 * the access token, renews it before it expires, and does so once for however many callers wait.
 */
#ifndef SOCKERLESS_GCP_CREDENTIALS_H
#define SOCKERLESS_GCP_CREDENTIALS_H

#include "base/access_token.h"
#include "base/error.h"
#include "loop/http_client.h"

/* Enough for every API that we call. */
#define GCP_SCOPE_CLOUD_PLATFORM "https://www.googleapis.com/auth/cloud-platform"

struct gcp_credential_chain;
/* http and scope (NULL: cloud-platform) are borrowed for the chain's lifetime. */
struct gcp_credential_chain *gcp_credential_chain_new(struct http_client *http, const char *scope);
void gcp_credential_chain_free(struct gcp_credential_chain *chain); /* no call may be under way */

/* A copy of a valid token; the receiver frees it. *generation names it for
 * gcp_credential_chain_reject. ERROR_FORBIDDEN, naming what was tried, when there is none. */
int co_gcp_credentials_get(struct gcp_credential_chain *chain, struct access_token *out,
                           unsigned *generation, struct error *err) MUST_CHECK;
/* A service refused this one (401): the next get looks for a new one. Of many callers with the same
 * generation only the first has an effect. */
void gcp_credential_chain_reject(struct gcp_credential_chain *chain, unsigned generation);

/* co_access_token_fn; arg: the chain. No identity anywhere: no token. */
int co_gcp_access_token(void *chain, struct access_token *out, struct error *err) MUST_CHECK;

#endif
