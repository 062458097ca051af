/* SPDX-License-Identifier: Apache-2.0
 * Credential source: an application; see azure_source.h. (Microsoft identity platform, "client
 * credentials flow", "Certificate credentials", "Workload identity federation".) */
#include "base/alloc.h"
#include "base/id.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/small_file.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cloud/azure/azure_source.h"
#include "cloud/jwt.h"
#include "loop/http_url.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

enum { ASSERTION_LIFE_S = 600, SKEW_S = 10, FORM_ROOM = 2048 };

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

struct application {
    const char *tenant, *client_id;
};

static int find_application(struct application *out, struct error *err)
{
    out->tenant = getenv("AZURE_TENANT_ID");
    out->client_id = getenv("AZURE_CLIENT_ID");
    if (str_empty(out->tenant))
        return error_set(err, ERROR_FORBIDDEN, "AZURE_TENANT_ID is not set");
    if (str_empty(out->client_id))
        return error_set(err, ERROR_FORBIDDEN, "AZURE_CLIENT_ID is not set");
    return azure_id_check("AZURE_TENANT_ID", out->tenant, err) ||
                   azure_id_check("AZURE_CLIENT_ID", out->client_id, err)
               ? -1
               : 0;
}

/* It must not move later: see secret_buf_free. */
static void begin_form(struct buf *form, const struct application *app, size_t secret_len)
{
    buf_reserve(form, FORM_ROOM + 3 * secret_len);
    http_form_put(form, "grant_type", "client_credentials");
    http_form_put(form, "client_id", app->client_id);
}

static int co_secret(const struct azure_context *context, const struct application *app,
                     const char *secret, struct access_token *out, struct error *err)
{
    struct buf form AUTO(secret_buf) = BUF_INIT;
    begin_form(&form, app, strlen(secret));
    http_form_put(&form, "client_secret", secret);
    return co_azure_token(context, "client secret", app->tenant, &form, out, err);
}

static int co_assertion(const struct azure_context *context, const struct application *app,
                        const char *what, const char *assertion, struct access_token *out,
                        struct error *err)
{
    struct buf form AUTO(secret_buf) = BUF_INIT;
    begin_form(&form, app, strlen(assertion));
    http_form_put(&form, "client_assertion_type", ASSERTION_TYPE);
    http_form_put(&form, "client_assertion", assertion);
    return co_azure_token(context, what, app->tenant, &form, out, err);
}

/* ---- certificates ---- */

static int thumbprint(const char *pem, unsigned char out[EVP_MAX_MD_SIZE], unsigned *len,
                      struct error *err)
{
    size_t size = strlen(pem);
    BIO *bio = size < INT_MAX ? BIO_new_mem_buf(pem, (int)size) : NULL;
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    bool done = certificate && X509_digest(certificate, EVP_sha1(), out, len) == 1;
    X509_free(certificate);
    BIO_free(bio);
    ERR_clear_error(); /* libcurl's TLS looks at the same queue */
    if (done)
        return 0;
    return error_set(err, ERROR_FORBIDDEN, "the file holds no certificate in PEM format");
}

static void write_claims(struct buf *out, const struct application *app, const char *audience)
{
    struct json_writer w;
    char id[ID_HEX_LEN + 1];
    int64_t now_s = time_now_ns() / 1000000000 - SKEW_S;
    id_new(id);
    json_writer_init(&w, out);
    json_object_open(&w);
    json_member_string(&w, "aud", audience);
    json_member_string(&w, "iss", app->client_id);
    json_member_string(&w, "sub", app->client_id);
    json_member_string(&w, "jti", id);
    json_member_int(&w, "nbf", now_s);
    json_member_int(&w, "iat", now_s);
    json_member_int(&w, "exp", now_s + ASSERTION_LIFE_S);
    json_object_close(&w);
}

/* x5t is the certificate's SHA-1 thumbprint: the one that every tenant accepts. */
static char *make_assertion(const struct application *app, const char *pem, const char *audience,
                            struct error *err)
{
    struct buf header AUTO(buf) = BUF_INIT, claims AUTO(buf) = BUF_INIT;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    struct json_writer w;
    if (thumbprint(pem, digest, &len, err))
        return NULL;
    AUTO_FREE char *x5t = jwt_base64url(digest, len);
    json_writer_init(&w, &header);
    json_object_open(&w);
    json_member_string(&w, "alg", "RS256");
    json_member_string(&w, "typ", "JWT");
    json_member_string(&w, "x5t", x5t);
    json_object_close(&w);
    write_claims(&claims, app, audience);
    return jwt_sign(header.data, claims.data, pem, "the key in the file", err);
}

/* The file is read anew each time: it may have been replaced by a newer certificate. */
static int co_certificate(const struct azure_context *context, const struct application *app,
                          const char *path, struct access_token *out, struct error *err)
{
    char *pem AUTO(secret) = small_file_read(path, ERROR_FORBIDDEN, err);
    if (!pem)
        return -1;
    AUTO_FREE char *audience = azure_token_url(context, app->tenant, err);
    if (!audience)
        return -1;
    char *assertion AUTO(secret) = make_assertion(app, pem, audience, err);
    if (!assertion)
        return error_wrap(err, "%s", path);
    return co_assertion(context, app, "client certificate", assertion, out, err);
}

/* The platform writes a new token into the file before the old one ends. */
static int co_federated(const struct azure_context *context, const struct application *app,
                        const char *path, struct access_token *out, struct error *err)
{
    char *token AUTO(secret) = small_file_read(path, ERROR_FORBIDDEN, err);
    if (!token)
        return -1;
    if (!*token)
        return error_set(err, ERROR_FORBIDDEN, "%s is empty", path);
    return co_assertion(context, app, "federated token", token, out, err);
}

/* ---- the source ---- */

static const struct {
    const char *variable;
    int (*co_take)(const struct azure_context *context, const struct application *app,
                   const char *value, struct access_token *out, struct error *err);
} kinds[] = {
    {"AZURE_CLIENT_SECRET", co_secret},
    {"AZURE_CLIENT_CERTIFICATE_PATH", co_certificate},
    {"AZURE_FEDERATED_TOKEN_FILE", co_federated},
};

int co_azure_application(const struct azure_context *context, struct access_token *out, bool *found,
                         struct error *err)
{
    struct application app;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const char *value = getenv(kinds[i].variable);
        if (str_empty(value))
            continue;
        *found = true;
        if (find_application(&app, err) || kinds[i].co_take(context, &app, value, out, err))
            return error_wrap(err, "%s", kinds[i].variable);
        return 0;
    }
    return 0;
}
