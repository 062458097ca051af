/* SPDX-License-Identifier: Apache-2.0
 * Credentials for a registry; see registry_login.h. */
#include "oci/registry/registry_login.h"

#include "base/alloc.h"
#include "base/str.h"
#include "json/json_doc.h"

#include <string.h>

void registry_secret_free(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

void registry_login_free(struct registry_login *login)
{
    registry_secret_free(login->username);
    registry_secret_free(login->password);
    registry_secret_free(login->identity_token);
    registry_secret_free(login->registry_token);
    *login = (struct registry_login){0};
}

bool registry_login_empty(const struct registry_login *login)
{
    return str_empty(login->username) && str_empty(login->identity_token) &&
           str_empty(login->registry_token);
}

static char *member_dup(json_t *doc, const char *key)
{
    const char *text = json_doc_string(doc, key);
    return str_empty(text) ? NULL : xstrdup(text);
}

/* "auth": base64 of user:password, as in Docker's config.json. */
static void from_auth_member(json_t *doc, struct registry_login *out)
{
    const char *auth = json_doc_string(doc, "auth");
    size_t len;
    char *plain AUTO(registry_secret) =
        auth ? (char *)base64_decode(auth, strlen(auth), &len) : NULL;
    char *colon = plain ? strchr(plain, ':') : NULL;
    if (!colon)
        return;
    registry_secret_free(out->username);
    registry_secret_free(out->password);
    out->username = xstrndup(plain, (size_t)(colon - plain));
    out->password = xstrdup(colon + 1);
}

void registry_login_from_json(const void *json, size_t len, struct registry_login *out)
{
    struct error ignored;
    *out = (struct registry_login){0};
    json_t *doc AUTO(json) = len ? json_doc_load(json, len, &ignored) : NULL;
    if (!doc)
        return;
    out->username = member_dup(doc, "username");
    out->password = member_dup(doc, "password");
    out->identity_token = member_dup(doc, "identitytoken");
    out->registry_token = member_dup(doc, "registrytoken");
    if (!out->username)
        from_auth_member(doc, out);
}

char *registry_login_basic(const char *username, const char *password)
{
    char *pair AUTO(registry_secret) =
        xasprintf("%s:%s", str_or_empty(username), str_or_empty(password));
    char *encoded AUTO(registry_secret) = base64_encode(pair, strlen(pair));
    return xasprintf("Basic %s", encoded);
}
