/* SPDX-License-Identifier: Apache-2.0
 *
 * Manifests: OCI image manifests and indexes, Docker's schema 2 manifests and manifest lists
 * (OCI image-spec manifest.md, image-index.md; distribution spec manifest-v2-2). Docker's schema 1
 * is refused. Everything is in the caller's arena.
 */
#ifndef SOCKERLESS_OCI_MANIFEST_H
#define SOCKERLESS_OCI_MANIFEST_H

#include "base/arena.h"
#include "base/error.h"
#include "oci/name/platform.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MANIFEST_LAYERS_MAX = 1024, MANIFEST_ENTRIES_MAX = 4096 };

/* What a client accepts, for the Accept header. */
#define MANIFEST_ACCEPT                                                                            \
    "application/vnd.oci.image.index.v1+json, "                                                    \
    "application/vnd.docker.distribution.manifest.list.v2+json, "                                  \
    "application/vnd.oci.image.manifest.v1+json, "                                                 \
    "application/vnd.docker.distribution.manifest.v2+json"

struct descriptor {
    const char *media_type; /* "" when absent */
    const char *digest;     /* checked: digest_valid() */
    int64_t size;           /* >= 0 */
};

struct manifest_entry { /* of an index */
    struct descriptor descriptor;
    bool has_platform;
    bool is_attestation;
    struct platform platform;
};

struct manifest {
    bool is_index;
    struct manifest_entry *entries; /* index */
    size_t entry_count;
    struct descriptor config; /* manifest */
    struct descriptor *layers;
    size_t layer_count;
    int64_t layers_size;
};

/* content_type: of the answer it came in; may be NULL. ERROR_INVALID_PARAMETER when it is no
 * manifest of a container image. */
int manifest_parse(const void *bytes, size_t len, const char *content_type, struct arena *arena,
                   struct manifest *out, struct error *err) MUST_CHECK;

/* The entry of an index that serves `want` best; ERROR_NOT_FOUND with Docker's text. */
int manifest_select(const struct manifest *index, const struct platform *want,
                    const struct descriptor **out, struct error *err) MUST_CHECK;

#endif
