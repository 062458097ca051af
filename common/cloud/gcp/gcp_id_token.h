/* SPDX-License-Identifier: Apache-2.0
 *
 * ID tokens: what a function's or a service's URL takes instead of an access token (Cloud Run
 * documentation, "Authenticating service-to-service"). They say who calls, and are for one
 * audience. A service account's key signs for one, impersonation and the metadata server give one;
 * a person's credentials and a federated identity without a service account cannot.
 */
#ifndef SOCKERLESS_GCP_ID_TOKEN_H
#define SOCKERLESS_GCP_ID_TOKEN_H

#include "base/access_token.h"
#include "base/buf.h"
#include "cloud/gcp/gcp_credentials.h"

#include <stdbool.h>

/* From the same sources, in the same order, as the chain's access tokens; not kept. The receiver
 * frees it. ERROR_FORBIDDEN, with what to configure, where there is none. */
int co_gcp_id_token(struct gcp_credential_chain *chain, const char *audience,
                    struct access_token *out, struct error *err) MUST_CHECK;

/* For the sources: the text of a token that was answered; its end is read from it. */
int gcp_id_token_take(const char *text, const char *what, struct access_token *out,
                      struct error *err) MUST_CHECK;

#endif
