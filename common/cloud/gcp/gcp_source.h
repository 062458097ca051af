/* SPDX-License-Identifier: Apache-2.0
 *
 * The sources of the credential chain, one file each. Internal to common/cloud/gcp.
 */
#ifndef SOCKERLESS_GCP_SOURCE_H
#define SOCKERLESS_GCP_SOURCE_H

#include "base/access_token.h"
#include "loop/http_client.h"

#include <jansson.h>
#include <stdbool.h>

struct gcp_context {
    struct http_client *http;
    const char *scope;
    const char *audience; /* an ID token for it instead of an access token; NULL: the latter */
};

/* One kind of credential file, parsed. Messages name what is wrong with it. */
typedef int (*co_gcp_source)(const struct gcp_context *context, json_t *file,
                             struct access_token *out, struct error *err);

/* "service_account": a JWT signed with the account's key, for an access token (RFC 7523). */
int co_gcp_service_account(const struct gcp_context *context, json_t *file,
                           struct access_token *out, struct error *err);
/* "authorized_user": what `gcloud auth application-default login` leaves; a refresh token. */
int co_gcp_authorized_user(const struct gcp_context *context, json_t *file,
                           struct access_token *out, struct error *err);
/* "external_account": another identity provider's token, from a file or a URL, exchanged at STS
 * (RFC 8693), then, if the file says so, for a service account's. */
int co_gcp_external_account(const struct gcp_context *context, json_t *file,
                            struct access_token *out, struct error *err);

/* Of a file of any kind, by its "type": those above and "impersonated_service_account", the token
 * of the credentials in it exchanged for a service account's. */
int co_gcp_credential_file_token(const struct gcp_context *context, json_t *file,
                                 struct access_token *out, struct error *err);

/* The metadata server of Compute Engine, Cloud Run, GKE …, unless NO_GCE_CHECK=true. *found stays
 * false where there is none. */
int co_gcp_metadata_token(const struct gcp_context *context, struct access_token *out, bool *found,
                          struct error *err);

/* generateAccessToken, or generateIdToken, of the IAM credentials API at `url`, with the caller's
 * own token. delegates: an array or NULL; lifetime_s 0: an hour. */
struct gcp_impersonation {
    const char *url;
    json_t *delegates;
    int64_t lifetime_s;
};
int co_gcp_impersonate(const struct gcp_context *context, const struct gcp_impersonation *what,
                       const struct access_token *own, struct access_token *out, struct error *err);

/* The token that an external_account's "credential_source" gives: from a file or a URL, as text or
 * in a member of a JSON document. */
char *co_gcp_subject_token(const struct gcp_context *context, json_t *source, struct error *err);

#endif
