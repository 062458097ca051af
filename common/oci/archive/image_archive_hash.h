/* SPDX-License-Identifier: Apache-2.0
 *
 * A digest of bytes that come piece by piece.
 */
#ifndef SOCKERLESS_OCI_IMAGE_ARCHIVE_HASH_H
#define SOCKERLESS_OCI_IMAGE_ARCHIVE_HASH_H

#include "oci/name/digest.h"

#include <stddef.h>

struct archive_hash;

struct archive_hash *archive_hash_new(const char *algorithm); /* sha256, sha384, sha512 */
void archive_hash_add(struct archive_hash *h, const void *bytes, size_t len);
/* "sha256:…"; the hash starts anew. */
void archive_hash_take(struct archive_hash *h, char out[DIGEST_MAX]);
void archive_hash_free(struct archive_hash *h); /* NULL allowed */

#endif
