/* SPDX-License-Identifier: Apache-2.0
 *
 * One call for a token: the request with its repetitions, the answer, and what refusals say. Used
 * by the sources of every vendor's credentials (gcp/, azure/).
 */
#ifndef SOCKERLESS_CLOUD_TOKEN_EXCHANGE_H
#define SOCKERLESS_CLOUD_TOKEN_EXCHANGE_H

#include "base/access_token.h"
#include "base/buf.h"
#include "loop/http_client.h"

#include <jansson.h>
#include <stdbool.h>

enum { TOKEN_HEADERS_MAX = 16 }; /* that a configuration may ask for */

struct token_exchange {
    const char *what; /* for messages: "token exchange" */
    const char *url;
    const char *const *headers; /* NULL: none */
    const char *content_type;   /* of the body */
    const struct buf *body;     /* NULL: GET */
    int64_t connect_timeout_ms; /* 0: the client's */
    bool once;                  /* not repeated after a lost answer */
};

/* 0: status 200 and the response in *res, which the caller wipes and frees in every case
 * (token_response_free). */
int co_token_exchange(struct http_client *http, const struct token_exchange *x,
                      struct http_response *res, struct error *err) MUST_CHECK;
void token_response_free(struct http_response *res);
static inline void auto_release_token_response(struct http_response *res)
{
    token_response_free(res);
}

/* {"access_token", "expires_in"}: what all of OAuth answers. Numbers may be written as strings, and
 * the end may be told as "expires_on" (seconds since 1970), as Azure's identity endpoints do. */
int token_take(const struct http_response *res, const char *what, struct access_token *out,
               struct error *err) MUST_CHECK;
/* Printable, without blanks, of a sane length: fit for a header. */
bool token_clean(const char *token);

/* A URL that credentials may be sent to: https, or http on this machine. */
int token_url_check(const char *member, const char *url, struct error *err) MUST_CHECK;

/* A member that must be there; NULL and *err otherwise. */
const char *token_member(json_t *file, const char *name, struct error *err);

/* Overwrites the strings, then json_decref. NULL is allowed. */
void token_json_free(json_t *doc);
static inline void auto_release_token_json(json_t **slot)
{
    token_json_free(*slot);
}

#endif
