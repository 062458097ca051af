/* SPDX-License-Identifier: Apache-2.0
 * JSON Web Tokens; see jwt.h. */
#include "test/sim/http/jwt.h"

#include "base/alloc.h"
#include "base/str.h"

#include <string.h>

/* base64url without padding (RFC 7515, 2); heap. */
static char *encode(const void *bytes, size_t len)
{
    char *text = base64_encode(bytes, len);
    for (char *at = text; *at; at++)
        *at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
    text[strcspn(text, "=")] = '\0';
    return text;
}

static char *encode_json(const json_t *value)
{
    AUTO_FREE char *text = json_dumps(value, JSON_COMPACT);
    return encode(text, strlen(text));
}

static json_t *decode_json(const char *text, size_t text_len)
{
    size_t len = 0;
    AUTO_FREE unsigned char *bytes = base64_decode(text, text_len, &len);
    return bytes ? json_loadb((char *)bytes, len, 0, NULL) : NULL;
}

char *jwt_sign(EVP_PKEY *key, const json_t *claims)
{
    json_t *header = json_pack("{s:s, s:s}", "alg", "RS256", "typ", "JWT");
    AUTO_FREE char *first = encode_json(header);
    AUTO_FREE char *second = encode_json(claims);
    AUTO_FREE char *text = xasprintf("%s.%s", first, second);
    unsigned char signature[1024];
    size_t len = sizeof signature;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    json_decref(header);
    if (EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) != 1 ||
        EVP_DigestSign(md, signature, &len, (const unsigned char *)text, strlen(text)) != 1)
        abort();
    EVP_MD_CTX_free(md);
    AUTO_FREE char *third = encode(signature, len);
    return xasprintf("%s.%s", text, third);
}

static bool signature_fits(EVP_PKEY *key, const char *jwt, size_t signed_len, const char *signature)
{
    size_t len = 0;
    AUTO_FREE unsigned char *bytes = base64_decode(signature, strlen(signature), &len);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = bytes && EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
              EVP_DigestVerify(md, bytes, len, (const unsigned char *)jwt, signed_len) == 1;
    EVP_MD_CTX_free(md);
    return ok;
}

json_t *jwt_verify(EVP_PKEY *key, const char *jwt)
{
    const char *first = strchr(jwt, '.'), *second = first ? strchr(first + 1, '.') : NULL;
    if (!second || strlen(jwt) > JWT_MAX ||
        !signature_fits(key, jwt, (size_t)(second - jwt), second + 1))
        return NULL;
    return decode_json(first + 1, (size_t)(second - first - 1));
}

json_t *jwt_header(const char *jwt)
{
    return decode_json(jwt, strcspn(jwt, "."));
}
