/* SPDX-License-Identifier: Apache-2.0
 *
 * What registries answer when something is wrong, in Docker's words
 * (distribution spec, error codes; moby distribution/errors.go).
 */
#ifndef SOCKERLESS_OCI_REGISTRY_ERROR_H
#define SOCKERLESS_OCI_REGISTRY_ERROR_H

#include "base/error.h"
#include "loop/http_client.h"
#include "oci/name/image_ref.h"

/* res: an answer that is no success. ref: what was pulled; NULL: it was no pull, whose errors
 * Docker prints without the image's name. `denied`: the challenge said insufficient_scope, or there
 * was nothing to log in with: then a 401 means "does not exist or needs a login". Returns -1. */
int registry_error_set(struct error *err, const struct http_response *res,
                       const struct image_ref *ref, bool denied);

/* The text for a repository that may exist or not. ref as above. Returns -1. */
int registry_error_denied(struct error *err, const struct image_ref *ref, const char *message);

/* "message" of the first of the answer's errors, or of its "details"/"error" as token services
 * have it, cleaned for display. Returns out, "" when there is none. */
char *registry_error_message(const struct http_response *res, char *out, size_t size);

#endif
