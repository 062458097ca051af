/* SPDX-License-Identifier: Apache-2.0
 *
 * Image references: what users write, made complete, and back
 * (github.com/distribution/reference: the grammar in regexp.go and the normalisation of
 * ParseNormalizedNamed).
 *
 *     busybox                        docker.io  library/busybox
 *     user/x:tag                     docker.io  user/x            tag
 *     localhost/x, [::1]:5000/x      the part before the first '/' is a registry when it holds '.',
 *                                    ':' or an upper-case letter, or is "localhost"
 *     host:5000/a/b:tag@sha256:…     both tag and digest: the digest decides
 *     sha256:…, 64 hex digits        an image id: domain and path are empty
 */
#ifndef SOCKERLESS_OCI_IMAGE_REF_H
#define SOCKERLESS_OCI_IMAGE_REF_H

#include "base/error.h"
#include "oci/name/digest.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    IMAGE_REF_NAME_MAX = 255, /* domain and path together, as Docker */
    IMAGE_REF_TAG_MAX = 128,
    IMAGE_REF_TEXT_MAX = IMAGE_REF_NAME_MAX + 1 + IMAGE_REF_TAG_MAX + 1 + DIGEST_MAX,
};

struct image_ref {
    char domain[IMAGE_REF_NAME_MAX + 1]; /* "docker.io", "host:5000" */
    char path[IMAGE_REF_NAME_MAX + 1];   /* "library/busybox" */
    char tag[IMAGE_REF_TAG_MAX + 1];     /* "" when there is none */
    char digest[DIGEST_MAX];             /* "" when there is none */
};

/* A repository with optional tag and digest. ERROR_INVALID_PARAMETER with Docker's text. */
int image_ref_parse(const char *text, struct image_ref *out, struct error *err) MUST_CHECK;
/* The same, or an image id. */
int image_ref_parse_any(const char *text, struct image_ref *out, struct error *err) MUST_CHECK;
static inline bool image_ref_is_id(const struct image_ref *ref)
{
    return ref->domain[0] == '\0';
}
/* "latest", unless there is a tag or a digest already. */
void image_ref_default_tag(struct image_ref *ref);
bool image_ref_tag_valid(const char *tag);
/* A request's tag parameter takes the place of the reference's own; "" changes nothing.
 * ERROR_INVALID_PARAMETER with Docker's text. */
int image_ref_set_tag(struct image_ref *ref, const char *tag, struct error *err) MUST_CHECK;
/* What a pull asks for. image: a repository with optional tag and digest; a colon at its end is
 * what old clients say for all tags. tag: "", or a tag, or a digest instead of the image's own tag
 * and digest. *out with neither tag nor digest: all tags. */
int image_ref_parse_pull(const char *image, const char *tag, struct image_ref *out,
                         struct error *err) MUST_CHECK;

/* As people write it, without docker.io and library. Both cut at `size`; IMAGE_REF_TEXT_MAX is
 * always enough. Return out. */
char *image_ref_familiar_name(const struct image_ref *ref, char *out, size_t size); /* busybox */
char *image_ref_familiar(const struct image_ref *ref, char *out, size_t size); /* busybox:1@sha… */
/* Complete: docker.io/library/busybox:1. */
char *image_ref_full(const struct image_ref *ref, char *out, size_t size);

#endif
