/* SPDX-License-Identifier: Apache-2.0
 *
 * Content digests, "algorithm:hex" (OCI image specification, descriptor.md#digests).
 */
#ifndef SOCKERLESS_OCI_DIGEST_H
#define SOCKERLESS_OCI_DIGEST_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct evp_md_ctx_st; /* OpenSSL's EVP_MD_CTX */

/* Longest accepted: sha512 with its NUL. */
enum { DIGEST_MAX = 7 + 128 + 1, DIGEST_SHA256_LEN = 7 + 64 };

/* A known algorithm (sha256, sha384, sha512) and exactly its number of lower-case hex digits. */
bool digest_valid(const char *digest);
/* "sha256:…" of the bytes. */
void digest_sha256(const void *bytes, size_t len, char out[DIGEST_MAX]);
/* The bytes are what the (valid) digest names; else ERROR_SYSTEM. */
int digest_verify(const char *digest, const void *bytes, size_t len, struct error *err) MUST_CHECK;

/* The same for what comes in pieces. */
struct digest_check {
    char expected[DIGEST_MAX];
    struct evp_md_ctx_st *hash;
};
int digest_check_open(struct digest_check *c, const char *digest, struct error *err) MUST_CHECK;
void digest_check_add(struct digest_check *c, const void *bytes, size_t len);
int digest_check_end(struct digest_check *c, struct error *err) MUST_CHECK;
void digest_check_close(struct digest_check *c); /* zero-initialised is fine, too */

#endif
