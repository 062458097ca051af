/* SPDX-License-Identifier: Apache-2.0
 *
 * The tenant's directory: its one application with a secret, a certificate and a federated
 * credential, one managed identity, and the tokens that are issued. Tokens are JWTs that the
 * directory has signed, as Entra ID's. Thread-safe.
 */
#ifndef SOCKERLESS_SIM_AZURE_DIRECTORY_H
#define SOCKERLESS_SIM_AZURE_DIRECTORY_H

#include "base/error.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>

#define DIRECTORY_ARM "https://management.azure.com"
#define DIRECTORY_LOGS "https://api.loganalytics.io"
#define DIRECTORY_FEDERATION_AUDIENCE "api://AzureADTokenExchange"

struct directory_options {
    const char *tenant, *client_id;
    const char *client_secret; /* NULL: one is made */
    const char *certificate;   /* PEM file of the application's certificate; NULL: one is made */
    const char *identity_client_id; /* of the managed identity */
    const char *identity_header;    /* of App Service's endpoint; NULL: one is made */
};

struct directory;
/* Makes keys. options: borrowed until directory_free. */
struct directory *directory_new(const struct directory_options *options,
                                struct error *err) MUST_CHECK;
void directory_free(struct directory *d);
/* Credentials for clients: DIR/azure.json, DIR/client-certificate.pem (when it was made here) and
 * DIR/federated-token. */
int directory_write_files(struct directory *d, const char *dir, struct error *err) MUST_CHECK;

const char *directory_tenant(const struct directory *d);
const char *directory_client_id(const struct directory *d);
const char *directory_identity(const struct directory *d); /* client id */
bool directory_secret_fits(const struct directory *d, const char *secret);
bool directory_identity_header_fits(const struct directory *d, const char *header);

/* ---- assertions of the application ---- */

/* The claims, when the application's certificate or the issuer of workload tokens has signed the
 * JWT; *federated says which. New reference, NULL: neither has. */
json_t *directory_assertion_claims(struct directory *d, const char *jwt, bool *federated);

/* ---- tokens ---- */

/* more: further claims, or NULL; borrowed. Heap. */
char *directory_issue(struct directory *d, const char *audience, const char *principal,
                      int64_t ttl_s, const json_t *more);
/* Every token issued so far has expired. */
void directory_expire_all(struct directory *d);

enum directory_verdict { TOKEN_GOOD, TOKEN_BAD, TOKEN_EXPIRED, TOKEN_OTHER_AUDIENCE };
/* A trailing slash of the audience does not count. principal: the client id, "" unless good.
 * *claims, unless NULL: new reference when the token is good. */
enum directory_verdict directory_check(struct directory *d, const char *token, const char *audience,
                                       char principal[64], json_t **claims);

#endif
