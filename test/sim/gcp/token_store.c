/* SPDX-License-Identifier: Apache-2.0
 * Access tokens and keys; see token_store.h. */
#include "test/sim/gcp/token_store.h"

#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/host/files.h"
#include "test/sim/http/jwt.h"
#include "test/sim/http/value.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define GOOGLES_ENDPOINT "https://oauth2.googleapis.com/token"
#define SCOPE_PREFIX "https://www.googleapis.com/auth/"
enum { TOKENS_MAX = 1024, KEY_BITS = 2048, SKEW_S = 300 };

struct issued {
    char text[ACCESS_TOKEN_MAX], principal[256];
    int64_t expires_ms;
};

struct token_store {
    pthread_mutex_t lock;
    char *email, key_id[41];
    EVP_PKEY *key;
    struct issued tokens[TOKENS_MAX]; /* a ring */
    size_t next;
};

struct token_store *token_store_new(const char *project, struct error *err)
{
    struct token_store *s = NEW(struct token_store);
    pthread_mutex_init(&s->lock, NULL);
    s->email = xasprintf("sockerless-sim@%s.iam.gserviceaccount.com", project);
    value_random_hex(s->key_id, 40);
    s->key = EVP_RSA_gen(KEY_BITS);
    if (!s->key) {
        error_set(err, ERROR_SYSTEM, "no RSA key could be made");
        token_store_free(s);
        return NULL;
    }
    return s;
}

void token_store_free(struct token_store *s)
{
    if (!s)
        return;
    EVP_PKEY_free(s->key);
    pthread_mutex_destroy(&s->lock);
    free(s->email);
    free(s);
}

const char *token_store_email(const struct token_store *s)
{
    return s->email;
}

/* ---- credential files ---- */

static char *private_key_pem(const struct token_store *s)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    PEM_write_bio_PKCS8PrivateKey(bio, s->key, NULL, NULL, 0, NULL, NULL);
    long len = BIO_get_mem_data(bio, &data);
    char *out = xstrndup(data, (size_t)len);
    BIO_free(bio);
    return out;
}

static int write_json(const char *dir, const char *name, json_t *value, struct error *err)
{
    AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
    AUTO_FREE char *text = json_dumps(value, JSON_INDENT(2));
    json_decref(value);
    return files_write(path, text, strlen(text), err);
}

int token_store_write_files(struct token_store *s, const char *dir, const char *project,
                            const char *address, struct error *err)
{
    AUTO_FREE char *pem = private_key_pem(s);
    AUTO_FREE char *uri = xasprintf("http://%s/token", address);
    json_t *account =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "type", "service_account", "project_id",
                  project, "private_key_id", s->key_id, "private_key", pem, "client_email",
                  s->email, "client_id", "100000000000000000001", "token_uri", uri);
    json_t *user = json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", "authorized_user", "client_id",
                             TOKEN_CLIENT_ID, "client_secret", TOKEN_CLIENT_SECRET, "refresh_token",
                             TOKEN_REFRESH, "token_uri", uri);
    int rc = write_json(dir, "service-account.json", account, err);
    return write_json(dir, "authorized-user.json", user, err) ? -1 : rc;
}

/* ---- access tokens ---- */

void token_store_issue(struct token_store *s, const char *principal, int64_t ttl_s,
                       char out[ACCESS_TOKEN_MAX])
{
    char hex[65];
    value_random_hex(hex, 64);
    snprintf(out, ACCESS_TOKEN_MAX, "ya29.%s", hex);
    pthread_mutex_lock(&s->lock);
    struct issued *t = &s->tokens[s->next++ % TOKENS_MAX];
    snprintf(t->text, sizeof t->text, "%s", out);
    snprintf(t->principal, sizeof t->principal, "%s", principal);
    t->expires_ms = value_now_ms() + ttl_s * 1000;
    pthread_mutex_unlock(&s->lock);
}

void token_store_expire_all(struct token_store *s)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < TOKENS_MAX; i++)
        s->tokens[i].expires_ms = 0;
    pthread_mutex_unlock(&s->lock);
}

bool token_store_find(struct token_store *s, const char *token, char principal[256])
{
    bool found = false;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < TOKENS_MAX && !found && *token; i++) {
        const struct issued *t = &s->tokens[i];
        found = t->expires_ms > value_now_ms() && str_equal_secret(t->text, token);
        if (found)
            snprintf(principal, 256, "%s", t->principal);
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

/* ---- JWTs ---- */

static const char *time_problem(const json_t *claims)
{
    int64_t now = value_now_ms() / 1000, iat = value_int(claims, "iat", 0),
            exp = value_int(claims, "exp", 0);
    if (iat > now + SKEW_S || exp <= now || exp - iat > 3600)
        return "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
               "timeframe. Check your iat and exp values in the JWT claim.";
    return NULL;
}

static const char *assertion_problem(const struct token_store *s, const json_t *claims,
                                     const char *endpoint)
{
    const char *audience = value_string(claims, "aud");
    if (strcmp(value_string(claims, "iss"), s->email) != 0)
        return "Invalid grant: account not found";
    if (strcmp(audience, endpoint) != 0 && strcmp(audience, GOOGLES_ENDPOINT) != 0)
        return "Invalid JWT: Failed audience check.";
    if (!*value_string(claims, "scope") == !*value_string(claims, "target_audience"))
        return "Invalid OAuth scope or ID token audience provided.";
    return time_problem(claims);
}

/* Blank-separated; the scope of all services, or one of the service's own. */
static bool scope_covers(const char *scope, const char *service)
{
    AUTO_FREE char *own = xasprintf(SCOPE_PREFIX "%s", service);
    for (; *scope; scope += strspn(scope, " ")) {
        size_t len = strcspn(scope, " ");
        if ((len == strlen(SCOPE_PREFIX "cloud-platform") &&
             !strncmp(scope, SCOPE_PREFIX "cloud-platform", len)) ||
            (len >= strlen(own) && !strncmp(scope, own, strlen(own)) &&
             strchr(" .", scope[strlen(own)])))
            return true;
        scope += len;
    }
    return false;
}

static const char *self_signed_problem(const struct token_store *s, const json_t *claims,
                                       const char *service)
{
    AUTO_FREE char *wanted = xasprintf("https://%s.googleapis.com/", service);
    const char *audience = value_string(claims, "aud"), *scope = value_string(claims, "scope");
    size_t bare = strlen(wanted) - 1; /* with or without the slash */
    if (strcmp(value_string(claims, "iss"), s->email) != 0 ||
        strcmp(value_string(claims, "sub"), s->email) != 0)
        return "the JWT's iss and sub are not the account that signed it";
    if (*audience ? strncmp(audience, wanted, bare) != 0 ||
                        (audience[bare] && strcmp(audience + bare, "/") != 0)
                  : !scope_covers(scope, service))
        return "the JWT is for another service";
    return time_problem(claims);
}

typedef const char *claims_check(const struct token_store *s, const json_t *claims,
                                 const char *wanted);

static int check_jwt(struct token_store *s, const char *jwt, claims_check *check,
                     const char *wanted, char target_audience[TARGET_AUDIENCE_MAX],
                     struct error *err)
{
    if (strlen(jwt) > JWT_MAX || !strchr(jwt, '.'))
        return error_set(err, ERROR_INVALID_PARAMETER, "Bad Request");
    json_t *claims = jwt_verify(s->key, jwt);
    if (!claims)
        return error_set(err, ERROR_FORBIDDEN, "Invalid JWT Signature.");
    const char *problem = check(s, claims, wanted);
    if (problem)
        error_set(err, ERROR_FORBIDDEN, "%s", problem);
    else if (target_audience)
        snprintf(target_audience, TARGET_AUDIENCE_MAX, "%s",
                 value_string(claims, "target_audience"));
    json_decref(claims);
    return problem ? -1 : 0;
}

int token_store_check_jwt(struct token_store *s, const char *jwt, const char *endpoint,
                          char target_audience[TARGET_AUDIENCE_MAX], struct error *err)
{
    return check_jwt(s, jwt, assertion_problem, endpoint, target_audience, err);
}

int token_store_check_self_signed(struct token_store *s, const char *jwt, const char *service,
                                  struct error *err)
{
    return check_jwt(s, jwt, self_signed_problem, service, NULL, err);
}
