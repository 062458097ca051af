/* SPDX-License-Identifier: Apache-2.0
 *
 * Logging in at registries: whose credentials, Basic or a token service
 * (distribution spec, docs/spec/auth/token.md and oauth.md), and the answers kept until they
 * expire.
 */
#ifndef SOCKERLESS_OCI_REGISTRY_AUTH_H
#define SOCKERLESS_OCI_REGISTRY_AUTH_H

#include "base/error.h"
#include "loop/http_client.h"
#include "oci/image_ref.h"
#include "oci/registry_hosts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All owned by whoever holds the struct, all may be NULL. */
struct registry_login {
    char *username, *password;
    char *identity_token; /* a refresh token for the token service */
    char *registry_token; /* a bearer token for the registry itself */
};
void registry_login_free(struct registry_login *login);
static inline void auto_release_registry_login(struct registry_login *login)
{
    registry_login_free(login);
}
/* Nothing to log in with. */
bool registry_login_empty(const struct registry_login *login);
/* X-Registry-Auth, decoded. What is not readable counts as empty, as Docker has it. */
void registry_login_from_json(const void *json, size_t len, struct registry_login *out);

/* Where credentials come from when the client sent none: the cloud's own registry. May suspend.
 * Leaving *out empty means anonymous. */
typedef int (*co_registry_login_fn)(void *arg, const char *host, struct registry_login *out,
                                    struct error *err);

struct registry_auth;
struct registry_auth *registry_auth_new(void);
void registry_auth_free(struct registry_auth *a);

/* One pull's identity towards one repository. Zero-initialise, fill the first part. */
struct auth_session {
    struct http_client *http;
    struct registry_auth *auth;
    const struct registry_endpoint *endpoint;
    const char *repository;      /* with the endpoint's prefix */
    const struct image_ref *ref; /* for messages */
    const char *ca_file;
    int64_t timeout_ms;
    co_registry_login_fn login_fn; /* may be NULL */
    void *login_arg;

    struct registry_login login; /* the client's; replaced by login_fn's when empty */
    bool login_asked;
    bool denied; /* a 401 now means "no such repository or not for you" */
    char key[DIGEST_MAX];
};
void auth_session_open(struct auth_session *s); /* after login was filled */
void auth_session_close(struct auth_session *s);

/* The Authorization header's value to send now; NULL: none known. Owned by the caller. */
char *auth_session_value(const struct auth_session *s);
/* A 401 arrived (for `url`, which the message names): log in as it asks, so that
 * auth_session_value() has something new. -1: there is no way, *err says why in Docker's words. */
int co_auth_session_answer(struct auth_session *s, const struct http_response *unauthorized,
                           const char *url, struct error *err) MUST_CHECK;

#endif
