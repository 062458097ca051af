/* SPDX-License-Identifier: Apache-2.0
 *
 * An image that the agent's layer is taken from, instead of the local binary: one layer that holds
 * AGENT_IMAGE_PATH, which is also the image's entrypoint. The layer is mounted where both
 * repositories are in one registry, else it streams through the backend.
 */
#ifndef SOCKERLESS_BACKEND_AGENT_IMAGE_H
#define SOCKERLESS_BACKEND_AGENT_IMAGE_H

#include "backend/state/backend_internal.h"
#include "oci/archive/image_archive.h"
#include "oci/name/image_ref.h"

struct agent_image { /* zero-initialised is ready */
    bool known;
    int64_t read_ms; /* monotonic */
    struct image_ref ref;
    struct archive_layer layer;
};

/* What config->agent_image names; read again after --image-ttl-s. ERROR_INVALID_PARAMETER for an
 * image that is not as said above. */
int co_agent_image_update(struct backend *b, struct agent_image *a, struct error *err) MUST_CHECK;
/* Brings the layer to a repository. a: a copy, of the caller's. */
int co_agent_image_send(struct backend *b, const struct agent_image *a, const struct image_ref *to,
                        struct error *err) MUST_CHECK;

#endif
