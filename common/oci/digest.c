/* SPDX-License-Identifier: Apache-2.0
 * Content digests; see digest.h. */
#include "oci/digest.h"

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

static void compute(const struct algorithm *a, const void *bytes, size_t len, char out[DIGEST_MAX])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned hash_len = 0;
    if (EVP_Digest(bytes, len, hash, &hash_len, a->evp(), NULL) != 1)
        abort(); /* a hash of memory fails only without memory */
    size_t prefix = strlen(a->prefix);
    memcpy(out, a->prefix, prefix);
    hex_encode(hash, a->hex_len / 2, out + prefix);
}

void digest_sha256(const void *bytes, size_t len, char out[DIGEST_MAX])
{
    compute(&algorithms[0], bytes, len, out);
}

int digest_verify(const char *digest, const void *bytes, size_t len, struct error *err)
{
    char actual[DIGEST_MAX];
    const struct algorithm *a = algorithm_of(digest);
    if (!a)
        return error_set(err, ERROR_SYSTEM, "unsupported digest algorithm in %.100s", digest);
    compute(a, bytes, len, actual);
    if (strcmp(actual, digest) == 0)
        return 0;
    return error_set(err, ERROR_SYSTEM, "verification failed: expected digest %.140s, got %s",
                     digest, actual);
}
