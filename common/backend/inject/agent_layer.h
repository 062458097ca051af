/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent's binary as an image layer, made once and again when the file changes.
 */
#ifndef SOCKERLESS_BACKEND_AGENT_LAYER_H
#define SOCKERLESS_BACKEND_AGENT_LAYER_H

#include "backend/state/backend_internal.h"
#include "loop/co.h"
#include "oci/archive/image_archive.h"

#include <sys/types.h>
#include <time.h>

struct agent_layer { /* zero-initialised is ready */
    struct archive_layer layer;
    void *bytes; /* NULL: none yet */
    size_t len;
    struct timespec changed; /* of the file it was made from */
    off_t file_size;
    bool making;
    struct co_cond made;
};

/* Up to date on return. ERROR_INVALID_PARAMETER, with what to configure, when there is no file. */
int co_agent_layer_update(struct backend *b, struct agent_layer *a, struct error *err) MUST_CHECK;
void agent_layer_fini(struct agent_layer *a);

#endif
