/* SPDX-License-Identifier: Apache-2.0
 *
 * Logging in at registries: Basic or a token service
 * (distribution spec, docs/spec/auth/token.md and oauth.md), and the answers kept until they
 * expire.
 */
#ifndef SOCKERLESS_OCI_REGISTRY_AUTH_H
#define SOCKERLESS_OCI_REGISTRY_AUTH_H

#include "base/error.h"
#include "loop/co.h"
#include "loop/http_client.h"
#include "oci/name/image_ref.h"
#include "oci/registry/registry_hosts.h"
#include "oci/registry/registry_login.h"
#include "oci/registry/www_authenticate.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where credentials come from when the client sent none: the cloud's own registry. May suspend.
 * Leaving *out empty means anonymous. */
typedef int (*co_registry_login_fn)(void *arg, const char *host, struct registry_login *out,
                                    struct error *err);

struct registry_auth;
struct registry_auth *registry_auth_new(void);
void registry_auth_free(struct registry_auth *a);

enum { AUTH_SCOPES_MAX = 8 };

/* One identity towards one registry, for some repositories there. Zero-initialise, fill the first
 * part. Several coroutines may use it at once: one logs in, the others wait for it. */
struct auth_session {
    struct http_client *http;
    struct registry_auth *auth;
    const struct registry_endpoint *endpoint;
    const struct image_ref *ref; /* for pull's messages; NULL: push's and login's */
    const char *ca_file;
    int64_t timeout_ms;
    co_registry_login_fn login_fn; /* may be NULL */
    void *login_arg;
    bool offline; /* `docker login`: ask for an identity token, too */

    struct registry_login login;   /* the client's; replaced by login_fn's when empty */
    char *scopes[AUTH_SCOPES_MAX]; /* "repository:library/busybox:pull" */
    size_t scope_count;
    bool login_asked;
    bool denied;        /* a 401 now means "no such repository or not for you" */
    bool login_missing; /* Basic is wanted, and there is nothing to log in with */
    bool busy;          /* a login is under way; then idle is broadcast */
    struct co_cond idle;
    struct www_challenge bearer; /* the last one, for new tokens before they are asked for */
    char *identity_token;        /* the token service's, when offline; NULL: none */
    char key[DIGEST_MAX];        /* of the cache: registry, scopes, credentials */
};
void auth_session_open(struct auth_session *s); /* after login was filled */
void auth_session_close(struct auth_session *s);
/* actions: "pull" or "pull,push". Beyond AUTH_SCOPES_MAX nothing is added. */
void auth_session_add_scope(struct auth_session *s, const char *repository, const char *actions);

/* The Authorization header's value to send now; NULL: none known. A token that has expired is
 * replaced first. Owned by the caller: registry_secret_free. */
int co_auth_session_value(struct auth_session *s, char **value, struct error *err) MUST_CHECK;
/* A 401 arrived after `sent` (may be NULL) for `request` ("Head \"https://…\"", which the message
 * names): log in as it asks, so that co_auth_session_value() has something new. -1: there is no
 * way, *err says why in Docker's words. */
int co_auth_session_answer(struct auth_session *s, const struct http_response *unauthorized,
                           const char *sent, const char *request, struct error *err) MUST_CHECK;
/* That did not help: for the words of the error to come. */
void auth_session_note_refusal(struct auth_session *s, const struct http_response *unauthorized);

#endif
