/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenID Connect ID tokens as Google signs them: what invokes a service or a function. Thread-safe.
 */
#ifndef SOCKERLESS_SIM_GCP_ID_TOKEN_H
#define SOCKERLESS_SIM_GCP_ID_TOKEN_H

#include "base/error.h"

#include <stdint.h>

#define ID_TOKEN_ISSUER "https://accounts.google.com"

struct id_token_signer;
/* Its key pair is made when the first token is. */
struct id_token_signer *id_token_signer_new(void);
void id_token_signer_free(struct id_token_signer *signer);
/* A token for an audience; heap. */
char *id_token_issue(struct id_token_signer *signer, const char *audience, const char *email,
                     int64_t ttl_s);
/* The key is replaced: no token issued so far is valid any more. */
void id_token_forget(struct id_token_signer *signer);
/* Signature, issuer, lifetime; the audience is one of those (ended by NULL). email: whose it is.
 * ERROR_FORBIDDEN with what is wrong. */
int id_token_check(struct id_token_signer *signer, const char *token, const char *const *audiences,
                   char email[256], struct error *err) MUST_CHECK;

#endif
