/* SPDX-License-Identifier: Apache-2.0
 * ID tokens ("Authenticating service-to-service" in the documentation); see id_token.h. */
#include "test/sim/gcp/id_token.h"

#include "base/alloc.h"
#include "base/str.h"
#include "test/sim/http/jwt.h"
#include "test/sim/http/value.h"

#include <openssl/rsa.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { KEY_BITS = 2048, SKEW_S = 300 };

struct id_token_signer {
    pthread_mutex_t lock;
    EVP_PKEY *key; /* NULL: nothing was issued with it yet */
};

struct id_token_signer *id_token_signer_new(void)
{
    struct id_token_signer *s = NEW(struct id_token_signer);
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void id_token_signer_free(struct id_token_signer *s)
{
    if (!s)
        return;
    EVP_PKEY_free(s->key);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void id_token_forget(struct id_token_signer *s)
{
    pthread_mutex_lock(&s->lock);
    EVP_PKEY_free(s->key);
    s->key = NULL;
    pthread_mutex_unlock(&s->lock);
}

char *id_token_issue(struct id_token_signer *s, const char *audience, const char *email,
                     int64_t ttl_s)
{
    int64_t now = value_now_ms() / 1000;
    json_t *claims = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:I, s:I}", "iss", ID_TOKEN_ISSUER,
                               "aud", audience, "azp", "100000000000000000001", "sub",
                               "100000000000000000001", "email", email, "email_verified", 1, "iat",
                               (json_int_t)now, "exp", (json_int_t)(now + ttl_s));
    pthread_mutex_lock(&s->lock);
    if (!s->key && !(s->key = EVP_RSA_gen(KEY_BITS)))
        abort();
    char *token = jwt_sign(s->key, claims);
    pthread_mutex_unlock(&s->lock);
    json_decref(claims);
    return token;
}

/* With or without a slash at the end. */
static bool is_audience(const char *wanted, const char *given)
{
    size_t len = strlen(wanted);
    return !strncmp(wanted, given, len) && (!given[len] || !strcmp(given + len, "/"));
}

static const char *claims_problem(const json_t *claims, const char *const *audiences)
{
    int64_t now = value_now_ms() / 1000;
    bool fits = false;
    for (; *audiences; audiences++)
        fits = fits || is_audience(*audiences, value_string(claims, "aud"));
    if (strcmp(value_string(claims, "iss"), ID_TOKEN_ISSUER) != 0)
        return "the issuer is not Google";
    if (value_int(claims, "exp", 0) <= now || value_int(claims, "iat", 0) > now + SKEW_S)
        return "the token has expired";
    return fits ? NULL : "the audience is not the URL of the service";
}

int id_token_check(struct id_token_signer *s, const char *token, const char *const *audiences,
                   char email[256], struct error *err)
{
    pthread_mutex_lock(&s->lock);
    json_t *claims = s->key && strchr(token, '.') ? jwt_verify(s->key, token) : NULL;
    pthread_mutex_unlock(&s->lock);
    const char *problem =
        claims ? claims_problem(claims, audiences) : "the token is not signed by Google";
    if (problem)
        error_set(err, ERROR_FORBIDDEN, "%s", problem);
    else
        snprintf(email, 256, "%s", value_string(claims, "email"));
    json_decref(claims);
    return problem ? -1 : 0;
}
