/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may call: access tokens that were issued, the service account's key pair and the refresh
 * token that they are issued for. Thread-safe.
 */
#ifndef SOCKERLESS_SIM_GCP_TOKEN_STORE_H
#define SOCKERLESS_SIM_GCP_TOKEN_STORE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define TOKEN_CLIENT_ID "sockerless-sim.apps.googleusercontent.com"
#define TOKEN_CLIENT_SECRET "sockerless-sim-client-secret"
#define TOKEN_REFRESH "1//sockerless-sim-refresh-token"

enum { ACCESS_TOKEN_MAX = 96, TARGET_AUDIENCE_MAX = 1024 };

struct token_store;
/* Makes a key pair. */
struct token_store *token_store_new(const char *project, struct error *err) MUST_CHECK;
void token_store_free(struct token_store *store);
/* "sockerless-sim@PROJECT.iam.gserviceaccount.com" */
const char *token_store_email(const struct token_store *store);
/* Writes DIR/service-account.json and DIR/authorized-user.json, credential files for clients.
 * address: "127.0.0.1:PORT", where the token endpoint is. */
int token_store_write_files(struct token_store *store, const char *dir, const char *project,
                            const char *address, struct error *err) MUST_CHECK;

void token_store_issue(struct token_store *store, const char *principal, int64_t ttl_s,
                       char out[ACCESS_TOKEN_MAX]);
/* Every token issued so far has expired. */
void token_store_expire_all(struct token_store *store);
bool token_store_find(struct token_store *store, const char *token, char principal[256]);

/* An assertion for the token endpoint: a JWT signed with the service account's key, not expired.
 * endpoint: this one's URL; Google's own is a good audience, too (google-auth knows no other).
 * target_audience: whom an ID token is asked for; "" when an access token is. */
int token_store_check_jwt(struct token_store *store, const char *jwt, const char *endpoint,
                          char target_audience[TARGET_AUDIENCE_MAX], struct error *err) MUST_CHECK;
/* A JWT that the service account signed to be used as an access token ("Service account
 * authorization without OAuth"): for a service, by audience, or for a scope that covers it.
 * service: "run". */
int token_store_check_self_signed(struct token_store *store, const char *jwt, const char *service,
                                  struct error *err) MUST_CHECK;

#endif
