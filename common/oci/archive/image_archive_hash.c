/* SPDX-License-Identifier: Apache-2.0
 * Digests piece by piece; see image_archive_hash.h. */
#include "oci/archive/image_archive_hash.h"

#include "base/alloc.h"
#include "base/str.h"

#include <openssl/evp.h>
#include <stdio.h>

struct archive_hash {
    EVP_MD *md; /* fetched once: EVP_sha256() is looked up at every use */
    EVP_MD_CTX *ctx;
    char algorithm[8];
};

static void check(int ok)
{
    if (!ok)
        abort(); /* a hash of memory fails only without memory */
}

struct archive_hash *archive_hash_new(const char *algorithm)
{
    struct archive_hash *h = NEW(struct archive_hash);
    snprintf(h->algorithm, sizeof h->algorithm, "%s", algorithm);
    h->md = EVP_MD_fetch(NULL, algorithm, NULL);
    h->ctx = EVP_MD_CTX_new();
    check(h->md && h->ctx && EVP_DigestInit_ex2(h->ctx, h->md, NULL));
    return h;
}

void archive_hash_add(struct archive_hash *h, const void *bytes, size_t len)
{
    check(EVP_DigestUpdate(h->ctx, bytes, len));
}

void archive_hash_take(struct archive_hash *h, char out[DIGEST_MAX])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    check(EVP_DigestFinal_ex(h->ctx, hash, &len));
    int prefix = snprintf(out, DIGEST_MAX, "%s:", h->algorithm);
    hex_encode(hash, len, out + prefix);
    check(EVP_DigestInit_ex2(h->ctx, h->md, NULL));
}

void archive_hash_free(struct archive_hash *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    EVP_MD_free(h->md);
    free(h);
}
