/* SPDX-License-Identifier: Apache-2.0
 * Credentials and tokens; see directory.h. */
#include "test/sim/azure/directory.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "test/sim/host/files.h"
#include "test/sim/http/jwt.h"
#include "test/sim/http/value.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { KEY_BITS = 2048, CERTIFICATE_DAYS = 30, CERTIFICATE_MAX = 65536, FEDERATED_TTL_S = 86400 };
#define ISSUER "https://oidc.sockerless-sim.example/"
#define SUBJECT "system:serviceaccount:sockerless:backend"

struct directory {
    struct directory_options options;
    pthread_mutex_t lock;
    int64_t generation; /* of tokens: earlier ones have expired */
    char *secret, *header;
    EVP_PKEY *own;         /* signs tokens, and those of workloads */
    EVP_PKEY *application; /* of its certificate; the public part when it was given */
    char *certificate_pem; /* with the private key; NULL when it was given */
};

/* ---- the application's certificate ---- */

static int read_certificate(struct directory *d, const char *path, struct error *err)
{
    struct buf text AUTO(buf) = BUF_INIT;
    if (files_read(path, CERTIFICATE_MAX, &text, err))
        return error_wrap(err, "--client-certificate");
    BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    d->application = certificate ? X509_get_pubkey(certificate) : NULL;
    X509_free(certificate);
    BIO_free(bio);
    if (d->application)
        return 0;
    return error_set(err, ERROR_INVALID_PARAMETER,
                     "--client-certificate: %s has no certificate in PEM", path);
}

static char *take_text(BIO *bio)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);
    char *out = xstrndup(data, (size_t)len);
    BIO_free(bio);
    return out;
}

/* Self-signed, as applications use them. */
static int make_certificate(struct directory *d, struct error *err)
{
    X509 *c = X509_new();
    BIO *bio = BIO_new(BIO_s_mem());
    d->application = EVP_RSA_gen(KEY_BITS);
    X509_NAME *name = X509_get_subject_name(c);
    X509_set_version(c, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
    X509_gmtime_adj(X509_getm_notBefore(c), -3600);
    X509_gmtime_adj(X509_getm_notAfter(c), CERTIFICATE_DAYS * 86400L);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"sockerless-sim",
                               -1, -1, 0);
    X509_set_issuer_name(c, name);
    bool good = d->application && X509_set_pubkey(c, d->application) &&
                X509_sign(c, d->application, EVP_sha256()) > 0 &&
                PEM_write_bio_PKCS8PrivateKey(bio, d->application, NULL, NULL, 0, NULL, NULL) &&
                PEM_write_bio_X509(bio, c);
    X509_free(c);
    d->certificate_pem = take_text(bio);
    return good ? 0 : error_set(err, ERROR_SYSTEM, "no certificate could be made");
}

/* ---- life ---- */

static char *given_or_random(const char *given)
{
    char hex[41];
    value_random_hex(hex, 40);
    return xstrdup(str_empty(given) ? hex : given);
}

struct directory *directory_new(const struct directory_options *options, struct error *err)
{
    struct directory *d = NEW(struct directory);
    pthread_mutex_init(&d->lock, NULL);
    d->options = *options;
    d->secret = given_or_random(options->client_secret);
    d->header = given_or_random(options->identity_header);
    d->own = EVP_RSA_gen(KEY_BITS);
    int rc = !d->own                ? error_set(err, ERROR_SYSTEM, "no RSA key could be made")
             : options->certificate ? read_certificate(d, options->certificate, err)
                                    : make_certificate(d, err);
    if (rc == 0)
        return d;
    directory_free(d);
    return NULL;
}

void directory_free(struct directory *d)
{
    if (!d)
        return;
    EVP_PKEY_free(d->own);
    EVP_PKEY_free(d->application);
    pthread_mutex_destroy(&d->lock);
    free(d->certificate_pem);
    free(d->secret);
    free(d->header);
    free(d);
}

const char *directory_tenant(const struct directory *d)
{
    return d->options.tenant;
}

const char *directory_client_id(const struct directory *d)
{
    return d->options.client_id;
}

const char *directory_identity(const struct directory *d)
{
    return d->options.identity_client_id;
}

bool directory_secret_fits(const struct directory *d, const char *secret)
{
    return str_equal_secret(d->secret, secret);
}

bool directory_identity_header_fits(const struct directory *d, const char *header)
{
    return str_equal_secret(d->header, header);
}

/* ---- files for clients ---- */

static int write_text(const char *dir, const char *name, const char *text, struct error *err)
{
    AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
    return files_write(path, text, strlen(text), err);
}

int directory_write_files(struct directory *d, const char *dir, struct error *err)
{
    json_t *values =
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "tenantId", d->options.tenant, "clientId",
                  d->options.client_id, "clientSecret", d->secret, "identityClientId",
                  d->options.identity_client_id, "identityHeader", d->header);
    int64_t now = value_now_ms() / 1000;
    json_t *claims = json_pack("{s:s, s:s, s:[s], s:I, s:I, s:I}", "iss", ISSUER, "sub", SUBJECT,
                               "aud", DIRECTORY_FEDERATION_AUDIENCE, "iat", (json_int_t)now, "nbf",
                               (json_int_t)now, "exp", (json_int_t)(now + FEDERATED_TTL_S));
    AUTO_FREE char *text = json_dumps(values, JSON_INDENT(2));
    AUTO_FREE char *token = jwt_sign(d->own, claims);
    json_decref(values);
    json_decref(claims);
    if (write_text(dir, "azure.json", text, err) || write_text(dir, "federated-token", token, err))
        return -1;
    return d->certificate_pem ? write_text(dir, "client-certificate.pem", d->certificate_pem, err)
                              : 0;
}

json_t *directory_assertion_claims(struct directory *d, const char *jwt, bool *federated)
{
    json_t *claims = jwt_verify(d->application, jwt);
    *federated = !claims;
    if (claims)
        return claims;
    claims = jwt_verify(d->own, jwt);
    if (claims && (strcmp(value_string(claims, "iss"), ISSUER) != 0 ||
                   strcmp(value_string(claims, "sub"), SUBJECT) != 0)) {
        json_decref(claims);
        return NULL;
    }
    return claims;
}

/* ---- tokens ---- */

char *directory_issue(struct directory *d, const char *audience, const char *principal,
                      int64_t ttl_s, const json_t *more)
{
    AUTO_FREE char *issuer = xasprintf("https://sts.windows.net/%s/", d->options.tenant);
    char unique[33];
    int64_t now = value_now_ms() / 1000;
    value_random_hex(unique, 32);
    pthread_mutex_lock(&d->lock);
    json_int_t generation = d->generation;
    pthread_mutex_unlock(&d->lock);
    json_t *claims =
        json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:I}", "aud", audience, "iss",
                  issuer, "iat", (json_int_t)now, "nbf", (json_int_t)now, "exp",
                  (json_int_t)(now + ttl_s), "appid", principal, "tid", d->options.tenant, "ver",
                  "1.0", "uti", unique, "sim_generation", generation);
    if (more)
        json_object_update(claims, (json_t *)more);
    char *token = jwt_sign(d->own, claims);
    json_decref(claims);
    return token;
}

void directory_expire_all(struct directory *d)
{
    pthread_mutex_lock(&d->lock);
    d->generation++;
    pthread_mutex_unlock(&d->lock);
}

static bool same_audience(const char *a, const char *b)
{
    size_t len_a = strlen(a), len_b = strlen(b);
    len_a -= str_ends(a, "/");
    len_b -= str_ends(b, "/");
    return len_a == len_b && !strncasecmp(a, b, len_a);
}

enum directory_verdict directory_check(struct directory *d, const char *token, const char *audience,
                                       char principal[64], json_t **claims)
{
    json_t *found = jwt_verify(d->own, token);
    enum directory_verdict verdict = TOKEN_GOOD;
    pthread_mutex_lock(&d->lock);
    bool expired = value_int(found, "exp", 0) <= value_now_ms() / 1000 ||
                   value_int(found, "sim_generation", -1) != d->generation;
    pthread_mutex_unlock(&d->lock);
    principal[0] = '\0';
    if (!found || !*value_string(found, "appid"))
        verdict = TOKEN_BAD;
    else if (!same_audience(value_string(found, "aud"), audience))
        verdict = TOKEN_OTHER_AUDIENCE;
    else if (expired)
        verdict = TOKEN_EXPIRED;
    else
        snprintf(principal, 64, "%s", value_string(found, "appid"));
    if (claims)
        *claims = verdict == TOKEN_GOOD ? json_incref(found) : NULL;
    json_decref(found);
    return verdict;
}
