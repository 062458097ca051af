/* SPDX-License-Identifier: Apache-2.0
 *
 * One call for a token: the request with its repetitions, the answer, and what refusals say. Used
 * by every source of the chain.
 */
#ifndef SOCKERLESS_GCP_EXCHANGE_H
#define SOCKERLESS_GCP_EXCHANGE_H

#include "base/access_token.h"
#include "base/buf.h"
#include "gcp_source.h"

enum { GCP_HEADERS_MAX = 16 }; /* that a configuration may ask for */

struct gcp_exchange {
    const char *what; /* for messages: "token exchange" */
    const char *url;
    const char *const *headers; /* NULL: none */
    const char *content_type;   /* of the body */
    const struct buf *body;     /* NULL: GET */
    int64_t connect_timeout_ms; /* 0: the client's */
    bool once;                  /* not repeated after a lost answer */
};

/* 0: status 200 and the response in *res, which the caller wipes and frees in every case
 * (gcp_response_free). */
int co_gcp_exchange(const struct gcp_context *context, const struct gcp_exchange *x,
                    struct http_response *res, struct error *err) MUST_CHECK;
void gcp_response_free(struct http_response *res);
static inline void auto_release_gcp_response(struct http_response *res)
{
    gcp_response_free(res);
}

/* {"access_token", "expires_in"}: what all of OAuth answers. */
int gcp_take_token(const struct http_response *res, const char *what, struct access_token *out,
                   struct error *err) MUST_CHECK;
/* Printable, without blanks, of a sane length: fit for a header. */
bool gcp_token_clean(const char *token);

/* A URL that credentials may be sent to: https, or http on this machine. */
int gcp_url_check(const char *member, const char *url, struct error *err) MUST_CHECK;

/* A member that must be there; NULL and *err otherwise. */
const char *gcp_member(json_t *file, const char *name, struct error *err);

/* Overwrites the strings, then json_decref. NULL is allowed. */
void gcp_json_free(json_t *doc);
static inline void auto_release_gcp_json(json_t **slot)
{
    gcp_json_free(*slot);
}

#endif
