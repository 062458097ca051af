/* SPDX-License-Identifier: Apache-2.0
 *
 * Token services: what a Bearer challenge leads to (distribution spec, docs/spec/auth/token.md and
 * oauth.md). Used by registry_auth.c only.
 */
#ifndef SOCKERLESS_OCI_REGISTRY_TOKEN_H
#define SOCKERLESS_OCI_REGISTRY_TOKEN_H

#include "oci/registry/registry_auth.h"

struct registry_token {
    char *token;
    char *refresh_token; /* NULL: none was given */
    int64_t life_s;      /* bounded */
};
void registry_token_free(struct registry_token *t);

/* With the session's credentials, for its scopes. ERROR_UNAUTHORIZED: they are wrong; nothing to
 * log in with and refused: as registry_error_denied. */
int co_registry_token_fetch(const struct auth_session *s, const struct www_challenge *challenge,
                            struct registry_token *out, struct error *err) MUST_CHECK;

#endif
