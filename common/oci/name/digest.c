/* SPDX-License-Identifier: Apache-2.0
 * Content digests; see digest.h. */
#include "oci/name/digest.h"

#include "base/alloc.h"
#include "base/str.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

static const struct algorithm {
    const char *prefix;
    size_t hex_len;
    const EVP_MD *(*evp)(void);
} algorithms[] = {
    {"sha256:", 64, EVP_sha256},
    {"sha384:", 96, EVP_sha384},
    {"sha512:", 128, EVP_sha512},
};

static const struct algorithm *algorithm_of(const char *digest)
{
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
        if (str_starts(digest, algorithms[i].prefix))
            return &algorithms[i];
    return NULL;
}

bool digest_valid(const char *digest)
{
    const struct algorithm *a = algorithm_of(digest);
    return a && strlen(digest) == strlen(a->prefix) + a->hex_len &&
           str_is_hex(digest + strlen(a->prefix), a->hex_len);
}

static void hash_text(const struct algorithm *a, const unsigned char *hash, char out[DIGEST_MAX])
{
    size_t prefix = strlen(a->prefix);
    memcpy(out, a->prefix, prefix);
    hex_encode(hash, a->hex_len / 2, out + prefix);
}

static void compute(const struct algorithm *a, const void *bytes, size_t len, char out[DIGEST_MAX])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned hash_len = 0;
    if (EVP_Digest(bytes, len, hash, &hash_len, a->evp(), NULL) != 1)
        abort(); /* a hash of memory fails only without memory */
    hash_text(a, hash, out);
}

void digest_sha256(const void *bytes, size_t len, char out[DIGEST_MAX])
{
    compute(&algorithms[0], bytes, len, out);
}

static const struct algorithm *algorithm_for(const char *digest, struct error *err)
{
    const struct algorithm *a = algorithm_of(digest);
    if (!a)
        error_set(err, ERROR_SYSTEM, "unsupported digest algorithm in %.100s", digest);
    return a;
}

static int compare(const char *expected, const char *actual, struct error *err)
{
    if (strcmp(actual, expected) == 0)
        return 0;
    return error_set(err, ERROR_SYSTEM, "verification failed: expected digest %.140s, got %s",
                     expected, actual);
}

int digest_verify(const char *digest, const void *bytes, size_t len, struct error *err)
{
    char actual[DIGEST_MAX];
    const struct algorithm *a = algorithm_for(digest, err);
    if (!a)
        return -1;
    compute(a, bytes, len, actual);
    return compare(digest, actual, err);
}

int digest_check_open(struct digest_check *c, const char *digest, struct error *err)
{
    const struct algorithm *a = algorithm_for(digest, err);
    if (!a)
        return -1;
    snprintf(c->expected, sizeof c->expected, "%s", digest);
    c->hash = EVP_MD_CTX_new();
    if (!c->hash || EVP_DigestInit_ex(c->hash, a->evp(), NULL) != 1)
        abort(); /* out of memory */
    return 0;
}

void digest_check_add(struct digest_check *c, const void *bytes, size_t len)
{
    if (EVP_DigestUpdate(c->hash, bytes, len) != 1)
        abort(); /* only misuse of OpenSSL fails here */
}

int digest_check_end(struct digest_check *c, struct error *err)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    char actual[DIGEST_MAX];
    unsigned hash_len = 0;
    if (EVP_DigestFinal_ex(c->hash, hash, &hash_len) != 1)
        abort();
    hash_text(algorithm_of(c->expected), hash, actual);
    return compare(c->expected, actual, err);
}

void digest_check_close(struct digest_check *c)
{
    EVP_MD_CTX_free(c->hash);
    c->hash = NULL;
}
