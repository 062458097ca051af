/* SPDX-License-Identifier: Apache-2.0
 *
 * Logins that `docker login` left (POST /auth), by registry host, sealed on disk: AES-256-GCM with
 * a key of its own file (state-dir/credentials.key, 0600, made with getrandom), the host name being
 * authenticated with it. In clear they exist only in memory, only while they are used, and never in
 * a log.
 */
#ifndef SOCKERLESS_BACKEND_CREDENTIAL_STORE_H
#define SOCKERLESS_BACKEND_CREDENTIAL_STORE_H

#include "cloud/driver.h"
#include "backend/state/store.h"
#include "base/error.h"
#include "oci/registry/registry_auth.h"

struct backend;
struct credential_store;

/* A key file that others can read, or of a wrong size: ERROR_SYSTEM naming it. */
int credential_store_open(struct store *store, const char *state_dir, struct credential_store **out,
                          struct error *err) MUST_CHECK;
void credential_store_close(struct credential_store *s);

/* "https://index.docker.io/v1/", "registry-1.docker.io", "" → "docker.io"; "https://host:5000/v2/"
 * → "host:5000". ERROR_INVALID_PARAMETER for what is no host. */
int credential_host(const char *server_address, char *out, size_t size,
                    struct error *err) MUST_CHECK;

/* host: of credential_host. Replaces what was there. */
int credential_store_put(struct credential_store *s, const char *host,
                         const struct registry_login *login, struct error *err) MUST_CHECK;
/* Empty when there is none; owned by the caller. A seal that is broken: ERROR_SYSTEM. */
int credential_store_get(struct credential_store *s, const char *host, struct registry_login *out,
                         struct error *err) MUST_CHECK;

/* co_registry_login_fn for everything the backend does at registries; arg: struct backend. First
 * what was stored, then the cloud's own (registry_ops). What a client sends with
 * its request comes before both (registry_auth.c). */
int co_backend_login(void *backend, const char *host, struct registry_login *out,
                     struct error *err);

/* Of these the cloud's own only, as the cloud itself pulls; co_registry_login_fn, too. */
int co_clouds_login(void *backend, const char *host, struct registry_login *out, struct error *err);
/* A user has left a login for this host. */
int has_stored_login(struct backend *b, const char *host, bool *found,
                     struct error *err) MUST_CHECK;

#endif
