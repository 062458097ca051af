/* SPDX-License-Identifier: Apache-2.0
 *
 * Credentials for a registry, as clients send them (X-Registry-Auth) or a cloud gives them.
 */
#ifndef SOCKERLESS_OCI_REGISTRY_LOGIN_H
#define SOCKERLESS_OCI_REGISTRY_LOGIN_H

#include <stdbool.h>
#include <stddef.h>

/* Passwords, tokens, headers that hold them: overwritten, then freed. NULL is fine. */
void registry_secret_free(char *text);
static inline void auto_release_registry_secret(char **slot)
{
    registry_secret_free(*slot);
}

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

/* Basic's Authorization value, "Basic …". Owned by the caller: registry_secret_free. */
char *registry_login_basic(const char *username, const char *password);

#endif
