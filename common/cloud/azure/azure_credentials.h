/* SPDX-License-Identifier: Apache-2.0
 *
 * Azure's credentials, as Azure's own libraries look for them (DefaultAzureCredential): an
 * application's secret, certificate or federated token from the environment, the machine's managed
 * identity, the Azure CLI's login; azure_source.h names the variables. Each audience has a token of
 * its own, which the chain keeps, renews before it expires, and renews once for however many
 * callers wait.
 */
#ifndef SOCKERLESS_AZURE_CREDENTIALS_H
#define SOCKERLESS_AZURE_CREDENTIALS_H

#include "base/access_token.h"
#include "base/error.h"
#include "loop/http_client.h"

enum azure_audience { AZURE_ARM, AZURE_LOG_ANALYTICS, AZURE_REGISTRY, AZURE_AUDIENCES };

struct azure_credential_chain;
/* http and endpoint_url (a simulator's; NULL: the real services) are borrowed for the chain's
 * lifetime. */
struct azure_credential_chain *azure_credential_chain_new(struct http_client *http,
                                                          const char *endpoint_url);
void azure_credential_chain_free(struct azure_credential_chain *chain); /* no call under way */

/* A copy of a valid token; the receiver frees it. *generation names it for
 * azure_credential_chain_reject. ERROR_FORBIDDEN, saying what can be set, when there is none. */
int co_azure_credentials_get(struct azure_credential_chain *chain, enum azure_audience audience,
                             struct access_token *out, unsigned *generation,
                             struct error *err) MUST_CHECK;
/* A service refused this one (401): the next get looks for a new one. Of many callers with the same
 * generation only the first has an effect. */
void azure_credential_chain_reject(struct azure_credential_chain *chain,
                                   enum azure_audience audience, unsigned generation);

/* co_access_token_fn, for container registries; arg: the chain. No identity anywhere: no token. */
int co_azure_registry_token(void *chain, struct access_token *out, struct error *err) MUST_CHECK;

#endif
