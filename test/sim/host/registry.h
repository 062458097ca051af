/* SPDX-License-Identifier: Apache-2.0
 *
 * Registry v2 client: manifests and blobs by libcurl, every blob's digest verified.
 */
#ifndef SOCKERLESS_SIM_HOST_REGISTRY_H
#define SOCKERLESS_SIM_HOST_REGISTRY_H

#include "base/buf.h"
#include "base/error.h"

#include <stddef.h>

struct registry;

/* base_url is copied; repository too. One object serves one pull, by one thread. */
struct registry *registry_open(const char *base_url, const char *repository);
void registry_close(struct registry *r);
/* Manifest or list by tag or digest into out; digest_out receives "sha256:…" of the bytes.
 * ERROR_NOT_FOUND when the registry has none. */
int registry_manifest(struct registry *r, const char *tag_or_digest, struct buf *out,
                      char digest_out[72], struct error *err) MUST_CHECK;
/* A blob into a file; removed again when the digest does not match. */
int registry_blob_to_file(struct registry *r, const char *digest, const char *path,
                          struct error *err) MUST_CHECK;
/* A small blob (an image's config) into memory. */
int registry_blob(struct registry *r, const char *digest, struct buf *out,
                  struct error *err) MUST_CHECK;

#endif
