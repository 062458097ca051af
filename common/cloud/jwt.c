/* SPDX-License-Identifier: Apache-2.0
 * JWT signing; see jwt.h. */
#include "cloud/jwt.h"

#include "base/alloc.h"
#include "base/str.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

char *jwt_base64url(const void *bytes, size_t len)
{
    char *text = base64_encode(bytes, len);
    for (char *p = text; *p; p++)
        *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
    text[strcspn(text, "=")] = '\0';
    return text;
}

/* No passphrase: without this OpenSSL would ask on the terminal. */
static int no_passphrase(char *out, int size, int writing, void *arg)
{
    (void)out, (void)size, (void)writing, (void)arg;
    return -1;
}

static EVP_PKEY *key_load(const char *pem)
{
    size_t len = strlen(pem);
    BIO *bio = len < INT_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    if (key && EVP_PKEY_base_id(key) != EVP_PKEY_RSA) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return key;
}

/* Heap bytes; NULL: OpenSSL would not. */
static unsigned char *sign(EVP_PKEY *key, const char *text, size_t *len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char *out = NULL;
    const unsigned char *bytes = (const unsigned char *)text;
    if (ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestSign(ctx, NULL, len, bytes, strlen(text)) == 1) {
        out = xmalloc(*len);
        if (EVP_DigestSign(ctx, out, len, bytes, strlen(text)) != 1) {
            free(out);
            out = NULL;
        }
    }
    EVP_MD_CTX_free(ctx);
    return out;
}

char *jwt_sign(const char *header, const char *claims, const char *key_pem, const char *key_name,
               struct error *err)
{
    char *head AUTO_FREE = jwt_base64url(header, strlen(header));
    char *body AUTO_FREE = jwt_base64url(claims, strlen(claims));
    char *input AUTO_FREE = xasprintf("%s.%s", head, body);
    size_t len = 0;
    EVP_PKEY *key = key_load(key_pem);
    unsigned char *signature AUTO_FREE = key ? sign(key, input, &len) : NULL;
    EVP_PKEY_free(key);
    ERR_clear_error(); /* libcurl's TLS looks at the same queue */
    if (!signature) {
        error_set(err, ERROR_FORBIDDEN, "%s is not an RSA private key in PEM format", key_name);
        return NULL;
    }
    char *encoded AUTO_FREE = jwt_base64url(signature, len);
    return xasprintf("%s.%s", input, encoded);
}
